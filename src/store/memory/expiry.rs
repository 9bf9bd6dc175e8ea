use super::entry::Slot;
use std::collections::BTreeSet;

/// Entries in the order in which they expire.
#[derive(Debug, Default)]
pub(super) struct Expiry(BTreeSet<(u64, Slot)>);

impl Expiry {
    pub(super) fn insert(&mut self, due: u64, slot: Slot) {
        self.0.insert((due, slot));
    }

    pub(super) fn remove(&mut self, due: u64, slot: Slot) {
        self.0.remove(&(due, slot));
    }

    /// When the first one expires; the end of time when there is none.
    pub(super) fn earliest(&self) -> u64 {
        self.0.first().map_or(u64::MAX, |(due, _)| *due)
    }

    /// The first one, if it has expired.
    pub(super) fn expired(&self, now: u64) -> Option<Slot> {
        let (due, slot) = self.0.first()?;
        (*due <= now).then_some(*slot)
    }
}
