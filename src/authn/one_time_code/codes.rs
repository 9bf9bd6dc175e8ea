use super::entry::{Entry, Issued, SendLimit};
use super::sender::{Content, Message};
use super::tags::{NAME, Tags, random_digits};
use super::{CodeError, ConfigError, Outbox, Purpose, Recipient};
use crate::authn::text_bytes::TextBytes;
use crate::authn::{LockOut, Refusal, typed};
use crate::clock::Clock;
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::store::{Key, Namespace, Store, Swap};
use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use std::time::Duration;

const ENTRIES: Namespace = Namespace::values("one-time-code");

/// Bytes of a challenge: ASVS 5.0 6.7.2 asks for 8.
const CHALLENGE: usize = 16;

const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// ASVS 5.0 6.5.5.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How often an entry is read anew because another changed it in between. Each time somebody
/// else got on, and a lock-out ends the tries of all: so many in a row are no accident.
const MAX_TRIES: usize = 32;

/// Codes to type in. Cheap to clone. See the [module](super) for the rules.
///
/// Users go by an id that is stable and never reused, as
/// [`Principal`](crate::principal::Principal) has it.
#[derive(Clone, Debug)]
pub struct OneTimeCodes {
    store: Store,
    tags: Tags,
    outbox: Outbox,
    digits: u8,
    lifetime: Duration,
    limit: SendLimit,
    lock_out: LockOut,
    goes_by_mail: bool,
    clock: Clock,
    random: Random,
}

/// The request that a code was sent for: 22 characters of base64url. The client that asked
/// keeps it and brings it with the code. To strangers it says nothing of the user, not even whether
/// there is one; a client that is [known](Recipient::asked_by_known_client), and so has logged in
/// before, can tell that the user is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// The text to hand to the client.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose counts apply. The first bit of a challenge says it, so that the code finds the entry
/// that it was written to: who bends the bit has a challenge for which there is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Stranger,
    Known,
}

impl Asker {
    const BIT: u8 = 0x80;

    const fn of(to: Option<&Recipient<'_>>) -> Self {
        match to {
            Some(to) if to.is_known => Self::Known,
            _ => Self::Stranger,
        }
    }

    const fn read(challenge: &[u8; CHALLENGE]) -> Self {
        let [first, ..] = *challenge;
        match first & Self::BIT {
            0 => Self::Stranger,
            _ => Self::Known,
        }
    }

    const fn mark(self, mut challenge: [u8; CHALLENGE]) -> [u8; CHALLENGE] {
        let [first, ..] = &mut challenge;
        match self {
            Self::Stranger => *first &= !Self::BIT,
            Self::Known => *first |= Self::BIT,
        }
        challenge
    }
}

impl OneTimeCodes {
    /// Keeps codes in `store`, hashed with `key`, and sends them by `outbox`. The key is at
    /// least 32 random bytes, the same on all machines, and not kept where the store is.
    pub fn builder(store: Store, key: &SecretBytes, outbox: Outbox) -> OneTimeCodesBuilder {
        let codes = Tags::new(key).map(|tags| Self {
            store,
            tags,
            outbox,
            digits: 6,
            lifetime: LIFETIME,
            limit: SendLimit {
                most: 5,
                pause: Duration::from_secs(30),
            },
            lock_out: LockOut::standard()
                .lasting(Duration::from_secs(60), Duration::from_secs(60 * 60)),
            goes_by_mail: true,
            clock: Clock::system(),
            random: Random::secure(),
        });
        OneTimeCodesBuilder(codes)
    }

    /// Sends a code to somebody who has passed the first factor, and voids the last one.
    ///
    /// # Errors
    /// [`TooMany`](CodeError::TooMany) when another may be sent only later, or the user is
    /// locked; [`Mail`](CodeError::Mail) when it would go by e-mail and may not.
    pub async fn start(
        &self,
        purpose: Purpose,
        to: &Recipient<'_>,
    ) -> Result<Challenge, CodeError> {
        if !self.may_go_to(to) {
            return Err(CodeError::Mail);
        }
        let place = self.outbox.reserve()?;
        let (challenge, message) = self.issue(purpose, Some(to)).await?;
        let message = message.map_err(|retry_after| CodeError::TooMany { retry_after })?;
        self.outbox.send(place, message);
        Ok(challenge)
    }

