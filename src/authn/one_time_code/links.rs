use super::codes::check_lifetime;
use super::entry::SENDING_WINDOW;
use super::sender::{Content, Message};
use super::tags::{NAME, Tags};
use super::{CodeError, ConfigError, Outbox, Purpose, Recipient};
use crate::authn::Refusal;
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::store::{Key, Namespace, OwnedPut, Owner, OwnerLimit, Store};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

const LINKS: Namespace = Namespace::values("link-token");
const SENT: Namespace = Namespace::counters("link-token-sent");

/// Random bytes of a token: 256 bits, where ASVS 5.0 and RFC 6749 section 10.10 ask 128.
const SECRET: usize = 32;

/// A token says whose it is, in a name that only we know the meaning of, and the secret.
const TOKEN: usize = NAME + SECRET;

const LIFETIME: Duration = Duration::from_secs(60 * 60);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens of links in mails: for the verification of an address, the reset of a password.
/// Cheap to clone. See the [module](super) for the rules.
///
/// ```
/// # use portcullis::authn::one_time_code::*;
/// # use portcullis::{secret::SecretBytes, store::Store};
/// # #[derive(Debug)]
/// # struct Mail(std::sync::mpsc::SyncSender<String>);
/// # impl CodeSender for Mail {
/// #     fn send(&self, message: Message) -> Sending {
/// #         let Content::LinkToken(token) = message.content() else { unreachable!() };
/// #         self.0.send(token.expose().to_owned()).unwrap();
/// #         Box::pin(async { Ok(()) })
/// #     }
/// # }
/// # #[tokio::main(flavor = "multi_thread", worker_threads = 1)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SecretBytes::from(vec![7; 32]);
/// # let (sender, mails) = std::sync::mpsc::sync_channel(1);
/// # let mail = Mail(sender);
/// const RESET: Purpose = Purpose::new("password-reset");
/// let links = LinkTokens::builder(Store::memory(), &key, Outbox::new(mail)).build()?;
///
/// // Whom the typed address was found to be, or `None`: the answer is the same.
/// links.issue_quietly(RESET, Some(&Recipient::new("user-17", "ann@example.com"))).await?;
///
/// // What came back from the page behind the link, by POST:
/// # let token = mails.recv()?;
/// let redeemed = links.redeem(RESET, &token).await?;
/// assert_eq!(redeemed.user(), "user-17");
/// assert!(links.redeem(RESET, &token).await.is_err(), "once");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LinkTokens {
    store: Store,
    tags: Tags,
    outbox: Outbox,
    lifetime: Duration,
    most: u32,
    random: Random,
}

/// Whom a token was sent to, and where: what it proves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    user: String,
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

impl Redeemed {
    /// The user's id.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The address that it was sent to. It may not be the user's any more.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the message was [about](Recipient::about).
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }
}

