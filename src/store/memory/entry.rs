use super::budget::Usage;
use crate::store::{Key, Namespace, Owner};
use bytes::Bytes;

/// Where an entry lies in its shard.
pub(super) type Slot = u32;

/// Memory that each entry takes beside its id and value, in bytes: the entry itself, its
/// places in the index and in the order of expiry, the allocator's own, and the room that
/// growing tables keep in reserve. Measured by the bench `store`.
const ENTRY_OVERHEAD: usize = 256;

/// What the list of an owner's entries may add to that.
const OWNED_OVERHEAD: usize = 128;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) due: u64,
    pub(super) state: State,
    namespace: Namespace,
    owner_len: Option<u16>,
    /// The owner's id, where there is one, and the entry's.
    ids: Box<[u8]>,
}

#[derive(Debug)]
pub(super) enum State {
    Value(Bytes),
    Counter(u64),
    /// Its arrival time is the moment at which the entry expires.
    Quota,
}

impl State {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::Counter(_) | Self::Quota => 0,
        }
    }
}

impl Entry {
    pub(super) fn new(key: Key<'_>, hash: u64, state: State, due: u64) -> Self {
        let owner = key.owner().map(Owner::id);
        let owner_len = owner.map(|owner| u16::try_from(owner.len()).unwrap_or(u16::MAX));
        Self {
            hash,
            due,
            state,
            namespace: key.namespace(),
            owner_len,
            ids: [owner.unwrap_or_default(), key.id()].concat().into(),
        }
    }

    pub(super) fn is(&self, key: Key<'_>) -> bool {
        self.key() == key
    }

    pub(super) fn key(&self) -> Key<'_> {
        let owner_len = usize::from(self.owner_len.unwrap_or(0));
        let (owner, id) = self.ids.split_at_checked(owner_len).unwrap_or_default();
        match self.owner_len {
            None => Key::new(self.namespace, id),
            Some(_) => Owner::new(self.namespace, owner).key(id),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        usage(self.key(), self.state.len())
    }
}

/// What an entry of this key with a value of this length costs.
pub(super) fn usage(key: Key<'_>, value_len: usize) -> Usage {
    // The owner's id is kept twice: in the entry, and where its entries are listed.
    let owner = key
        .owner()
        .map_or(0, |owner| OWNED_OVERHEAD + 2 * owner.id().len());
    Usage::of_one(ENTRY_OVERHEAD + owner + key.id().len() + value_len)
}

/// The entries, at places that stay the same while they live.
#[derive(Debug, Default)]
pub(super) struct Slots {
    entries: Vec<Option<Entry>>,
    free: Vec<Slot>,
}

impl Slots {
    pub(super) fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }

    pub(super) fn insert(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.entries.get_mut(slot as usize)
        {
            *place = Some(entry);
            return slot;
        }
        // 2^32 entries in one shard would need more memory than machines have.
        let slot = Slot::try_from(self.entries.len()).unwrap_or(Slot::MAX);
        self.entries.push(Some(entry));
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.entries.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(entry)
    }
}
