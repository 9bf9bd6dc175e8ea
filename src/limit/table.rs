//! The bounded memory of a limiter.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// With its lock, a set of this many slots takes four cache lines.
const WAYS: usize = 15;
const SET_BYTES: usize = 256;
const SETS_PER_PAGE: usize = 128;
const PAGE_BYTES: usize = SET_BYTES * SETS_PER_PAGE;
/// 32 GiB: the index of the pages is made at once, so it has to have an end.
const MOST_PAGES: usize = 1 << 20;

const _: () = assert!(size_of::<LockedSet>() == SET_BYTES);

/// A set-associative table: a key's hash says in which set its slots are, and only there.
/// It never grows, is never rehashed, and nothing takes longer than one look at one set, but
/// for the first touch of a page of 32 KiB, which makes it.
pub(super) struct Table {
    pages: Box<[OnceLock<Page>]>,
}

type Page = Box<[LockedSet; SETS_PER_PAGE]>;

#[derive(Default)]
#[repr(align(64))]
struct LockedSet(Mutex<Set>);

/// The slots that may hold a key's state.
#[derive(Default)]
pub(super) struct Set([Slot; WAYS]);

/// The state of one key under one quota. Free when its time has passed.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// 61 bits of the key's hash, and which quota; zero in a slot that was never used.
    tag: u64,
    /// When the key's allowance is full again, in nanoseconds on the limiter's clock.
    full_at: u64,
}

impl Table {
    /// A table of at most this many bytes, and at least one page.
    pub(super) fn new(bytes: usize) -> Self {
        let pages = (bytes / PAGE_BYTES).clamp(1, MOST_PAGES);
        Self {
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The most bytes that the table will ever take.
    pub(super) fn most_bytes(&self) -> usize {
        self.pages.len() * (PAGE_BYTES + size_of::<OnceLock<Page>>())
    }

    /// Locks the set that belongs to the hash. Its upper bits say which that is, scaled to a
    /// number of sets that need not be a power of two.
    #[inline]
    pub(super) fn lock(&self, hash: u64) -> MutexGuard<'_, Set> {
        let sets = (self.pages.len() * SETS_PER_PAGE) as u128;
        let set = ((u128::from(hash) * sets) >> 64) as usize;
        let page = self.page(set / SETS_PER_PAGE);
        #[expect(clippy::indexing_slicing, reason = "a remainder is below its divisor")]
        let set = &page[set % SETS_PER_PAGE];
        // A set is sound at every moment: a panic while it is locked spoils nothing.
        set.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn page(&self, index: usize) -> &Page {
        #[expect(
            clippy::indexing_slicing,
            reason = "a hash below 2^64, scaled to n, is below n"
        )]
        let page = &self.pages[index];
        page.get_or_init(|| Box::new(std::array::from_fn(|_| LockedSet::default())))
    }
}

/// By which mark a key's state under the quota of this index is known within its set.
#[inline]
pub(super) const fn tag(hash: u64, quota: usize) -> u64 {
    hash << 3 | (quota as u64 & 0b11) | 0b100
}

const fn quota_of(tag: u64) -> usize {
    (tag & 0b11) as usize
}

impl Set {
    /// The slot of this tag, and its time.
    #[inline]
    pub(super) fn find(&self, tag: u64) -> Option<(usize, u64)> {
        let slot = self.0.iter().position(|slot| slot.tag == tag)?;
        Some((slot, self.0.get(slot)?.full_at))
    }

    /// A slot to use for another key, none of those `taken` (by bits): one that is free, else
    /// the one whose allowance is full soonest. Never one whose key is refused: where
    /// there is none but those, says in how many nanoseconds the first of them no longer is.
    pub(super) fn make_room(
        &self,
        now: u64,
        tolerance: impl Fn(usize) -> u64,
        taken: u32,
    ) -> Result<usize, u64> {
        let mut soonest = None;
        let mut shortest_wait = u64::MAX;
        for (index, slot) in self.0.iter().enumerate() {
            if taken & (1 << index) != 0 {
                continue;
            }
            if slot.full_at <= now {
                return Ok(index);
            }
            let admitted_at = slot.full_at.saturating_sub(tolerance(quota_of(slot.tag)));
            if admitted_at > now {
                shortest_wait = shortest_wait.min(admitted_at - now);
            } else if soonest.is_none_or(|(full_at, _)| slot.full_at < full_at) {
                soonest = Some((slot.full_at, index));
            }
        }
        soonest.map(|(_, index)| index).ok_or(shortest_wait)
    }

    #[inline]
    pub(super) fn put(&mut self, slot: usize, tag: u64, full_at: u64) {
        if let Some(slot) = self.0.get_mut(slot) {
            *slot = Slot { tag, full_at };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_set(full_at: impl Fn(usize) -> u64) -> Set {
        let mut set = Set::default();
        for index in 0..WAYS {
            set.put(index, tag(index as u64, 0), full_at(index));
        }
        set
    }

    #[test]
    fn room_is_made_where_least_is_forgotten() {
        const NOW: u64 = 1_000;
        let cases = [
            ("all free", full_set(|_| NOW), 0, Ok(0)),
            (
                "one free",
                full_set(|i| if i == 4 { NOW } else { NOW + 5 }),
                0,
                Ok(4),
            ),
            (
                "the least debt",
                full_set(|i| NOW + 50 - i as u64),
                0,
                Ok(14),
            ),
            (
                "but not that one",
                full_set(|i| NOW + 50 - i as u64),
                1 << 14,
                Ok(13),
            ),
            (
                "one that is not refused",
                full_set(|i| if i == 7 { NOW + 100 } else { NOW + 101 }),
                0,
                Ok(7),
            ),
            (
                "only refused keys",
                full_set(|i| NOW + 120 - i as u64),
                0,
                Err(6),
            ),
            ("none at all", full_set(|_| NOW), u32::MAX, Err(u64::MAX)),
        ];
        for (name, set, taken, expected) in cases {
            assert_eq!(set.make_room(NOW, |_| 100, taken), expected, "{name}");
        }
    }

    #[test]
    fn tags_tell_quotas_and_keys_apart() {
        let mut tags: Vec<_> = (0..100)
            .flat_map(|hash| (0..4).map(move |quota| tag(hash, quota)))
            .collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 400);
        assert!(!tags.contains(&0));
    }

    #[test]
    fn every_hash_has_a_set() {
        for pages in [1, 3, 1000] {
            let table = Table::new(pages * PAGE_BYTES + 1);
            for hash in [0, 1, u64::MAX / 3, u64::MAX - 1, u64::MAX] {
                drop(table.lock(hash));
            }
            assert_eq!(table.pages.len(), pages);
        }
        assert_eq!(Table::new(0).pages.len(), 1);
        assert_eq!(Table::new(usize::MAX).pages.len(), MOST_PAGES);
    }
}
