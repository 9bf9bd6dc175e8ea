use super::{Key, KeyId, KeyState, Keyring};
use crate::lock::lock;
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

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
    /// The keys that were destroyed as long as this process runs, kept by who replaces the
    /// ring, one at a time. It grows by what operators do, and nobody else.
    destroyed: Mutex<BTreeSet<KeyId>>,
}

impl LiveKeyring {
    /// Begins with this keyring.
    #[must_use]
    pub fn new(keyring: Keyring) -> Self {
        Self(Arc::new(Live {
            destroyed: Mutex::new(destroyed(&keyring).collect()),
            ring: ArcSwap::from_pointee(keyring),
            generation: AtomicU64::new(0),
        }))
    }

    /// Uses this keyring from now on.
    pub fn replace(&self, keyring: Keyring) {
        let Ok(()) = self.replace_if(keyring, |_, _| Ok::<_, Infallible>(()));
    }

    /// Uses this keyring from now on, if whoever asks has nothing against it, having seen the
    /// one that it replaces and the keys that were ever destroyed. Nobody else replaces it
    /// meanwhile.
    pub(crate) fn replace_if<E>(
        &self,
        keyring: Keyring,
        check: impl FnOnce(&Keyring, &BTreeSet<KeyId>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut destroyed = lock(&self.0.destroyed);
        check(&self.current(), &destroyed)?;
        destroyed.extend(self::destroyed(&keyring));
        self.0.ring.store(Arc::new(keyring));
        self.0.generation.fetch_add(1, Ordering::Release);
        Ok(())
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

fn destroyed(keyring: &Keyring) -> impl Iterator<Item = KeyId> {
    let keys = keyring.keys();
    keys.filter(|key| key.state() == KeyState::Destroyed)
        .map(Key::id)
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
