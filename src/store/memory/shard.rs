use super::budget::{Budget, Usage};
use super::entry::{Entry, Slot, Slots, State, usage};
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

    fn find(&self, key: Key<'_>, hash: u64) -> Option<Slot> {
        let is_it = |slot: &Slot| self.slots.get(*slot).is_some_and(|entry| entry.is(key));
        self.index.find(hash, is_it).copied()
    }

    /// The entry, unless it has expired.
    pub(super) fn live(&self, key: Key<'_>, hash: u64, now: u64) -> Option<&Entry> {
        let entry = self.slots.get(self.find(key, hash)?)?;
        (now < entry.due).then_some(entry)
    }

    pub(super) fn value(&self, key: Key<'_>, hash: u64, now: u64) -> Option<Bytes> {
        match &self.live(key, hash, now)?.state {
            State::Value(value) => Some(value.clone()),
            State::Counter(_) | State::Quota => None,
        }
    }

    /// Deletes an entry, and hands it out if it was alive.
    pub(super) fn take(&mut self, key: Key<'_>, hash: u64, now: u64) -> Option<Entry> {
        let entry = self.remove(self.find(key, hash)?)?;
        (now < entry.due).then_some(entry)
    }

    /// What writing an entry frees and takes.
    pub(super) fn quote(&self, key: Key<'_>, hash: u64, value_len: usize) -> (Usage, Usage) {
        let found = self.find(key, hash).and_then(|slot| self.slots.get(slot));
        let freed = found.map_or(Usage::default(), Entry::usage);
        (freed, usage(key, value_len))
    }

    /// Writes an entry, within the bound.
    pub(super) fn set(
        &mut self,
        key: Key<'_>,
        hash: u64,
        state: State,
        due: u64,
    ) -> Result<(), NoRoom> {
        let (freed, needed) = self.quote(key, hash, state.len());
        if !self.budget.exchange(freed, needed) {
            return Err(NoRoom { needed });
        }
        self.place(key, hash, state, due);
        Ok(())
    }

    /// Writes an entry whose cost, as quoted, was already exchanged.
    pub(super) fn place(&mut self, key: Key<'_>, hash: u64, state: State, due: u64) {
        let Some(slot) = self.find(key, hash) else {
            self.link(Entry::new(key, hash, state, due));
            return;
        };
        if let Some(entry) = self.slots.get_mut(slot) {
            entry.state = state;
            let before = mem::replace(&mut entry.due, due);
            self.expiry.remove(before, slot);
            self.expiry.insert(due, slot);
            if let Some(owner) = key.owner() {
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
        if let Some(owner) = entry(slot).and_then(|entry| entry.key().owner()) {
            self.owners.insert(owner, due, slot);
        }
    }

    fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.unlink(slot)?;
        self.budget.give_back(entry.usage());
        Some(entry)
    }

    fn unlink(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.slots.remove(slot)?;
        self.expiry.remove(entry.due, slot);
        if let Ok(found) = self.index.find_entry(entry.hash, |other| *other == slot) {
            found.remove();
        }
        if let Some(owner) = entry.key().owner() {
            self.owners.remove(owner, entry.due, slot);
        }
        Some(entry)
    }
}

/// Entries by owner.
impl Shard {
    pub(super) fn put_owned(
        &mut self,
        key: Key<'_>,
        hash: u64,
        (state, due): (State, u64),
        limit: OwnerLimit,
        now: u64,
    ) -> Result<OwnedPut, NoRoom> {
        let Some(owner) = key.owner() else {
            return Ok(OwnedPut::LimitReached);
        };
        let mut victims = Vec::new();
        if self.live(key, hash, now).is_none() {
            let mut live = self.owners.live(owner, now);
            if live.len() >= limit.max() {
                if !limit.evicts() || limit.max() == 0 {
                    return Ok(OwnedPut::LimitReached);
                }
                live.truncate(live.len() + 1 - limit.max());
                victims = live;
            }
        }
        let (mut freed, needed) = self.quote(key, hash, state.len());
        for victim in &victims {
            freed += self
                .slots
                .get(*victim)
                .map_or(Usage::default(), Entry::usage);
        }
        if !self.budget.exchange(freed, needed) {
            return Err(NoRoom { needed });
        }
        let gone = victims.into_iter().filter_map(|slot| self.unlink(slot));
        let evicted = gone
            .map(|entry| Bytes::copy_from_slice(entry.key().id()))
            .collect();
        self.place(key, hash, state, due);
        Ok(OwnedPut::Stored { evicted })
    }

    pub(super) fn list_owned(&self, owner: Owner<'_>, now: u64) -> Vec<OwnedEntry> {
        let listed = |slot| {
            let entry = self.slots.get(slot)?;
            let State::Value(value) = &entry.state else {
                return None;
            };
            let remaining = Duration::from_nanos(entry.due.saturating_sub(now));
            let id = Bytes::copy_from_slice(entry.key().id());
            Some(OwnedEntry::new(id, value.clone(), remaining))
        };
        self.owners
            .live(owner, now)
            .into_iter()
            .filter_map(listed)
            .collect()
    }

    pub(super) fn delete_owned(
        &mut self,
        owner: Owner<'_>,
        keep: Option<&[u8]>,
        now: u64,
    ) -> usize {
        let mut deleted = 0;
        for slot in self.owners.live(owner, now) {
            let kept = |entry: &Entry| keep == Some(entry.key().id());
            if !self.slots.get(slot).is_some_and(kept) && self.remove(slot).is_some() {
                deleted += 1;
            }
        }
        deleted
    }
}