/// Addresses are personal data, so none is shown.
impl fmt::Debug for Redeemed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redeemed")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl LinkTokens {
    /// Keeps tokens in `store`, hashed with `key`, and sends them by `outbox`. The key is at
    /// least 32 random bytes, the same on all machines, and not kept where the store is.
    pub fn builder(store: Store, key: &SecretBytes, outbox: Outbox) -> LinkTokensBuilder {
        let links = Tags::new(key).map(|tags| Self {
            store,
            tags,
            outbox,
            lifetime: LIFETIME,
            most: 5,
            random: Random::secure(),
        });
        LinkTokensBuilder(links)
    }

    /// Sends a link to somebody who is known, as to verify a new address, and voids the last
    /// one.
    ///
    /// # Errors
    /// [`TooMany`](CodeError::TooMany) when another may be sent only later.
    pub async fn issue(&self, purpose: Purpose, to: &Recipient<'_>) -> Result<(), CodeError> {
        let place = self.outbox.reserve()?;
        let name = self.tags.name(purpose, to.user);
        let address = self.tags.address(purpose, to.address);
        if let Err(retry_after) = self.count(&address).await? {
            return Err(CodeError::TooMany { retry_after });
        }
        let message = self.make(purpose, name, to).await?;
        self.outbox.send(place, Some(message));
        Ok(())
    }

    /// Sends a link to somebody who has proved nothing, as to reset a password: hand over whom
    /// you found for what was typed, `None` when there is nobody. The answer and the work are
    /// the same, also where nothing may be sent now. Limit requests by address too.
    ///
    /// # Errors
    /// None that tells anything of the user.
    pub async fn issue_quietly(
        &self,
        purpose: Purpose,
        to: Option<&Recipient<'_>>,
    ) -> Result<(), CodeError> {
        let place = self.outbox.reserve()?;
        let nobody = self.tags.nobody(purpose, self.random.bytes());
        let somebody = self.tags.name(purpose, to.map_or("", |to| to.user));
        let name = if to.is_some() { somebody } else { nobody };
        let address = self.tags.address(purpose, to.map_or("", |to| to.address));
        let counted = if to.is_some() { address } else { nobody };
        let is_allowed = self.count(&counted).await?.is_ok();
        let sent_to = to.filter(|_| is_allowed);
        let name = if sent_to.is_some() { name } else { nobody };
        let to = sent_to.copied().unwrap_or(Recipient::new("", ""));
        let message = self.make(purpose, name, &to).await?;
        self.outbox.send(place, sent_to.map(|_| message));
        Ok(())
    }

    /// Counts a message to an address, whoever it is for, and tells how long to wait if it is
    /// one too many: who makes up users fills no mailbox.
    async fn count(&self, name: &[u8; NAME]) -> Result<Result<(), Duration>, CodeError> {
        let key = Key::new(SENT, name);
        let count = self.store.increment(key, 1, SENDING_WINDOW).await?;
        if count.count() <= u64::from(self.most) {
            return Ok(Ok(()));
        }
        Ok(Err(count.remaining()))
    }

    async fn make(
        &self,
        purpose: Purpose,
        name: [u8; NAME],
        to: &Recipient<'_>,
    ) -> Result<Message, CodeError> {
        let mut token = Zeroizing::new([0; TOKEN]);
        let secret: Zeroizing<[u8; SECRET]> = Zeroizing::new(self.random.bytes());
        let bytes = name.iter().chain(&*secret);
        token
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        let redeemed = Redeemed {
            user: to.user.to_owned(),
            address: to.address.to_owned(),
            about: to.about.map(ToOwned::to_owned),
        };
        let value = serde_json::to_vec(&redeemed).map_err(|_| CodeError::Corrupt)?;
        let tag = self.tag(purpose, &token);
        let key = Owner::new(LINKS, &name).key(&tag);
        // Room for one: the last one goes.
        let limit = OwnerLimit::evict_above(1);
        match self
            .store
            .put_owned(key, &value, self.lifetime, limit)
            .await?
        {
            OwnedPut::Stored { .. } => {}
            OwnedPut::LimitReached => return Err(CodeError::Busy),
        }
        Ok(Message {
            purpose,
            address: redeemed.address,
            about: redeemed.about,
            content: Content::LinkToken(Base64UrlUnpadded::encode_string(&*token).into()),
            lifetime: self.lifetime,
        })
    }

    /// Uses up a token that was sent for this purpose, at one moment, and tells whom it was
    /// sent to.
    ///
    /// It stands for one factor, the mailbox: after the reset of a password by it, still ask
    /// for the second (ASVS 5.0 6.4.3).
    ///
    /// # Errors
    /// [`Refused`](CodeError::Refused) when it is none, was used, has expired or was voided.
    pub async fn redeem(&self, purpose: Purpose, token: &str) -> Result<Redeemed, CodeError> {
        let refused = CodeError::Refused(Refusal::Absent);
        let Some((name, tag)) = self.place(purpose, token) else {
            return Err(refused);
        };
        let found = self.store.take(Owner::new(LINKS, &name).key(&tag)).await?;
        let value = found.ok_or(refused)?;
        serde_json::from_slice(&value).map_err(|_| CodeError::Corrupt)
    }

    /// What [`redeem`](Self::redeem) would tell, without using the token up.
    #[cfg(feature = "account")]
    pub(in crate::authn) async fn look(
        &self,
        purpose: Purpose,
        token: &str,
    ) -> Result<Option<Redeemed>, CodeError> {
        let Some((name, tag)) = self.place(purpose, token) else {
            return Ok(None);
        };
        let found = self.store.get(Owner::new(LINKS, &name).key(&tag)).await?;
        let read = found.map(|value| serde_json::from_slice(&value));
        read.transpose().map_err(|_| CodeError::Corrupt)
    }

    /// Where the link of a token lies.
    fn place(&self, purpose: Purpose, token: &str) -> Option<([u8; NAME], [u8; 32])> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        let length = Base64UrlUnpadded::decode(token, &mut *bytes).ok()?.len();
        let name = bytes.first_chunk::<NAME>().filter(|_| length == TOKEN)?;
        Some((*name, self.tag(purpose, &bytes)))
    }

    /// By what links are sent.
    #[cfg(feature = "account")]
    pub(in crate::authn) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Voids the link of this user for this purpose, as when the address has changed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn void(&self, purpose: Purpose, user: &str) -> Result<(), CodeError> {
        let name = self.tags.name(purpose, user);
        self.store
            .delete_owned(Owner::new(LINKS, &name), None)
            .await?;
        Ok(())
    }

    fn tag(&self, purpose: Purpose, token: &[u8; TOKEN]) -> [u8; 32] {
        self.tags.tag("link", purpose, &[token])
    }
}

/// Sets up [`LinkTokens`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct LinkTokensBuilder(Result<LinkTokens, ConfigError>);

impl LinkTokensBuilder {
    fn with(mut self, set: impl FnOnce(&mut LinkTokens)) -> Self {
        if let Ok(links) = &mut self.0 {
            set(links);
        }
        self
    }

    /// Sets how long a link is good: an hour by default, at most a day.
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|links| links.lifetime = lifetime)
    }

    /// Sets how many links may be sent to one address for one purpose within an hour: 5 by
    /// default.
    pub fn send_limit(self, most: u32) -> Self {
        self.with(|links| links.most = most)
    }

    /// Sets where tokens come from.
    pub fn random(self, random: Random) -> Self {
        self.with(|links| links.random = random)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of bounds.
    pub fn build(self) -> Result<LinkTokens, ConfigError> {
        let links = self.0?;
        check_lifetime(links.lifetime, MAX_LIFETIME)?;
        if links.most == 0 {
            return Err(ConfigError::NoMessages);
        }
        Ok(links)
    }
}
