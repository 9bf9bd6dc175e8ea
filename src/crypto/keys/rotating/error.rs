use super::super::KeyError;
use crate::crypto::Refused;
use crate::store::StoreError;
use std::time::Duration;
use thiserror::Error;

/// What is wrong with the configuration of rotating keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The name is part of where the keys lie.
    #[error("the name {0:?} cannot name a set of keys; use 1 to 64 letters, digits, - and _")]
    Name(String),
    /// A key that signs for too long, or for no time at all.
    #[error("a period of {given:?} is out of range; use at least {least:?} and at most 400 days")]
    Period {
        /// What was given.
        given: Duration,
        /// The lead, which is the least.
        least: Duration,
    },
    /// Verifiers would not know the next key when they see a token of it.
    #[error("a lead of {given:?} is too short; use at least {least:?}, twice the interval")]
    Lead {
        /// What was given.
        given: Duration,
        /// The least there may be.
        least: Duration,
    },
    /// Machines would look all the time, or see a withdrawal too late.
    #[error("an interval of {0:?} is out of range; use 1 second to 1 hour")]
    Interval(Duration),
    /// Keys that are believed for too long without a look, or for less than it takes to look.
    #[error(
        "keys that are believed for {given:?} unseen are out of range; use at least {least:?}, \
         twice the interval, and at most a day"
    )]
    MaxStale {
        /// What was given.
        given: Duration,
        /// The least there may be.
        least: Duration,
    },
    /// Tokens that are over at once, or that keep too many retired keys.
    #[error(
        "tokens of {given:?} are out of range; use at least 1 second and at most {most:?}, \
         four periods"
    )]
    TokenLifetime {
        /// What was given.
        given: Duration,
        /// The most there may be.
        most: Duration,
    },
    /// Keys of this algorithm cannot be made here.
    #[error("keys for {0} cannot be generated here; say how by `generate_with`")]
    NoGenerator(&'static str),
}

/// Why the keys could not be read, made or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The configuration is no good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The records failed. The keys in use are those from before.
    #[error("the records of signing keys cannot be read or written")]
    Store(#[from] StoreError),
    /// A key could not be sealed or opened: is the key missing that seals them?
    #[error("a signing key cannot be sealed or opened")]
    Sealed(#[from] Refused),
    /// A key could not be made, or the set is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key that was generated elsewhere has no form it could be kept in.
    #[error("the generated key cannot be kept; read it from PKCS #8, not from a JWK")]
    NotKept,
    /// What the records hold is not what this library wrote.
    #[error("the record of signing keys cannot be understood")]
    Corrupt,
    /// The next key was not published for long enough.
    #[error(
        "the next key was published too short a time ago; rotate in {} seconds, \
         or withdraw the current one",
        .wait.as_secs()
    )]
    TooSoon {
        /// How long to wait.
        wait: Duration,
    },
    /// Too many retired keys still have tokens.
    #[error("there are {0} keys already whose tokens are good; wait until some have expired")]
    TooMany(usize),
}
