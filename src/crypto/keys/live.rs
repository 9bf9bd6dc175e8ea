use super::{KeyFeed, KeySet};
use arc_swap::ArcSwap;
use std::sync::Arc;

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
