use crate::authn::Refusal;
use crate::guard::{Rejection, RejectionKind};
use crate::store::StoreError;
use std::time::Duration;

/// What is wrong with the configuration of codes or links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key can be guessed.
    #[error("a key of {0} bytes is too short; use 32 random bytes")]
    ShortKey(usize),
    /// Codes that are shorter can be guessed, and longer ones are typed wrong.
    #[error("codes have 6 to 8 digits, not {0}")]
    Digits(u8),
    /// It lives longer than it should, or not at all.
    #[error("a lifetime of {given:?} is out of range; use 1 second to {most:?}")]
    Lifetime {
        /// What was given.
        given: Duration,
        /// The most there may be.
        most: Duration,
    },
    /// Nothing could ever be sent.
    #[error("a limit of zero messages sends nothing; use at least 1")]
    NoMessages,
}

/// Why a code or link was not accepted, or not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The code or link is no good.
    #[error("{0}")]
    Refused(Refusal),
    /// Too many were asked for, or too many wrong codes were typed, for this user and purpose.
    #[error("too many codes were asked for, wait {} seconds", .retry_after.as_secs())]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Too many messages are on their way already, whoever they are for.
    #[error("too many messages are waiting to be sent")]
    Busy,
    /// There is no Tokio runtime to send on.
    #[error("codes are sent on a Tokio runtime, and there is none")]
    NoRuntime,
    /// The address is one of e-mail, by which [no code may go](super::OneTimeCodesBuilder::never_by_mail).
    #[error("no code may go by e-mail; give a number, or let codes go by mail")]
    Mail,
    /// The store failed. The code was not accepted, though it may have been used up.
    #[error("the store of codes cannot be read or written")]
    Store(#[from] StoreError),
    /// An entry is not what this library wrote.
    #[error("the entry of a code cannot be understood")]
    Corrupt,
}

/// 401 for a code that was refused, the same for every reason; 429 where too many were asked
/// for; 503 when the store failed or too many wait.
impl From<CodeError> for Rejection {
    fn from(error: CodeError) -> Self {
        let of = |kind| Self::new(kind).with_reason(error.to_string());
        match &error {
            CodeError::Refused(refusal) => (*refusal).into(),
            CodeError::TooMany { retry_after } => {
                of(RejectionKind::RateLimited).with_retry_after(*retry_after)
            }
            CodeError::Busy => {
                of(RejectionKind::Unavailable).with_retry_after(Duration::from_secs(2))
            }
            CodeError::Store(error) => error.into(),
            CodeError::NoRuntime | CodeError::Mail | CodeError::Corrupt => {
                of(RejectionKind::Internal)
            }
        }
    }
}
