use super::Asks;
use super::time::Time;
use crate::clock::Clock;
#[cfg(doc)]
use crate::limit::Outcome;
use crate::limit::decision::{Decision, Judgment};
use crate::limit::draft::{Ask, Draft, MAX_IN_SET, Span};
use crate::limit::table::Table;
use crate::limit::window::Window;
use crate::limit::{Demand, InvalidQuota, Plans, Quota, Quotas, RateKey, SharedLimiter};
use crate::store::Store;
use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Decides what is too much, without HTTP. Cheap to clone; clones share what they count.
///
/// # Memory
/// A limiter takes no more than its budget ([`max_bytes`](Self::max_bytes), 32 MiB by default),
/// whatever clients come: 32 KiB at first, and more as there are more clients at once. There
/// is no moment at which it takes stock or moves house; it grows by a few hundred bytes at a
/// time. An active key under one quota takes 17 bytes, and 34 with the room that a hash table
/// needs, so the default holds a million addresses that are active at once; with several
/// quotas, each takes as much. Idle keys cost nothing: one whose allowance is full again is as
/// good as one never seen.
///
/// Where there are more active keys than room, the one that is nearest to a full allowance is
/// forgotten. A key that is being refused is never forgotten: where there are only such, a
/// new key is refused until the first of them is not ([`Outcome::Crowded`]). Keys are known
/// by a hash of 55 bits under a random key: two of them share an allowance with a chance of
/// one in 10<sup>16</sup>, and nobody can look for such pairs.
#[derive(Clone)]
pub struct RateLimiter {
    /// Those of all plans of all rules.
    pub(super) windows: Arc<[Window]>,
    pub(super) rules: Arc<[Rule]>,
    /// The windows of the first rule's keys that have no plan.
    pub(super) first: Span,
    pub(super) table: Arc<Table>,
    pub(super) hasher: RandomState,
    pub(super) time: Time,
}

/// Which windows hold the keys of a rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    otherwise: Span,
    plans: Vec<(Cow<'static, str>, Span)>,
}

impl Rule {
    fn span(&self, plan: Option<&str>) -> Span {
        let named = plan.and_then(|plan| self.plans.iter().find(|(name, _)| name == plan));
        named.map_or(self.otherwise, |(_, span)| *span)
    }
}

impl RateLimiter {
    /// Bytes that it takes at most unless told otherwise: 32 MiB, room for a million addresses
    /// that are active at once.
    pub const DEFAULT_MAX_BYTES: usize = 32 * 1024 * 1024;

    /// Holds each key to these quotas: one, an array of up to eight, or [`Plans`].
    #[must_use]
    pub fn new(quotas: impl Into<Plans>) -> Self {
        let (windows, rule) = windows(&quotas.into(), 0);
        Self {
            windows: windows.into(),
            first: rule.otherwise,
            rules: [rule].into(),
            table: Arc::new(Table::new(Self::DEFAULT_MAX_BYTES)),
            hasher: RandomState::new(),
            time: Time::system(),
        }
    }

    /// Adds a rule: the keys that [`check_all`](Self::check_all) is asked for at this place
    /// are held to these quotas. Forgets what was counted.
    ///
    /// # Errors
    /// When more than [`Quotas::MAX`] quotas would have to be decided together.
    pub fn and(mut self, quotas: impl Into<Plans>) -> Result<Self, InvalidQuota> {
        let plans = quotas.into();
        let known: Vec<Quota> = self.windows.iter().map(|w| w.quota().clone()).collect();
        let together = self.most_together() + plans.most();
        if together > Quotas::MAX {
            return Err(InvalidQuota::TooManyTogether(together));
        }
        let in_all = known.len() + plans.quotas();
        if in_all > Plans::MAX_QUOTAS {
            return Err(InvalidQuota::TooManyInPlans(in_all));
        }
        let (windows, rule) = windows(&plans, known.len());
        let known = known.into_iter().map(Window::new);
        self.windows = known.chain(windows).collect();
        self.rules = self.rules.iter().cloned().chain([rule]).collect();
        self.table = Arc::new(Table::new(self.table.budget()));
        Ok(self)
    }

    fn most_together(&self) -> usize {
        let most = |rule: &Rule| {
            let plans = rule.plans.iter().map(|(_, span)| span);
            let spans = plans.chain([&rule.otherwise]);
            spans.map(|span| usize::from(span.len)).max()
        };
        self.rules.iter().filter_map(most).sum()
    }

