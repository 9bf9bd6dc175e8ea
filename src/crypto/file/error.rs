use super::header::MAX_WRAPPED_LEN;
use crate::crypto::keyring::KeyId;
use std::io;

/// What is wrong with the way that files should be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A wrapped key has no place in a header.
    #[error("a wrapped key of {0} bytes must be 1 to {MAX_WRAPPED_LEN} bytes long")]
    WrappedKey(usize),
}

/// Why a file could not be sealed or opened.
///
/// Streams and files give it inside an [`io::Error`]; [`FileError::of`] finds it there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It does not begin as a container does.
    #[error("this is no file sealed in a container: it does not begin with \"PCF1\"")]
    NotAContainer,
    /// It is a container of a kind that this version does not know.
    #[error("the container's kind {0} is not known to this version")]
    UnknownKind(u8),
    /// A field of the container's header is such as no configuration could be.
    #[error("the container's header is malformed")]
    MalformedHeader(#[source] ConfigError),
    /// It was sealed in another way than it is being opened.
    #[error("the file is sealed with {found}, and is being opened with {expected}")]
    WrongLock {
        /// What it is sealed with.
        found: &'static str,
        /// What it is being opened with.
        expected: &'static str,
    },
    /// It was sealed with a key that is not here.
    #[error("the file is sealed with the key {0}, which is not in the keyring")]
    UnknownKey(KeyId),
    /// It was sealed with a key that may not be used any more.
    #[error("the file is sealed with the key {0}, which is disabled or destroyed")]
    UnusableKey(KeyId),
    /// Key, password or context are not those it was sealed with, or its header was changed.
    #[error(
        "the key, the password or the context is not what the file was sealed with, or its header was changed"
    )]
    WrongKey,
    /// Its header asks for more than the limits allow, or for less than protects a password.
    /// Nothing was computed.
    #[error(
        "the file asks for Argon2id with {memory_kib} KiB, {iterations} passes and {lanes} lanes, which is out of bounds; raise the limits if it is more than they allow and you trust the file"
    )]
    PasswordCost {
        /// Memory, KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes.
        lanes: u8,
    },
    /// There is not enough memory to derive a key from the password.
    #[error("there is not enough memory to derive a key from the password")]
    OutOfMemory,
    /// A chunk was changed, moved or cut off.
    #[error("chunk {chunk} of the file was changed, moved or cut off")]
    Corrupt {
        /// The first chunk that is not what was sealed, from zero. A chunk is 16 KiB.
        chunk: u64,
    },
    /// The end is missing.
    #[error("the file was cut off: its end is missing")]
    Truncated,
    /// The process was forked while it sealed the file, and this is the child. Both would seal
    /// under the same nonces, so that only the parent goes on.
    #[error("the process was forked while it sealed the file, which its parent goes on with")]
    Forked,
    /// It is longer than the format allows.
    #[error("a sealed file holds 4 PiB at most")]
    TooLong,
}

impl FileError {
    /// Finds one in the error of a stream.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// A short word for the variant, which does not change between versions.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAContainer => "not_a_container",
            Self::UnknownKind(_) => "unknown_kind",
            Self::MalformedHeader(_) => "malformed_header",
            Self::WrongLock { .. } => "wrong_lock",
            Self::UnknownKey(_) => "unknown_key",
            Self::WrongKey => "wrong_key",
            Self::UnusableKey(_) => "unusable_key",
            Self::PasswordCost { .. } => "password_cost",
            Self::OutOfMemory => "out_of_memory",
            Self::Corrupt { .. } => "corrupt",
            Self::Truncated => "truncated",
            Self::Forked => "forked",
            Self::TooLong => "too_long",
        }
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        let kind = match error {
            FileError::WrongLock { .. } => io::ErrorKind::InvalidInput,
            FileError::OutOfMemory => io::ErrorKind::OutOfMemory,
            FileError::Forked => io::ErrorKind::Other,
            FileError::TooLong => io::ErrorKind::FileTooLarge,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
