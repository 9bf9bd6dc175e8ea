use crate::authn::lock_out::Attempts;
use crate::authn::text_bytes::TextBytes;
use crate::authn::{LockOut, Refusal};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Wrong codes are remembered for so long after the last one.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Messages are counted within an hour.
pub(super) const SENDING_WINDOW: Duration = Duration::from_secs(60 * 60);

/// How often messages may be sent to one user for one purpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendLimit {
    /// Within an hour.
    pub(super) most: u32,
    pub(super) pause: Duration,
}

/// What the store holds of one user and purpose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<Issued>,
    sent: Sent,
    attempts: Attempts,
}

/// A code that can be used. Times are Unix times in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Issued {
    /// The request that it is for.
    pub(super) challenge: TextBytes,
    pub(super) tag: TextBytes,
    pub(super) expires: u64,
}

/// The messages of the last hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sent {
    since: u64,
    last: u64,
    count: u32,
}

impl Entry {
    /// Replaces the code, if another message may be sent; if not, says how long to wait.
    pub(super) fn issue(
        &mut self,
        code: Issued,
        limit: SendLimit,
        now: Timestamp,
    ) -> Result<(), Duration> {
        if self.attempts.is_locked(now) {
            return Err(self.attempts.remaining(now));
        }
        let [since, last] = [self.sent.since, self.sent.last].map(Timestamp::from_unix_seconds);
        let (window, pause) = (
            since.saturating_add(SENDING_WINDOW),
            last.saturating_add(limit.pause),
        );
        let is_new = self.sent.count == 0 || now >= window;
        if self.sent.count > 0 && now < pause {
            return Err(pause.since(now));
        }
        if !is_new && self.sent.count >= limit.most {
            return Err(window.since(now));
        }
        let now = now.unix_seconds();
        self.sent = Sent {
            since: if is_new { now } else { self.sent.since },
            last: now,
            count: if is_new { 1 } else { self.sent.count + 1 },
        };
        self.code = Some(code);
        Ok(())
    }

    /// Uses the code up, if this is it. Only guesses at a code that could be right are
    /// counted: others would let strangers lock somebody out.
    pub(super) fn redeem(
        &mut self,
        challenge: &[u8],
        tag: &[u8; 32],
        policy: &LockOut,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.attempts.is_locked(now) {
            return Err(Refusal::Locked);
        }
        let code = self.code.as_ref().ok_or(Refusal::Absent)?;
        if code.challenge.0 != challenge {
            return Err(Refusal::Absent);
        }
        if now.unix_seconds() >= code.expires {
            return Err(Refusal::Expired);
        }
        if bool::from(code.tag.0.ct_eq(tag)) {
            self.code = None;
            self.attempts = Attempts::default();
            return Ok(());
        }
        if self.attempts.fail(policy, now) {
            self.code = None;
            return Err(Refusal::LockedNow);
        }
        Err(Refusal::Wrong)
    }

    /// How long there is something to remember.
    pub(super) fn memory(&self) -> Duration {
        if self.attempts.is_clean() {
            SENDING_WINDOW
        } else {
            MEMORY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000;
    const LIMIT: SendLimit = SendLimit {
        most: 5,
        pause: Duration::from_secs(30),
    };

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(START + second)
    }

    fn code(number: u8, second: u64) -> Issued {
        Issued {
            challenge: TextBytes(vec![number; 16]),
            tag: [number; 32].into(),
            expires: START + second + 300,
        }
    }

    fn issue(entry: &mut Entry, number: u8, second: u64) -> Result<(), u64> {
        let issued = entry.issue(code(number, second), LIMIT, at(second));
        issued.map_err(|wait| wait.as_secs())
    }

    fn redeem(entry: &mut Entry, challenge: u8, tag: u8, second: u64) -> Result<(), Refusal> {
        let policy = LockOut::standard();
        entry.redeem(&[challenge; 16], &[tag; 32], &policy, at(second))
    }

    #[test]
    fn messages_are_limited_in_an_hour_and_by_a_pause() {
        let mut entry = Entry::default();
        for (second, expected) in [
            (0, Ok(())),
            (0, Err(30)),
            (29, Err(1)),
            (30, Ok(())),
            (60, Ok(())),
            (90, Ok(())),
            (120, Ok(())),
            (150, Err(3_450)),
            (3_599, Err(1)),
            (3_600, Ok(())),
            (3_630, Ok(())),
        ] {
            assert_eq!(issue(&mut entry, 1, second), expected, "second {second}");
        }
    }

    #[test]
    fn a_code_is_good_once_for_its_challenge_and_in_its_time() {
        let mut entry = Entry::default();
        assert_eq!(
            redeem(&mut entry, 1, 1, 0),
            Err(Refusal::Absent),
            "none was sent"
        );
        issue(&mut entry, 1, 0).unwrap();
        assert_eq!(
            redeem(&mut entry, 2, 1, 1),
            Err(Refusal::Absent),
            "another's challenge"
        );
        assert_eq!(redeem(&mut entry, 1, 2, 1), Err(Refusal::Wrong));
        assert_eq!(redeem(&mut entry, 1, 1, 300), Err(Refusal::Expired));
        assert_eq!(redeem(&mut entry, 1, 1, 299), Ok(()));
        assert_eq!(redeem(&mut entry, 1, 1, 299), Err(Refusal::Absent), "used");
        issue(&mut entry, 3, 300).unwrap();
        issue(&mut entry, 4, 330).unwrap();
        assert_eq!(
            redeem(&mut entry, 3, 3, 331),
            Err(Refusal::Absent),
            "voided by the next"
        );
        assert_eq!(redeem(&mut entry, 4, 4, 331), Ok(()));
    }

    #[test]
    fn a_new_challenge_gives_no_new_tries() {
        let mut entry = Entry::default();
        for (number, expected) in [
            (0, Refusal::Wrong),
            (1, Refusal::Wrong),
            (2, Refusal::Wrong),
            (3, Refusal::Wrong),
            (4, Refusal::LockedNow),
        ] {
            let second = 30 * u64::from(number);
            issue(&mut entry, number, second).unwrap();
            let found = redeem(&mut entry, number, 99, second);
            assert_eq!(found, Err(expected), "challenge {number}");
        }
        assert_eq!(redeem(&mut entry, 4, 4, 121), Err(Refusal::Locked));
        assert_eq!(
            issue(&mut entry, 5, 150),
            Err(30),
            "nothing is sent while locked"
        );
        assert_eq!(
            redeem(&mut entry, 4, 4, 180),
            Err(Refusal::Absent),
            "voided by the lock"
        );
        assert_eq!(entry.memory(), MEMORY);
    }

    #[test]
    fn what_guesses_nothing_is_not_counted() {
        let mut entry = Entry::default();
        issue(&mut entry, 1, 0).unwrap();
        for _ in 0..100 {
            assert_eq!(redeem(&mut entry, 2, 9, 1), Err(Refusal::Absent));
            assert_eq!(redeem(&mut entry, 1, 9, 300), Err(Refusal::Expired));
        }
        assert_eq!(redeem(&mut entry, 1, 1, 2), Ok(()));
    }
}
