//! How many requests of each key are under way.

use crate::limit::RateKey;
use crate::lock::lock;
use hashbrown::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard};

/// A power of two.
const SHARDS: usize = 16;

type Counts = HashMap<u64, u32, RandomState>;

/// Counts what is under way, by key. There is an entry only while there is something, so there
/// are never more entries than requests.
pub(super) struct Slots {
    most: NonZeroU32,
    hasher: RandomState,
    shards: [Mutex<Counts>; SHARDS],
}

/// One more of a key, until dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    hash: u64,
}

impl Slots {
    pub(super) fn new(most: NonZeroU32) -> Self {
        let hasher = RandomState::new();
        Self {
            most,
            shards: std::array::from_fn(|_| Mutex::new(Counts::with_hasher(hasher.clone()))),
            hasher,
        }
    }

    pub(super) const fn most(&self) -> NonZeroU32 {
        self.most
    }

    /// One more of this key, unless there are as many as may be.
    pub(super) fn take(self: &Arc<Self>, key: &RateKey<'_>) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        let mut counts = self.lock(hash);
        let count = counts.entry(hash).or_insert(0);
        if *count >= self.most.get() {
            return None;
        }
        *count += 1;
        Some(Slot {
            slots: Arc::clone(self),
            hash,
        })
    }

    fn lock(&self, hash: u64) -> MutexGuard<'_, Counts> {
        #[expect(clippy::indexing_slicing, reason = "a remainder is below its divisor")]
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        lock(shard)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock(self.hash);
        match counts.get_mut(&self.hash) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&self.hash);
            }
        }
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let slots = Arc::new(Slots::new(NonZeroU32::new(2).unwrap()));
        let (ann, bob) = (RateKey::from("ann"), RateKey::from("bob"));
        let first = slots.take(&ann).unwrap();
        let second = slots.take(&ann).unwrap();
        assert!(slots.take(&ann).is_none());
        assert!(slots.take(&bob).is_some());
        drop(first);
        let third = slots.take(&ann).unwrap();
        assert!(slots.take(&ann).is_none());
        drop((second, third));
        let entries = |slots: &Slots| {
            let shards = slots.shards.iter();
            shards
                .map(|shard| shard.lock().unwrap().len())
                .sum::<usize>()
        };
        assert_eq!(entries(&slots), 0);
        for n in 0..10_000 {
            assert!(slots.take(&n.to_string().into()).is_some());
        }
        assert_eq!(entries(&slots), 0);
    }
}
