use super::subject::{Subject, impl_by};
use super::{Demand, Plans};
use crate::guard::RequestHead;
use std::fmt;
use std::sync::Arc;

type CostOf = dyn Fn(&RequestHead<'_>) -> u32 + Send + Sync;
type PlanOf = dyn for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync;

/// One of several rules of a [`RateLimitLayer`](super::RateLimitLayer): who is counted, to
/// which quotas they are held, and what a request costs.
///
/// Counts by the client's network, unless one of the `by_` methods says otherwise; each
/// request costs 1, unless [`cost`](Self::cost) says otherwise.
///
/// ```
/// use portcullis::limit::{Quota, RateLimitLayer, Rule};
///
/// // A client, who it logs in as, and everybody together; a request is charged to all three
/// // or to none.
/// let layer = RateLimitLayer::new(Quota::per_minute(100)?.named("client")?)
///     .and(Rule::new(Quota::per_hour(2000)?.named("user")?).by_principal())?
///     .and(Rule::new(Quota::per_second(5000)?.named("all")?).for_everybody())?;
/// # Ok::<(), portcullis::limit::InvalidQuota>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Rule {
    pub(super) plans: Plans,
    pub(super) asker: Asker,
}

impl Rule {
    /// Holds each client to these quotas: a [`Quota`](super::Quota), an array of up to eight
    /// that hold together, or [`Plans`].
    pub fn new(quotas: impl Into<Plans>) -> Self {
        Self {
            plans: quotas.into(),
            asker: Asker::client(),
        }
    }

    /// Charges what `cost` says. A request of cost zero always passes; one that costs more
    /// than a quota allows at once never does.
    pub fn cost(mut self, cost: impl Fn(&RequestHead<'_>) -> u32 + Send + Sync + 'static) -> Self {
        self.asker.cost = Some(Arc::new(cost));
        self
    }

    /// Holds each request to the plan that `plan` names: see [`Plans`].
    pub fn plan(
        mut self,
        plan: impl for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.asker.plan = Some(Arc::new(plan));
        self
    }

    /// What happens while the store does not answer.
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.asker.fallback = fallback;
        self
    }

    const fn subject_mut(&mut self) -> &mut Subject {
        &mut self.asker.subject
    }
}

impl_by!(Rule);

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("plans", &self.plans)
            .field("asker", &self.asker)
            .finish()
    }
}

/// What a rule does while the [`Store`](crate::store::Store) does not answer.
///
/// The default is the whole quota for each process: `LocalShare(1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// Each process limits for itself, to one part in so many of each quota: with as many
    /// parts as there are processes, all together admit no more than the whole. A quota is
    /// never less than one unit; zero parts are one. A request that costs more than the part
    /// holds at once, but no more than the whole, is charged all of the part.
    LocalShare(u32),
    /// The rule refuses: 503 with `Retry-After`. For what is worse unlimited than not at all.
    Refuse,
    /// The rule admits everything, and nothing is counted: whoever can make the store fail is
    /// without limit.
    AdmitWithoutLimit,
}

impl Default for Fallback {
    fn default() -> Self {
        Self::LocalShare(1)
    }
}

/// How a rule reads a request.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) subject: Subject,
    pub(super) cost: Option<Arc<CostOf>>,
    pub(super) plan: Option<Arc<PlanOf>>,
    pub(super) fallback: Fallback,
}

impl Asker {
    pub(super) fn client() -> Self {
        Self {
            subject: Subject::client(),
            cost: None,
            plan: None,
            fallback: Fallback::default(),
        }
    }

    #[inline]
    pub(super) fn demand<'a>(&self, request: &RequestHead<'a>) -> Demand<'a> {
        Demand {
            key: self.subject.of(request),
            cost: self.cost.as_ref().map_or(1, |cost| cost(request)),
            plan: self.plan.as_ref().and_then(|plan| plan(request)),
        }
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker")
            .field("subject", &self.subject)
            .field("fallback", &self.fallback)
            .finish_non_exhaustive()
    }
}
