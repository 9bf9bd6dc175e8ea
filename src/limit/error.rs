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
    /// More quotas than can be decided together.
    #[error("at most 8 quotas are decided together, not {0}: put the rest into another layer")]
    TooManyTogether(usize),
    /// More quotas in all plans than there is room for.
    #[error("all plans together have at most 128 quotas, not {0}: merge some plans")]
    TooManyInPlans(usize),
    /// Two plans of one name.
    #[error("there is a plan {0:?} already: give this one another name")]
    SamePlan(String),
}
