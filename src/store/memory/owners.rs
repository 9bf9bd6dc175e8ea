use super::entry::Slot;
use crate::store::{Namespace, Owner};
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// Which entries each owner has.
#[derive(Debug)]
pub(super) struct Owners {
    hasher: RandomState,
    table: HashTable<Owned>,
}

/// The entries of one owner: never none.
#[derive(Debug)]
struct Owned {
    hash: u64,
    namespace: Namespace,
    id: Box<[u8]>,
    /// In the order in which they expire. They are few, so a sorted list is the smallest and
    /// the fastest.
    entries: Vec<(u64, Slot)>,
}

impl Owned {
    fn is(&self, owner: Owner<'_>) -> bool {
        self.namespace == owner.namespace() && *self.id == *owner.id()
    }
}

impl Owners {
    pub(super) const fn new(hasher: RandomState) -> Self {
        let table = HashTable::new();
        Self { hasher, table }
    }

    pub(super) fn insert(&mut self, owner: Owner<'_>, due: u64, slot: Slot) {
        let hash = self.hasher.hash_one(owner);
        let new = || Owned {
            hash,
            namespace: owner.namespace(),
            id: owner.id().into(),
            entries: Vec::with_capacity(1),
        };
        let is_it = |owned: &Owned| owned.is(owner);
        let found = self.table.entry(hash, is_it, |owned| owned.hash);
        let entries = &mut found.or_insert_with(new).into_mut().entries;
        if let Err(place) = entries.binary_search(&(due, slot)) {
            entries.insert(place, (due, slot));
        }
    }

    pub(super) fn remove(&mut self, owner: Owner<'_>, due: u64, slot: Slot) {
        let hash = self.hasher.hash_one(owner);
        if let Ok(mut found) = self.table.find_entry(hash, |owned| owned.is(owner)) {
            let entries = &mut found.get_mut().entries;
            if let Ok(place) = entries.binary_search(&(due, slot)) {
                entries.remove(place);
            }
            if entries.is_empty() {
                found.remove();
            }
        }
    }

    /// Forgets all entries of the owner, and tells which they were, expired ones included.
    pub(super) fn remove_all(&mut self, owner: Owner<'_>) -> Vec<(u64, Slot)> {
        let hash = self.hasher.hash_one(owner);
        let found = self.table.find_entry(hash, |owned| owned.is(owner));
        found.map_or_else(|_| Vec::new(), |found| found.remove().0.entries)
    }

    /// The entries of the owner that have not expired, the soonest to expire first.
    pub(super) fn live(&self, owner: Owner<'_>, now: u64) -> &[(u64, Slot)] {
        let hash = self.hasher.hash_one(owner);
        let Some(owned) = self.table.find(hash, |owned| owned.is(owner)) else {
            return &[];
        };
        let expired = owned.entries.partition_point(|(due, _)| *due <= now);
        owned.entries.get(expired..).unwrap_or_default()
    }
}
