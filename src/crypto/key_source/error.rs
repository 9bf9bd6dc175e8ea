use crate::crypto::StretchError;
use crate::crypto::kek::KekError;
use crate::crypto::keyring::{KeyId, KeyringError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// Why there is no keyring from a source. Never shows a byte of a key.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum KeySourceError {
    /// The text is no keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The file cannot be read or written.
    #[error("the key file {} cannot be used", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: Arc<io::Error>,
    },
    /// What is there is no regular file.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// Others can read or write the file.
    #[error("the key file {} has mode {mode:03o}; others must not reach it: chmod 600", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// On this system it cannot be told who can read the file.
    #[error(
        "who can read a file cannot be told on this system; see KeyFile::insecure_readable_by_others"
    )]
    PermissionsUnknown,
    /// The file is longer than any keyring.
    #[error("the key file is longer than 131072 bytes")]
    TooLong,
    /// The file is not sealed in the way it is configured to be.
    #[error("the key file is not sealed {0}, as it is configured to be")]
    NotSealed(&'static str),
    /// The file is sealed, and is configured not to be.
    #[error("the key file is sealed; configure a passphrase or a key encryption key")]
    Sealed,
    /// The header of a sealed file is malformed.
    #[error("the sealed key file is malformed")]
    Malformed,
    /// The header asks for a derivation that is too weak or too dear. Nothing was derived.
    #[error(transparent)]
    Stretch(#[from] StretchError),
    /// The passphrase is wrong, or the file was changed.
    #[error("the passphrase is wrong, or the key file was changed")]
    Refused,
    /// The key encryption key failed.
    #[error("the key file's key cannot be unwrapped")]
    Kek(#[from] KekError),
    /// The new keyring lacks keys that are in use.
    #[error("the new keyring lacks keys that the running one opens values with: {}; disable or destroy them first", list(.0))]
    KeysMissing(Vec<KeyId>),
    /// The new keyring has keys that this process has destroyed or disabled.
    #[error("the new keyring would bring back keys that this process has destroyed or disabled: {}; do the same to them in the source", list(.0))]
    KeysReturned(Vec<KeyId>),
    /// Somebody else owns the file, and so could change it.
    #[error("the key file {} belongs to the user {owner}; make it root's or that of the service: chown", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// The number of the user.
        owner: u32,
    },
    /// The system gave no thread.
    #[error("the system gave no thread to read the key file on")]
    NoThread,
}

fn list(ids: &[KeyId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
