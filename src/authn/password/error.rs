use crate::guard::{Rejection, RejectionKind};
use std::time::Duration;

/// What a client is told to wait when the queue is full. At the default length the queue
/// drains in about this time.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What is wrong with the configuration of password hashing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The parameters are weaker than any that OWASP recommends.
    #[error(
        "Argon2 parameters m={memory_kib} KiB, t={iterations} are too weak; with t={iterations} use at least {minimum_kib} KiB"
    )]
    WeakParameters {
        /// Memory, KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// The least memory for that many passes, KiB.
        minimum_kib: u32,
    },
    /// The parameters are such as Argon2 does not know.
    #[error(
        "Argon2 parameters m={memory_kib} KiB, t={iterations}, p={parallelism} are not valid; each is at least 1, p is at most {limit}, and m is at least 8 KiB for each lane"
    )]
    InvalidParameters {
        /// Memory, KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
        /// The most lanes there may be.
        limit: u32,
    },
    /// A pepper's id has no place in a hash.
    #[error("pepper id {0:?} must be 1 to 8 bytes long")]
    PepperId(String),
    /// A pepper can be guessed.
    #[error("a pepper of {0} bytes is too short; use at least 16 random bytes")]
    ShortPepper(usize),
    /// Two peppers have the same id.
    #[error("two peppers have the id {0:?}; give each its own, and never give one away again")]
    DuplicatePepper(String),
    /// Longer passwords would be refused than NIST SP 800-63B-4 lets a verifier refuse.
    #[error("a limit of {0} characters is out of range; use 64 to {limit}", limit = super::normalize::MAX_CHARACTERS)]
    CharacterLimit(usize),
    /// The cost that is stated for the stored hashes of another format is none that is verified.
    #[cfg(feature = "password-migration")]
    #[error("{0}; state what the dearest of the stored hashes has")]
    ForeignCost(&'static str),
    /// No thread could be started.
    #[error("a thread for password hashing could not be started")]
    Thread(#[source] std::io::Error),
}

/// Why a stored hash cannot be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It is not written as its format wants.
    #[error("the hash is malformed")]
    Malformed,
    /// It asks for more memory or time than the ceiling allows.
    #[error("the hash asks for more memory or time than is allowed")]
    TooCostly,
    /// Its pepper is not known here.
    #[error("the hash was made with a pepper that is not known here")]
    UnknownPepper,
    /// It was made without a pepper, and only peppered ones are taken.
    #[error("the hash was made without a pepper")]
    Unpeppered,
    /// There was not enough memory.
    #[error("there is not enough memory to hash a password")]
    OutOfMemory,
}

/// Why a password could be neither hashed nor verified. None of these says anything about
/// the user or the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many others are waiting. Comes without delay and costs no hash.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The pool was shut down.
    #[error("password hashing has been shut down")]
    ShutDown,
    /// A new password is longer than [any that can be verified](super::MAX_BYTES). A
    /// [policy](super::PasswordPolicy) says so first, and says it better.
    #[error("the password is longer than any that can be verified")]
    TooLong,
    /// Hashing failed: there was no memory, or a hasher panicked.
    #[error("hashing a password failed")]
    Failed,
}

/// 503 with `Retry-After`, but for a password that is too long.
impl From<PasswordError> for Rejection {
    fn from(error: PasswordError) -> Self {
        let unavailable = |code| Self::new(RejectionKind::Unavailable).with_code(code);
        let rejection = match error {
            PasswordError::Busy => unavailable("password_queue_full").with_retry_after(RETRY_AFTER),
            PasswordError::ShutDown => unavailable("shutting_down").with_retry_after(RETRY_AFTER),
            PasswordError::Failed => unavailable("password_hashing_failed"),
            PasswordError::TooLong => {
                Self::new(RejectionKind::Invalid).with_code("password_too_long")
            }
        };
        rejection.with_reason(error.to_string())
    }
}
