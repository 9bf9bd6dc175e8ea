use super::Steps;
use crate::event::EventKind;
use crate::guard::{Rejection, RejectionKind};
use crate::store::{StoreError, StoreErrorKind};
use std::time::Duration;

/// What is wrong with the configuration of a throttle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key can be guessed.
    #[error("a key of {0} bytes is too short; use 32 random bytes")]
    ShortKey(usize),
    /// The steps come in no order, or never end.
    #[error(
        "{free} free failures and a lock at {lock_at} make no sense; use 1 <= free <= lock_at <= {most}",
        most = Steps::MAX_FAILURES
    )]
    Failures {
        /// The failures that are free.
        free: u32,
        /// The failure that locks.
        lock_at: u32,
    },
    /// A time is none, or has no end.
    #[error("a time of {0:?} is out of range; use 1 second to {most:?}", most = Steps::MAX_DURATION)]
    Duration(Duration),
    /// Nobody could try, or the store could not count as far.
    #[error("a limit of {0} accounts is out of range; use 1 to {most}", most = super::MAX_ACCOUNTS)]
    Accounts(usize),
    /// A device would be known for no time, or longer than browsers keep cookies.
    #[error("devices cannot be known for {0:?}; use 1 second to 400 days")]
    DeviceLifetime(Duration),
    /// The name of the cookie will not do.
    #[error("{0:?} is no name of a cookie; use up to 40 letters, digits, - and _")]
    CookieName(String),
    /// Too few places make strangers meet in one.
    #[error("{0} places are too few; use at least {least}", least = super::MIN_PLACES)]
    Places(u32),
}

/// Why there is no try now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThrottleError {
    /// There were too many failures, and the next try has to wait.
    #[error("too many tries, wait {} seconds", .retry_after.as_secs())]
    Delayed {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The account is locked for this client or for all strangers: also for who has the secret.
    /// Who makes this look like a wrong secret does the work of one: to a client that goes on and
    /// on, the answer becomes [`Delayed`](Self::Delayed).
    #[error("too many tries, locked for {} seconds", .retry_after.as_secs())]
    Locked {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store failed, and without it nobody knows how many tries there were.
    #[error("the store of failed tries cannot be read or written")]
    Store(#[from] StoreError),
}

impl ThrottleError {
    pub(super) fn corrupt() -> Self {
        let message = "a count of failed tries cannot be understood";
        Self::Store(StoreError::new(StoreErrorKind::Corrupt, message))
    }
}

/// 429 `too_many_attempts` with `Retry-After`, whether the account is there or not; 503 when the
/// store failed.
impl From<ThrottleError> for Rejection {
    fn from(error: ThrottleError) -> Self {
        let reason = error.to_string();
        let limited = |retry_after| {
            Self::new(RejectionKind::RateLimited)
                .with_code("too_many_attempts")
                .with_retry_after(retry_after)
                .with_event(Some(EventKind::AuthnLoginFailMax))
        };
        match error {
            ThrottleError::Delayed { retry_after } | ThrottleError::Locked { retry_after } => {
                limited(retry_after).with_reason(reason)
            }
            ThrottleError::Store(error) => error.into(),
        }
    }
}
