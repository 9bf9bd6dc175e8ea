use super::JwtErrorKind::Revoked;
use super::issuer::GRANTED;
use super::{Claims, JwtError};
use crate::authn::Epochs;
use crate::clock::{Clock, Timestamp};
use crate::guard::Rejection;
use crate::store::{Key, Namespace, Store, StoreError};
use ring::digest;
use std::time::Duration;

const REVOKED: Namespace = Namespace::values("revoked-token");
const LOGGED_OUT: Namespace = Namespace::values("revoked-login");

/// The most leeway of a verifier: so long a token may be taken after its `exp`.
const LATE_CLOCKS: Duration = Duration::from_secs(300);

/// Access tokens that were revoked before they expired, in a [`Store`]: each by its `jti`, and
/// all of a user by the [epoch](Epochs).
///
/// Nobody looks behind an access token, which is why it lives for minutes. Where minutes are
/// too long (ASVS 5.0 7.4.1), give this to
/// [`JwtBearer::revocations`](super::JwtBearer::revocations): then each request costs two trips
/// to the store, and three by a token with a `sid`.
///
/// 1. A revoked `jti` is refused until the token expires; then it is forgotten. A token without
///    `jti` could not be revoked, so it is refused as well.
/// 2. What was given to a user before the epoch of that user is refused: to the microsecond for
///    tokens of an [`Issuer`](super::Issuer) of ours, which say when, else by `iat` in whole
///    seconds. The `sub` of the [issuer](Self::new) that is given is a user of this service; that
///    of any other issuer is somebody else, even by the same name.
/// 3. The tokens of one login end together, by the [`sid`](Self::revoke_login) they carry.
/// 4. When the store fails, so does the request: 503. Nobody is let in on a guess.
///
/// ```
/// use portcullis::authn::jwt::{Issuer, Revocations, Verifier};
/// use portcullis::crypto::keys::{Algorithm, SigningKey};
/// use portcullis::store::Store;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (name, audience) = ("https://id.example.com", "https://api.example.com");
/// let issuer = Issuer::new(SigningKey::generate(Algorithm::Es256)?, name, audience)?;
/// let verifier =
///     Verifier::builder(name, audience, Algorithm::Es256, issuer.public_keys()).build()?;
/// let revocations = Revocations::new(Store::memory(), issuer.name());
///
/// let token = verifier.verify(&issuer.token("user-17").sign()?)?;
/// revocations.check(token.claims()).await?;
///
/// revocations.revoke(token.claims()).await?;
/// assert!(revocations.check(token.claims()).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Revocations {
    store: Store,
    epochs: Epochs,
    /// Whose subjects are the users of this service.
    issuer: Box<str>,
    clock: Clock,
}

/// Why a token was not found to be good, or not revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The token was revoked, or could never be.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// The store failed.
    #[error("the store of revoked tokens failed")]
    Store(#[from] StoreError),
}

impl Revocations {
    /// Revocations in this store, beside the epochs of the users, who are the subjects of this
    /// issuer, by its name as its tokens have it: mostly our own, which
    /// [knows it](super::Issuer::name). Tokens of other issuers may be asked about as well, and
    /// their subjects are kept apart.
    #[must_use]
    pub fn new(store: Store, issuer: impl Into<Box<str>>) -> Self {
        Self {
            epochs: Epochs::new(store.clone()),
            store,
            issuer: issuer.into(),
            clock: Clock::system(),
        }
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Revokes a token that was verified, until it expires. One without `exp` is remembered for
    /// as long as the store can.
    ///
    /// # Errors
    /// When it has no `jti`, or the store fails.
    pub async fn revoke(&self, claims: &Claims) -> Result<(), RevocationError> {
        let name = name(claims)?;
        let left = match claims.expires_at() {
            Some(end) => end.saturating_add(LATE_CLOCKS).since(self.clock.now()),
            None => Store::MAX_TTL,
        };
        self.store
            .put(Key::new(REVOKED, name.as_ref()), b"", left)
            .await?;
        Ok(())
    }

    /// Revokes all tokens of one login, by the `sid` that they carry (OIDC Back-Channel Logout
    /// section 2.1), for as long as any of them can live. Nothing is known of logins by
    /// another issuer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_login(
        &self,
        issuer: &str,
        sid: &str,
        longest_token: Duration,
    ) -> Result<(), RevocationError> {
        let name = name_of(issuer, sid);
        let left = longest_token.saturating_add(LATE_CLOCKS);
        self.store
            .put(Key::new(LOGGED_OUT, name.as_ref()), b"", left)
            .await?;
        Ok(())
    }

