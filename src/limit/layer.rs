use super::answer::{Manner, RateLimitExit, tell};
use super::fields::{Draft, Forms};
use super::rule::Asker;
use super::shared::By;
use super::subject::{Subject, impl_by};
use super::{Demand, Fallback, InvalidQuota, Plans, RateLimiter, Rule, SharedLimiter};
use crate::clock::Clock;
use crate::event::Emitter;
use crate::guard::{Guard, RequestHead, Verdict, impl_layer};
use crate::store::Store;
use http::Request;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Refuses requests that are too many.
///
/// Counts by the client's network, unless one of the `by_` methods says otherwise; each
/// request costs 1, unless [`cost`](Self::cost) says otherwise. Clones share what they count:
/// the same layer on two routes is one limit for both.
///
/// What is said here of keys, costs, plans and fallbacks is said of the first rule; further
/// rules come by [`and`](Self::and). In memory, adding a rule, setting a bound or a clock
/// forgets what was counted.
#[derive(Clone)]
#[must_use]
pub struct RateLimitLayer {
    counter: Counter,
    /// Of the store, if another than the default was set.
    deadline: Option<Duration>,
    asker: Asker,
    others: Vec<Asker>,
    manner: Arc<Manner>,
}

#[derive(Clone, Debug)]
enum Counter {
    Memory(RateLimiter),
    Shared(SharedLimiter),
}

impl RateLimitLayer {
    /// Holds each client to these quotas: a [`Quota`](super::Quota), an array of up to eight
    /// that hold together, or [`Plans`].
    pub fn new(quotas: impl Into<Plans>) -> Self {
        Self::of(RateLimiter::new(quotas))
    }

    /// Holds each client to the quotas of this limiter, of all its rules, which others may use
    /// as well: a handler that charges more for what turns out to be dear.
    pub fn of(limiter: RateLimiter) -> Self {
        Self::counted_by(Counter::Memory(limiter))
    }

    /// As [`of`](Self::of), with a limiter that counts in a store.
    pub fn of_shared(limiter: SharedLimiter) -> Self {
        Self::counted_by(Counter::Shared(limiter))
    }

    fn counted_by(counter: Counter) -> Self {
        let rules = match &counter {
            Counter::Memory(limiter) => limiter.rules(),
            Counter::Shared(limiter) => limiter.rules(),
        };
        let mut layer = Self {
            counter,
            deadline: None,
            asker: Asker::client(),
            others: vec![Asker::client(); rules - 1],
            manner: Arc::new(Manner {
                forms: Forms::CURRENT,
                is_dry_run: false,
                policy: None,
            }),
        };
        layer.prepare();
        layer
    }

    /// Adds a rule. A request is admitted when all rules admit it, and then is charged to
    /// all; when one refuses, none is charged. Name the quotas, so that clients can tell them
    /// apart.
    ///
    /// # Errors
    /// When more than [`Quotas::MAX`](super::Quotas::MAX) quotas would have to be decided
    /// together.
    pub fn and(mut self, rule: Rule) -> Result<Self, InvalidQuota> {
        self.counter = match self.counter {
            Counter::Memory(limiter) => Counter::Memory(limiter.and(rule.plans)?),
            Counter::Shared(limiter) => Counter::Shared(limiter.and(rule.plans)?),
        };
        self.others.push(rule.asker);
        self.set_fallbacks();
        Ok(self)
    }

    /// Counts in this store, together with all layers of other processes that do. One that
    /// answers at once, as that in memory does, is asked without waiting. See
    /// [`SharedLimiter`] for what is shared with whom, and what happens when the store fails.
    ///
    /// ```
    /// use portcullis::limit::{Fallback, Quota, RateLimitLayer};
    /// use portcullis::store::Store;
    ///
    /// // Three processes. Without the store, each allows a third.
    /// let layer = RateLimitLayer::new(Quota::per_minute(99)?)
    ///     .store(Store::memory())
    ///     .fallback(Fallback::LocalShare(3));
    /// # Ok::<(), portcullis::limit::InvalidQuota>(())
    /// ```
    pub fn store(mut self, store: Store) -> Self {
        let limiter = match self.counter {
            Counter::Memory(limiter) => limiter,
            Counter::Shared(shared) => shared.limiter(),
        };
        self.counter = Counter::Shared(limiter.store(store));
        self.set_fallbacks();
        self.with_deadline()
    }

