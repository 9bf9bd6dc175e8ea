use super::budget::Usage;
use crate::store::{EntryKind, Key, Namespace, Owner};
use bytes::Bytes;

/// Where an entry lies in its shard.
pub(super) type Slot = u32;

/// Memory that each entry takes beside its id and value, in bytes: the entry itself, its
/// places in the index and in the order of expiry, the allocator's own, and the room that
/// growing tables keep in reserve. Measured by the bench `store`.
const ENTRY_OVERHEAD: usize = 256;

/// What the list of an owner's entries adds to that, for an owner of one.
const LISTED_OVERHEAD: usize = 320;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) due: u64,
    pub(super) state: State,
    namespace: Namespace,
    owner_len: Option<u16>,
    /// The owner's id, where there is one, and the entry's.
    ids: Ids,
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
            ids: Ids::new(owner.unwrap_or_default(), key.id()),
        }
    }

    pub(super) fn is(&self, key: Key<'_>) -> bool {
        self.key() == key
    }

    pub(super) fn key(&self) -> Key<'_> {
        let owner_len = usize::from(self.owner_len.unwrap_or(0));
        let (owner, id) = self
            .ids
            .bytes()
            .split_at_checked(owner_len)
            .unwrap_or_default();
        match self.owner_len {
            None => Key::new(self.namespace, id),
            Some(_) => Owner::new(self.namespace, owner).key(id),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        usage(self.key(), self.state.len())
    }
}

/// Two ids, one after the other. Short ones lie in the entry itself: looking for an entry then
/// touches no other memory, and millions of tiny allocations do not come and go with them,
/// over which some allocators stop for tens of milliseconds.
#[derive(Debug)]
enum Ids {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

/// A hash of 32 bytes under an owner of 16 is short, and so is an e-mail address.
const SHORT: usize = 54;

impl Ids {
    fn new(owner: &[u8], id: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        let len = owner.len() + id.len();
        match (bytes.get_mut(..len), u8::try_from(len)) {
            (Some(space), Ok(len)) => {
                let ids = owner.iter().chain(id);
                space.iter_mut().zip(ids).for_each(|(to, from)| *to = *from);
                Self::Short { len, bytes }
            }
            _ => Self::Long([owner, id].concat().into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

/// What an entry of this key with a value of this length costs.
pub(super) fn usage(key: Key<'_>, value_len: usize) -> Usage {
    let owner = key.owner().map_or(0, |owner| owner.id().len());
    let listed = listed_owner(key).map_or(0, |owner| LISTED_OVERHEAD + owner.id().len());
    Usage::of_one(ENTRY_OVERHEAD + owner + listed + key.id().len() + value_len)
}

/// The owner who has this key in a list. Of counters and quotas there is none: their owner
/// only says where they are.
pub(super) fn listed_owner(key: Key<'_>) -> Option<Owner<'_>> {
    let is_listed = key.namespace().kind() == EntryKind::Value;
    key.owner().filter(|_| is_listed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_knows_its_key_whatever_the_length() {
        const VALUES: Namespace = Namespace::values("test");
        let bytes = [7; Key::MAX_ID_LEN];
        for owner_len in [0, 1, SHORT, Key::MAX_ID_LEN] {
            for len in [0, 1, SHORT - 1, SHORT, SHORT + 1, 255, 256, Key::MAX_ID_LEN] {
                let owner = Owner::new(VALUES, &bytes[..owner_len]);
                for key in [Key::new(VALUES, &bytes[..len]), owner.key(&bytes[..len])] {
                    let entry = Entry::new(key, 0, State::Quota, 0);
                    assert!(entry.is(key), "{owner_len} {len}");
                    assert!(!entry.is(owner.key("other")));
                }
            }
        }
    }
}