    /// Sends a code to somebody who has proved nothing, as to reset a password: hand over whom
    /// you found for what was typed, `None` when there is nobody. The answer and the work are
    /// the same, also where nothing may be sent now. Limit requests by address too.
    ///
    /// A code is short, so wrong ones lock the user for this purpose, whoever typed them: for an
    /// hour at most, and after 50 in a row, which takes a stranger a day or two, until
    /// [`unlock`](Self::unlock). That holds for all strangers together, and not for a client
    /// that is [known](Recipient::asked_by_known_client): those have 50 of their own. Where it
    /// must hold for nobody, send a [link](super::LinkTokens::issue_quietly), which nobody can
    /// guess and nothing locks.
    ///
    /// # Errors
    /// None that tells anything of the user.
    pub async fn start_quietly(
        &self,
        purpose: Purpose,
        to: Option<&Recipient<'_>>,
    ) -> Result<Challenge, CodeError> {
        let place = self.outbox.reserve()?;
        let to = to.filter(|to| self.may_go_to(to));
        let (challenge, message) = self.issue(purpose, to).await?;
        self.outbox.send(place, message.ok().flatten());
        Ok(challenge)
    }

    /// No number of a telephone has an `@`, and no address of e-mail is without.
    fn may_go_to(&self, to: &Recipient<'_>) -> bool {
        self.goes_by_mail || !to.address.contains(['@', '\u{ff20}', '\u{fe6b}'])
    }

    /// Makes a code, and the message where there is somebody to get it. `Err` inside says how
    /// long to wait; the entry is written all the same, so that the time tells nothing.
    async fn issue(
        &self,
        purpose: Purpose,
        to: Option<&Recipient<'_>>,
    ) -> Result<(Challenge, Result<Option<Message>, Duration>), CodeError> {
        let challenge = Asker::of(to).mark(self.random.bytes());
        let code = random_digits(&self.random, self.digits);
        let name = self.name(purpose, to.map(|to| to.user), &challenge);
        let tag = self.tag(purpose, &name, &challenge, code.expose());
        let issued = self
            .change(&name, |entry| {
                let now = self.clock.now();
                let code = Issued {
                    challenge: TextBytes(challenge.to_vec()),
                    tag: tag.into(),
                    expires: now.saturating_add(self.lifetime).unix_seconds(),
                };
                entry.issue(code, self.limit, now)
            })
            .await?;
        let message = to.map(|to| Message {
            purpose,
            address: to.address.to_owned(),
            about: to.about.map(ToOwned::to_owned),
            content: Content::Code(code),
            lifetime: self.lifetime,
        });
        let challenge = Challenge(Base64UrlUnpadded::encode_string(&challenge));
        Ok((challenge, issued.map(|()| message)))
    }

    /// Verifies a code that was sent to this user, for this purpose and this challenge, and
    /// uses it up, at one moment. For `None`, a user who is not there, it does the same work
    /// and gives the same answer as for a wrong code.
    ///
    /// # Errors
    /// [`Refused`](CodeError::Refused) when the code is wrong, was used or has expired, or the
    /// user is locked: all the same to whoever typed it.
    pub async fn verify<'a>(
        &self,
        purpose: Purpose,
        user: impl Into<Option<&'a str>>,
        challenge: &str,
        code: &str,
    ) -> Result<(), CodeError> {
        let challenge = read_challenge(challenge).ok_or(CodeError::Refused(Refusal::Absent))?;
        let user = user.into();
        let name = self.name(purpose, user, &challenge);
        let code = typed::digits(code);
        let mut tag = self.tag(purpose, &name, &challenge, &code);
        if user.is_none() {
            // Whatever was drawn for nobody, it is never right.
            tag = self.tags.tag("nobody's code", purpose, &[&tag]);
        }
        // Known clients and strangers count apart.
        let lock_out = self.lock_out.halved();
        let found = self.change(&name, |entry| {
            entry.redeem(&challenge, &tag, &lock_out, self.clock.now())
        });
        found.await?.map_err(CodeError::Refused)
    }

    /// Forgets the wrong codes of this user for this purpose, and the code: for an
    /// administrator who has made sure who asks.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unlock(&self, purpose: Purpose, user: &str) -> Result<(), CodeError> {
        let strangers = self.tags.name(purpose, user);
        let known = self.tags.name_for_known(purpose, user);
        for name in [strangers, known] {
            self.store.delete(Key::new(ENTRIES, &name)).await?;
        }
        Ok(())
    }

    fn name(
        &self,
        purpose: Purpose,
        user: Option<&str>,
        challenge: &[u8; CHALLENGE],
    ) -> [u8; NAME] {
        let [one, two, ..] = *challenge;
        // Both are computed, whichever is taken.
        let nobody = self.tags.nobody(purpose, [one, two]);
        let id = user.unwrap_or_default();
        let somebody = match Asker::read(challenge) {
            Asker::Stranger => self.tags.name(purpose, id),
            Asker::Known => self.tags.name_for_known(purpose, id),
        };
        if user.is_some() { somebody } else { nobody }
    }

    fn tag(&self, purpose: Purpose, name: &[u8], challenge: &[u8], code: &str) -> [u8; 32] {
        let parts = [name, challenge, code.as_bytes()];
        self.tags.tag("code", purpose, &parts)
    }

    /// Decides by an entry and writes what becomes of it, at one moment: when another comes in
    /// between, it decides anew.
    async fn change<T>(
        &self,
        name: &[u8; NAME],
        decide: impl Fn(&mut Entry) -> T,
    ) -> Result<T, CodeError> {
        let key = Key::new(ENTRIES, name);
        let mut found = self.store.get(key).await?;
        for _ in 0..MAX_TRIES {
            let mut entry = found.as_ref().map_or_else(|| Ok(Entry::default()), read)?;
            let answer = decide(&mut entry);
            let value = serde_json::to_vec(&entry).map_err(|_| CodeError::Corrupt)?;
            let ttl = entry.memory();
            let swap = self
                .store
                .compare_and_swap(key, found.as_deref(), &value, ttl);
            match swap.await? {
                Swap::Swapped => return Ok(answer),
                Swap::Conflict(now) => found = now,
            }
        }
        Err(CodeError::Busy)
    }
}

