use super::kept_login::{
    KeptLogin, Record, Tokens, encode, name_of, owner_of, place_of, read_record, unreadable,
};
use crate::authn::credential::{Place, PublicId};
#[cfg(doc)]
use crate::authn::oauth2::LogoutOrder;
use crate::authn::oauth2::{FinishedLogin, LoginError, LoginErrorKind};
use crate::authn::owner::OwnerTag;
use crate::clock::Clock;
use crate::crypto::SecretSealer;
use crate::random::Random;
use crate::store::{Key, Namespace, OwnedPut, OwnerLimit, Store};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Of a user of an issuer, who owns them.
pub(super) const LOGINS: Namespace = Namespace::values("oauth2-login");
/// From the provider's name of a login to the user.
pub(super) const SESSIONS: Namespace = Namespace::values("oauth2-sid");
const PURPOSE: &str = "oauth2-tokens";

/// As long as a session lives, by default.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// Logins of one user; of more, those end that would soonest.
const MAX_LOGINS: usize = 32;

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
    pub(super) store: Store,
    pub(super) sealer: Arc<dyn SecretSealer>,
    pub(super) lifetime: Duration,
    pub(super) clock: Clock,
    pub(super) random: Random,
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

    pub(super) fn seal(&self, place: &Place, tokens: &Tokens) -> Result<String, LoginError> {
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
    pub(super) fn read_to_end(&self, place: Place, bytes: Bytes) -> Result<KeptLogin, LoginError> {
        let record = read_record(&bytes)?;
        let tokens = self.open(&place, &record.sealed);
        let tokens = tokens.unwrap_or_else(|_| Tokens::lost());
        Ok(KeptLogin::new(place, record, tokens, bytes))
    }
}
