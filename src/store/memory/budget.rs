use std::ops::{Add, AddAssign};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much a [`MemoryStore`](super::MemoryStore) holds, or may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl Usage {
    /// Entries, including expired ones whose memory was not reclaimed yet.
    #[must_use]
    pub const fn entries(self) -> usize {
        self.entries
    }

    /// Bytes of ids, owners and values, and a fixed share for the bookkeeping of each entry.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    pub(super) const fn of_one(bytes: usize) -> Self {
        Self { entries: 1, bytes }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What all shards together hold, and the bound on it.
#[derive(Debug)]
pub(super) struct Budget {
    max: Usage,
    entries: AtomicUsize,
    bytes: AtomicUsize,
}

impl Budget {
    pub(super) const fn new(max: Usage) -> Self {
        Self {
            max,
            entries: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    pub(super) fn used(&self) -> Usage {
        Usage {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// Gives back `freed` and takes `taken`, unless that goes over the bound.
    pub(super) fn exchange(&self, freed: Usage, taken: Usage) -> bool {
        let entries = taken.entries.saturating_sub(freed.entries);
        let bytes = taken.bytes.saturating_sub(freed.bytes);
        if !grow(&self.entries, entries, self.max.entries) {
            return false;
        }
        if !grow(&self.bytes, bytes, self.max.bytes) {
            shrink(&self.entries, entries);
            return false;
        }
        shrink(&self.entries, freed.entries.saturating_sub(taken.entries));
        shrink(&self.bytes, freed.bytes.saturating_sub(taken.bytes));
        true
    }

    /// Whether this much could be taken.
    pub(super) fn has_room(&self, needed: Usage) -> bool {
        let sum = self.used() + needed;
        sum.entries <= self.max.entries && sum.bytes <= self.max.bytes
    }

    pub(super) fn give_back(&self, freed: Usage) {
        shrink(&self.entries, freed.entries);
        shrink(&self.bytes, freed.bytes);
    }
}

// The counters guard no other memory, so relaxed order is enough.

fn grow(counter: &AtomicUsize, by: usize, max: usize) -> bool {
    by == 0
        || counter
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(by).filter(|sum| *sum <= max)
            })
            .is_ok()
}

fn shrink(counter: &AtomicUsize, by: usize) {
    if by > 0 {
        counter.fetch_sub(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let budget = Budget::new(Usage {
            entries: 2,
            bytes: 100,
        });
        let none = Usage::default();
        assert!(budget.exchange(none, Usage::of_one(60)));
        assert!(!budget.exchange(none, Usage::of_one(41)), "bytes");
        assert_eq!(budget.used(), Usage::of_one(60));
        assert!(budget.exchange(Usage::of_one(60), Usage::of_one(100)));
        assert!(budget.exchange(none, Usage::of_one(0)));
        assert!(!budget.exchange(none, Usage::of_one(0)), "entries");
        budget.give_back(Usage::of_one(100));
        assert_eq!(budget.used(), Usage::of_one(0));
        assert!(!budget.exchange(none, Usage::of_one(usize::MAX)));
    }
}
