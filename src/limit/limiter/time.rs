use crate::clock::{Clock, nanos};
use governor::clock::{Clock as _, QuantaClock, QuantaInstant, Reference};

/// Time since the limiter was made, from the quickest clock there is, or the one given.
#[derive(Clone)]
pub(super) enum Time {
    System {
        clock: QuantaClock,
        start: QuantaInstant,
    },
    Given(Clock),
}

impl Time {
    pub(super) fn system() -> Self {
        let clock = QuantaClock::default();
        let start = clock.now();
        Self::System { clock, start }
    }

    #[inline]
    pub(super) fn nanos(&self) -> u64 {
        match self {
            Self::System { clock, start } => clock.now().duration_since(*start).into(),
            Self::Given(clock) => nanos(clock.elapsed()),
        }
    }
}
