//! When a session is over: a decision on plain times.

use crate::clock::Timestamp;
use std::time::Duration;

/// The timeouts of sessions, which hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timeouts {
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    /// Activity is written at most this often.
    pub(super) interval: Duration,
}

/// Which time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    Idle,
    Absolute,
}

impl Timeouts {
    /// Whether a session is over that began then and was last seen to be used then. A clock
    /// that is behind those of other machines takes what lies ahead of it for now.
    pub(super) fn lapse(
        &self,
        created: Timestamp,
        seen: Timestamp,
        now: Timestamp,
    ) -> Option<Lapse> {
        if now.since(created) >= self.absolute {
            return Some(Lapse::Absolute);
        }
        (now.since(seen) >= self.idle).then_some(Lapse::Idle)
    }

    /// Whether it is time to write down that the session was used.
    pub(super) fn is_due(&self, seen: Timestamp, now: Timestamp) -> bool {
        now.since(seen) >= self.interval
    }

    /// How long a session still lives, for the store.
    pub(super) fn left(&self, created: Timestamp, seen: Timestamp, now: Timestamp) -> Duration {
        let idle = self.idle.saturating_sub(now.since(seen));
        idle.min(self.absolute_left(created, now))
    }

    /// How long it can live at most.
    pub(super) const fn absolute_left(&self, created: Timestamp, now: Timestamp) -> Duration {
        self.absolute.saturating_sub(now.since(created))
    }

    /// When a session ends if it is not used any more.
    pub(super) fn end(&self, created: Timestamp, seen: Timestamp) -> Timestamp {
        let idle = seen.saturating_add(self.idle);
        idle.min(created.saturating_add(self.absolute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        idle: Duration::from_secs(100),
        absolute: Duration::from_secs(1_000),
        interval: Duration::from_secs(10),
    };

    #[test]
    fn both_timeouts_hold() {
        let cases = [
            ("at once", 5_000, 5_000, 5_000, None, 100, 5_100),
            ("just before", 5_000, 5_000, 5_099, None, 1, 5_100),
            ("idle", 5_000, 5_000, 5_100, Some(Lapse::Idle), 0, 5_100),
            ("used", 5_000, 5_090, 5_180, None, 10, 5_190),
            ("used to the last", 5_000, 5_990, 5_999, None, 1, 6_000),
            (
                "too old",
                5_000,
                5_990,
                6_000,
                Some(Lapse::Absolute),
                0,
                6_000,
            ),
            ("both", 5_000, 5_000, 9_000, Some(Lapse::Absolute), 0, 5_100),
            (
                "made by a machine ahead",
                5_050,
                5_050,
                5_000,
                None,
                100,
                5_150,
            ),
            (
                "the end of time",
                0,
                0,
                u64::MAX,
                Some(Lapse::Absolute),
                0,
                100,
            ),
        ];
        for (name, created, seen, now, lapse, left, end) in cases {
            let [created, seen, now] = [created, seen, now].map(Timestamp::from_unix_seconds);
            assert_eq!(TIMEOUTS.lapse(created, seen, now), lapse, "{name}");
            let live = TIMEOUTS.left(created, seen, now);
            assert_eq!(live, Duration::from_secs(left), "{name}");
            assert_eq!(TIMEOUTS.end(created, seen).unix_seconds(), end, "{name}");
        }
    }

    #[test]
    fn activity_is_written_now_and_then() {
        let seen = Timestamp::from_unix_seconds(5_000);
        for (later, due) in [(0, false), (9, false), (10, true), (99, true)] {
            let now = Timestamp::from_unix_seconds(5_000 + later);
            assert_eq!(TIMEOUTS.is_due(seen, now), due, "{later}");
        }
    }
}
