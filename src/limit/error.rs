use crate::store::gcra::RateError;

/// The quota cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidQuota {
    /// Of nothing, in no time, too fast or too slow.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The name cannot go into the `RateLimit` fields.
    #[error("a quota is named by 1 to 64 characters of visible ASCII, not by {0:?}")]
    Name(String),
}
