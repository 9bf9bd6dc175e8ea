//! The circuit breaker: a service that keeps failing is left alone for a while, for its sake and
//! for those who would wait for it. What calls others here takes a [`BreakerPolicy`].

use std::time::Duration;

const DEFAULT_FAILURES: u32 = 5;
const DEFAULT_PAUSE: Duration = Duration::from_secs(30);

/// When a service that keeps failing is left alone, and for how long.
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

    /// Whether it ever opens.
    pub(super) const fn opens(&self) -> bool {
        self.failures > 0
    }

    #[cfg(feature = "client")]
    pub(super) const fn has_pause(&self) -> bool {
        !self.pause.is_zero()
    }
}

/// Where a service stands.
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
pub(crate) enum Outcome {
    Success,
    Failure,
    /// Nobody waited for the end.
    #[cfg(feature = "client")]
    Unknown,
}

impl Outcome {
    pub(crate) const fn of(is_failure: bool) -> Self {
        match is_failure {
            true => Self::Failure,
            false => Self::Success,
        }
    }
}

/// What is known of one service. Times are those of [`Clock::elapsed`](crate::clock::Clock::elapsed).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circuit {
    state: State,
    /// Counts the changes of state, so that late answers can be told.
    change: u64,
}

impl Circuit {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Closed { failures: 0 },
            change: 0,
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.change = self.change.wrapping_add(1);
    }

    /// Whether calls fail at once.
    #[cfg(feature = "upload")]
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        matches!(self.state, State::Open { until } if now < until)
    }

    /// Whether the last call went well, or there was none.
    #[cfg(feature = "client")]
    pub(super) fn works(&self) -> bool {
        self.state == State::Closed { failures: 0 }
    }

    /// Lets a call through, or says how long to stay away.
    pub(crate) fn admit(&mut self, now: Duration) -> Result<u64, Duration> {
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

    /// Takes in what came of a call that was let through at this change.
    pub(crate) fn settle(
        &mut self,
        change: u64,
        outcome: Outcome,
        now: Duration,
        policy: &BreakerPolicy,
    ) {
        if change != self.change || !policy.opens() {
            return;
        }
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
            #[cfg(feature = "client")]
            (State::HalfOpen, Outcome::Unknown) => self.enter(State::Open { until: now }),
            #[cfg(feature = "client")]
            (State::Closed { .. }, Outcome::Unknown) => {}
            (State::Open { .. }, _) => {}
        }
    }
}