    /// What the first rule does while the store does not answer. Without a store it means
    /// nothing.
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.asker.fallback = fallback;
        self.set_fallbacks();
        self
    }

    /// How long the store has to answer: see [`SharedLimiter::deadline`]. Without a store it
    /// means nothing.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self.with_deadline()
    }

    fn with_deadline(mut self) -> Self {
        self.counter = match (self.counter, self.deadline) {
            (Counter::Shared(limiter), Some(deadline)) => {
                Counter::Shared(limiter.deadline(deadline))
            }
            (counter, _) => counter,
        };
        self
    }

    /// Charges what `cost` says. A request of cost zero always passes; one that costs more
    /// than a quota allows at once never does.
    pub fn cost(mut self, cost: impl Fn(&RequestHead<'_>) -> u32 + Send + Sync + 'static) -> Self {
        self.asker.cost = Some(Arc::new(cost));
        self
    }

    /// Holds each request to the plan that `plan` names: see [`Plans`]. Where it names none,
    /// or none that there is, the plan of all others holds.
    ///
    /// ```
    /// use portcullis::limit::{Plans, Quota, RateLimitLayer};
    /// use portcullis::principal::Principal;
    ///
    /// let plans = Plans::new(Quota::per_minute(60)?)
    ///     .with("pro", [Quota::per_second(50)?, Quota::per_day(1_000_000)?])?;
    /// let layer = RateLimitLayer::new(plans)
    ///     .by_principal()
    ///     .plan(|request| request.extensions().get::<Principal>()?.attribute("plan")?.as_str());
    /// # Ok::<(), portcullis::limit::InvalidQuota>(())
    /// ```
    pub fn plan(
        mut self,
        plan: impl for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.asker.plan = Some(Arc::new(plan));
        self
    }

    /// Takes at most this many bytes for the keys: see [`RateLimiter::max_bytes`] and
    /// [`SharedLimiter::max_bytes`].
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.counter = match self.counter {
            Counter::Memory(limiter) => Counter::Memory(limiter.max_bytes(bytes)),
            Counter::Shared(limiter) => Counter::Shared(limiter.max_bytes(bytes)),
        };
        self
    }

    /// Takes the time from this clock. With a store, allowances refill by that of the store.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.counter = match self.counter {
            Counter::Memory(limiter) => Counter::Memory(limiter.clock(clock)),
            Counter::Shared(limiter) => Counter::Shared(limiter.clock(clock)),
        };
        self
    }

    /// Writes the `RateLimit` fields as draft-ietf-httpapi-ratelimit-headers-07 has them, for
    /// clients that read those: `RateLimit: limit=100, remaining=99, reset=60`. They tell of
    /// the quota of which the least is left, also where several layers write them.
    pub fn draft_7_fields(self) -> Self {
        self.forms(|forms| forms.draft = Some(Draft::Seven))
    }

    /// Writes `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` as well,
    /// for clients that read those. They tell of the quota of which the least is left, also
    /// where several layers write them. The reset is in seconds from now, no time of day.
    pub fn legacy_fields(self) -> Self {
        self.forms(|forms| forms.legacy = true)
    }

    /// Leaves all of these fields out of the answers, so that nobody learns how much the
    /// service allows. `Retry-After` stays.
    pub fn without_fields(self) -> Self {
        self.forms(|forms| *forms = Forms::NONE)
    }

    fn forms(mut self, change: impl FnOnce(&mut Forms)) -> Self {
        change(&mut Arc::make_mut(&mut self.manner).forms);
        self.prepare();
        self
    }

    /// Refuses nothing, to try out quotas on real traffic: decides, counts, and tells by an
    /// event (`rate_limit_dry_run`) of each request that would have been refused. As in
    /// earnest, those are not charged. Answers have none of the fields, for what these would
    /// say is not so.
    pub fn dry_run(mut self) -> Self {
        Arc::make_mut(&mut self.manner).is_dry_run = true;
        self
    }

    /// The limiter that counts in memory: for all requests, or with a store, for those that
    /// come while it does not answer.
    #[must_use]
    pub fn limiter(&self) -> &RateLimiter {
        match &self.counter {
            Counter::Memory(limiter) => limiter,
            Counter::Shared(limiter) => limiter.local(),
        }
    }

    /// The limiter that counts in a store, where there is one.
    #[must_use]
    pub const fn shared_limiter(&self) -> Option<&SharedLimiter> {
        match &self.counter {
            Counter::Memory(_) => None,
            Counter::Shared(limiter) => Some(limiter),
        }
    }

    const fn subject_mut(&mut self) -> &mut Subject {
        &mut self.asker.subject
    }

    fn set_fallbacks(&mut self) {
        if let Counter::Shared(limiter) = &self.counter {
            let askers = std::iter::once(&self.asker).chain(&self.others);
            let fallbacks = askers.map(|asker| asker.fallback);
            self.counter = Counter::Shared(limiter.clone().fallbacks(fallbacks));
        }
        self.prepare();
    }

    /// Makes what every answer will hold.
    fn prepare(&mut self) {
        let windows = match &self.counter {
            Counter::Memory(limiter) => limiter.windows_without_plan(),
            Counter::Shared(limiter) => limiter.windows_without_plan(),
        };
        let manner = Arc::make_mut(&mut self.manner);
        manner.policy = manner.forms.policy(windows.into_iter());
    }

    fn demands<'a>(&self, request: &RequestHead<'a>) -> Vec<Demand<'a>> {
        let askers = std::iter::once(&self.asker).chain(&self.others);
        askers.map(|asker| asker.demand(request)).collect()
    }
}

