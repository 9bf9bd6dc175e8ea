//! The keys of a set and what becomes of them, on plain data.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The most keys of a set. Retired ones go when their tokens have expired.
pub(super) const MAX_KEYS: usize = 16;

/// What a key is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Published, signs nothing yet.
    Next,
    /// Signs.
    Current,
    /// Verifies what it signed.
    Retired,
}

/// When keys change their stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) period: Duration,
    pub(super) lead: Duration,
    /// How long a retired key is kept.
    pub(super) kept: Duration,
}

/// A key as it is written. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: Box<str>,
    #[serde(rename = "alg")]
    pub(super) algorithm: Box<str>,
    /// The private key, sealed, in base64url.
    pub(super) sealed: Box<str>,
    pub(super) made: u64,
    /// Since when it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retired: Option<u64>,
}

impl Entry {
    pub(super) const fn stage(&self) -> Stage {
        match (self.since, self.retired) {
            (_, Some(_)) => Stage::Retired,
            (Some(_), None) => Stage::Current,
            (None, None) => Stage::Next,
        }
    }
}

/// The keys of one set: those that verify, the one that signs, the one that will.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) keys: Vec<Entry>,
}

impl Series {
    pub(super) fn at(&self, stage: Stage) -> Option<&Entry> {
        self.keys.iter().find(|key| key.stage() == stage)
    }

    fn at_mut(&mut self, stage: Stage) -> Option<&mut Entry> {
        self.keys.iter_mut().find(|key| key.stage() == stage)
    }

    /// How much longer the next key has to be published before it signs.
    pub(super) fn wait(&self, schedule: &Schedule, now: Timestamp) -> Duration {
        let made = self.at(Stage::Next).map(|next| time(next.made));
        let published = made.map_or(Duration::ZERO, |made| now.since(made));
        schedule.lead.saturating_sub(published)
    }

    /// Whether the current key has signed for its period, and the next may take its place.
    pub(super) fn is_due(&self, schedule: &Schedule, now: Timestamp) -> bool {
        let since = self.at(Stage::Current).and_then(|current| current.since);
        let is_over = since.is_some_and(|since| now.since(time(since)) >= schedule.period);
        is_over && self.wait(schedule, now).is_zero()
    }

    /// The next key signs from now on, and the current one is retired. Nothing without a next.
    pub(super) fn promote(&mut self, now: Timestamp) {
        if self.at(Stage::Next).is_none() {
            return;
        }
        if let Some(current) = self.at_mut(Stage::Current) {
            current.retired = Some(millis(now));
        }
        if let Some(next) = self.at_mut(Stage::Next) {
            next.since = Some(millis(now));
        }
    }

    /// Takes a key out at once, and tells whether it was there. Where it was the current one,
    /// the next signs.
    pub(super) fn withdraw(&mut self, id: &str, now: Timestamp) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| *key.id != *id);
        if self.at(Stage::Current).is_none() {
            self.promote(now);
        }
        self.keys.len() != before
    }

    /// Drops retired keys whose last token has expired.
    pub(super) fn prune(&mut self, schedule: &Schedule, now: Timestamp) {
        let is_over = |at| now.since(time(at)) >= schedule.kept;
        self.keys.retain(|key| !key.retired.is_some_and(is_over));
    }
}

pub(super) fn time(millis: u64) -> Timestamp {
    Timestamp::from_unix_duration(Duration::from_millis(millis))
}

pub(super) fn millis(time: Timestamp) -> u64 {
    u64::try_from(time.unix_duration().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        period: Duration::from_secs(100),
        lead: Duration::from_secs(10),
        kept: Duration::from_secs(30),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn key(id: &str, made: u64, since: Option<u64>, retired: Option<u64>) -> Entry {
        Entry {
            id: id.into(),
            algorithm: "ES256".into(),
            sealed: "".into(),
            made: made * 1000,
            since: since.map(|it| it * 1000),
            retired: retired.map(|it| it * 1000),
        }
    }

    fn stages(series: &Series) -> Vec<(&str, Stage)> {
        let keys = series.keys.iter();
        keys.map(|key| (&*key.id, key.stage())).collect()
    }

    #[test]
    fn when_the_next_key_takes_over() {
        let series = |current, next| Series {
            keys: vec![key("a", 0, Some(current), None), key("b", next, None, None)],
        };
        for (name, current, next, now, is_due) in [
            ("at the beginning", 1000, 1000, 1000, false),
            ("before the period is over", 1000, 1000, 1099, false),
            ("when it is over", 1000, 1000, 1100, true),
            ("long after", 1000, 1000, 9000, true),
            ("the next is too new", 1000, 1095, 1100, false),
            ("the next is just old enough", 1000, 1095, 1105, true),
            ("the clock went back", 1000, 1000, 500, false),
        ] {
            let due = series(current, next).is_due(&SCHEDULE, at(now));
            assert_eq!(due, is_due, "{name}");
        }
        let alone = Series {
            keys: vec![key("a", 0, Some(0), None)],
        };
        assert!(!alone.is_due(&SCHEDULE, at(9000)), "there is no next");
        assert!(!Series::default().is_due(&SCHEDULE, at(9000)));
    }

    #[test]
    fn keys_go_through_their_stages() {
        let mut series = Series {
            keys: vec![key("a", 0, Some(0), None), key("b", 0, None, None)],
        };
        series.promote(at(100));
        assert_eq!(
            stages(&series),
            [("a", Stage::Retired), ("b", Stage::Current)]
        );
        series.promote(at(110));
        assert_eq!(
            stages(&series),
            [("a", Stage::Retired), ("b", Stage::Current)],
            "nobody is retired without a successor"
        );
        series.prune(&SCHEDULE, at(129));
        assert_eq!(series.keys.len(), 2, "its tokens are still good");
        series.prune(&SCHEDULE, at(130));
        assert_eq!(stages(&series), [("b", Stage::Current)]);
    }

    #[test]
    fn any_key_can_be_withdrawn() {
        let series = Series {
            keys: vec![
                key("a", 0, Some(0), Some(100)),
                key("b", 0, Some(100), None),
                key("c", 100, None, None),
            ],
        };
        for (id, was_there, expected) in [
            ("a", true, vec![("b", Stage::Current), ("c", Stage::Next)]),
            (
                "b",
                true,
                vec![("a", Stage::Retired), ("c", Stage::Current)],
            ),
            (
                "c",
                true,
                vec![("a", Stage::Retired), ("b", Stage::Current)],
            ),
            ("d", false, stages(&series)),
        ] {
            let mut series = series.clone();
            assert_eq!(series.withdraw(id, at(101)), was_there, "{id}");
            assert_eq!(stages(&series), expected, "{id}");
        }
    }
}
