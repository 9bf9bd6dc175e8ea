use super::charge::window_ids;
use super::outage::{Look, News, Outage};
use crate::clock::{Clock, nanos};
use crate::limit::deadline::within;
use crate::limit::decision::{Decision, Judgment, Outcome, State};
use crate::limit::limiter::Asks;
use crate::limit::window::Window;
use crate::limit::{Demand, Fallback, InvalidQuota, Plans, RateKey, RateLimiter};
use crate::store::{self, Store, StoreError, StoreErrorKind, StoreFuture};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Decides what is too much together with all others that use the same [`Store`], without
/// HTTP. Made by [`RateLimiter::store`]. Cheap to clone.
///
/// 1. All quotas of a request are decided at one moment, all or none, in one trip to the
///    store. (In a Redis Cluster the quotas of different keys may lie on different machines:
///    then it is a trip for each, and what the first charged is given back when a later one
///    refuses.)
/// 2. A key that is known to be over its limit costs no trip until it may be admitted again.
///    What is remembered is how much the key owes at least, so a cost of ten that was refused
///    does not refuse a cost of one. Whoever deletes a key from the store to set it free has
///    to wait for that, or to restart. (With several rules, the store is asked again after 5 s:
///    in a Cluster, a key may have been charged for a moment only.)
/// 3. Limiters over one store share an allowance where all of this is the same: the key, the
///    place of the rule, the place of the quota in its plan, its name, rate and burst. Give
///    the quotas of what is to be apart other names ([`Quota::named`](crate::limit::Quota::named)): a
///    limit for all of a service and one for its login, say.
///
/// # When the store fails
/// An operation that fails, or takes longer than the [`deadline`](Self::deadline), is decided
/// by the [`Fallback`] of each rule: by default, a local limiter with the whole quota. After a
/// failure of the connection the store is not asked for 500 ms, and all is decided on the spot;
/// then one look, in the background, finds out whether it answers again. Keys that are known to
/// be over their limit stay refused. What was admitted locally is not charged to the store
/// afterwards. An operation that timed out may have been charged: it is not repeated.
///
/// Waiting needs a runtime of tokio with its timer, as servers have; on any other there is no
/// deadline but that of the store.
///
/// # Memory
/// The store's own, and at most [`RateLimiter::DEFAULT_MAX_BYTES`] here
/// ([`max_bytes`](Self::max_bytes)): half for the keys that are known to be over their limit,
/// half for those that are counted while the store fails. Both begin with 32 KiB.
///
/// ```
/// use portcullis::limit::{Quota, RateLimiter};
/// use portcullis::store::Store;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis::limit::InvalidQuota> {
/// let store = Store::memory();
/// let here = RateLimiter::new(Quota::per_minute(2)?).store(store.clone());
/// let there = RateLimiter::new(Quota::per_minute(2)?).store(store);
/// assert!(here.check("ann", 1).await.is_admitted());
/// assert!(there.check("ann", 1).await.is_admitted());
/// assert!(!here.check("ann", 1).await.is_admitted());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedLimiter(Arc<Shared>);

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Store,
    /// What keys owe at least. Never charged.
    pub(super) known: RateLimiter,
    /// Counts while the store does not answer.
    pub(super) local: RateLimiter,
    pub(super) fallbacks: Vec<Fallback>,
    /// For each window, its id among those of a key.
    pub(super) ids: Vec<Box<[u8]>>,
    pub(super) deadline: Duration,
    pub(super) outage: Arc<Outage>,
}

/// By what a request was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::limit) enum By {
    Store,
    Fallback,
}

/// An answer of the store, to come.
pub(in crate::limit) struct Waiting {
    limiter: SharedLimiter,
    asks: Asks,
    asked_at: u64,
    answer: StoreFuture<store::Decision>,
}

impl SharedLimiter {
    /// How long the store has to answer unless told otherwise: 100 ms.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(100);

    pub(in crate::limit) fn new(limiter: RateLimiter, store: Store) -> Self {
        let fallbacks = vec![Fallback::default(); limiter.rules()];
        let bytes = limiter.budget();
        Self(Arc::new(Shared {
            store,
            ids: Vec::new(),
            local: limiter.clone(),
            known: limiter,
            fallbacks,
            deadline: Self::DEFAULT_DEADLINE,
            outage: Arc::default(),
        }))
        .rebuilt(Some(bytes))
    }