impl_by!(RateLimitLayer);

impl Guard for RateLimitLayer {
    type Exit = RateLimitExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<RateLimitExit> {
        let head = RequestHead::of(request);
        match &self.counter {
            Counter::Memory(limiter) => self.check_here(limiter, &head),
            Counter::Shared(limiter) => self.check_in_store(limiter, &head),
        }
    }
}

impl RateLimitLayer {
    #[inline]
    fn check_here(&self, limiter: &RateLimiter, head: &RequestHead<'_>) -> Verdict<RateLimitExit> {
        let is_simple = self.others.is_empty() && self.asker.plan.is_none();
        let decision = if is_simple {
            let demand = self.asker.demand(head);
            limiter.check(demand.key, demand.cost)
        } else {
            limiter.check_all(&self.demands(head))
        };
        let judgment = decision.judgment();
        let is_usual = || is_simple || limiter.is_without_plan(judgment);
        let emitter = || Emitter::of(head.extensions());
        self.manner
            .answer(judgment, limiter.windows(), is_usual, emitter)
            .into()
    }

    fn check_in_store(
        &self,
        limiter: &SharedLimiter,
        head: &RequestHead<'_>,
    ) -> Verdict<RateLimitExit> {
        let asked = if self.others.is_empty() {
            limiter.ask(&[self.asker.demand(head)])
        } else {
            limiter.ask(&self.demands(head))
        };
        let emitter = || Emitter::of(head.extensions());
        match asked {
            Ok(judged) => answer_shared(&self.manner, limiter, judged, emitter).into(),
            Err(waiting) => {
                let (manner, limiter) = (Arc::clone(&self.manner), limiter.clone());
                let emitter = emitter();
                Verdict::Later(Box::pin(async move {
                    let judged = waiting.wait().await;
                    answer_shared(&manner, &limiter, judged, || emitter.clone())
                }))
            }
        }
    }
}

fn answer_shared(
    manner: &Manner,
    limiter: &SharedLimiter,
    (by, judgment): (By, super::decision::Judgment),
    emitter: impl Fn() -> Emitter,
) -> Result<RateLimitExit, crate::guard::Rejection> {
    if let Some(news) = limiter.news() {
        tell(news, &emitter());
    }
    let is_usual = || by == By::Store && limiter.is_without_plan(&judgment);
    manner.answer(&judgment, limiter.windows(by), is_usual, emitter)
}

impl_layer!(RateLimitLayer);

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("counter", &self.counter)
            .field("key", &self.asker.subject)
            .field("other_rules", &self.others)
            .finish_non_exhaustive()
    }
}
