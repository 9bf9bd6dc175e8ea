//! The bounded memory of a limiter.

use super::Quotas;
use super::set::Set;
use crate::lock::lock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};

const SET_BYTES: usize = 256;
const SETS_PER_PAGE: usize = 128;
const PAGE_BYTES: usize = SET_BYTES * SETS_PER_PAGE;
/// 32 GiB: the index of the pages is made at once, so it has to have an end.
const MAX_PAGES: usize = 1 << 20;
/// The table begins to double when this part of as many insertions as it has sets (one in
/// eight) found their set well filled: at about two keys a set, of fifteen.
const SCARCE_PART: usize = 8;
/// How many sets an insertion splits while the table is being doubled. One would do to be
/// done in time on average; more leave no set behind until it is full.
const SPLITS: usize = 4;

const _: () = assert!(size_of::<LockedSet>() == SET_BYTES);

/// A set-associative table: a key's hash says in which set its state is, and only there.
///
/// It grows by linear hashing, up to its bound: a few sets are split in two at a time, so that
/// nothing ever takes longer than a look at one set and the split of those, but for the first
/// touch of a page of 32 KiB, which makes it. It never shrinks.
pub(super) struct Table {
    pages: Box<[OnceLock<Page>]>,
    /// How many sets there are.
    sets: AtomicUsize,
    /// How many there shall be, when the doubling that is under way is done.
    goal: AtomicUsize,
    /// How many insertions found their set well filled, since the last doubling.
    scarce: AtomicUsize,
    splitting: Mutex<()>,
}

type Page = Box<[LockedSet; SETS_PER_PAGE]>;

#[derive(Default)]
#[repr(align(64))]
struct LockedSet(Mutex<Set>);

impl Table {
    /// A table of at most this many bytes, and at least one page.
    pub(super) fn new(bytes: usize) -> Self {
        let pages = (bytes / PAGE_BYTES).clamp(1, MAX_PAGES);
        Self {
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
            sets: AtomicUsize::new(SETS_PER_PAGE),
            goal: AtomicUsize::new(SETS_PER_PAGE),
            scarce: AtomicUsize::new(0),
            splitting: Mutex::new(()),
        }
    }

    /// The bytes it may take for its sets.
    pub(super) fn budget(&self) -> usize {
        self.pages.len() * PAGE_BYTES
    }

    /// The most bytes that the table will ever take.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.budget() + self.pages.len() * size_of::<OnceLock<Page>>()
    }

    /// Locks the set that belongs to the hash.
    #[inline]
    pub(super) fn lock(&self, hash: u64) -> MutexGuard<'_, Set> {
        let mut sets = self.sets.load(Ordering::Acquire);
        loop {
            let home = home(hash, sets);
            let set = self.lock_set(home);
            // A split of this set happens under its lock: if there was one, we see it now.
            let sets_now = self.sets.load(Ordering::Acquire);
            if sets_now == sets || home == self::home(hash, sets_now) {
                return set;
            }
            sets = sets_now;
        }
    }

    /// Locks the sets that belong to several hashes, up to [`Quotas::MAX`], each set once:
    /// what is decided over all of them happens at one moment.
    pub(super) fn lock_each(&self, hashes: impl Iterator<Item = u64>) -> LockedSets<'_> {
        let mut wanted = [None; Quotas::MAX];
        for (wanted, hash) in wanted.iter_mut().zip(hashes) {
            *wanted = Some(hash);
        }
        loop {
            let sets = self.sets.load(Ordering::Acquire);
            let homes = wanted.map(|hash| hash.map_or(NOWHERE, |hash| home(hash, sets)));
            let locked = LockedSets::lock(self, homes);
            // As above, for all of them.
            if self.sets.load(Ordering::Acquire) == sets {
                return locked;
            }
        }
    }

    #[inline]
    fn lock_set(&self, index: usize) -> MutexGuard<'_, Set> {
        #[expect(
            clippy::indexing_slicing,
            reason = "a set's index is below the number of sets, and a remainder below its divisor"
        )]
        let set = &self.page(index / SETS_PER_PAGE)[index % SETS_PER_PAGE];
        lock(&set.0)
    }

    #[inline]
    fn page(&self, index: usize) -> &Page {
        #[expect(
            clippy::indexing_slicing,
            reason = "there are never more sets than fill the pages"
        )]
        let page = &self.pages[index];
        page.get_or_init(|| Box::new(std::array::from_fn(|_| LockedSet::default())))
    }

    /// To be called after each insertion, with no set locked: says whether its set was well
    /// filled. Splits some sets, while the table is being doubled.
    pub(super) fn inserted(&self, is_scarce: bool) {
        let sets = self.sets.load(Ordering::Relaxed);
        if sets < self.goal.load(Ordering::Relaxed) {
            self.split();
        } else if is_scarce && self.scarce.fetch_add(1, Ordering::Relaxed) >= sets / SCARCE_PART {
            let most = self.pages.len() * SETS_PER_PAGE;
            self.scarce.store(0, Ordering::Relaxed);
            self.goal.store((2 * sets).min(most), Ordering::Relaxed);
        }
    }

    fn split(&self) {
        let _alone = match self.splitting.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let sets = self.sets.load(Ordering::Relaxed);
        let goal = self.goal.load(Ordering::Relaxed);
        for sets in (sets..goal).take(SPLITS) {
            // The set whose keys may belong to the new one: the one whose index differs in the
            // highest bit.
            let mut old = self.lock_set(sets - (1 << sets.ilog2()));
            let mut new = self.lock_set(sets);
            old.split(&mut new, |hash| home(hash, sets + 1) == sets);
            self.sets.store(sets + 1, Ordering::Release);
        }
    }
}

