//! What is kept of the logins with providers.

use super::{
    FinishedLogin, Identity, LoginError, LoginErrorKind, LogoutOrder, RelyingParty, TokenResponse,
};
use crate::authn::credential::{Place, PublicId, decode};
use crate::authn::owner::OwnerTag;
use crate::clock::{Clock, Timestamp};
use crate::crypto::SecretSealer;
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::{Key, Namespace, OwnedPut, OwnerLimit, Store, Swap};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Of a user of an issuer, who owns them.
const LOGINS: Namespace = Namespace::values("oauth2-login");
/// From the provider's name of a login to the user.
const SESSIONS: Namespace = Namespace::values("oauth2-sid");
/// Orders to end all logins of a user, for those under way.
const USER_ORDERS: Namespace = Namespace::values("oauth2-logout-order");
/// Orders to end one login, which may be under way.
const SESSION_ORDERS: Namespace = Namespace::values("oauth2-logout-order-sid");
/// Logins whose tokens somebody is renewing.
const LEASES: Namespace = Namespace::values("oauth2-refresh");
const PURPOSE: &str = "oauth2-tokens";

/// As long as a session lives, by default.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// Logins of one user; of more, those end that would soonest.
const MAX_LOGINS: usize = 32;
/// Longer than any login is under way.
const ORDER_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);
/// Longer than any call takes.
const LEASE: Duration = Duration::from_secs(30);
/// So long before its end an access token is renewed.
const EARLY: Duration = Duration::from_secs(60);

/// The logins with providers that sessions here came by, on the server alone: whose they are,
/// and their tokens, sealed. By these a session ends when the provider says so, the provider
/// learns that it ended here, and access tokens are renewed. Cheap to clone.
///
/// 1. A login is kept under a name of 256 bits, which belongs into the session: as an attribute
///    of its principal, say.
/// 2. Tokens are sealed (ASVS 5.0 10.1.1), bound to the login's name. Who reads the store can
///    use nothing of them.
/// 3. A [`LogoutOrder`] finds the logins it is about, those under way included: one that is
///    finished after the order is refused.
/// 4. Of several that need a new access token at once, one asks the provider: a refresh token
///    that is sent twice is taken for a stolen one (RFC 9700 section 4.14).
#[derive(Clone, Debug)]
pub struct Logins {
    store: Store,
    sealer: Arc<dyn SecretSealer>,
    lifetime: Duration,
    clock: Clock,
    random: Random,
}

/// A login that is kept.
#[derive(Clone)]
pub struct KeptLogin {
    place: Place,
    record: Record,
    tokens: Arc<Tokens>,
    bytes: Bytes,
}

#[derive(Clone, Serialize, Deserialize)]
struct Record {
    user: Box<str>,
    provider: Box<str>,
    issuer: Box<str>,
    subject: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<Box<str>>,
    /// Seconds since the epoch, by the provider's clock or by ours: whichever is earlier.
    since: u64,
    /// Seconds since the epoch, by ours.
    ends: u64,
    sealed: String,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Tokens {
    access: String,
    /// Seconds since the epoch, where the provider says.
    expires: Option<u64>,
    refresh: Option<String>,
    id: Option<String>,
}

impl Tokens {
    /// In the place of those that cannot be opened any more.
    fn lost() -> Self {
        Self {
            access: String::new(),
            expires: Some(0),
            refresh: None,
            id: None,
        }
    }

    fn of(response: &TokenResponse, now: Timestamp) -> Self {
        let text = |secret: &SecretString| secret.expose().to_owned();
        let ends = |life| now.saturating_add(life).unix_seconds();
        Self {
            access: text(response.access_token()),
            expires: response.expires_in().map(ends),
            refresh: response.refresh_token().map(text),
            id: response.id_token().map(text),
        }
    }