fn read(value: &Bytes) -> Result<Entry, CodeError> {
    serde_json::from_slice(value).map_err(|_| CodeError::Corrupt)
}

fn read_challenge(text: &str) -> Option<[u8; CHALLENGE]> {
    let mut challenge = [0; CHALLENGE];
    let read = Base64UrlUnpadded::decode(text, &mut challenge).ok()?;
    (read.len() == CHALLENGE).then_some(challenge)
}

/// Sets up [`OneTimeCodes`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct OneTimeCodesBuilder(Result<OneTimeCodes, ConfigError>);

impl OneTimeCodesBuilder {
    fn with(mut self, set: impl FnOnce(&mut OneTimeCodes)) -> Self {
        if let Ok(codes) = &mut self.0 {
            set(codes);
        }
        self
    }

    /// Sets the number of digits: 6 by default, at most 8.
    pub fn digits(self, digits: u8) -> Self {
        self.with(|codes| codes.digits = digits)
    }

    /// Sets how long a code is good: 5 minutes by default, at most 10 (ASVS 5.0 6.5.5).
    pub fn lifetime(self, lifetime: Duration) -> Self {
        self.with(|codes| codes.lifetime = lifetime)
    }

    /// Sets how many codes may be sent to one user for one purpose within an hour, and how
    /// long to wait after each: 5 and 30 seconds by default. As many again to clients that are
    /// [known](Recipient::asked_by_known_client).
    pub fn send_limit(self, most: u32, pause: Duration) -> Self {
        self.with(|codes| codes.limit = SendLimit { most, pause })
    }

    /// Sends no code by e-mail, whose mailbox mostly opens by a password alone: at level 3 it is
    /// no factor (ASVS 5.0 6.3.6). [`start`](OneTimeCodes::start) then refuses such an address,
    /// and [`start_quietly`](OneTimeCodes::start_quietly) sends nothing. Links are no factors
    /// and go on.
    pub fn never_by_mail(self) -> Self {
        self.with(|codes| codes.goes_by_mail = false)
    }

    /// Sets how wrong codes lock. By default no lock is longer than an hour, for where nobody
    /// has proved anything yet, strangers can lock each other out, but for the one after 50 wrong
    /// codes in a row, which only [`unlock`](OneTimeCodes::unlock) ends; and wrong codes are
    /// forgotten 30 days after the last. Half of the codes that end it are for strangers, half
    /// for clients that are [known](Recipient::asked_by_known_client).
    pub fn lock_out(self, policy: LockOut) -> Self {
        self.with(|codes| codes.lock_out = policy)
    }

    /// Sets the clock.
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|codes| codes.clock = clock)
    }

    /// Sets where codes and challenges come from.
    pub fn random(self, random: Random) -> Self {
        self.with(|codes| codes.random = random)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of bounds.
    pub fn build(self) -> Result<OneTimeCodes, ConfigError> {
        let codes = self.0?;
        if !(6..=8).contains(&codes.digits) {
            return Err(ConfigError::Digits(codes.digits));
        }
        check_lifetime(codes.lifetime, MAX_LIFETIME)?;
        if codes.limit.most == 0 {
            return Err(ConfigError::NoMessages);
        }
        Ok(codes)
    }
}

pub(super) fn check_lifetime(given: Duration, most: Duration) -> Result<(), ConfigError> {
    if (Duration::from_secs(1)..=most).contains(&given) {
        return Ok(());
    }
    Err(ConfigError::Lifetime { given, most })
}
