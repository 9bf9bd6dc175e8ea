use super::error::{ApiKeyError, ConfigError};
use super::kept::{OWNERS, id_of};
use super::key::{ApiKey, CreatedApiKey};
use super::new_key::NewApiKey;
use super::owner::KeyOwner;
use super::record::{KeyKind, KeyRecord};
use super::text::{Fresh, Prefix, is_id};
use crate::authn::{Revoke, Revoking};
use crate::clock::{Clock, Timestamp};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::guard::Rejection;
use crate::principal::Principal;
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::{Record, Records};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How often a change is tried while others come between. Each time one of them got on.
pub(super) const MAX_TRIES: usize = 256;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes, checks and ends API keys; an [`Authenticator`](crate::authn::Authenticator) by
/// itself. Cheap to clone. See the [module](super) for the rules.
#[derive(Clone)]
#[must_use]
pub struct ApiKeys {
    pub(super) records: Records,
    pub(super) prefix: Prefix,
    pub(super) max_per_owner: usize,
    longest: Duration,
    pub(super) usage_interval: Duration,
    pub(super) principal: Option<Arc<MakePrincipal>>,
    pub(super) clock: Clock,
    random: Random,
    emitter: Emitter,
}

pub(super) type MadePrincipal = Pin<Box<dyn Future<Output = Result<Principal, Rejection>> + Send>>;
type MakePrincipal = dyn Fn(Principal, ApiKey) -> MadePrincipal + Send + Sync;

