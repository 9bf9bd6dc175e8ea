//! How long ago the keys in use were seen in the records.

use super::super::{KeyFeed, KeyState, WantedKeys, WhenFetched};
use crate::clock::{Clock, nanos};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// When keys were last known to be those of the records, and for how long after that they may
/// be used. Clones share the time.
#[derive(Clone, Debug)]
pub(super) struct Age {
    /// Nanoseconds of the clock.
    learned: Arc<AtomicU64>,
    /// For ever where nobody else can change the records.
    most: Option<Duration>,
    clock: Clock,
}

impl Age {
    pub(super) fn new(most: Option<Duration>, clock: Clock) -> Self {
        Self {
            learned: Arc::default(),
            most,
            clock,
        }
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The records were asked at this time, and what they hold is in use.
    pub(super) fn learned(&self, asked: Duration) {
        self.learned.fetch_max(nanos(asked), Ordering::AcqRel);
    }
}

/// The keys are there or too old: whoever keeps them fresh sees to it, not who asks for one.
impl KeyFeed for Age {
    fn state(&self) -> KeyState {
        let Some(most) = self.most else {
            return KeyState::Ready;
        };
        let learned = Duration::from_nanos(self.learned.load(Ordering::Acquire));
        if self.clock.elapsed().saturating_sub(learned) <= most {
            KeyState::Ready
        } else {
            KeyState::Missing
        }
    }

    fn fetch(&self, _wanted: WantedKeys) -> Option<WhenFetched> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;

    #[test]
    fn keys_are_usable_until_they_are_too_old() {
        let time = FakeClock::at_unix_seconds(1000);
        let second = Duration::from_secs;
        let age = Age::new(Some(second(10)), time.clock());
        let forever = Age::new(None, time.clock());
        let begun = time.clock().elapsed();
        age.learned(begun);
        for (name, seconds, expected) in [
            ("at once", 0, KeyState::Ready),
            ("just", 10, KeyState::Ready),
            ("too old", 1, KeyState::Missing),
        ] {
            time.advance(second(seconds));
            assert_eq!(age.clone().state(), expected, "{name}");
            assert_eq!(forever.state(), KeyState::Ready, "{name}");
        }
        age.learned(begun + second(5));
        assert_eq!(age.state(), KeyState::Ready, "seen again");
        age.learned(begun);
        assert_eq!(
            age.state(),
            KeyState::Ready,
            "an older look that ends later"
        );
        assert!(age.fetch(WantedKeys::Fresh).is_none());
    }
}
