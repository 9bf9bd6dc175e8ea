//! The generic cell rate algorithm (ITU-T I.371), on plain numbers.
//!
//! A quota of `burst` units refills steadily, one unit every `interval`. Its whole state is
//! one moment, the theoretical arrival time: when everything charged so far will have been
//! refilled. The *backlog* is how far that lies ahead of now. A cost is admitted when the
//! backlog stays within `burst` intervals.
//!
//! All of it is whole nanoseconds, and stays below 2^53, so that a script which has only
//! doubles for numbers (Lua in Redis) computes the same.
//!
//! ```
//! use portcullis::store::gcra::{Rate, step};
//! use std::time::Duration;
//!
//! let rate = Rate::new(2, Duration::from_secs(60))?;
//! let now = 1_000_000_000;
//! let first = step(0, now, rate, 1);
//! let second = step(first.arrival, now, rate, 1);
//! assert!(first.allowed && second.allowed);
//! let third = step(second.arrival, now, rate, 1);
//! assert!(!third.allowed);
//! assert_eq!(third.status.retry_after(), Some(Duration::from_secs(30)));
//! # Ok::<(), portcullis::store::gcra::RateError>(())
//! ```

use std::time::Duration;

/// The largest span a quota may take to refill from empty, in nanoseconds: 100 days. Below
/// 2^53, with room to add.
const MAX_CAPACITY: u64 = 100 * 24 * 60 * 60 * 1_000_000_000;

/// How fast a quota refills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Nanoseconds that one unit takes to refill. Never zero.
    interval: u64,
    /// Units that a full quota holds. Never zero, and `interval * burst <= MAX_CAPACITY`.
    burst: u64,
}

/// Why a [`Rate`] cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// Nothing would ever be admitted.
    #[error("a quota of zero admits nothing: give it at least 1 unit and a burst of at least 1")]
    Zero,
    /// The period is zero.
    #[error("a quota needs a period longer than zero")]
    ZeroPeriod,
    /// More than one unit a nanosecond.
    #[error("{count} units in {period:?} is more than one a nanosecond: count in larger units")]
    TooFast {
        /// Units asked for.
        count: u64,
        /// In this span.
        period: Duration,
    },
    /// Refilling from empty would take more than 100 days.
    #[error("a burst of {burst}, one unit every {interval:?}, takes more than 100 days to refill")]
    TooLong {
        /// Units asked for.
        burst: u64,
        /// Time that one unit takes.
        interval: Duration,
    },
}

impl Rate {
    /// `count` units in each `period`, all of which may come at once.
    ///
    /// One unit refills in `period / count`, rounded up to whole nanoseconds: never faster
    /// than asked for.
    ///
    /// # Errors
    /// A count or period of zero, more than one unit a nanosecond, or more than 100 days.
    pub fn new(count: u64, period: Duration) -> Result<Self, RateError> {
        if count == 0 {
            return Err(RateError::Zero);
        }
        if period.is_zero() {
            return Err(RateError::ZeroPeriod);
        }
        if period.as_nanos() < u128::from(count) {
            return Err(RateError::TooFast { count, period });
        }
        let interval = period.as_nanos().div_ceil(u128::from(count));
        Self::checked(interval, count)
    }

    /// The same speed, with another number of units that may come at once.
    ///
    /// # Errors
    /// A burst of zero, or one that takes more than 100 days to refill.
    pub fn with_burst(self, burst: u64) -> Result<Self, RateError> {
        Self::checked(u128::from(self.interval), burst)
    }

    /// One part in so many of it: all parts together admit no more than the whole, except
    /// where a part would hold less than one unit. Zero parts are one. No part takes longer
    /// than 100 days to refill.
    #[must_use]
    pub fn share(self, parts: u32) -> Self {
        let parts = u64::from(parts.max(1));
        let burst = (self.burst / parts).max(1);
        let interval = self.interval.saturating_mul(parts);
        Self {
            interval: interval.min(MAX_CAPACITY / burst),
            burst,
        }
    }

    fn checked(interval: u128, burst: u64) -> Result<Self, RateError> {
        if burst == 0 {
            return Err(RateError::Zero);
        }
        let too_long = RateError::TooLong {
            burst,
            interval: Duration::from_nanos(u64::try_from(interval).unwrap_or(u64::MAX)),
        };
        match interval.checked_mul(u128::from(burst)) {
            Some(capacity) if capacity <= u128::from(MAX_CAPACITY) => {}
            _ => return Err(too_long),
        }
        let interval = u64::try_from(interval).map_err(|_| too_long)?;
        Ok(Self { interval, burst })
    }