    /// Takes at most this many bytes: at least 32 KiB, at most 32 GiB. Default
    /// [`RateLimiter::DEFAULT_MAX_BYTES`]. Forgets what was counted.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.table = Arc::new(Table::new(bytes));
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.time = Time::Given(clock);
        self
    }

    /// Counts in a store from now on, together with all others that do.
    #[must_use]
    pub fn store(self, store: Store) -> SharedLimiter {
        SharedLimiter::new(self, store)
    }

    /// The most bytes that the limiter will ever take for keys.
    #[must_use]
    pub fn capacity_bytes(&self) -> usize {
        self.table.capacity_bytes()
    }

    /// Charges this cost to the key, if all quotas admit it; else charges nothing. A cost of
    /// zero is always admitted. Asks the first rule alone.
    ///
    /// ```
    /// use portcullis::limit::{Outcome, Quota, RateLimiter};
    ///
    /// let limiter = RateLimiter::new(Quota::per_minute(10)?);
    /// assert!(limiter.check("ann", 9).is_admitted());
    /// assert!(matches!(limiter.check("ann", 2).outcome(), Outcome::OverQuota { .. }));
    /// assert!(limiter.check("ann", 1).is_admitted());
    /// assert!(matches!(limiter.check("bob", 11).outcome(), Outcome::CostTooHigh));
    /// # Ok::<(), portcullis::limit::InvalidQuota>(())
    /// ```
    #[inline]
    pub fn check<'a>(&self, key: impl Into<RateKey<'a>>, cost: u32) -> Decision<'_> {
        if self.first.len > MAX_IN_SET {
            return self.check_all(&[Demand::new(key).cost(cost)]);
        }
        let ask = Ask {
            hash: self.hasher.hash_one(key.into()),
            cost,
            span: self.first,
            rule: 0,
        };
        // Made where it is returned to: a judgment is not small.
        let mut decision = Decision::new(&self.windows, Judgment::ADMITTED);
        self.judge_one(&ask, decision.judgment_mut());
        decision
    }

    /// Charges each demand to the rule of its place, if all quotas of all of them admit it;
    /// else charges nothing to any. Rules without a demand are not asked.
    #[must_use]
    pub fn check_all(&self, demands: &[Demand<'_>]) -> Decision<'_> {
        Decision::new(&self.windows, self.judge(&self.asks(demands)))
    }

    pub(in crate::limit) fn asks(&self, demands: &[Demand<'_>]) -> Asks {
        let mut asks = Asks::default();
        for (index, (demand, rule)) in (0..).zip(demands.iter().zip(&*self.rules)) {
            let hash = self.hasher.hash_one(&demand.key);
            for (span, turn) in rule.span(demand.plan).parts() {
                asks.push(Ask {
                    hash: hash.rotate_left(turn),
                    cost: demand.cost,
                    span,
                    rule: index,
                });
            }
        }
        asks
    }

    pub(in crate::limit) fn judge(&self, asks: &Asks) -> Judgment {
        let mut judgment = Judgment::ADMITTED;
        match asks.only() {
            Some(one) => self.judge_one(one, &mut judgment),
            None => self.judge_several(asks, true, &mut judgment),
        }
        judgment
    }

    #[inline]
    fn judge_one(&self, ask: &Ask, judgment: &mut Judgment) {
        let now = self.now();
        let mut draft = Draft::<{ MAX_IN_SET as usize }>::new(&self.windows, now, judgment);
        let mut set = self.table.lock(ask.hash);
        let places = draft.read(&set, ask);
        if draft.is_admitted() && ask.cost > 0 {
            if draft.is_new() {
                let mut taken = draft.known_slots(places.clone());
                draft.reserve(&set, places.clone(), &mut taken);
            }
            if draft.is_admitted() {
                draft.charge(&mut set, ask, places);
            }
        }
        drop(set);
        if draft.is_new() {
            self.grow(draft.insertions());
        }
    }

    /// What the limiter would say, without a charge.
    pub(in crate::limit) fn peek(&self, asks: &Asks) -> Judgment {
        let mut judgment = Judgment::ADMITTED;
        self.judge_several(asks, false, &mut judgment);
        judgment
    }

    fn judge_several(&self, asks: &Asks, charges: bool, judgment: &mut Judgment) {
        let now = self.now();
        let mut draft = Draft::<{ Quotas::MAX }>::new(&self.windows, now, judgment);
        let mut sets = self.table.lock_each(asks.iter().map(|ask| ask.hash));
        let indices: [Option<usize>; Quotas::MAX] = std::array::from_fn(|n| sets.index(n));
        let mut places = <[std::ops::Range<usize>; Quotas::MAX]>::default();
        let mut taken = [0_u32; Quotas::MAX];
        for ((ask, index), places) in asks.iter().zip(indices).zip(&mut places) {
            let Some(index) = index else { continue };
            let Some(set) = sets.set(index) else { continue };
            *places = draft.read(set, ask);
            if let Some(taken) = taken.get_mut(index) {
                *taken |= draft.known_slots(places.clone());
            }
        }
        if !charges || !draft.is_admitted() {
            return;
        }
        let charged = || asks.iter().zip(indices).zip(&places);
        let charged = || charged().filter(|((ask, _), _)| ask.cost > 0);
        for ((_, index), places) in charged() {
            let Some(index) = index else { continue };
            if let (Some(set), Some(taken)) = (sets.set(index), taken.get_mut(index)) {
                draft.reserve(set, places.clone(), taken);
            }
        }
        if draft.is_admitted() {
            for ((ask, index), places) in charged() {
                if let Some(set) = index.and_then(|index| sets.set(index)) {
                    draft.charge(set, ask, places.clone());
                }
            }
        }
        drop(sets);
        self.grow(draft.insertions());
    }

    fn grow(&self, insertions: impl Iterator<Item = bool>) {
        for is_scarce in insertions {
            self.table.inserted(is_scarce);
        }
    }

    /// The same rules and keys, with other quotas, by rule, and so many bytes.
    pub(in crate::limit) fn with_quotas(
        &self,
        bytes: usize,
        quota: impl Fn(usize, &Quota) -> Quota,
    ) -> Self {
        let windows = self.windows.iter().zip(self.places());
        let quotas = windows.map(|(window, (rule, _))| quota(usize::from(rule), window.quota()));
        Self {
            windows: quotas.map(Window::new).collect(),
            table: Arc::new(Table::new(bytes)),
            ..self.clone()
        }
    }

    #[inline]
    pub(in crate::limit) fn now(&self) -> u64 {
        self.time.nanos()
    }

    pub(in crate::limit) const fn windows(&self) -> &Arc<[Window]> {
        &self.windows
    }

    /// For each window, the number of its rule, and its place in its plan.
    pub(in crate::limit) fn places(&self) -> Vec<(u8, u8)> {
        let mut places = Vec::with_capacity(self.windows.len());
        for (number, rule) in (0..).zip(&*self.rules) {
            let plans = rule.plans.iter().map(|(_, span)| span);
            for span in std::iter::once(&rule.otherwise).chain(plans) {
                places.extend((0..span.len).map(|place| (number, place)));
            }
        }
        places
    }

    /// Those that hold keys without a plan.
    pub(in crate::limit) fn windows_without_plan(&self) -> Vec<&Window> {
        let spans = self.rules.iter().map(|rule| rule.otherwise);
        spans.flat_map(|span| span.of(&self.windows)).collect()
    }

    pub(in crate::limit) fn rules(&self) -> usize {
        self.rules.len()
    }

    pub(in crate::limit) fn budget(&self) -> usize {
        self.table.budget()
    }

    /// Whether these are the states of keys that have no plan.
    pub(in crate::limit) fn is_without_plan(&self, judgment: &Judgment) -> bool {
        let spans = self.rules.iter().map(|rule| rule.otherwise);
        let windows = spans.flat_map(|span| (span.first..).take(usize::from(span.len)));
        windows.eq(judgment.states.iter().map(|(window, _)| window))
    }
}

/// The windows of all plans, the first of which has this index, and which of them hold whom.
fn windows(plans: &Plans, first: usize) -> (Vec<Window>, Rule) {
    let mut windows = Vec::new();
    let mut spans = Vec::new();
    for (name, quotas) in plans.iter() {
        let index = first + windows.len();
        let span = Span {
            first: u8::try_from(index).unwrap_or(u8::MAX),
            len: quotas.len() as u8,
        };
        windows.extend(quotas.iter().cloned().map(Window::new));
        spans.push((name.cloned().unwrap_or_default(), span));
    }
    let otherwise = spans.first().map(|(_, span)| *span).unwrap_or_default();
    let plans = spans.split_off(1);
    (windows, Rule { otherwise, plans })
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotas: Vec<_> = self.windows.iter().map(Window::quota).collect();
        f.debug_struct("RateLimiter")
            .field("quotas", &quotas)
            .field("capacity_bytes", &self.capacity_bytes())
            .finish_non_exhaustive()
    }
}
