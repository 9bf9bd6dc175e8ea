use super::budget::{Budget, Usage};
use super::entry::{Entry, Slot, Slots, State, listed_owner, usage};
use super::expiry::Expiry;
use super::owners::Owners;
use crate::store::{Key, OwnedEntry, OwnedPut, Owner, OwnerLimit};
use bytes::Bytes;
use hashbrown::HashTable;
use std::hash::RandomState;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// The bound does not allow what was to be written. Nothing was changed.
#[derive(Debug)]
pub(super) struct NoRoom {
    /// What would have to be free.
    pub(super) needed: Usage,
}

/// Where an entry is in its shard, or would be. Good until the shard changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'k> {
    pub(super) key: Key<'k>,
    pub(super) hash: u64,
    pub(super) slot: Option<Slot>,
}

/// A part of the store, behind one lock. Keys under one owner share a shard.
///
/// An expired entry may still lie here. Whoever reads looks past it; whoever writes first
/// frees a few.
#[derive(Debug)]
pub(super) struct Shard {
    budget: Arc<Budget>,
    slots: Slots,
    index: HashTable<Slot>,
    expiry: Expiry,
    owners: Owners,
}

impl Shard {
    pub(super) fn new(budget: Arc<Budget>, hasher: RandomState) -> Self {
        Self {
            budget,
            slots: Slots::default(),
            index: HashTable::new(),
            expiry: Expiry::default(),
            owners: Owners::new(hasher),
        }
    }

    /// When the first entry expires.
    pub(super) fn earliest(&self) -> u64 {
        self.expiry.earliest()
    }

    /// Frees at most `most` expired entries, and tells how many there were.
    pub(super) fn sweep(&mut self, now: u64, most: usize) -> usize {
        for swept in 0..most {
            let Some(slot) = self.expiry.expired(now) else {
                return swept;
            };
            self.remove(slot);
        }
        most
    }

    /// Where an entry is, or would be.
    pub(super) fn at<'k>(&self, key: Key<'k>, hash: u64) -> At<'k> {
        let is_it = |slot: &Slot| self.slots.get(*slot).is_some_and(|entry| entry.is(key));
        let slot = self.index.find(hash, is_it).copied();
        At { key, hash, slot }
    }

    fn entry(&self, at: At<'_>) -> Option<&Entry> {
        self.slots.get(at.slot?)
    }

    /// The entry, unless it has expired.
    pub(super) fn live(&self, at: At<'_>, now: u64) -> Option<&Entry> {
        self.entry(at).filter(|entry| now < entry.due)
    }

    pub(super) fn value(&self, at: At<'_>, now: u64) -> Option<&Bytes> {
        match &self.live(at, now)?.state {
            State::Value(value) => Some(value),
            State::Counter(_) | State::Quota => None,
        }
    }

    /// Deletes an entry, and hands it out if it was alive.
    pub(super) fn take(&mut self, at: At<'_>, now: u64) -> Option<Entry> {
        let entry = self.remove(at.slot?)?;
        (now < entry.due).then_some(entry)
    }

    /// What writing an entry frees and takes.
    pub(super) fn quote(&self, at: At<'_>, value_len: usize) -> (Usage, Usage) {
        let freed = self.entry(at).map_or(Usage::default(), Entry::usage);
        (freed, usage(at.key, value_len))
    }

    /// Writes an entry, within the bound.
    pub(super) fn set(&mut self, at: At<'_>, state: State, due: u64) -> Result<(), NoRoom> {
        let (freed, needed) = self.quote(at, state.len());
        if !self.budget.exchange(freed, needed) {
            return Err(NoRoom { needed });
        }
        self.place(at, state, due);
        Ok(())
    }

    /// Writes an entry whose cost, as quoted, was already exchanged.
    pub(super) fn place(&mut self, at: At<'_>, state: State, due: u64) {
        let Some(slot) = at.slot else {
            self.link(Entry::new(at.key, at.hash, state, due));
            return;
        };
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        entry.state = state;
        let before = mem::replace(&mut entry.due, due);
        if before != due {
            self.expiry.remove(before, slot);
            self.expiry.insert(due, slot);
            if let Some(owner) = listed_owner(at.key) {
                self.owners.remove(owner, before, slot);
                self.owners.insert(owner, due, slot);
            }
        }
    }

    fn link(&mut self, entry: Entry) {
        let (hash, due) = (entry.hash, entry.due);
        let slot = self.slots.insert(entry);
        let entry = |slot| self.slots.get(slot);
        let rehash = |slot: &Slot| entry(*slot).map_or(0, |entry| entry.hash);
        self.index.insert_unique(hash, slot, rehash);
        self.expiry.insert(due, slot);
        if let Some(owner) = entry(slot).and_then(|entry| listed_owner(entry.key())) {
            self.owners.insert(owner, due, slot);
        }
    }

    fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.unlink(slot)?;
        self.budget.give_back(entry.usage());
        Some(entry)
    }

    fn unlink(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.unlink_from_all_but_owner(slot)?;
        if let Some(owner) = listed_owner(entry.key()) {
            self.owners.remove(owner, entry.due, slot);
        }
        Some(entry)
    }

    fn unlink_from_all_but_owner(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.slots.remove(slot)?;
        self.expiry.remove(entry.due, slot);
        if let Ok(found) = self.index.find_entry(entry.hash, |other| *other == slot) {
            found.remove();
        }
        Some(entry)
    }
}

