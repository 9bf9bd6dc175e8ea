//! One quota, as governor decides it.

use super::Quota;
use crate::clock::nanos;
use crate::store::gcra::Status;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::time::Duration;

/// A quota and its algorithm.
///
/// GCRA keeps one number for a key: the time at which its allowance will be full again. We
/// count that from now, and call it the key's debt. So governor is always asked at time zero,
/// several quotas share one reading of the clock, and a key without debt needs no memory.
#[derive(Debug)]
pub(super) struct Window {
    quota: Quota,
    gcra: governor::RateLimiter<Debt, InKey, Still, NoOpMiddleware<Nanos>>,
    tolerance: u64,
}

/// What a window says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It fits; then the debt, in nanoseconds, is this.
    Fits(u64),
    /// It fits after so many nanoseconds.
    Wait(u64),
    /// It costs more than the window ever allows at once.
    Never,
}

impl Window {
    pub(super) fn new(quota: Quota) -> Self {
        let (rate, interval) = (quota.rate(), quota.rate().interval());
        // Neither is ever zero, and a burst is made of 32 bits.
        let burst = u32::try_from(rate.burst()).ok().and_then(NonZeroU32::new);
        let burst = burst.unwrap_or(NonZeroU32::MIN);
        let gcra = governor::Quota::with_period(interval)
            .unwrap_or(governor::Quota::per_second(burst))
            .allow_burst(burst);
        Self {
            gcra: governor::RateLimiter::new(gcra, InKey, Still),
            tolerance: rate.capacity_nanos() - nanos(interval),
            quota,
        }
    }

    pub(super) const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The most debt with which one more is admitted.
    pub(super) const fn tolerance(&self) -> u64 {
        self.tolerance
    }

    #[inline]
    pub(super) fn step(&self, debt: u64, cost: NonZeroU32) -> Step {
        // Governor multiplies cost and interval before it compares, which can overflow and, in
        // a release build, come out small.
        if u64::from(cost.get()) > self.quota.rate().burst() {
            return Step::Never;
        }
        let debt = Debt(Cell::new(debt));
        match self.gcra.check_key_n(&debt, cost) {
            Ok(Ok(())) => Step::Fits(debt.0.get()),
            Ok(Err(not_until)) => Step::Wait(not_until.earliest_possible().as_u64()),
            Err(_) => Step::Never,
        }
    }

    /// How many more are allowed at once.
    pub(super) fn remaining(&self, debt: u64) -> u64 {
        Status::new(self.quota.rate(), debt, 0).remaining()
    }

    /// The time in which as many come to be allowed as remain now; where nothing remains, the
    /// time until something does.
    pub(super) fn effective(&self, debt: u64) -> Duration {
        let nanos = match self.remaining(debt) {
            0 => debt.saturating_sub(self.tolerance),
            remaining => nanos(self.quota.rate().interval()).saturating_mul(remaining),
        };
        Duration::from_nanos(nanos)
    }
}

/// The state of a key, lent to governor as its key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Debt(Cell<u64>);

/// Governor asks for it; nothing hashes a debt.
impl Hash for Debt {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.get().hash(state);
    }
}

/// Governor's view of the bounded [`Table`](super::table::Table): the key's state has been
/// looked up and locked before, for all windows at once, so here the key is the state.
#[derive(Debug)]
struct InKey;

impl StateStore for InKey {
    type Key = Debt;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, debt: &Debt, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, next) = decide(Some(debt.0.get().into()))?;
        debt.0.set(next.into());
        Ok(outcome)
    }
}

/// The clock by which it is always now.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::new(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::gcra;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn steps() {
        let window = Window::new(Quota::per_second(4).unwrap());
        let cases = [
            ("the first", 0, 1, Step::Fits(SECOND / 4)),
            ("all at once", 0, 4, Step::Fits(SECOND)),
            ("the last", SECOND * 3 / 4, 1, Step::Fits(SECOND)),
            ("a little early", SECOND * 3 / 4 + 7, 1, Step::Wait(7)),
            ("two too early", SECOND * 3 / 4, 2, Step::Wait(SECOND / 4)),
            ("more than ever", 0, 5, Step::Never),
            ("far more than ever", SECOND, u32::MAX, Step::Never),
        ];
        for (name, debt, cost, expected) in cases {
            let cost = NonZeroU32::new(cost).unwrap();
            assert_eq!(window.step(debt, cost), expected, "{name}");
        }
    }

    #[test]
    fn what_remains_and_for_how_long() {
        let window = Window::new(Quota::per_minute(100).unwrap());
        let interval = SECOND * 60 / 100;
        let cases = [
            ("nothing used", 0, 100, 60_000),
            ("one used", interval, 99, 59_400),
            ("partly refilled", interval / 2, 99, 59_400),
            ("half used", 50 * interval, 50, 30_000),
            ("all used", 100 * interval, 0, 600),
            ("nearly one again", 99 * interval + 1_000_000, 0, 1),
        ];
        for (name, debt, remaining, milliseconds) in cases {
            assert_eq!(window.remaining(debt), remaining, "{name}");
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(window.effective(debt), expected, "{name}");
        }
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        let longest = Duration::from_secs(99 * 24 * 60 * 60);
        for quota in [
            Quota::per(longest, 1).unwrap(),
            Quota::per(longest, u32::MAX - 1).unwrap(),
            Quota::per_second(1_000_000_000).unwrap(),
        ] {
            let most = u32::try_from(quota.rate().burst()).unwrap();
            let most = NonZeroU32::new(most).unwrap();
            let window = Window::new(quota);
            let Step::Fits(debt) = window.step(0, most) else {
                panic!("{window:?}");
            };
            assert_eq!(window.remaining(debt), 0);
            for cost in [most.saturating_add(1), NonZeroU32::MAX] {
                assert_eq!(window.step(0, cost), Step::Never);
            }
            assert!(matches!(window.step(debt, most), Step::Wait(_)));
        }
    }

    proptest! {
        /// The store decides by an algorithm of its own: one machine and many agree.
        #[test]
        fn governor_and_the_store_agree(
            count in 1_u32..1_000,
            burst in 1_u32..1_000,
            cost in 1_u32..1_200,
            debt in 0..2_000 * SECOND,
        ) {
            let quota = Quota::per_second(count).unwrap().burst(burst).unwrap();
            let debt = debt % (quota.rate().capacity_nanos() + 1);
            let theirs = gcra::step(debt, 0, quota.rate(), u64::from(cost));
            let wait = |wait: Duration| Step::Wait(nanos(wait));
            let expected = match theirs.allowed {
                true => Step::Fits(theirs.arrival),
                false => theirs.status.retry_after().map_or(Step::Never, wait),
            };
            let ours = Window::new(quota).step(debt, NonZeroU32::new(cost).unwrap());
            prop_assert_eq!(ours, expected);
        }
    }
}
