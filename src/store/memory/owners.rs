use super::entry::Slot;
use super::expiry::Expiry;
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
    entries: Expiry,
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
            entries: Expiry::default(),
        };
        self.table
            .entry(hash, |owned| owned.is(owner), |owned| owned.hash)
            .or_insert_with(new)
            .into_mut()
            .entries
            .insert(due, slot);
    }

    pub(super) fn remove(&mut self, owner: Owner<'_>, due: u64, slot: Slot) {
        let hash = self.hasher.hash_one(owner);
        if let Ok(mut found) = self.table.find_entry(hash, |owned| owned.is(owner)) {
            found.get_mut().entries.remove(due, slot);
            if found.get().entries.is_empty() {
                found.remove();
            }
        }
    }

    /// The owner's entries that have not expired, the soonest to expire first.
    pub(super) fn live(&self, owner: Owner<'_>, now: u64) -> Vec<Slot> {
        let hash = self.hasher.hash_one(owner);
        let owned = self.table.find(hash, |owned| owned.is(owner));
        owned.map_or_else(Vec::new, |owned| owned.entries.live(now).collect())
    }
}