/// Entries by owner.
impl Shard {
    pub(super) fn put_owned(
        &mut self,
        at: At<'_>,
        (state, due): (State, u64),
        limit: OwnerLimit,
        now: u64,
    ) -> Result<OwnedPut, NoRoom> {
        let mut victims = Vec::new();
        if let Some(owner) = at.key.owner()
            && self.live(at, now).is_none()
        {
            let others = self.owners.live(owner, now);
            let too_many = (others.len() + 1).saturating_sub(limit.max());
            if too_many > 0 && (!limit.evicts() || limit.max() == 0) {
                return Ok(OwnedPut::LimitReached);
            }
            let slots = others.iter().map(|(_, slot)| *slot);
            victims.extend(slots.take(too_many));
        }
        let (mut freed, needed) = self.quote(at, state.len());
        for victim in &victims {
            let entry = self.slots.get(*victim);
            freed += entry.map_or(Usage::default(), Entry::usage);
        }
        if !self.budget.exchange(freed, needed) {
            return Err(NoRoom { needed });
        }
        let gone = victims.into_iter().filter_map(|slot| self.unlink(slot));
        let id = |entry: Entry| Bytes::copy_from_slice(entry.key().id());
        let evicted = gone.map(id).collect();
        self.place(at, state, due);
        Ok(OwnedPut::Stored { evicted })
    }

    pub(super) fn list_owned(&self, owner: Owner<'_>, now: u64) -> Vec<OwnedEntry> {
        let listed = |(due, slot): &(u64, Slot)| {
            let entry = self.slots.get(*slot)?;
            let State::Value(value) = &entry.state else {
                return None;
            };
            let remaining = Duration::from_nanos(due.saturating_sub(now));
            let id = Bytes::copy_from_slice(entry.key().id());
            Some(OwnedEntry::new(id, value.clone(), remaining))
        };
        let live = self.owners.live(owner, now).iter();
        live.filter_map(listed).collect()
    }

    pub(super) fn delete_owned(
        &mut self,
        owner: Owner<'_>,
        keep: Option<&[u8]>,
        now: u64,
    ) -> usize {
        let mut deleted = 0;
        let mut freed = Usage::default();
        for (due, slot) in self.owners.remove_all(owner) {
            let is_kept = |entry: &Entry| keep == Some(entry.key().id());
            if self.slots.get(slot).is_some_and(is_kept) {
                self.owners.insert(owner, due, slot);
            } else if let Some(entry) = self.unlink_from_all_but_owner(slot) {
                freed += entry.usage();
                deleted += usize::from(now < due);
            }
        }
        self.budget.give_back(freed);
        deleted
    }
}
