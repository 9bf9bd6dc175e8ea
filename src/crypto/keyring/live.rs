use super::Keyring;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The keyring in use, which can be replaced while it is. Clones share one.
///
/// What is being sealed or opened at that moment is finished with the keyring it began with;
/// everything after it uses the new one.
#[derive(Clone, Debug)]
pub struct LiveKeyring(Arc<Live>);

#[derive(Debug)]
struct Live {
    ring: ArcSwap<Keyring>,
    generation: AtomicU64,
}

impl LiveKeyring {
    /// Begins with this keyring.
    #[must_use]
    pub fn new(keyring: Keyring) -> Self {
        Self(Arc::new(Live {
            ring: ArcSwap::from_pointee(keyring),
            generation: AtomicU64::new(0),
        }))
    }

    /// Uses this keyring from now on.
    pub fn replace(&self, keyring: Keyring) {
        self.0.ring.store(Arc::new(keyring));
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    /// The keyring as it is now.
    #[must_use]
    pub fn current(&self) -> Arc<Keyring> {
        self.0.ring.load_full()
    }

    /// Changes with each [`replace`](Self::replace): whoever keeps what was derived from the
    /// keyring reads this first, then [`current`](Self::current), and derives anew when it
    /// has changed. A keyring that comes between the two is derived from twice, never missed.
    #[cfg(feature = "field-encryption")]
    pub(crate) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }
}

impl From<Keyring> for LiveKeyring {
    fn from(keyring: Keyring) -> Self {
        Self::new(keyring)
    }
}

impl From<&Self> for LiveKeyring {
    fn from(live: &Self) -> Self {
        live.clone()
    }
}
