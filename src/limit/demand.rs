use super::RateKey;

/// What is asked of one rule: for which key, at what cost, under which plan.
///
/// ```
/// use portcullis::limit::{Demand, Quota, RateLimiter};
///
/// // Each user ten a minute, all together a thousand.
/// let limiter = RateLimiter::new(Quota::per_minute(10)?).and(Quota::per_minute(1000)?)?;
/// let decision = limiter.check_all(&[Demand::new("ann"), Demand::new("all")]);
/// assert!(decision.is_admitted());
/// # Ok::<(), portcullis::limit::InvalidQuota>(())
/// ```
#[derive(Clone, Debug)]
pub struct Demand<'a> {
    pub(super) key: RateKey<'a>,
    pub(super) cost: u32,
    pub(super) plan: Option<&'a str>,
}

impl<'a> Demand<'a> {
    /// One unit for this key, under the plan of all who have no other.
    #[must_use]
    pub fn new(key: impl Into<RateKey<'a>>) -> Self {
        Self {
            key: key.into(),
            cost: 1,
            plan: None,
        }
    }

    /// So many units. Zero charges nothing, and is always admitted.
    #[must_use]
    pub const fn cost(mut self, cost: u32) -> Self {
        self.cost = cost;
        self
    }

    /// Under the plan of this name. A name that the rule does not know is no plan.
    #[must_use]
    pub const fn plan(mut self, plan: &'a str) -> Self {
        self.plan = Some(plan);
        self
    }
}