    /// The next ones. What the provider does not send anew stays as it is.
    fn followed_by(&self, response: &TokenResponse, now: Timestamp) -> Self {
        let mut next = Self::of(response, now);
        next.refresh = next.refresh.take().or_else(|| self.refresh.clone());
        next.id = next.id.take().or_else(|| self.id.clone());
        next
    }
}

impl Logins {
    /// Logins in this store, whose tokens are sealed by this.
    #[must_use]
    pub fn new(store: Store, sealer: impl SecretSealer + 'static) -> Self {
        Self {
            store,
            sealer: Arc::new(sealer),
            lifetime: DEFAULT_LIFETIME,
            clock: Clock::system(),
            random: Random::secure(),
        }
    }

    /// Sets how long a login is kept: 12 hours by default, as long as sessions live. What is
    /// kept for less is found by no order.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where the names of logins come from.
    #[must_use]
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// A new name for a login, which nobody can guess: for the session that begins by it.
    #[must_use]
    pub fn name(&self, login: &FinishedLogin) -> String {
        name_of(&Place {
            owner: owner_of(login.identity()),
            id: PublicId::fresh(&self.random),
        })
    }

    /// Keeps a login of `user` under its [name](Self::name). Do this last, when the session of
    /// that name has begun, and send its cookie only when this went well: so no order of the
    /// provider misses it.
    ///
    /// Gives the names of older logins of the user, of which there were too many. They are kept
    /// no more, and no order finds them: end their sessions.
    ///
    /// # Errors
    /// [`EndedMeanwhile`](LoginErrorKind::EndedMeanwhile) when the provider has ended it
    /// already; when the name is not one of this login; when the store fails.
    pub async fn keep(
        &self,
        name: &str,
        user: &str,
        login: &FinishedLogin,
    ) -> Result<Vec<String>, LoginError> {
        let identity = login.identity();
        let owner = owner_of(identity);
        let place = place_of(name).filter(|place| place.owner == owner);
        let other = || LoginError::with(LoginErrorKind::Sealing, "a name of another login");
        let place = place.ok_or_else(other)?;
        // Before others have to go for it.
        self.check_ongoing(identity).await?;
        let now = self.clock.now();
        let tokens = Tokens::of(identity.tokens(), now);
        let record = Record {
            user: user.into(),
            provider: identity.provider().into(),
            issuer: identity.issuer().into(),
            subject: identity.subject().into(),
            session: identity.session().map(Into::into),
            since: identity.since().unix_seconds(),
            ends: now.saturating_add(self.lifetime).unix_seconds(),
            sealed: self.seal(&place, &tokens)?,
        };
        let limit = OwnerLimit::evict_above(MAX_LOGINS);
        let (key, value) = (place.key(LOGINS), encode(&record)?);
        let put = self.store.put_owned(key, &value, self.lifetime, limit);
        let OwnedPut::Stored { evicted } = put.await? else {
            return Err(LoginError::with(LoginErrorKind::Store, "no room"));
        };
        if let Some(session) = identity.session() {
            let tag = OwnerTag::of_pair(identity.issuer(), session);
            let key = Key::new(SESSIONS, tag.bytes());
            self.store.put(key, owner.bytes(), self.lifetime).await?;
        }
        if let Err(error) = self.check_ongoing(identity).await {
            self.store.delete(place.key(LOGINS)).await?;
            return Err(error);
        }
        let evicted = evicted.iter().filter_map(|id| PublicId::from_entry(id));
        let names = evicted.map(|id| name_of(&Place { owner, id }));
        Ok(names.collect())
    }

    /// Whether no order came while the login was under way: it found nothing to end then.
    async fn check_ongoing(&self, identity: &Identity) -> Result<(), LoginError> {
        let ended = || LoginErrorKind::EndedMeanwhile.into();
        let user = owner_of(identity);
        let mark = self.store.get(Key::new(USER_ORDERS, user.bytes())).await?;
        let made = mark.as_deref().map(seconds_of);
        if made.is_some_and(|made| identity.since().unix_seconds() <= made) {
            return Err(ended());
        }
        // What was ended by its name is over, whenever the provider speaks of it again.
        let Some(session) = identity.session() else {
            return Ok(());
        };
        let tag = OwnerTag::of_pair(identity.issuer(), session);
        let mark = self
            .store
            .get(Key::new(SESSION_ORDERS, tag.bytes()))
            .await?;
        mark.map_or(Ok(()), |_| Err(ended()))
    }

