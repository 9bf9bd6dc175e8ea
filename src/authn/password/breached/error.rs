use crate::authn::password::Violations;
use crate::guard::{Rejection, RejectionKind};
#[cfg(feature = "client")]
use crate::net::client::ClientError;
use std::io;
use std::sync::Arc;
use thiserror::Error;

/// Why a source could not say.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum BreachError {
    /// The call failed.
    #[cfg(feature = "client")]
    #[error(transparent)]
    Call(#[from] ClientError),
    /// The service answered something else than 200.
    #[error("the service of breached passwords answered {0}")]
    Status(u16),
    /// The file cannot be read.
    #[error("the file of breached passwords cannot be read: {0}")]
    Io(Arc<io::Error>),
    /// A line is not a hash, or not one and a count.
    #[error("a line at byte {0} is not a hash in hex with a count behind a colon")]
    Malformed(u64),
    /// The lines of the file are not in their order.
    #[error("the lines at byte {0} are not in the order of their hashes; sort the file by hash")]
    NotSorted(u64),
    /// Another reason, of a source of yours.
    #[error("the source of breached passwords failed: {0}")]
    Other(String),
}

impl From<io::Error> for BreachError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// Why a password was refused.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum BreachRefusal {
    /// It was seen in a breach.
    #[error(transparent)]
    Breached(Violations),
    /// Nobody could say whether it was.
    #[error("whether the password was seen in a breach cannot be said: {0}")]
    Unavailable(#[source] BreachError),
}

/// 422 for `/password`, or 503.
impl From<BreachRefusal> for Rejection {
    fn from(refusal: BreachRefusal) -> Self {
        match refusal {
            BreachRefusal::Breached(violations) => Self::invalid(violations.at("/password")),
            BreachRefusal::Unavailable(error) => {
                Self::new(RejectionKind::Unavailable).with_reason(error.to_string())
            }
        }
    }
}
