use super::{KeySource, KeySourceError};
use crate::crypto::keyring::{Key, KeyState, Keyring, LiveKeyring};
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
    /// One at a time, so that what was read first does not replace what was read later.
    turn: Mutex<()>,
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
        let live = LiveKeyring::new(source.load().await?);
        Ok(Self(Arc::new(Inner {
            source: Box::new(source),
            live,
            turn: Mutex::new(()),
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
    /// Those of the source, and when a key that opens values now is not in the new keyring in
    /// any state: that happens when the wrong file is put there, and would make values
    /// unreadable. The keyring that was in use is used further.
    pub async fn reload(&self) -> Result<Reloaded, KeySourceError> {
        let _turn = self.0.turn.lock().await;
        let new = self.0.source.load().await?;
        let current = self.0.live.current();
        if new == *current {
            return Ok(Reloaded::Unchanged);
        }
        check_successor(&current, &new)?;
        self.0.live.replace(new);
        Ok(Reloaded::Changed)
    }
}

fn check_successor(current: &Keyring, new: &Keyring) -> Result<(), KeySourceError> {
    let opens = |state| matches!(state, KeyState::Primary | KeyState::DecryptOnly);
    let missing = current
        .keys()
        .filter(|key| opens(key.state()) && new.key(key.id()).is_none());
    let missing: Vec<_> = missing.map(Key::id).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(KeySourceError::KeysMissing(missing))
}