    /// The login of this name; `None` when there is none any more.
    ///
    /// # Errors
    /// When the store fails, or the tokens cannot be opened.
    pub async fn find(&self, name: &str) -> Result<Option<KeptLogin>, LoginError> {
        let Some(place) = place_of(name) else {
            return Ok(None);
        };
        let found = self.store.get(place.key(LOGINS)).await?;
        found.map(|bytes| self.read(place, bytes)).transpose()
    }

    /// Forgets a login, and gives what was kept of it: to tell the provider of its end. Tokens
    /// that cannot be opened are missing in it.
    ///
    /// # Errors
    /// When the store fails, or what is there is no login.
    pub async fn end(&self, name: &str) -> Result<Option<KeptLogin>, LoginError> {
        let Some(place) = place_of(name) else {
            return Ok(None);
        };
        let taken = self.store.take(place.key(LOGINS)).await?;
        let ended = taken.map(|bytes| self.read_to_end(place, bytes));
        ended.transpose()
    }

    /// The logins that an order is about. From now on, none that it is about can be
    /// [kept](Self::keep). End their sessions, then each [login](Self::end), and note the order
    /// as [obeyed](RelyingParty::obeyed). A login whose tokens cannot be opened ends like any
    /// other.
    ///
    /// # Errors
    /// When the store fails, or what is there is no login.
    pub async fn named_by(&self, order: &LogoutOrder) -> Result<Vec<KeptLogin>, LoginError> {
        self.mark(order).await?;
        let Some(owner) = self.owner_meant(order).await? else {
            return Ok(Vec::new());
        };
        let entries = self.store.list_owned(owner.owner(LOGINS)).await?;
        let mut logins = Vec::new();
        for entry in entries {
            let Some(id) = PublicId::from_entry(entry.id()) else {
                continue;
            };
            let place = Place { owner, id };
            let login = self.read_to_end(place, entry.value().clone())?;
            if login.is_meant(order) {
                logins.push(login);
            }
        }
        Ok(logins)
    }

    /// Notes an order for the logins that are under way.
    async fn mark(&self, order: &LogoutOrder) -> Result<(), LoginError> {
        // One of a session is about that alone, of whomever it is.
        if let Some(session) = order.session() {
            let tag = OwnerTag::of_pair(order.issuer(), session);
            let mark = Key::new(SESSION_ORDERS, tag.bytes());
            return Ok(self.store.put(mark, b"", ORDER_LIFETIME).await?);
        }
        let tag = OwnerTag::of_pair(order.issuer(), order.subject().unwrap_or_default());
        let mark = Key::new(USER_ORDERS, tag.bytes());
        let made = order.made().unix_seconds();
        let mut found = self.store.get(mark).await?;
        // One that was made earlier, and comes later, does not take its place.
        while found
            .as_deref()
            .is_none_or(|found| seconds_of(found) < made)
        {
            let (value, store) = (made.to_be_bytes(), &self.store);
            let swap = store.compare_and_swap(mark, found.as_deref(), &value, ORDER_LIFETIME);
            match swap.await? {
                Swap::Swapped => break,
                Swap::Conflict(other) => found = other,
            }
        }
        Ok(())
    }

    async fn owner_meant(&self, order: &LogoutOrder) -> Result<Option<OwnerTag>, LoginError> {
        if let Some(subject) = order.subject() {
            return Ok(Some(OwnerTag::of_pair(order.issuer(), subject)));
        }
        let tag = OwnerTag::of_pair(order.issuer(), order.session().unwrap_or_default());
        let found = self.store.get(Key::new(SESSIONS, tag.bytes())).await?;
        let bytes = found.and_then(|found| found.as_ref().try_into().ok());
        Ok(bytes.map(OwnerTag::from_bytes))
    }