    /// Ends all that was given to this user until now: access tokens, refresh tokens, remembered
    /// browsers, and logins under way.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_all(&self, user: &str) -> Result<(), RevocationError> {
        Ok(self.epochs.end_before(user, self.clock.now()).await?)
    }

    /// Ends all tokens until now of this subject of this issuer: of a user of this service,
    /// where it is [the](Self::new) issuer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_all_by(&self, issuer: &str, subject: &str) -> Result<(), RevocationError> {
        if *issuer == *self.issuer {
            return self.revoke_all(subject).await;
        }
        let ended = self
            .epochs
            .end_subject_before(issuer, subject, self.clock.now());
        Ok(ended.await?)
    }

    /// Asks whether a token that is good otherwise was revoked.
    ///
    /// # Errors
    /// When it was, when it could never be, for it has no `jti` or no `sub`, and when the store
    /// fails.
    pub async fn check(&self, claims: &Claims) -> Result<(), RevocationError> {
        let name = name(claims)?;
        if self.holds(REVOKED, name.as_ref()).await? {
            return Err(JwtError::from(Revoked).into());
        }
        // A token that names nobody was made by whoever makes them here.
        let issuer = claims.issuer().unwrap_or(&self.issuer);
        self.check_login(issuer, claims).await
    }

    /// Asks whether the login that a token is of was ended, or all that its user had. The issuer
    /// has said whether the token itself is good, which needs no name for that.
    pub(in crate::authn) async fn check_login(
        &self,
        issuer: &str,
        claims: &Claims,
    ) -> Result<(), RevocationError> {
        let subject = claims.subject().ok_or_else(|| JwtError::missing("sub"))?;
        if self.is_logged_out(issuer, claims).await?
            || self.is_ended(issuer, subject, claims).await?
        {
            return Err(JwtError::from(Revoked).into());
        }
        Ok(())
    }

    async fn is_ended(
        &self,
        issuer: &str,
        subject: &str,
        claims: &Claims,
    ) -> Result<bool, StoreError> {
        let granted = granted(claims);
        if *issuer == *self.issuer {
            return self.epochs.is_ended(subject, granted).await;
        }
        self.epochs.is_subject_ended(issuer, subject, granted).await
    }

    async fn is_logged_out(&self, issuer: &str, claims: &Claims) -> Result<bool, RevocationError> {
        let Some(sid) = claims.text("sid") else {
            return Ok(false);
        };
        let name = name_of(issuer, &sid);
        self.holds(LOGGED_OUT, name.as_ref()).await
    }

    async fn holds(&self, namespace: Namespace, name: &[u8]) -> Result<bool, RevocationError> {
        let found = self.store.get(Key::new(namespace, name)).await?;
        Ok(found.is_some())
    }
}

/// What a token goes by in the store: no `jti` of one issuer is one of another, and none is too
/// long.
fn name(claims: &Claims) -> Result<digest::Digest, JwtError> {
    let id = claims.id().filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| JwtError::missing("jti"))?;
    Ok(name_of(claims.issuer().unwrap_or_default(), id))
}

fn name_of(issuer: &str, id: &str) -> digest::Digest {
    let mut hash = digest::Context::new(&digest::SHA256);
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX);
    hash.update(&length.to_be_bytes());
    hash.update(issuer.as_bytes());
    hash.update(id.as_bytes());
    hash.finish()
}

/// When the token was given to its bearer, or before.
fn granted(claims: &Claims) -> Timestamp {
    let issued = claims.issued_at().unwrap_or_default();
    let ours = claims.get(GRANTED).and_then(|value| value.as_u64());
    match ours {
        // Whatever another issuer means by that name: nothing is given after it was made.
        Some(micros) => Timestamp::from_unix_duration(Duration::from_micros(micros))
            .min(issued.saturating_add(Duration::from_secs(1))),
        None => issued,
    }
}

/// 401 for a token that was revoked, 503 when the store failed.
impl From<RevocationError> for Rejection {
    fn from(error: RevocationError) -> Self {
        match error {
            RevocationError::Token(error) => error.into(),
            RevocationError::Store(error) => {
                let reason = format!("the store of revoked tokens failed: {error}");
                Self::from(error).with_reason(reason)
            }
        }
    }
}
