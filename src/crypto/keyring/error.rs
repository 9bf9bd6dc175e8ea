use super::{KeyId, Keyring};
use thiserror::Error;

/// Why a keyring cannot be made or changed so. Never shows a byte of a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// A key of another length.
    #[error("the key has {0} bytes; 32 random ones are needed")]
    KeyLength(usize),
    /// A key whose bytes are all the same.
    #[error("the bytes of the key are all the same; use random ones")]
    NotRandom,
    /// The key is there already.
    #[error("the key {0} is in the keyring already")]
    Duplicate(KeyId),
    /// No such key.
    #[error("the keyring has no key {0}")]
    Unknown(KeyId),
    /// The key that seals cannot be taken out of use.
    #[error("the key {0} is the primary one; promote another one first")]
    IsPrimary(KeyId),
    /// What was destroyed cannot be used.
    #[error("the key {0} is destroyed")]
    IsDestroyed(KeyId),
    /// The key cannot seal, for it was taken out of use.
    #[error("the key {0} is disabled; enable it first, on every machine")]
    IsDisabled(KeyId),
    /// Only a destroyed key can be forgotten.
    #[error("the key {0} is not destroyed; only what is destroyed can be forgotten")]
    NotDestroyed(KeyId),
    /// Too many keys.
    #[error(
        "the keyring would hold more than {} keys; forget destroyed ones",
        Keyring::MAX_KEYS
    )]
    TooManyKeys,
    /// No key, or none that seals.
    #[error("the keyring has no primary key; mark one entry as \"primary\"")]
    NoPrimary,
    /// More than one key that seals.
    #[error("the keyring has two primary keys, {0} and {1}; mark one as \"decrypt-only\"")]
    TwoPrimaries(KeyId, KeyId),
    /// An entry of the text is wrong.
    #[error("entry {entry} of the keyring's text: {error}")]
    Entry {
        /// Which one, the first being 1.
        entry: usize,
        /// What is wrong.
        error: EntryError,
    },
    /// The text is longer than any keyring has reason to be.
    #[error("the keyring's text has {0} bytes; 65536 are the most")]
    TextTooLong(usize),
    /// The variable is not set, or is not Unicode.
    #[error("the environment variable {0} is not set, or is not Unicode")]
    Variable(String),
}

/// What is wrong with an entry of a keyring's text. Shows nothing of the entry, for what
/// stands in the wrong place may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Not `pck1.STATE.ID.CREATED.KEY`.
    #[error("it does not have five parts, as in pck1.STATE.ID.CREATED.KEY")]
    Parts,
    /// Another version, or something else.
    #[error("it does not begin with pck1")]
    Version,
    /// No such state.
    #[error("the state is not primary, decrypt-only, disabled or destroyed")]
    State,
    /// No key id.
    #[error("the id is not 16 lower-case hexadecimal digits")]
    Id,
    /// No time.
    #[error("the time of creation is not a number of Unix seconds")]
    Created,
    /// Not 32 bytes of base64url.
    #[error("the key is not 32 bytes (43 characters) of base64url without padding")]
    Key,
    /// The id belongs to another key.
    #[error("the id is not that of the key: is the key complete, and the right one?")]
    WrongId,
    /// All bytes are the same.
    #[error("the bytes of the key are all the same; use random ones")]
    NotRandom,
}