impl ApiKeys {
    /// The longest [overlap](Self::rotate): 30 days.
    pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// The lifetime of a key that asks for none, where keys may live that long: 90 days.
    const USUAL_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    /// Keys in these records, all of which begin with `prefix` and `_`: the name of your
    /// service, and where there are several, that of the environment, such as `acme_live`.
    ///
    /// # Errors
    /// When the prefix has other characters than `a-z`, `0-9` and single `_`.
    pub fn new(records: Records, prefix: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            records,
            prefix: Prefix::new(prefix).ok_or_else(|| ConfigError::Prefix(prefix.to_owned()))?,
            max_per_owner: 32,
            longest: 366 * DAY,
            usage_interval: Duration::from_secs(5 * 60),
            principal: None,
            clock: Clock::system(),
            random: Random::secure(),
            emitter: Emitter::default(),
        })
    }

    /// How many keys an owner may have: 32 by default. Expired ones give way.
    ///
    /// # Errors
    /// When it is zero or above 500.
    pub fn max_per_owner(mut self, max: usize) -> Result<Self, ConfigError> {
        if !(1..=500).contains(&max) {
            return Err(ConfigError::LimitOutOfRange(max));
        }
        self.max_per_owner = max;
        Ok(self)
    }

    /// How long a key may live at most: 366 days by default.
    ///
    /// # Errors
    /// When it is zero.
    pub fn max_lifetime(mut self, longest: Duration) -> Result<Self, ConfigError> {
        if longest.is_zero() {
            return Err(ConfigError::LifetimeZero);
        }
        self.longest = longest;
        Ok(self)
    }

    /// How often the use of a key is written down: every five minutes by default.
    pub const fn usage_interval(mut self, interval: Duration) -> Self {
        self.usage_interval = interval;
        self
    }

    /// Completes the principal of a key by a function of yours: looks its owner up, refuses one
    /// that is disabled, adds the roles of today. Scopes, tenant and credential are there
    /// already. A principal that comes back without scopes gets those of the key; the tenant of
    /// the key and its authentication hold whatever comes back.
    ///
    /// Without it a principal has no roles: a layer that asks for a permission refuses it.
    pub fn principal_by<F>(
        mut self,
        complete: impl Fn(Principal, ApiKey) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Principal, Rejection>> + Send + 'static,
    {
        self.principal = Some(Arc::new(move |principal, key| {
            Box::pin(complete(principal, key))
        }));
        self
    }

    /// Sets where the time comes from, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where ids and secrets come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// The same keys; what is done by this handle is told by `emitter`: in a handler, that of
    /// the request.
    pub fn telling(&self, emitter: Emitter) -> Self {
        Self {
            emitter,
            ..self.clone()
        }
    }

    /// Makes a key for this principal, and for nobody else: there is no way to name another
    /// owner. A principal that is limited by scopes gives away no others than it has, and one
    /// that came by a key makes none, not even by one that was revoked while the request was
    /// under way: a key that leaked could outlive its end by others.
    ///
    /// # Errors
    /// When what is asked is not valid or not allowed, when the owner has too many keys, or
    /// when the records fail.
    pub async fn create(
        &self,
        owner: &Principal,
        asked: &NewApiKey,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let bearer = |_: &str, _: &str| Ok((KeyKind::Bearer, None));
        self.make(owner, asked, bearer).await
    }

    /// Makes a key of the kind, and with the sealed text, that `kind_of` gives for its id and
    /// its text.
    pub(super) async fn make(
        &self,
        owner: &Principal,
        asked: &NewApiKey,
        kind_of: impl FnOnce(&str, &str) -> Result<(KeyKind, Option<Vec<u8>>), ApiKeyError>,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let wrong = asked.check(self.longest);
        if !wrong.is_empty() {
            return Err(ApiKeyError::Invalid(wrong));
        }
        check_scopes(owner, asked.scopes.iter().map(String::as_str))?;
        if self.key_of(owner).await?.is_some() {
            return Err(ApiKeyError::NotAllowed("an API key makes no other ones"));
        }
        let now = self.now();
        let usual = Self::USUAL_LIFETIME.min(self.longest);
        let scopes = asked.scopes.iter();
        let fresh = Fresh::new(&self.prefix, &self.random);
        let (kind, sealed) = kind_of(&fresh.id, &fresh.text)?;
        let record = KeyRecord {
            kind,
            hash: fresh.hash,
            sealed,
            name: asked.name.clone(),
            owner: owner.id().into(),
            tenant: owner.tenant().map(Into::into),
            scopes: scopes.map(|scope| scope.as_str().into()).collect(),
            created: now,
            expires: now.saturating_add(asked.lifetime.unwrap_or(usual)),
            used: None,
            successor: None,
            origin: None,
        };
        for _ in 0..MAX_TRIES {
            if self.insert(owner.id(), &fresh.id, &record, None).await? {
                return Ok(self.created(&fresh, record));
            }
        }
        Err(ApiKeyError::Contended)
    }

    /// Makes a key that takes the place of another, with the same name, scopes and lifetime.
    /// The old one stays good for `overlap`, at most until it would have expired, so that all
    /// who use it can change over; zero ends it at once. A key is replaced once.
    ///
    /// A principal that came by a key can replace that one only. The new key is good no longer
    /// than the old one would have been, and both end when one of them is
    /// [revoked](Self::revoke): a key that leaked gains nothing by it. Who has logged in starts
    /// a new lifetime.
    ///
    /// # Errors
    /// When the principal has no such key in its tenant, when the key has expired or was
    /// replaced before or is one that signs, when the overlap is longer than 30 days, or when the records fail.
    pub async fn rotate(
        &self,
        owner: &Principal,
        id: &str,
        overlap: Duration,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        if overlap > Self::MAX_OVERLAP {
            return Err(ApiKeyError::OverlapTooLong(overlap));
        }
        let own = self.key_of(owner).await?;
        if own.is_some_and(|own| own != id) {
            return Err(ApiKeyError::NotAllowed("an API key replaces itself only"));
        }
        let fresh = Fresh::new(&self.prefix, &self.random);
        for _ in 0..MAX_TRIES {
            let (record, mut old) = self.owned(owner.into(), id).await?;
            let now = self.now();
            if old.kind != KeyKind::Bearer || old.is_expired(now) || old.successor.is_some() {
                return Err(ApiKeyError::NotRotatable);
            }
            check_scopes(owner, old.scopes.iter().map(AsRef::as_ref))?;
            let next = old.next(id, fresh.hash, now, self.longest, own.is_some());
            old.expires = old.expires.min(now.saturating_add(overlap));
            old.successor = Some(fresh.id.as_str().into());
            let old = (&record, old.encode()?);
            if self.insert(owner.id(), &fresh.id, &next, Some(old)).await? {
                return Ok(self.created(&fresh, next));
            }
        }
        Err(ApiKeyError::Contended)
    }

    /// The keys of an owner, in the order of their ids, expired ones included: those of one
    /// tenant where the owner is a [`Principal`].
    ///
    /// # Errors
    /// When the records fail.
    pub async fn list<'a>(
        &self,
        owner: impl Into<KeyOwner<'a>> + Send,
    ) -> Result<Vec<ApiKey>, ApiKeyError> {
        let owner = owner.into();
        let records = self.records_of(owner.id()).await?;
        let keys = records.into_iter().filter(|(_, key)| owner.has(key));
        Ok(keys
            .map(|(record, key)| ApiKey::new(&id_of(&record), key))
            .collect())
    }

    /// Ends a key at once, if it is this owner's, and tells whether it was. If it ever rotated
    /// itself, all of its keys end: whoever held one could have made the others. One that was
    /// put in its place by somebody who had logged in stays.
    ///
    /// # Errors
    /// When the records fail.
    pub async fn revoke<'a>(
        &self,
        owner: impl Into<KeyOwner<'a>> + Send,
        id: &str,
    ) -> Result<bool, ApiKeyError> {
        let owner = owner.into();
        let family = match self.owned(owner, id).await {
            Ok((_, key)) => key.family(id).to_owned(),
            // It may have expired and given way, and live on in what it made of itself.
            Err(ApiKeyError::NotFound) if is_id(id) => id.to_owned(),
            Err(ApiKeyError::NotFound) => return Ok(false),
            Err(error) => return Err(error),
        };
        let is_meant = |found: &Record, key: Option<&KeyRecord>| {
            let family_of = |key: &KeyRecord| *key.family(&id_of(found)) == *family;
            key.is_some_and(|key| owner.has(key) && family_of(key))
        };
        Ok(self.end(owner.id(), is_meant).await? > 0)
    }

    /// Ends all keys of an owner, and tells how many there were: when the account is disabled
    /// or deleted (ASVS 5.0 7.4.2). Those of one tenant where the owner is a [`Principal`].
    ///
    /// # Errors
    /// When the records fail: call it again, some may go on.
    pub async fn revoke_all<'a>(
        &self,
        owner: impl Into<KeyOwner<'a>> + Send,
    ) -> Result<usize, ApiKeyError> {
        let owner = owner.into();
        let is_meant = |_: &Record, key: Option<&KeyRecord>| {
            key.map_or(owner.is_everywhere(), |key| owner.has(key))
        };
        let count = self.end(owner.id(), is_meant).await?;
        if owner.is_everywhere() {
            // It may be the end of the account.
            self.records.delete(OWNERS, owner.id(), None).await?;
        }
        Ok(count)
    }

    /// The id of the key that a principal came by, if it came by one. A credential that reads
    /// like a key is one, unless an issuer vouches for it: that there is none any more means
    /// that it was ended while the request was under way.
    async fn key_of<'a>(&self, principal: &'a Principal) -> Result<Option<&'a str>, ApiKeyError> {
        let authentication = principal.authentication();
        let Some(id) = authentication.credential() else {
            return Ok(None);
        };
        match self.owned(principal.into(), id).await {
            Ok(_) => Ok(Some(id)),
            Err(ApiKeyError::NotFound) if is_id(id) && authentication.issuer().is_none() => Err(
                ApiKeyError::NotAllowed("the API key that the principal came by is gone"),
            ),
            Err(ApiKeyError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn created(&self, fresh: &Fresh, record: KeyRecord) -> CreatedApiKey {
        self.tell(EventKind::AuthnTokenCreated, &record.owner, &fresh.id);
        CreatedApiKey {
            text: SecretString::from(fresh.text.as_str()),
            key: ApiKey::new(&fresh.id, record),
        }
    }

    pub(super) fn tell(&self, kind: EventKind, owner: &str, id: &str) {
        let event = SecurityEvent::new(kind)
            .with_code("api_key")
            .with_subject(owner)
            .with_detail("api_key", id);
        self.emitter.emit(event);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("prefix", &self.prefix)
            .field("max_per_owner", &self.max_per_owner)
            .field("max_lifetime", &self.longest)
            .finish_non_exhaustive()
    }
}

/// Nobody gives away what it may not do itself.
fn check_scopes<'a>(
    owner: &Principal,
    mut scopes: impl Iterator<Item = &'a str>,
) -> Result<(), ApiKeyError> {
    let Some(held) = owner.scopes() else {
        return Ok(());
    };
    let held: Vec<_> = held.collect();
    if scopes.all(|scope| held.contains(&scope)) {
        return Ok(());
    }
    Err(ApiKeyError::NotAllowed(
        "the principal asks for scopes that it does not have itself",
    ))
}

/// API keys in whatever tenant.
impl Revoke for ApiKeys {
    fn revoke_all<'a>(&'a self, user: &'a str) -> Revoking<'a> {
        Box::pin(async move {
            self.revoke_all(user).await?;
            Ok(())
        })
    }
}
