//! A circuit for each origin that is called.

use crate::clock::Clock;
use crate::lock::lock;
use crate::net::circuit::{BreakerPolicy, Circuit, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How many origins are remembered: who makes a client call many cannot make it hold many.
const MAX_ORIGINS: usize = 1024;

#[derive(Debug)]
struct Known {
    circuit: Circuit,
    touched: Duration,
}

/// The circuits of all origins that failed lately.
#[derive(Debug)]
pub(super) struct Circuits {
    policy: BreakerPolicy,
    clock: Clock,
    of: Mutex<HashMap<Arc<str>, Known>>,
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
        let known = self.lock().get_mut(origin).map(|it| it.circuit.admit(now));
        let change = known.transpose()?.unwrap_or_default();
        Ok(Permit {
            circuits: Arc::clone(self),
            origin: Arc::clone(origin),
            change,
            is_settled: false,
        })
    }

    fn settle(&self, origin: &Arc<str>, change: u64, outcome: Outcome) {
        if !self.policy.opens() {
            return;
        }
        let now = self.clock.elapsed();
        let mut circuits = self.lock();
        if let Some(known) = circuits.get_mut(origin) {
            known.touched = now;
            known.circuit.settle(change, outcome, now, &self.policy);
        } else if outcome == Outcome::Failure {
            make_room(&mut circuits);
            let mut circuit = Circuit::new();
            circuit.settle(0, outcome, now, &self.policy);
            let touched = now;
            circuits.insert(Arc::clone(origin), Known { circuit, touched });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Known>> {
        lock(&self.of)
    }
}

/// Forgets the origin that matters least: one that works, else the one that changed longest
/// ago. Forgetting an open circuit lets a few calls through that would have failed at once.
fn make_room(circuits: &mut HashMap<Arc<str>, Known>) {
    if circuits.len() < MAX_ORIGINS {
        return;
    }
    let least = circuits
        .iter()
        .min_by_key(|(_, known)| (!known.circuit.works(), known.touched));
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
        self.circuits
            .settle(&self.origin, self.change, Outcome::of(is_failure));
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
