use super::budget::{Budget, Usage};
use super::shard::{At, NoRoom, Shard};
use crate::clock::{Clock, nanos};
use crate::lock::lock;
use crate::store::{Key, StoreError};
use std::hash::{BuildHasher, RandomState};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Entries in a shard when the store is full. A shard this small grows, the longest that
/// anybody waits for, in well below 200 us.
const ENTRIES_IN_SHARD: usize = 4096;

/// Enough that threads seldom meet, few enough to look over all of them when full.
const SHARDS: std::ops::RangeInclusive<usize> = 16..=1024;

/// Expired entries that a write frees before its own work. More than one, so that they
/// cannot pile up.
pub(super) const SWEPT_BY_WRITE: usize = 4;

/// How often a write asks for room. Others may take what was freed for it.
const ATTEMPTS: usize = 3;

/// All the shards. What a key's owner hashes to says in which it lies, so that all entries of
/// an owner are behind one lock.
pub(super) struct Shards {
    clock: Clock,
    hasher: RandomState,
    budget: Arc<Budget>,
    shards: Box<[Mutex<Shard>]>,
    /// For each shard, when its first entry expires: to find one with something to reclaim
    /// without a lock. Written under the lock of the shard.
    earliest: Box<[AtomicU64]>,
}

/// Where a key belongs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) hash: u64,
    pub(super) shard: usize,
}

impl Shards {
    pub(super) fn new(max: Usage, clock: Clock) -> Self {
        let wanted = max.entries / ENTRIES_IN_SHARD;
        let count = wanted
            .clamp(*SHARDS.start(), *SHARDS.end())
            .next_power_of_two();
        let hasher = RandomState::new();
        let budget = Arc::new(Budget::new(max));
        let shard = |_| Mutex::new(Shard::new(Arc::clone(&budget), hasher.clone()));
        Self {
            clock,
            shards: (0..count).map(shard).collect(),
            earliest: (0..count).map(|_| AtomicU64::new(u64::MAX)).collect(),
            budget,
            hasher,
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.budget.used()
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn now(&self) -> u64 {
        nanos(self.clock.elapsed())
    }

    pub(super) fn place(&self, key: Key<'_>) -> Place {
        let hash = self.hasher.hash_one(key);
        let home = key
            .owner()
            .map_or(hash, |owner| self.hasher.hash_one(owner));
        // The table in the shard goes by the lowest and the highest bits, so these are others.
        let shard = (home >> 32) as usize & (self.shards.len() - 1);
        Place { hash, shard }
    }

    /// Looks at the shard of a key.
    pub(super) fn read<T>(&self, key: Key<'_>, look: impl FnOnce(&Shard, At<'_>, u64) -> T) -> T {
        let place = self.place(key);
        let shard = self.lock_to_read(place.shard);
        look(&shard, shard.at(key, place.hash), self.now())
    }

    /// Changes the shard of a key. `change` runs again after a refusal for lack of room, when
    /// some could be made.
    pub(super) fn write<T>(
        &self,
        key: Key<'_>,
        mut change: impl FnMut(&mut Shard, At<'_>, u64) -> Result<T, NoRoom>,
    ) -> Result<T, StoreError> {
        let place = self.place(key);
        self.with_room(|| {
            let mut shard = self.lock(place.shard);
            let now = self.now();
            shard.sweep(now, SWEPT_BY_WRITE);
            let at = shard.at(key, place.hash);
            change(&mut shard, at, now)
        })
    }

    /// Tries, and makes room when there is none. The attempt holds no lock when it returns.
    pub(super) fn with_room<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, NoRoom>,
    ) -> Result<T, StoreError> {
        for _ in 0..ATTEMPTS {
            match attempt() {
                Ok(answer) => return Ok(answer),
                Err(NoRoom { needed }) => {
                    if !self.reclaim(needed) {
                        break;
                    }
                }
            }
        }
        Err(StoreError::full())
    }

    /// Frees expired entries anywhere until there is room for `needed`. Tells whether any was
    /// freed.
    fn reclaim(&self, needed: Usage) -> bool {
        let now = self.now();
        let mut reclaimed = false;
        for (number, earliest) in self.earliest.iter().enumerate() {
            if earliest.load(Ordering::Relaxed) > now {
                continue;
            }
            let mut shard = self.lock(number);
            while !self.budget.has_room(needed) {
                if shard.sweep(now, 1) == 0 {
                    break;
                }
                reclaimed = true;
            }
        }
        reclaimed
    }

    pub(super) fn lock(&self, number: usize) -> Locked<'_> {
        #[expect(
            clippy::indexing_slicing,
            reason = "the number was masked to the count of shards, or counted up to it"
        )]
        let earliest = &self.earliest[number];
        let shard = self.lock_to_read(number);
        Locked { shard, earliest }
    }

    fn lock_to_read(&self, number: usize) -> MutexGuard<'_, Shard> {
        #[expect(clippy::indexing_slicing, reason = "as above")]
        let shard = &self.shards[number];
        lock(shard)
    }
}

/// A shard while its lock is held.
pub(super) struct Locked<'a> {
    shard: MutexGuard<'a, Shard>,
    earliest: &'a AtomicU64,
}

impl Deref for Locked<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}

impl Drop for Locked<'_> {
    /// Notes what changed, before the lock is given up.
    fn drop(&mut self) {
        let earliest = self.shard.earliest();
        // Written only when it changes, so that the shards do not fight for the cache line.
        if self.earliest.load(Ordering::Relaxed) != earliest {
            self.earliest.store(earliest, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Namespace;
    use std::thread;

    const VALUES: Namespace = Namespace::values("test");

    fn shards(entries: usize) -> Shards {
        let bytes = usize::MAX;
        Shards::new(Usage { entries, bytes }, Clock::system())
    }

    #[test]
    fn the_count_of_shards_follows_the_bound() {
        for (entries, count) in [(0, 16), (100, 16), (1_000_000, 256), (usize::MAX, 1024)] {
            assert_eq!(shards(entries).shards.len(), count, "{entries}");
        }
    }

    #[test]
    fn entries_of_an_owner_share_a_shard() {
        let shards = shards(1_000_000);
        let owner = crate::store::Owner::new(VALUES, "ann");
        let home = shards.place(owner.key("")).shard;
        for id in 0u8..100 {
            assert_eq!(shards.place(owner.key(&[id])).shard, home);
        }
    }

    #[test]
    fn a_poisoned_lock_is_recovered() {
        let shards = shards(16);
        let key = Key::new(VALUES, "x");
        let number = shards.place(key).shard;
        let poisoner = thread::scope(|scope| {
            let held = scope.spawn(|| {
                let _held = shards.lock(number);
                panic!("on purpose");
            });
            held.join()
        });
        assert!(poisoner.is_err());
        let alive = shards.read(key, |shard, at, now| shard.live(at, now).is_some());
        assert!(!alive);
    }
}
