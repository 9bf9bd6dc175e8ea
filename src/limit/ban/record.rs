//! What the store holds of a ban.

use super::{BanSubject, Escalation};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// The last ban of a subject: what the entry says while it lasts, and the file on the subject
/// until it is forgiven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// How many bans in a row, as far as they are not forgiven.
    level: u32,
    /// The rule, or what the administrator wrote.
    cause: Cow<'static, str>,
    /// Unix time in milliseconds.
    since: u64,
    until: u64,
}

impl Record {
    /// The ban that follows on the last one.
    pub(super) fn next(
        last: Option<&Self>,
        escalation: &Escalation,
        cause: &'static str,
        now: Timestamp,
    ) -> Self {
        let level = Self::level_at(last, escalation, now).saturating_add(1);
        Self::new(level, cause.into(), now, escalation.duration(level))
    }

    /// A ban by hand, which leaves the level as it is.
    pub(super) fn by_hand(
        last: Option<&Self>,
        escalation: &Escalation,
        reason: &str,
        now: Timestamp,
        duration: Duration,
    ) -> Self {
        let level = Self::level_at(last, escalation, now);
        Self::new(level, reason.to_owned().into(), now, duration)
    }

    fn new(level: u32, cause: Cow<'static, str>, now: Timestamp, duration: Duration) -> Self {
        Self {
            level,
            cause,
            since: millis(now.unix_duration()),
            until: millis(now.unix_duration().saturating_add(duration)),
        }
    }

    fn level_at(last: Option<&Self>, escalation: &Escalation, now: Timestamp) -> u32 {
        last.map_or(0, |last| {
            escalation.level_after(last.level, now.since(last.until()))
        })
    }

    pub(super) const fn level(&self) -> u32 {
        self.level
    }

    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    pub(super) const fn since(&self) -> Timestamp {
        Timestamp::from_unix_duration(Duration::from_millis(self.since))
    }

    pub(super) const fn until(&self) -> Timestamp {
        Timestamp::from_unix_duration(Duration::from_millis(self.until))
    }

    /// How much longer the ban lasts; zero when it is over.
    pub(super) fn remaining(&self, now: Timestamp) -> Duration {
        self.until().since(now)
    }

    /// How long the file has to be kept for the levels to fall to nothing.
    pub(super) fn kept_for(&self, escalation: &Escalation, now: Timestamp) -> Duration {
        let forgiven = escalation.decay().saturating_mul(self.level.max(1));
        self.remaining(now).saturating_add(forgiven)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        // Numbers and a string: there is nothing in it that could fail to serialize.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// What stands for an entry that cannot be read: it is there, so the subject is banned.
    pub(super) fn unreadable(now: Timestamp) -> Self {
        Self::new(0, "unreadable".into(), now, Duration::from_secs(1))
    }
}

fn millis(since_epoch: Duration) -> u64 {
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// A ban that holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ban {
    /// Who is banned.
    pub subject: BanSubject,
    /// How many bans in a row this is, as far as they are not forgiven. Bans by hand do not
    /// count.
    pub level: u32,
    /// The rule that was broken, or the reason that was given for a ban by hand.
    pub cause: String,
    /// Since when, by the clock of the machine that set it.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Ban {
    pub(super) fn of(subject: BanSubject, record: &Record) -> Self {
        Self {
            subject,
            level: record.level,
            cause: record.cause.clone().into_owned(),
            since: record.since(),
            until: record.until(),
        }
    }

    /// How much longer it lasts; zero when it is over.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Duration {
        self.until.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_000_000);

    #[test]
    fn records_round_trip_and_rubbish_is_none() {
        let record = Record::next(None, &Escalation::recommended(), "failed-logins", NOW);
        assert_eq!(Record::decode(&record.encode()), Some(record));
        for rubbish in [&b""[..], b"{}", b"\xFF", b"{\"level\":-1}"] {
            assert_eq!(Record::decode(rubbish), None);
        }
    }

    #[test]
    fn the_end_of_time_is_no_overflow() {
        let escalation = Escalation::recommended();
        let end = Timestamp::from_unix_duration(Duration::MAX);
        let record = Record::by_hand(None, &escalation, "", end, Duration::MAX);
        assert_eq!(record.remaining(end), Duration::ZERO);
        let again = Record::next(Some(&record), &escalation, "again", NOW);
        assert_eq!(again.level(), 1);
    }
}
