//! Where the keys of others come from while the program serves.

use super::{Algorithm, Algorithms, KeyError, KeySet, LiveKeys, VerifyingKey};
use crate::principal::Principal;
use crate::secret::SecretBytes;
use crate::store::{StoreError, StoreErrorKind, StoreFuture};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A key that is known to be somebody's, for one algorithm. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KnownKey {
    key: Arc<VerifyingKey>,
    algorithm: Algorithm,
    principal: Option<Principal>,
    notice: Option<Notice>,
}

/// Writes down that a key was used.
#[derive(Clone)]
struct Notice(Arc<dyn Fn() -> StoreFuture<()> + Send + Sync>);

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

impl KnownKey {
    /// A key that is bound to one algorithm.
    ///
    /// # Errors
    /// When the key can do several, as an RSA key without `alg`: choose one by
    /// [`VerifyingKey::only_for`]. One key, one algorithm: else a signature made by the one
    /// may be read as made by the other.
    pub fn new(key: VerifyingKey) -> Result<Self, KeyError> {
        let algorithm = only_algorithm(key.algorithms()).ok_or(KeyError::SeveralAlgorithms)?;
        Ok(Self {
            key: Arc::new(key),
            algorithm,
            principal: None,
            notice: None,
        })
    }

    /// A secret that is shared, for HMAC with SHA-256.
    ///
    /// # Errors
    /// When it is shorter than 32 bytes, or the text of a public key.
    pub fn shared_secret(secret: &SecretBytes) -> Result<Self, KeyError> {
        Self::new(VerifyingKey::from_secret(Algorithm::Hs256, secret)?)
    }

    /// Says whose key it is: who signs with it is this principal.
    #[must_use]
    pub fn with_principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Has its use written down, once a message that it signed has passed. Asked for is a key by
    /// anybody who knows its id. Whether the writing succeeds is no matter of the message.
    #[must_use]
    pub fn noting_use(
        mut self,
        note: impl Fn() -> StoreFuture<()> + Send + Sync + 'static,
    ) -> Self {
        self.notice = Some(Notice(Arc::new(note)));
        self
    }

    /// Says that a message which it signed has passed.
    pub async fn note_use(&self) {
        if let Some(Notice(note)) = &self.notice {
            let _another_time = note().await;
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// What it is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whose it is, where that is known.
    #[must_use]
    pub const fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }
}

fn only_algorithm(algorithms: Algorithms) -> Option<Algorithm> {
    let mut algorithms = algorithms.iter();
    let only = algorithms.next()?;
    algorithms.next().is_none().then_some(only)
}

/// Finds the key of an id that a request names. Asked for each request, so that a key that is
/// disabled is so at once.
///
/// Rotation is two ids, both known for a while.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide keys",
    note = "implement `portcullis::crypto::keys::KeyProvider`, or use `StaticKeys`, `LiveKeys` or a `KeySet`"
)]
pub trait KeyProvider: Send + Sync + 'static {
    /// The key of this id; `None` when there is none, it has expired or was disabled. An error
    /// means that nobody can tell, and that the request is refused with 503.
    ///
    /// The id comes from the request and may be any text.
    fn find(&self, key_id: &str) -> StoreFuture<Option<KnownKey>>;
}

impl<P: KeyProvider + ?Sized> KeyProvider for Arc<P> {
    fn find(&self, key_id: &str) -> StoreFuture<Option<KnownKey>> {
        (**self).find(key_id)
    }
}

/// Keys that are fixed when the program starts.
///
/// ```
/// use portcullis::crypto::keys::{KeyProvider, KnownKey, StaticKeys};
///
/// let secret = [7; 32].as_slice().into();
/// let keys = StaticKeys::new().with("partner-1", KnownKey::shared_secret(&secret)?);
/// let found = keys.find("partner-1").try_ready();
/// assert!(matches!(found, Ok(Ok(Some(_)))));
/// # Ok::<(), portcullis::crypto::keys::KeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StaticKeys(BTreeMap<String, KnownKey>);

impl StaticKeys {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key under an id; the last one of an id stays.
    #[must_use]
    pub fn with(mut self, key_id: impl Into<String>, key: KnownKey) -> Self {
        self.0.insert(key_id.into(), key);
        self
    }
}

impl KeyProvider for StaticKeys {
    fn find(&self, key_id: &str) -> StoreFuture<Option<KnownKey>> {
        StoreFuture::ready(Ok(self.0.get(key_id).cloned()))
    }
}

/// The key that is called so; one that is for several algorithms is for none.
impl KeyProvider for KeySet {
    fn find(&self, key_id: &str) -> StoreFuture<Option<KnownKey>> {
        let named = |key: &&VerifyingKey| key.key_id() == Some(key_id);
        let key = self.keys().iter().find(named).cloned();
        StoreFuture::ready(Ok(key.and_then(|key| KnownKey::new(key).ok())))
    }
}

/// The set as it is at the moment. Where whoever supplies it has none that may be believed, that
/// is an outage and no unknown key.
impl KeyProvider for LiveKeys {
    fn find(&self, key_id: &str) -> StoreFuture<Option<KnownKey>> {
        if !self.are_usable() {
            let error = StoreError::new(StoreErrorKind::Unavailable, "no keys that may be used");
            return StoreFuture::ready(Err(error));
        }
        self.peek().find(key_id)
    }
}
