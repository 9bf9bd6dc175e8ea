use crate::clock::Clock;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MAX_FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(30);

/// Leaves a daemon alone that keeps failing. After the pause it is asked again, by all.
#[derive(Debug)]
pub(super) struct Breaker {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Duration>,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .open_until
            .is_some_and(|until| self.clock.elapsed() < until)
    }

    pub(super) fn note(&self, is_success: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if is_success {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= MAX_FAILURES {
            state.open_until = Some(self.clock.elapsed().saturating_add(PAUSE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;

    #[test]
    fn it_opens_and_closes() {
        let clock = FakeClock::at_unix_seconds(0);
        let breaker = Breaker::new(clock.clock());
        (1..MAX_FAILURES).for_each(|_| breaker.note(false));
        assert!(!breaker.is_open());
        breaker.note(false);
        assert!(breaker.is_open());
        clock.advance(PAUSE);
        assert!(!breaker.is_open());
        breaker.note(false);
        assert!(
            breaker.is_open(),
            "the first failure after the pause opens it again"
        );
        clock.advance(PAUSE);
        breaker.note(true);
        breaker.note(false);
        assert!(!breaker.is_open());
    }
}
