//! What this process knows of bans without asking.

use super::BanSubject;
use super::record::Record;
use crate::lock::lock;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The most subjects.
const MAX: usize = 65_536;
const SHARDS: usize = 16;
const MAX_IN_SHARD: usize = MAX / SHARDS;
/// How many entries are looked at to find one that can go.
const LOOKED_AT: usize = 8;

/// The subjects known to be banned: at most [`MAX`], some 20 MB. Times are those of
/// [`Clock::elapsed`](crate::clock::Clock::elapsed).
pub(super) struct Known {
    hasher: RandomState,
    shards: [Mutex<HashMap<BanSubject, Entry>>; SHARDS],
    /// So that nobody takes a lock as long as nobody is banned.
    len: AtomicUsize,
}

#[derive(Clone, Debug)]
struct Entry {
    record: Arc<Record>,
    fresh_until: Duration,
    expires: Duration,
}

/// What is known of a subject.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) record: Arc<Record>,
    /// Whether the store need not be asked again yet.
    pub(super) is_fresh: bool,
}

impl Known {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            len: AtomicUsize::new(0),
        }
    }

    /// What is known of this subject; nothing once its ban is over.
    pub(super) fn recall(
        &self,
        subject: &BanSubject,
        now: impl FnOnce() -> Duration,
    ) -> Option<Memory> {
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let now = now();
        let shard = self.shard(subject);
        let entry = shard.get(subject).filter(|entry| now < entry.expires)?;
        Some(Memory {
            record: Arc::clone(&entry.record),
            is_fresh: now < entry.fresh_until,
        })
    }

    /// Remembers a ban until it is over, and for `fresh` without asking again.
    pub(super) fn remember(
        &self,
        subject: &BanSubject,
        record: Arc<Record>,
        now: Duration,
        fresh: Duration,
        remaining: Duration,
    ) {
        let entry = Entry {
            record,
            fresh_until: now.saturating_add(fresh),
            expires: now.saturating_add(remaining),
        };
        let mut shard = self.shard(subject);
        if shard.len() >= MAX_IN_SHARD && !shard.contains_key(subject) {
            self.make_room(&mut shard, now);
        }
        if shard.insert(subject.clone(), entry).is_none() {
            self.len.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether there was anything to forget.
    pub(super) fn forget(&self, subject: &BanSubject) -> bool {
        let is_there =
            self.len.load(Ordering::Relaxed) > 0 && self.shard(subject).remove(subject).is_some();
        if is_there {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
        is_there
    }

    /// Of a few, lets go those that are over, or the one that will be first: the store still
    /// knows it.
    fn make_room(&self, shard: &mut HashMap<BanSubject, Entry>, now: Duration) {
        let mut some: Vec<_> = shard.iter().take(LOOKED_AT).collect();
        some.sort_unstable_by_key(|(_, entry)| entry.expires);
        let over = some
            .iter()
            .filter(|(_, entry)| entry.expires <= now)
            .count();
        let going: Vec<_> = (some.into_iter().take(over.max(1)))
            .map(|(subject, _)| subject.clone())
            .collect();
        for subject in going {
            shard.remove(&subject);
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn shard(&self, subject: &BanSubject) -> MutexGuard<'_, HashMap<BanSubject, Entry>> {
        let hash = self.hasher.hash_one(subject);
        #[expect(clippy::indexing_slicing, reason = "a remainder is below its divisor")]
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        lock(shard)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Escalation;
    use super::*;
    use crate::clock::Timestamp;
    use std::net::{IpAddr, Ipv4Addr};

    fn subject(n: u32) -> BanSubject {
        IpAddr::from(Ipv4Addr::from(n)).into()
    }

    fn record() -> Arc<Record> {
        let now = Timestamp::default();
        Arc::new(Record::next(None, &Escalation::recommended(), "test", now))
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn knows_until_it_is_over() {
        let known = Known::new();
        known.remember(&subject(1), record(), seconds(100), seconds(1), seconds(10));
        for (at, expected) in [
            (100, Some(true)),
            (101, Some(false)),
            (109, Some(false)),
            (110, None),
        ] {
            let found = known.recall(&subject(1), || seconds(at));
            assert_eq!(found.map(|memory| memory.is_fresh), expected, "{at}");
        }
        assert!(known.recall(&subject(2), || seconds(100)).is_none());
        known.forget(&subject(1));
        assert!(known.recall(&subject(1), || seconds(100)).is_none());
    }

    #[test]
    fn is_bounded_and_lets_go_what_is_over() {
        let known = Known::new();
        let most = u32::try_from(MAX).unwrap();
        for n in 0..3 * most {
            let lasts = if n < most { seconds(1) } else { seconds(100) };
            known.remember(&subject(n), record(), Duration::ZERO, lasts, lasts);
        }
        let len: usize = known.shards.iter().map(|s| s.lock().unwrap().len()).sum();
        assert!(len <= MAX);
        assert_eq!(len, known.len.load(Ordering::Relaxed));
    }
}