/// Where a set would be that does not exist.
const NOWHERE: usize = usize::MAX;

/// Several sets of a table, each locked once.
pub(super) struct LockedSets<'a> {
    /// For each of the hashes, the number of its set.
    homes: [usize; Quotas::MAX],
    sets: [Option<(usize, MutexGuard<'a, Set>)>; Quotas::MAX],
}

impl<'a> LockedSets<'a> {
    /// Always in the order of their numbers, as a split locks them too: nobody waits for one
    /// who waits for him.
    fn lock(table: &'a Table, homes: [usize; Quotas::MAX]) -> Self {
        let mut ordered = homes;
        ordered.sort_unstable();
        let mut last = NOWHERE;
        let sets = ordered.map(|number| {
            let is_new = number != std::mem::replace(&mut last, number);
            (is_new && number != NOWHERE).then(|| (number, table.lock_set(number)))
        });
        Self { homes, sets }
    }

    /// Which of the sets the hash at this place has: one number for one set.
    pub(super) fn index(&self, place: usize) -> Option<usize> {
        let home = self.homes.get(place)?;
        let is_home = |set: &Option<(usize, _)>| set.as_ref().is_some_and(|(n, _)| n == home);
        self.sets.iter().position(is_home)
    }

    /// The set of this index.
    pub(super) fn set(&mut self, index: usize) -> Option<&mut Set> {
        let (_, set) = self.sets.get_mut(index)?.as_mut()?;
        Some(set)
    }
}

/// Which of so many sets a hash belongs to: the remainder by the power of two that they will
/// be, or as long as there is no such set, by half of that.
#[inline]
const fn home(hash: u64, sets: usize) -> usize {
    let span = sets.next_power_of_two();
    let index = hash as usize & (span - 1);
    if index < sets {
        index
    } else {
        index - span / 2
    }
}

#[cfg(test)]
mod tests {
    use super::super::set::tag;
    use super::*;

    #[test]
    fn every_hash_has_a_set_and_leaves_it_only_for_the_new_one() {
        let hashes = [0, 1, 127, 128, 300, u64::MAX / 3, u64::MAX - 1, u64::MAX];
        for sets in 1..1000 {
            for hash in hashes {
                let (before, after) = (home(hash, sets), home(hash, sets + 1));
                assert!(before < sets);
                assert!(after == before || after == sets, "{hash} of {sets}");
                if after == sets {
                    assert_eq!(before, sets - (1 << sets.ilog2()), "{hash} of {sets}");
                }
            }
        }
    }

    #[test]
    fn a_budget_is_kept() {
        let cases = [
            ("nothing", 0, 1),
            ("a page and a half", PAGE_BYTES * 3 / 2, 1),
            ("three pages", PAGE_BYTES * 3, 3),
            ("all there is", usize::MAX, MAX_PAGES),
        ];
        for (name, bytes, pages) in cases {
            assert_eq!(Table::new(bytes).pages.len(), pages, "{name}");
        }
    }

    #[test]
    fn growing_loses_no_key() {
        let table = Table::new(1 << 20);
        // Spread as a hash would be.
        let hash = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
        let keys = 0..16_000;
        for n in keys.clone() {
            let mut set = table.lock(hash(n));
            let room = set.make_room(0, |_| u64::MAX, 0).unwrap();
            set.put(room.slot, tag(hash(n), 0), n + 1);
            drop(set);
            table.inserted(room.is_scarce);
        }
        let sets = table.sets.load(Ordering::Relaxed);
        assert_eq!(sets, 32 * SETS_PER_PAGE, "it has doubled to its bound");
        for n in keys {
            let found = table.lock(hash(n)).find(tag(hash(n), 0));
            assert_eq!(found.map(|(_, full_at)| full_at), Some(n + 1));
        }
    }

    #[test]
    fn several_sets_are_locked_once_each() {
        let table = Table::new(1 << 20);
        let mut locked = table.lock_each([7, 3, 7 + 128, 9].into_iter());
        let [a, b, again, c] = [0, 1, 2, 3].map(|place| locked.index(place).unwrap());
        assert_eq!(a, again);
        assert!(a != b && b != c && c != a);
        assert!([a, b, c].into_iter().all(|set| locked.set(set).is_some()));
        assert_eq!(locked.index(4), None);
    }

    #[test]
    fn few_keys_take_few_pages() {
        let table = Table::new(1 << 20);
        for n in 0..100_u64 {
            let room = table.lock(n << 7).make_room(0, |_| 0, 0).unwrap();
            table.inserted(room.is_scarce);
        }
        let made = table.pages.iter().filter(|page| page.get().is_some());
        assert_eq!(made.count(), 1);
    }
}
