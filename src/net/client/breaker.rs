//! The circuit breaker: an origin that keeps failing is left alone for a while.

use super::ClientConfigError;
use crate::clock::Clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const DEFAULT_FAILURES: u32 = 5;
const DEFAULT_PAUSE: Duration = Duration::from_secs(30);
/// How many origins are remembered: who makes a client call many cannot make it hold many.
const MAX_ORIGINS: usize = 1024;

/// When an origin is left alone, and for how long.
///
/// After so many failures in a row (no connection, no answer in time, or a 5xx) the circuit
/// opens: calls fail at once, and neither side waits. After the pause one call is let through
/// to see; if it goes well the circuit closes, else the pause begins again. Answers of calls
/// that began before the circuit last changed do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct BreakerPolicy {
    /// Zero for never.
    failures: u32,
    pause: Duration,
}

impl Default for BreakerPolicy {
    /// Five failures in a row, 30 seconds.
    fn default() -> Self {
        Self::new(DEFAULT_FAILURES, DEFAULT_PAUSE)
    }
}

impl BreakerPolicy {
    /// Opens after so many failures in a row, for this long.
    pub const fn new(failures: u32, pause: Duration) -> Self {
        Self { failures, pause }
    }

    /// Never opens.
    pub const fn never() -> Self {
        Self::new(0, DEFAULT_PAUSE)
    }

    pub(super) const fn check(&self) -> Result<(), ClientConfigError> {
        if self.pause.is_zero() {
            return Err(ClientConfigError::Zero("breaker's pause"));
        }
        Ok(())
    }
}

/// Where one origin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Duration,
    },
    /// One call is under way to see whether it works again.
    HalfOpen,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    Failure,
    /// Nobody waited for the end.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Circuit {
    state: State,
    /// Counts the changes of state, so that late answers can be told.
    change: u64,
    touched: Duration,
}

impl Circuit {
    const fn new(now: Duration) -> Self {
        Self {
            state: State::Closed { failures: 0 },
            change: 0,
            touched: now,
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.change = self.change.wrapping_add(1);
    }

    /// Lets a call through, or says how long to stay away.
    fn admit(&mut self, now: Duration) -> Result<u64, Duration> {
        match self.state {
            State::Closed { .. } => Ok(self.change),
            State::Open { until } if now < until => Err(until.saturating_sub(now)),
            State::Open { .. } => {
                self.enter(State::HalfOpen);
                Ok(self.change)
            }
            State::HalfOpen => Err(Duration::from_secs(1)),
        }
    }

    fn settle(&mut self, change: u64, outcome: Outcome, now: Duration, policy: &BreakerPolicy) {
        if change != self.change {
            return;
        }
        self.touched = now;
        let open = State::Open {
            until: now.saturating_add(policy.pause),
        };
        match (self.state, outcome) {
            (State::Closed { failures }, Outcome::Failure) if failures + 1 >= policy.failures => {
                self.enter(open);
            }
            (State::Closed { failures }, Outcome::Failure) => {
                self.state = State::Closed {
                    failures: failures + 1,
                };
            }
            (State::Closed { .. }, Outcome::Success) => self.state = State::Closed { failures: 0 },
            (State::HalfOpen, Outcome::Failure) => self.enter(open),
            (State::HalfOpen, Outcome::Success) => self.enter(State::Closed { failures: 0 }),
            // The next call is the one that sees.
            (State::HalfOpen, Outcome::Unknown) => self.enter(State::Open { until: now }),
            (State::Closed { .. }, Outcome::Unknown) | (State::Open { .. }, _) => {}
        }
    }
}

/// The circuits of all origins that failed lately.
#[derive(Debug)]
pub(super) struct Circuits {
    policy: BreakerPolicy,
    clock: Clock,
    of: Mutex<HashMap<Arc<str>, Circuit>>,
}

impl Circuits {
    pub(super) fn new(policy: BreakerPolicy, clock: Clock) -> Self {
        Self {
            policy,
            clock,
            of: Mutex::default(),
        }
    }

    /// Lets a call to this origin through, or says how long to stay away.
    pub(super) fn admit(self: &Arc<Self>, origin: &Arc<str>) -> Result<Permit, Duration> {
        let now = self.clock.elapsed();
        let known = self.lock().get_mut(origin).map(|it| it.admit(now));
        let change = known.transpose()?.unwrap_or_default();
        Ok(Permit {
            circuits: Arc::clone(self),
            origin: Arc::clone(origin),
            change,
            is_settled: false,
        })
    }

    fn settle(&self, origin: &Arc<str>, change: u64, outcome: Outcome) {
        if self.policy.failures == 0 {
            return;
        }
        let now = self.clock.elapsed();
        let mut circuits = self.lock();
        if let Some(circuit) = circuits.get_mut(origin) {
            circuit.settle(change, outcome, now, &self.policy);
        } else if outcome == Outcome::Failure {
            make_room(&mut circuits);
            let mut circuit = Circuit::new(now);
            circuit.settle(0, outcome, now, &self.policy);
            circuits.insert(Arc::clone(origin), circuit);
        }
    }

