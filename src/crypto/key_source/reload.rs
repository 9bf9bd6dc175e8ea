use super::{KeySource, KeySourceError};
use crate::crypto::keyring::{Key, KeyId, KeyState, Keyring, LiveKeyring};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A keyring that follows its source. Clones share one.
///
/// Call [`reload`](Self::reload) on a signal, or again and again:
///
/// ```no_run
/// use portcullis::crypto::key_source::{KeyFile, ReloadingKeys};
/// use std::time::Duration;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = ReloadingKeys::start(KeyFile::new("/run/secrets/keys")).await?;
/// let reloading = keys.clone();
/// tokio::spawn(async move {
///     loop {
///         tokio::time::sleep(Duration::from_secs(60)).await;
///         if let Err(error) = reloading.reload().await {
///             eprintln!("the keys were not reloaded: {error}");
///         }
///     }
/// });
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ReloadingKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Box<dyn KeySource>,
    live: LiveKeyring,
    /// What the source gave when it was taken last. One reload at a time, so that what was read
    /// first does not replace what was read later.
    given: Mutex<Keyring>,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reloaded {
    /// The source gave the keyring that was in use.
    Unchanged,
    /// The source gave another one, which is in use now.
    Changed,
}

impl ReloadingKeys {
    /// Loads the keyring for the first time.
    ///
    /// # Errors
    /// Those of the source: a service must not start without its keys.
    pub async fn start(source: impl KeySource) -> Result<Self, KeySourceError> {
        let given = source.load().await?;
        Ok(Self(Arc::new(Inner {
            source: Box::new(source),
            live: LiveKeyring::new(given.clone()),
            given: Mutex::new(given),
        })))
    }

    /// The keyring in use, for a cipher: what is reloaded, it uses.
    #[must_use]
    pub fn live(&self) -> LiveKeyring {
        self.0.live.clone()
    }

    /// Loads the keyring again.
    ///
    /// # Errors
    /// Those of the source; and in two cases in which the keyring that was in use is used
    /// further:
    ///
    /// * A key that opens values now is not in the new keyring in any state. That happens when
    ///   the wrong file is put there, and would make values unreadable.
    /// * A key is in the new keyring that this process has destroyed, in whatever way, or that
    ///   it has disabled while the source has not. That happens when an old file is restored,
    ///   or the key was taken out of use here and not in the source. (A process that starts
    ///   knows nothing of it, and takes what the source gives.)
    pub async fn reload(&self) -> Result<Reloaded, KeySourceError> {
        let mut given = self.0.given.lock().await;
        let new = self.0.source.load().await?;
        if new == *self.0.live.current() {
            *given = new;
            return Ok(Reloaded::Unchanged);
        }
        self.0.live.replace_if(new.clone(), |current, destroyed| {
            refuse(missing(current, &new), KeySourceError::KeysMissing)?;
            let returned = returned(current, destroyed, &given, &new);
            refuse(returned, KeySourceError::KeysReturned)
        })?;
        *given = new;
        Ok(Reloaded::Changed)
    }
}

fn refuse(
    keys: Vec<KeyId>,
    because: fn(Vec<KeyId>) -> KeySourceError,
) -> Result<(), KeySourceError> {
    if keys.is_empty() {
        return Ok(());
    }
    Err(because(keys))
}

fn missing(current: &Keyring, new: &Keyring) -> Vec<KeyId> {
    let is_missing = |key: &&Key| opens(key.state()) && new.key(key.id()).is_none();
    current.keys().filter(is_missing).map(Key::id).collect()
}

/// The keys of the new ring that this process has taken out of use.
fn returned(
    current: &Keyring,
    destroyed: &BTreeSet<KeyId>,
    given: &Keyring,
    new: &Keyring,
) -> Vec<KeyId> {
    let state = |ring: &Keyring, id| ring.key(id).map(Key::state);
    let is_disabled_here =
        |id| state(current, id) == Some(KeyState::Disabled) && state(given, id).is_some_and(opens);
    // Destroyed for good, be it to be enabled some day.
    let is_returned = |key: &&Key| match key.state() {
        KeyState::Destroyed => false,
        KeyState::Disabled => destroyed.contains(&key.id()),
        _ => destroyed.contains(&key.id()) || is_disabled_here(key.id()),
    };
    new.keys().filter(is_returned).map(Key::id).collect()
}

const fn opens(state: KeyState) -> bool {
    matches!(state, KeyState::Primary | KeyState::DecryptOnly)
}