    /// An access token of a login that is good for a minute at least, as far as the provider
    /// says: renewed where it is not, and there is a refresh token.
    ///
    /// # Errors
    /// [`Grant`](LoginErrorKind::Grant) when the login is over at the provider; when another
    /// request renews the token and it is past its end already, something
    /// [to try again](LoginError::is_unavailable).
    pub async fn access_token(
        &self,
        relying_party: &RelyingParty,
        name: &str,
    ) -> Result<SecretString, LoginError> {
        let over = || LoginError::with(LoginErrorKind::Grant, "the login is not kept any more");
        let login = self.find(name).await?.ok_or_else(over)?;
        let now = self.clock.now();
        if login.is_good(now.saturating_add(EARLY)) {
            return Ok(login.access());
        }
        if login.tokens.refresh.is_none() {
            let ended = || LoginError::with(LoginErrorKind::Grant, "there is no refresh token");
            return login.is_good(now).then(|| login.access()).ok_or_else(ended);
        }
        let lease = login.place.key(LOGINS).encode();
        let busy = || LoginError::with(LoginErrorKind::Unreachable, "it is being renewed");
        if !self
            .store
            .put_if_absent(Key::new(LEASES, &lease), b"", LEASE)
            .await?
        {
            return login.is_good(now).then(|| login.access()).ok_or_else(busy);
        }
        // On its own: did it end with the request, the new refresh token would be lost.
        let (logins, relying_party) = (self.clone(), relying_party.clone());
        let name = name.to_owned();
        let renewing = tokio::spawn(async move {
            let renewed = logins.renewed(&relying_party, &name).await;
            logins.store.delete(Key::new(LEASES, &lease)).await?;
            renewed
        });
        renewing.await.unwrap_or_else(|_stopped| Err(busy()))
    }

    /// For whoever holds the lease.
    async fn renewed(
        &self,
        relying_party: &RelyingParty,
        name: &str,
    ) -> Result<SecretString, LoginError> {
        let over = || LoginError::from(LoginErrorKind::EndedMeanwhile);
        // Somebody may have renewed it since it was looked at, and its refresh token is used up.
        let login = self.find(name).await?.ok_or_else(over)?;
        let early = self.clock.now().saturating_add(EARLY);
        match login.refresh_token() {
            Some(refresh) if !login.is_good(early) => {
                self.renew(relying_party, &login, &refresh).await
            }
            _ => Ok(login.access()),
        }
    }

    async fn renew(
        &self,
        relying_party: &RelyingParty,
        login: &KeptLogin,
        refresh: &SecretString,
    ) -> Result<SecretString, LoginError> {
        let record = &login.record;
        let response = relying_party
            .refresh(&record.provider, &record.subject, refresh)
            .await?;
        let now = self.clock.now();
        let tokens = login.tokens.followed_by(&response, now);
        let mut next = record.clone();
        next.sealed = self.seal(&login.place, &tokens)?;
        let left = Duration::from_secs(record.ends.saturating_sub(now.unix_seconds()).max(1));
        let (key, value) = (login.place.key(LOGINS), encode(&next)?);
        let swap = self
            .store
            .compare_and_swap(key, Some(&login.bytes), &value, left);
        match swap.await? {
            Swap::Swapped => Ok(response.access_token().clone()),
            // It was ended meanwhile: its tokens are nobody's.
            Swap::Conflict(_) => Err(LoginErrorKind::EndedMeanwhile.into()),
        }
    }

    fn seal(&self, place: &Place, tokens: &Tokens) -> Result<String, LoginError> {
        let unwritable = |_| LoginError::from(LoginErrorKind::Sealing);
        let bytes = Zeroizing::new(serde_json::to_vec(tokens).map_err(unwritable)?);
        let sealed = self.sealer.seal_secret(PURPOSE, &name_of(place), &bytes);
        let sealed = sealed.map_err(|refused| {
            LoginError::with(LoginErrorKind::Sealing, refused.reason().code())
        })?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn open(&self, place: &Place, sealed: &str) -> Result<Tokens, LoginError> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| unreadable())?;
        let opened = self.sealer.open_secret(PURPOSE, &name_of(place), &sealed);
        let opened = opened.map_err(|refused| {
            LoginError::with(LoginErrorKind::Sealing, refused.reason().code())
        })?;
        serde_json::from_slice(opened.expose()).map_err(|_| unreadable())
    }

