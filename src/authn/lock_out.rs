use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How wrong codes lock an account's second factor.
///
/// So many are free; each one after that locks for twice as long as the last, up to a longest
/// time; and after so many in a row there is no further try until an administrator unlocks it.
/// A right code begins anew, a new challenge does not.
///
/// The defaults, 5 free, then 1 minute up to 24 hours, 100 in all, leave whoever guesses a
/// code of six digits, of which three are right at a time, a chance of 0.03 %. After a
/// first factor only who has passed that comes here, so strangers cannot lock anybody out; where
/// codes are sent to who has proved nothing, they can, but for clients that are known. (ASVS
/// 5.0 6.3.1, 6.6.3; NIST SP 800-63B-4 section 3.2.2)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct LockOut {
    free: u32,
    first: Duration,
    longest: Duration,
    most: u32,
}

impl LockOut {
    /// The most wrong codes in a row that any account may have: what NIST SP 800-63B-4 allows.
    pub const MAX_FAILURES: u32 = 100;

    /// The defaults.
    pub const fn standard() -> Self {
        Self {
            free: 5,
            first: Duration::from_secs(60),
            longest: Duration::from_secs(24 * 60 * 60),
            most: Self::MAX_FAILURES,
        }
    }

    /// Sets which wrong code in a row is the first that locks: at least 1, by default 5.
    pub const fn at(mut self, failures: u32) -> Self {
        self.free = if failures == 0 { 1 } else { failures };
        self
    }

    /// Sets how long the first lock lasts, in whole seconds, and the longest one. 1 minute
    /// and 24 hours by default.
    pub const fn lasting(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// Sets how many wrong codes in a row end it: at most [`MAX_FAILURES`](Self::MAX_FAILURES).
    pub const fn at_most(mut self, failures: u32) -> Self {
        self.most = if failures < Self::MAX_FAILURES {
            failures
        } else {
            Self::MAX_FAILURES
        };
        self
    }

    /// The same where two count apart: together no more.
    #[cfg(feature = "one-time-code")]
    pub(super) const fn halved(mut self) -> Self {
        self.most = if self.most < 2 { 1 } else { self.most / 2 };
        self
    }

    /// How long the account is locked after so many wrong codes in a row.
    fn lock(&self, failures: u32) -> Option<Lock> {
        if failures >= self.most {
            return Some(Lock::ForGood);
        }
        let doublings = failures.checked_sub(self.free)?;
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let lasts = self.first.saturating_mul(factor).min(self.longest);
        Some(Lock::For(lasts.max(Duration::from_secs(1))))
    }
}

impl Default for LockOut {
    fn default() -> Self {
        Self::standard()
    }
}

enum Lock {
    For(Duration),
    ForGood,
}

/// The wrong codes of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempts {
    failed: u32,
    /// Unix time in seconds.
    locked_until: u64,
}

impl Attempts {
    const FOR_GOOD: u64 = u64::MAX;

    pub(super) const fn is_locked(self, now: Timestamp) -> bool {
        now.unix_seconds() < self.locked_until
    }

    /// How long the lock still lasts.
    #[cfg(feature = "one-time-code")]
    pub(super) const fn remaining(self, now: Timestamp) -> Duration {
        Duration::from_secs(self.locked_until.saturating_sub(now.unix_seconds()))
    }

    #[cfg(feature = "one-time-code")]
    pub(super) const fn is_clean(self) -> bool {
        self.failed == 0
    }

    /// Counts a wrong code, and tells whether it locks the account.
    pub(super) fn fail(&mut self, policy: &LockOut, now: Timestamp) -> bool {
        self.failed = self.failed.saturating_add(1);
        self.locked_until = match policy.lock(self.failed) {
            None => return false,
            Some(Lock::For(lasts)) => now.saturating_add(lasts).unix_seconds(),
            Some(Lock::ForGood) => Self::FOR_GOOD,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    #[test]
    fn locks_grow_and_end_in_one_for_good() {
        let policy = LockOut::standard();
        let mut attempts = Attempts::default();
        let mut now = NOW;
        let mut locks = Vec::new();
        while locks.last() != Some(&u64::MAX) {
            assert!(!attempts.is_locked(now));
            let locks_now = attempts.fail(&policy, now);
            assert_eq!(locks_now, attempts.is_locked(now));
            let until = attempts.locked_until.max(now.unix_seconds());
            locks.push(match until {
                Attempts::FOR_GOOD => until,
                _ => until - now.unix_seconds(),
            });
            if until != Attempts::FOR_GOOD {
                now = Timestamp::from_unix_seconds(until);
            }
        }
        assert_eq!(locks[..8], [0, 0, 0, 0, 60, 120, 240, 480]);
        assert_eq!(locks[14..17], [61_440, 86_400, 86_400]);
        assert_eq!(locks.len(), 100);
        let centuries = Duration::from_secs(1 << 40);
        assert!(attempts.is_locked(now.saturating_add(centuries)));
    }

    #[test]
    fn a_policy_has_bounds() {
        for (name, policy, failures, locked) in [
            ("never none", LockOut::standard().at(0), 1, true),
            ("one less", LockOut::standard().at(3), 2, false),
            ("the third", LockOut::standard().at(3), 3, true),
            (
                "never more than 100",
                LockOut::standard().at(999).at_most(999),
                100,
                true,
            ),
            (
                "no time is a second",
                LockOut::standard().lasting(Duration::ZERO, Duration::ZERO),
                5,
                true,
            ),
            (
                "doublings do not overflow",
                LockOut::standard()
                    .at(1)
                    .lasting(Duration::MAX, Duration::MAX),
                99,
                true,
            ),
        ] {
            let mut attempts = Attempts::default();
            let last = (0..failures).map(|_| attempts.fail(&policy, NOW)).last();
            assert_eq!(last, Some(locked), "{name}");
            assert_eq!(attempts.is_locked(NOW), locked, "{name}");
        }
    }
}