    /// Units that may come at once.
    #[must_use]
    pub const fn burst(self) -> u64 {
        self.burst
    }

    /// Time that one unit takes to refill.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// Time that the whole quota takes to refill from empty, in nanoseconds.
    #[must_use]
    pub const fn capacity_nanos(self) -> u64 {
        self.interval.saturating_mul(self.burst)
    }

    /// How much is still to be refilled at `now`, in nanoseconds.
    ///
    /// Never more than the capacity: a larger one comes from a clock that was set back, or
    /// from a quota that was larger before, and must not lock anybody out for longer than an
    /// empty quota does.
    #[must_use]
    pub fn backlog(self, arrival: u64, now: u64) -> u64 {
        arrival.saturating_sub(now).min(self.capacity_nanos())
    }

    /// The backlog after `cost` units more, when that fits. A cost of zero always fits.
    #[must_use]
    pub fn charge(self, backlog: u64, cost: u64) -> Option<u64> {
        let charged = backlog.checked_add(self.interval.checked_mul(cost)?)?;
        (charged <= self.capacity_nanos() || cost == 0).then_some(charged)
    }
}

/// What a quota has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    limit: u64,
    remaining: u64,
    retry_after: Option<Duration>,
    reset_after: Duration,
}

impl Status {
    pub(super) const NOTHING: Self = Self {
        limit: 0,
        remaining: 0,
        retry_after: None,
        reset_after: Duration::ZERO,
    };

    /// The status at this backlog, for one who would spend `cost` more.
    #[must_use]
    pub fn new(rate: Rate, backlog: u64, cost: u64) -> Self {
        let capacity = rate.capacity_nanos();
        let retry_after = rate.interval.checked_mul(cost).and_then(|needed| {
            let room_at = capacity.checked_sub(needed)?;
            Some(Duration::from_nanos(backlog.saturating_sub(room_at)))
        });
        Self {
            limit: rate.burst,
            // The division cannot fail, an interval is never zero.
            remaining: capacity.saturating_sub(backlog) / rate.interval.max(1),
            retry_after,
            reset_after: Duration::from_nanos(backlog),
        }
    }

    /// Units that a full quota holds.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Whole units that may come now.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// How long until this quota admits the cost it was asked for: zero when it does now (or
    /// did), `None` when it never will, because the cost is above the limit.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// How long until the quota is full again.
    #[must_use]
    pub const fn reset_after(&self) -> Duration {
        self.reset_after
    }
}

/// What one quota says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the result of a plain function")]
pub struct Step {
    /// Whether the cost was admitted.
    pub allowed: bool,
    /// The arrival time to keep. When refused, the one that was, brought back to at most a
    /// whole capacity ahead.
    pub arrival: u64,
    /// What is left.
    pub status: Status,
}