    /// Adds a rule: see [`RateLimiter::and`].
    ///
    /// # Errors
    /// When more than [`Quotas::MAX`](crate::limit::Quotas::MAX) quotas would have to be decided
    /// together.
    pub fn and(mut self, quotas: impl Into<Plans>) -> Result<Self, InvalidQuota> {
        let shared = Arc::make_mut(&mut self.0);
        shared.known = shared.known.clone().and(quotas)?;
        shared.fallbacks.push(Fallback::default());
        Ok(self.rebuilt(None))
    }

    /// What all rules so far do while the store does not answer.
    #[must_use]
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        shared.fallbacks.fill(fallback);
        self.rebuilt(None)
    }

    pub(in crate::limit) fn fallbacks(mut self, fallbacks: impl Iterator<Item = Fallback>) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        for (old, new) in shared.fallbacks.iter_mut().zip(fallbacks) {
            *old = new;
        }
        self.rebuilt(None)
    }

    /// How long the store has to answer; later it counts as failed. Default
    /// [`SharedLimiter::DEFAULT_DEADLINE`].
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        Arc::make_mut(&mut self.0).deadline = deadline;
        self
    }

    /// Takes at most this many bytes here: at least 64 KiB. Default
    /// [`RateLimiter::DEFAULT_MAX_BYTES`].
    #[must_use]
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.rebuilt(Some(bytes))
    }

    /// Takes the time here from this clock. Allowances refill by that of the store.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        shared.known = shared.known.clone().clock(clock);
        self.rebuilt(None)
    }

    /// What follows from the quotas and the fallbacks, anew.
    fn rebuilt(mut self, bytes: Option<usize>) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        let bytes = bytes.unwrap_or(2 * shared.known.budget()) / 2;
        shared.known = shared.known.with_quotas(bytes, |_, quota| quota.clone());
        shared.local =
            shared
                .known
                .with_quotas(bytes, |rule, quota| match shared.fallbacks.get(rule) {
                    Some(Fallback::LocalShare(parts)) => quota.share(*parts),
                    _ => quota.clone(),
                });
        shared.ids = window_ids(&shared.known);
        self
    }

    /// Charges this cost to the key, if all quotas admit it; else charges nothing. A cost of
    /// zero is always admitted. Asks the first rule alone.
    pub async fn check<'a>(&self, key: impl Into<RateKey<'a>>, cost: u32) -> Decision<'_> {
        let asked = self.ask(&[Demand::new(key).cost(cost)]);
        self.decide(asked).await
    }

    /// Charges each demand to the rule of its place, if all quotas of all of them admit it;
    /// else charges nothing to any. Rules without a demand are not asked.
    pub async fn check_all(&self, demands: &[Demand<'_>]) -> Decision<'_> {
        self.decide(self.ask(demands)).await
    }

    async fn decide(&self, asked: Result<(By, Judgment), Box<Waiting>>) -> Decision<'_> {
        let (by, judgment) = match asked {
            Ok(judged) => judged,
            Err(waiting) => waiting.wait().await,
        };
        Decision::new(self.windows(by), judgment)
    }

    /// Whether the store failed, and it is not known yet that it answers again.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.0.outage.is_lost()
    }

    /// The limiter that counts in this process while the store does not answer.
    #[must_use]
    pub fn local(&self) -> &RateLimiter {
        &self.0.local
    }

    pub(in crate::limit) fn windows(&self, by: By) -> &Arc<[Window]> {
        match by {
            By::Store => self.0.known.windows(),
            By::Fallback => self.0.local.windows(),
        }
    }

    /// What operators should hear, once.
    #[inline]
    pub(in crate::limit) fn news(&self) -> Option<News> {
        self.0.outage.news()
    }

    /// The limiter as it was before it had a store.
    pub(in crate::limit) fn limiter(&self) -> RateLimiter {
        let bytes = 2 * self.0.known.budget();
        self.0.known.with_quotas(bytes, |_, quota| quota.clone())
    }

    pub(in crate::limit) fn rules(&self) -> usize {
        self.0.fallbacks.len()
    }

    pub(in crate::limit) fn windows_without_plan(&self) -> Vec<&Window> {
        self.0.known.windows_without_plan()
    }

    pub(in crate::limit) fn is_without_plan(&self, judgment: &Judgment) -> bool {
        self.0.known.is_without_plan(judgment)
    }

    /// Decides at once where that can be done.
    pub(in crate::limit) fn ask(
        &self,
        demands: &[Demand<'_>],
    ) -> Result<(By, Judgment), Box<Waiting>> {
        let shared = &*self.0;
        let asks = shared.known.asks(demands);
        let asked_at = shared.known.now();
        let known = shared.known.peek(&asks);
        if shared.is_known(&asks, &known) {
            return Ok((By::Store, known));
        }
        match shared.outage.look(asked_at) {
            Look::Ask => {}
            Look::Wait => return Ok(shared.fall_back(&asks, asked_at)),
            Look::Probe => {
                if !self.probe(demands, &asks) {
                    return Ok(shared.fall_back(&asks, asked_at));
                }
            }
        }
        match shared.charge(demands, &asks, false).try_ready() {
            Ok(answer) => Ok(shared.answered(&asks, asked_at, answer)),
            Err(answer) => Err(Box::new(Waiting {
                limiter: self.clone(),
                asks,
                asked_at,
                answer,
            })),
        }
    }

    /// Finds out whether the store answers again, by a charge of nothing. True when that is
    /// known already, or when there is nobody who could wait for it but the caller.
    fn probe(&self, demands: &[Demand<'_>], asks: &Asks) -> bool {
        let shared = &*self.0;
        let answer = match shared.charge(demands, asks, true).try_ready() {
            Ok(answer) => return shared.probed(&answer),
            Err(answer) => answer,
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return true;
        };
        let shared = Arc::clone(&self.0);
        let _detached = runtime.spawn(async move {
            let answer = answer_within(shared.deadline, answer).await;
            shared.probed(&answer);
        });
        false
    }
}

impl Shared {
    fn probed(&self, answer: &Result<store::Decision, StoreError>) -> bool {
        match answer {
            Ok(_) => self.outage.ended(),
            Err(error) => self.outage.failed(error.kind(), self.known.now()),
        }
        answer.is_ok()
    }

    fn answered(
        &self,
        asks: &Asks,
        asked_at: u64,
        answer: Result<store::Decision, StoreError>,
    ) -> (By, Judgment) {
        match answer {
            Ok(decision) => {
                let judgment = judgment(asks, &decision);
                self.remember(asks, asked_at, &judgment);
                (By::Store, judgment)
            }
            Err(error) => {
                let now = self.known.now();
                self.outage.failed(error.kind(), now);
                self.fall_back(asks, now)
            }
        }
    }

    fn fall_back(&self, asks: &Asks, now: u64) -> (By, Judgment) {
        let mut local = Asks::default();
        for ask in asks.iter() {
            match self.fallbacks.get(usize::from(ask.rule)) {
                Some(Fallback::Refuse) if ask.cost > 0 => {
                    let retry_after = self.outage.pause_left(now);
                    let judgment = Judgment {
                        outcome: Outcome::Unavailable { retry_after },
                        ..Judgment::ADMITTED
                    };
                    return (By::Fallback, judgment);
                }
                Some(Fallback::Refuse | Fallback::AdmitWithoutLimit) => {}
                _ => {
                    let mut ask = *ask;
                    ask.cost = ask.cost.min(self.most_local(&ask));
                    local.push(ask);
                }
            }
        }
        (By::Fallback, self.local.judge(&local))
    }
}

impl Waiting {
    pub(in crate::limit) async fn wait(self: Box<Self>) -> (By, Judgment) {
        let shared = &*self.limiter.0;
        let answer = answer_within(shared.deadline, self.answer).await;
        shared.answered(&self.asks, self.asked_at, answer)
    }
}

/// The answer, or that it took too long.
async fn answer_within(
    deadline: Duration,
    answer: StoreFuture<store::Decision>,
) -> Result<store::Decision, StoreError> {
    within(deadline, answer).await.unwrap_or_else(|| {
        let message = "the store did not answer within the deadline of the rate limit";
        Err(StoreError::new(StoreErrorKind::Timeout, message))
    })
}

/// What the store said, in the words of a limiter.
fn judgment(asks: &Asks, decision: &store::Decision) -> Judgment {
    let mut judgment = Judgment::ADMITTED;
    let windows = asks
        .iter()
        .flat_map(|ask| (ask.span.first..).take(usize::from(ask.span.len)));
    for (window, status) in windows.zip(decision.statuses()) {
        let wait = status.retry_after().map_or(u64::MAX, nanos);
        let debt = nanos(status.reset_after());
        judgment.states.push(window, State { debt, wait });
    }
    judgment.outcome = match (decision.allowed(), decision.retry_after()) {
        (true, _) => Outcome::Admitted,
        (false, Some(retry_after)) => Outcome::OverQuota { retry_after },
        (false, None) => Outcome::CostTooHigh,
    };
    judgment
}

impl fmt::Debug for SharedLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLimiter")
            .field("limiter", &self.0.known)
            .field("fallbacks", &self.0.fallbacks)
            .field("deadline", &self.0.deadline)
            .field("is_degraded", &self.is_degraded())
            .finish_non_exhaustive()
    }
}
