//! Where a service gets its keyring from at start, and again when it changed.
//!
//! | source | the keys lie | against |
//! |---|---|---|
//! | [`EnvKeys`] | in an environment variable | keys in the code and in its repository |
//! | [`KeyFile`] | in a file that only the service may read | other users, and who reads `/proc` |
//! | [`KeyFile::sealed_with_passphrase`] | there, sealed by Argon2id and XAES-256-GCM | who copies the disk or the backup |
//! | [`KeyFile::sealed_with_kek`] | there, sealed under a key of a [`Kek`](super::kek::Kek) | the same, and nobody types anything |
//!
//! A [`ReloadingKeys`] puts what a source gives into a [`LiveKeyring`](super::keyring::LiveKeyring),
//! at start and whenever it is told to. What cannot be read, or would lose a key that is in use,
//! changes nothing and is an error.
//!
//! ```
//! use portcullis::crypto::key_source::{KeyFile, ReloadingKeys};
//! use portcullis::crypto::keyring::{Key, Keyring};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("keys");
//! let file = KeyFile::new(&path).sealed_with_passphrase("nine purple lanterns drift");
//! let ring = Keyring::generate();
//! file.write(&ring).await?;
//!
//! let keys = ReloadingKeys::start(file.clone()).await?;
//! assert_eq!(*keys.live().current(), ring); // FieldCipher::new(keys.live(), "shop")
//!
//! // An operator adds a key, and has it read: on a signal, or every minute.
//! file.write(&ring.with_key(Key::generate())?).await?;
//! keys.reload().await?;
//! assert_eq!(keys.live().current().keys().len(), 2);
//!
//! // A broken file changes nothing.
//! std::fs::write(&path, "nonsense")?;
//! assert!(keys.reload().await.is_err());
//! assert_eq!(keys.live().current().keys().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```

mod env;
mod error;
mod file;
mod reload;
mod sealed;

pub use env::EnvKeys;
pub use error::KeySourceError;
pub use file::KeyFile;
pub use reload::{Reloaded, ReloadingKeys};

use super::keyring::Keyring;
use std::fmt;
use std::pin::Pin;

/// The keyring that a [`KeySource`] gives.
pub type KeySourceFuture = Pin<Box<dyn Future<Output = Result<Keyring, KeySourceError>> + Send>>;

/// Where a keyring comes from.
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// Reads the keyring as it is there now.
    fn load(&self) -> KeySourceFuture;
}
