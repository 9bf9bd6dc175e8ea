use super::{KeyFeed, KeySet, KeyState, SigningKey};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// A key set that can be replaced while it is in use, as when an issuer rotates its keys.
/// Clones share one set.
///
/// ```
/// use portcullis::crypto::keys::{Algorithm, KeySet, LiveKeys, SigningKey};
///
/// let old = SigningKey::generate(Algorithm::EdDsa)?;
/// let new = SigningKey::generate(Algorithm::EdDsa)?;
/// let keys = LiveKeys::new(KeySet::new([old.verifying_key()])?);
/// // Tokens of the old key are good until it is taken out again.
/// keys.replace(KeySet::new([new.verifying_key(), old.verifying_key()])?);
/// assert_eq!(keys.current().keys().len(), 2);
/// # Ok::<(), portcullis::crypto::keys::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LiveKeys {
    set: Arc<ArcSwap<KeySet>>,
    feed: Option<Arc<dyn KeyFeed>>,
}

impl LiveKeys {
    /// Keys that begin with this set.
    #[must_use]
    pub fn new(set: KeySet) -> Self {
        Self {
            set: Arc::new(ArcSwap::from_pointee(set)),
            feed: None,
        }
    }

    /// The same keys, and who supplies them: asked before a verifier uses them.
    #[must_use]
    pub fn fed_by(mut self, feed: impl KeyFeed) -> Self {
        self.feed = Some(Arc::new(feed));
        self
    }

    /// Who supplies the keys, where somebody does.
    #[must_use]
    pub fn feed(&self) -> Option<&dyn KeyFeed> {
        self.feed.as_deref()
    }

    /// Whether the keys may be used at all, as far as who supplies them says.
    #[must_use]
    pub fn are_usable(&self) -> bool {
        is_usable(self.feed())
    }

    /// Replaces the set. Verifications under way finish with the one they began with.
    pub fn replace(&self, set: KeySet) {
        self.set.store(Arc::new(set));
    }

    /// The set as it is now.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.set.load_full()
    }

    /// The set as it is now, for a moment: quicker than [`current`](Self::current), not to
    /// be kept.
    pub(crate) fn peek(&self) -> arc_swap::Guard<Arc<KeySet>> {
        self.set.load()
    }
}

impl From<KeySet> for LiveKeys {
    fn from(set: KeySet) -> Self {
        Self::new(set)
    }
}

fn is_usable(feed: Option<&dyn KeyFeed>) -> bool {
    feed.is_none_or(|feed| feed.state() != KeyState::Missing)
}

/// The key that signs now, which can be replaced while it is in use. Clones share it.
///
/// ```
/// use portcullis::crypto::keys::{Algorithm, LiveSigningKey, SigningKey};
///
/// let first = SigningKey::generate(Algorithm::EdDsa)?;
/// let signer = LiveSigningKey::new(first.clone());
/// assert_eq!(signer.current().key_id(), first.key_id());
///
/// signer.replace(SigningKey::generate(Algorithm::EdDsa)?);
/// assert_ne!(signer.current().key_id(), first.key_id());
/// # Ok::<(), portcullis::crypto::keys::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LiveSigningKey {
    key: Arc<ArcSwap<SigningKey>>,
    longest_token: Option<Duration>,
    feed: Option<Arc<dyn KeyFeed>>,
}

impl LiveSigningKey {
    /// Begins with this key.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        Self {
            key: Arc::new(ArcSwap::from_pointee(key)),
            longest_token: None,
            feed: None,
        }
    }

    /// The same key, and who supplies it: asked whether it may sign.
    #[must_use]
    pub fn fed_by(mut self, feed: impl KeyFeed) -> Self {
        self.feed = Some(Arc::new(feed));
        self
    }

    /// Keys whose public halves are kept for as long as a token of this lifetime needs them.
    pub(super) const fn for_tokens_of(mut self, lifetime: Duration) -> Self {
        self.longest_token = Some(lifetime);
        self
    }

    /// Replaces the key. What is being signed is signed with the one before.
    pub fn replace(&self, key: SigningKey) {
        self.key.store(Arc::new(key));
    }

    /// The key that signs now, also where it [may not](Self::is_usable).
    #[must_use]
    pub fn current(&self) -> SigningKey {
        SigningKey::clone(&self.key.load())
    }

    /// Whether the key may sign, as far as who supplies it says. Issuers of tokens ask this for
    /// each.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        is_usable(self.feed.as_deref())
    }

    /// The longest life of what is signed, where the keys that verify it are kept no longer.
    #[must_use]
    pub const fn longest_token(&self) -> Option<Duration> {
        self.longest_token
    }

    #[cfg(feature = "jwt")]
    /// The key that signs now, quicker than [`current`](Self::current).
    pub(crate) fn peek(&self) -> Arc<SigningKey> {
        self.key.load_full()
    }
}

impl From<SigningKey> for LiveSigningKey {
    fn from(key: SigningKey) -> Self {
        Self::new(key)
    }
}
