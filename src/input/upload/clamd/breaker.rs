use crate::clock::Clock;
use crate::lock::lock;
use crate::net::circuit::{BreakerPolicy, Circuit, Outcome};
use std::sync::{Mutex, MutexGuard};

/// Leaves a daemon alone that keeps failing. After the pause it is asked again, by all: were one
/// file alone let through to see, whoever sends it slowly would keep out all others.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    clock: Clock,
    circuit: Mutex<Circuit>,
}

impl Breaker {
    pub(super) const fn new(policy: BreakerPolicy, clock: Clock) -> Self {
        Self {
            policy,
            clock,
            circuit: Mutex::new(Circuit::new()),
        }
    }

    /// The same with another clock, knowing of no failure.
    pub(super) fn with_clock(&self, clock: Clock) -> Self {
        Self::new(self.policy.clone(), clock)
    }

    /// The same with another policy, knowing of no failure.
    pub(super) fn with_policy(&self, policy: BreakerPolicy) -> Self {
        Self::new(policy, self.clock.clone())
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().is_open(self.clock.elapsed())
    }

    /// Takes in what came of a file.
    pub(super) fn note(&self, is_failure: bool) {
        let now = self.clock.elapsed();
        let mut circuit = self.lock();
        // While it is open, what began before tells nothing new.
        if let Ok(change) = circuit.admit(now) {
            circuit.settle(change, Outcome::of(is_failure), now, &self.policy);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        lock(&self.circuit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;
    use std::time::Duration;

    #[test]
    fn it_opens_and_closes() {
        const PAUSE: Duration = Duration::from_secs(30);
        let clock = FakeClock::at_unix_seconds(0);
        let breaker = Breaker::new(BreakerPolicy::new(5, PAUSE), clock.clock());
        (1..5).for_each(|_| breaker.note(true));
        assert!(!breaker.is_open());
        breaker.note(true);
        assert!(breaker.is_open());
        breaker.note(false);
        assert!(
            breaker.is_open(),
            "what began before it opened does not count"
        );
        clock.advance(PAUSE);
        assert!(!breaker.is_open());
        breaker.note(true);
        assert!(
            breaker.is_open(),
            "the first failure after the pause opens it again"
        );
        clock.advance(PAUSE);
        breaker.note(false);
        breaker.note(true);
        assert!(!breaker.is_open());
    }
}