/// Charges `cost` to one quota. `arrival` and `now` are nanoseconds on one clock; a quota
/// that was never charged has an arrival of zero.
#[must_use]
pub fn step(arrival: u64, now: u64, rate: Rate, cost: u64) -> Step {
    let before = rate.backlog(arrival, now);
    let charged = rate.charge(before, cost);
    let backlog = charged.unwrap_or(before);
    Step {
        allowed: charged.is_some(),
        arrival: now.saturating_add(backlog),
        status: match charged {
            Some(_) => Status::new(rate, backlog, 0),
            None => Status::new(rate, backlog, cost),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn per_second(count: u64) -> Rate {
        Rate::new(count, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn rates_that_cannot_be() {
        let day = Duration::from_secs(24 * 60 * 60);
        for (name, rate) in [
            ("zero units", Rate::new(0, day)),
            ("zero period", Rate::new(1, Duration::ZERO)),
            ("two a nanosecond", Rate::new(2, Duration::from_nanos(1))),
            ("101 days", Rate::new(1, day * 101)),
            ("forever", Rate::new(1, Duration::MAX)),
            ("zero burst", per_second(1).with_burst(0)),
            ("endless burst", per_second(1).with_burst(u64::MAX)),
            ("most units", Rate::new(u64::MAX, Duration::MAX)),
        ] {
            assert!(rate.is_err(), "{name}");
        }
        assert!(Rate::new(1, day * 100).is_ok());
        assert!(Rate::new(1_000_000_000, Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn shares() {
        let day = Duration::from_secs(24 * 60 * 60);
        for (name, whole, parts, interval, burst) in [
            ("all of it", per_second(10), 1, SECOND / 10, 10),
            ("no part is one", per_second(10), 0, SECOND / 10, 10),
            ("a part", per_second(10), 3, SECOND * 3 / 10, 3),
            ("never nothing", per_second(2), 5, SECOND * 5 / 2, 1),
            (
                "no longer than there is",
                Rate::new(1, day * 100).unwrap(),
                u32::MAX,
                MAX_CAPACITY,
                1,
            ),
        ] {
            let share = whole.share(parts);
            assert_eq!((share.interval, share.burst), (interval, burst), "{name}");
            assert!(share.capacity_nanos() <= MAX_CAPACITY, "{name}");
        }
    }

    #[test]
    fn table() {
        let two = per_second(2);
        let half = SECOND / 2;
        for (name, arrival, now, cost, allowed, remaining, retry, reset) in [
            ("first", 0, 10 * SECOND, 1, true, 1, Some(0), half),
            ("all at once", 0, 10 * SECOND, 2, true, 0, Some(0), SECOND),
            ("more than it holds", 0, 10 * SECOND, 3, false, 2, None, 0),
            ("empty", SECOND, 0, 1, false, 0, Some(half), SECOND),
            (
                "empty, costly",
                SECOND,
                0,
                2,
                false,
                0,
                Some(SECOND),
                SECOND,
            ),
            ("free when empty", SECOND, 0, 0, true, 0, Some(0), SECOND),
            ("one refilled", SECOND, half, 1, true, 0, Some(0), SECOND),
            (
                "a nanosecond early",
                SECOND,
                half - 1,
                1,
                false,
                0,
                Some(1),
                half + 1,
            ),
            (
                "the clock went back a year",
                u64::MAX / 2,
                0,
                1,
                false,
                0,
                Some(half),
                SECOND,
            ),
            (
                "the end of time",
                u64::MAX,
                u64::MAX,
                1,
                true,
                1,
                Some(0),
                half,
            ),
            ("a cost beyond numbers", 0, 0, u64::MAX, false, 2, None, 0),
        ] {
            let step = step(arrival, now, two, cost);
            assert_eq!(step.allowed, allowed, "{name}");
            assert_eq!(step.status.limit(), 2, "{name}");
            assert_eq!(step.status.remaining(), remaining, "{name}");
            let retry = retry.map(Duration::from_nanos);
            assert_eq!(step.status.retry_after(), retry, "{name}");
            assert_eq!(
                step.status.reset_after(),
                Duration::from_nanos(reset),
                "{name}"
            );
            assert_eq!(step.arrival, now.saturating_add(reset), "{name}");
        }
    }

    #[test]
    fn rounding_is_never_in_favor_of_the_client() {
        let rate = Rate::new(7, Duration::from_secs(60)).unwrap();
        assert!(rate.interval().as_nanos() * 7 >= 60 * u128::from(SECOND));
    }

    proptest! {
        /// In any window of time, no more is admitted than the burst and what refilled.
        #[test]
        fn never_admits_more_than_it_refills(
            count in 1u64..50,
            burst in 1u64..50,
            calls in prop::collection::vec((0u64..SECOND, 0u64..5), 1..200),
        ) {
            let rate = per_second(count).with_burst(burst).unwrap();
            let (mut arrival, mut now, mut admitted) = (0, 1, 0u128);
            for (pause, cost) in calls {
                now += pause;
                let step = step(arrival, now, rate, cost);
                arrival = step.arrival;
                if step.allowed {
                    admitted += u128::from(cost);
                }
                let refilled = u128::from(now) * u128::from(count) / u128::from(SECOND);
                prop_assert!(admitted <= u128::from(burst) + refilled);
            }
        }

        /// What it promises is kept: denied before `retry_after`, admitted at it.
        #[test]
        fn retry_after_is_exact(count in 1u64..1_000, backlog in 0u64..2 * SECOND, cost in 1u64..1_000) {
            let rate = per_second(count);
            let refused = step(backlog, 0, rate, cost);
            prop_assume!(!refused.allowed);
            if let Some(retry) = refused.status.retry_after() {
                let retry = u64::try_from(retry.as_nanos()).unwrap();
                prop_assert!(step(refused.arrival, retry, rate, cost).allowed);
                prop_assert!(!step(refused.arrival, retry - 1, rate, cost).allowed);
            } else {
                prop_assert!(cost > rate.burst());
            }
        }
    }
}