    fn read(&self, place: Place, bytes: Bytes) -> Result<KeptLogin, LoginError> {
        let record = read_record(&bytes)?;
        let tokens = self.open(&place, &record.sealed)?;
        Ok(KeptLogin::new(place, record, tokens, bytes))
    }

    /// What is there of a login that is to end, which takes no tokens.
    fn read_to_end(&self, place: Place, bytes: Bytes) -> Result<KeptLogin, LoginError> {
        let record = read_record(&bytes)?;
        let tokens = self.open(&place, &record.sealed);
        let tokens = tokens.unwrap_or_else(|_| Tokens::lost());
        Ok(KeptLogin::new(place, record, tokens, bytes))
    }
}

impl KeptLogin {
    fn new(place: Place, record: Record, tokens: Tokens, bytes: Bytes) -> Self {
        Self {
            place,
            record,
            tokens: Arc::new(tokens),
            bytes,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.place)
    }

    /// Whose it is here: what it was [kept](Logins::keep) for.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.record.user
    }

    /// Our name for the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.record.provider
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.record.issuer
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.record.subject
    }

    /// The ID token, to tell the provider whose login ends.
    #[must_use]
    pub fn id_token(&self) -> Option<SecretString> {
        self.tokens.id.as_deref().map(Into::into)
    }

    fn refresh_token(&self) -> Option<SecretString> {
        self.tokens.refresh.as_deref().map(Into::into)
    }

    fn access(&self) -> SecretString {
        self.tokens.access.as_str().into()
    }

    /// Whether the access token is good at this time, as far as the provider says.
    fn is_good(&self, at: Timestamp) -> bool {
        let expires = self.tokens.expires;
        expires.is_none_or(|end| at.unix_seconds() < end)
    }

    /// Whether an order is about this: the session it names, or what there was of its user.
    fn is_meant(&self, order: &LogoutOrder) -> bool {
        let record = &self.record;
        let is_of_user = order.subject().is_none_or(|it| *it == *record.subject);
        let is_session = match order.session() {
            Some(session) => record.session.as_deref() == Some(session),
            None => record.since <= order.made().unix_seconds(),
        };
        *record.issuer == *order.issuer() && is_of_user && is_session
    }
}

impl fmt::Debug for KeptLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptLogin")
            .field("user", &self.user())
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .finish_non_exhaustive()
    }
}

/// Who has the logins of an identity.
fn owner_of(identity: &Identity) -> OwnerTag {
    OwnerTag::of_pair(identity.issuer(), identity.subject())
}

fn name_of(place: &Place) -> String {
    let bytes: Vec<u8> = place
        .owner
        .bytes()
        .iter()
        .chain(place.id.bytes())
        .copied()
        .collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn place_of(name: &str) -> Option<Place> {
    let bytes = decode::<32>(name.as_bytes())?;
    let (owner, id) = (bytes.first_chunk::<16>()?, bytes.last_chunk::<16>()?);
    Some(Place {
        owner: OwnerTag::from_bytes(*owner),
        id: PublicId::from_bytes(*id),
    })
}

fn encode(record: &Record) -> Result<Vec<u8>, LoginError> {
    serde_json::to_vec(record).map_err(|_| LoginErrorKind::Sealing.into())
}

fn read_record(bytes: &[u8]) -> Result<Record, LoginError> {
    serde_json::from_slice(bytes).map_err(|_| unreadable())
}

fn unreadable() -> LoginError {
    LoginError::with(LoginErrorKind::Sealing, "a kept login")
}

/// What cannot be read ends everything.
fn seconds_of(value: &[u8]) -> u64 {
    value.try_into().map_or(u64::MAX, u64::from_be_bytes)
}