    // What a poisoned lock guards is whole: nothing under it panics between two changes.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Circuit>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the origin that matters least: one that works, else the one that changed longest
/// ago. Forgetting an open circuit lets a few calls through that would have failed at once.
fn make_room(circuits: &mut HashMap<Arc<str>, Circuit>) {
    if circuits.len() < MAX_ORIGINS {
        return;
    }
    let worth = |circuit: &Circuit| {
        let works = circuit.state == State::Closed { failures: 0 };
        (!works, circuit.touched)
    };
    let least = circuits.iter().min_by_key(|(_, circuit)| worth(circuit));
    if let Some(origin) = least.map(|(origin, _)| Arc::clone(origin)) {
        circuits.remove(&origin);
    }
}

/// A call that was let through. When it is dropped unsettled, nobody knows what came of it.
#[derive(Debug)]
pub(super) struct Permit {
    circuits: Arc<Circuits>,
    origin: Arc<str>,
    change: u64,
    is_settled: bool,
}

impl Permit {
    pub(super) fn settle(mut self, is_failure: bool) {
        self.is_settled = true;
        let outcome = if is_failure {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        self.circuits.settle(&self.origin, self.change, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_settled {
            self.circuits
                .settle(&self.origin, self.change, Outcome::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;

    const PAUSE: Duration = Duration::from_secs(30);

    struct Bench {
        time: FakeClock,
        circuits: Arc<Circuits>,
        origin: Arc<str>,
    }

    impl Bench {
        fn new() -> Self {
            let time = FakeClock::at_unix_seconds(0);
            let circuits = Circuits::new(BreakerPolicy::new(3, PAUSE), time.clock());
            Self {
                time,
                circuits: Arc::new(circuits),
                origin: "https://id.example.com".into(),
            }
        }

        fn admit(&self) -> Result<Permit, Duration> {
            self.circuits.admit(&self.origin)
        }

        fn call(&self, is_failure: bool) {
            self.admit().unwrap().settle(is_failure);
        }

        fn open(&self) {
            (0..3).for_each(|_| self.call(true));
        }
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let bench = Bench::new();
        bench.call(true);
        bench.call(true);
        bench.call(false);
        bench.open();
        assert_eq!(bench.admit().unwrap_err(), PAUSE);
        bench.time.advance(Duration::from_secs(29));
        assert_eq!(bench.admit().unwrap_err(), Duration::from_secs(1));
        let other: Arc<str> = "https://other.example.com".into();
        assert!(
            bench.circuits.admit(&other).is_ok(),
            "each origin by itself"
        );
    }

    #[test]
    fn one_call_alone_sees_whether_it_works_again() {
        let bench = Bench::new();
        bench.open();
        bench.time.advance(PAUSE);
        let probe = bench.admit().unwrap();
        for _ in 0..100 {
            assert!(bench.admit().is_err());
        }
        probe.settle(true);
        assert_eq!(bench.admit().unwrap_err(), PAUSE, "open again");
        bench.time.advance(PAUSE);
        bench.admit().unwrap().settle(false);
        bench.call(true);
        bench.call(true);
        assert!(bench.admit().is_ok(), "closed, and counting from nothing");
    }

    #[test]
    fn a_probe_that_nobody_waited_for_leaves_the_place_to_the_next() {
        let bench = Bench::new();
        bench.open();
        bench.time.advance(PAUSE);
        drop(bench.admit().unwrap());
        let probe = bench.admit().unwrap();
        assert!(bench.admit().is_err());
        probe.settle(false);
        assert!(bench.admit().is_ok());
    }

    #[test]
    fn answers_that_come_late_do_not_count() {
        let bench = Bench::new();
        let late: Vec<_> = (0..10).map(|_| bench.admit().unwrap()).collect();
        bench.open();
        bench.time.advance(PAUSE);
        let probe = bench.admit().unwrap();
        for permit in late {
            permit.settle(false);
        }
        assert!(bench.admit().is_err(), "a late success closes nothing");
        probe.settle(false);
        assert!(bench.admit().is_ok());
    }

    #[test]
    fn origins_without_number_take_no_memory_without_bound() {
        let bench = Bench::new();
        bench.open();
        for number in 0..5000 {
            bench.time.advance(Duration::from_millis(1));
            let origin: Arc<str> = format!("https://{number}.example.com").into();
            bench.circuits.admit(&origin).unwrap().settle(true);
        }
        assert_eq!(bench.circuits.lock().len(), MAX_ORIGINS);
    }

    #[test]
    fn never_is_never() {
        let circuits = Circuits::new(BreakerPolicy::never(), Clock::system());
        let (circuits, origin) = (Arc::new(circuits), "https://a.example".into());
        for _ in 0..100 {
            circuits.admit(&origin).unwrap().settle(true);
        }
        assert!(circuits.admit(&origin).is_ok());
    }
}
