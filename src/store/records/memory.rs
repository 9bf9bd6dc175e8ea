use super::{Action, Change, Collection, Record, RecordsBackend, Version};
use crate::store::{StoreError, StoreFuture};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Memory that a record takes beside its id, owner and value, in bytes.
const RECORD_OVERHEAD: usize = 256;

/// Records in this process's memory, for tests and examples: they are lost with it.
///
/// It is bounded, because in most services strangers can register. At the bound, inserts are
/// refused with [`Full`](crate::store::StoreErrorKind::Full). Clones share what they hold.
#[derive(Clone)]
pub struct MemoryRecords {
    max_bytes: usize,
    state: Arc<RwLock<State>>,
}

#[derive(Default)]
struct State {
    tables: HashMap<Collection, Table>,
    bytes: usize,
    last_version: u64,
}

#[derive(Default)]
struct Table {
    records: BTreeMap<Bytes, Record>,
    by_owner: BTreeMap<Bytes, BTreeSet<Bytes>>,
}

impl MemoryRecords {
    /// Bytes that it holds unless told otherwise: 256 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 256 * 1024 * 1024;

    /// Records of at most this many bytes altogether, bookkeeping included.
    #[must_use]
    pub fn with_max_bytes(max_bytes: usize) -> Self {
        let state = Arc::default();
        Self { max_bytes, state }
    }

    /// Bytes that it holds now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.read().bytes
    }

    // A commit checks everything before it changes anything, and the changes themselves do
    // not panic: what a poisoned lock guards is whole.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRecords {
    fn default() -> Self {
        Self::with_max_bytes(Self::DEFAULT_MAX_BYTES)
    }
}

impl fmt::Debug for MemoryRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRecords")
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl RecordsBackend for MemoryRecords {
    fn get(&self, collection: Collection, id: &[u8]) -> StoreFuture<Option<Record>> {
        StoreFuture::ready(Ok(self.read().find(collection, id).cloned()))
    }

    fn list(
        &self,
        collection: Collection,
        owner: Option<&[u8]>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>> {
        let state = self.read();
        let table = state.tables.get(&collection);
        let page = table.map_or_else(Vec::new, |table| table.list(owner, after, limit));
        StoreFuture::ready(Ok(page))
    }

    fn commit(&self, changes: &[Change<'_>]) -> StoreFuture<Version> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        StoreFuture::ready(state.commit(changes, self.max_bytes))
    }
}

impl State {
    fn find(&self, collection: Collection, id: &[u8]) -> Option<&Record> {
        self.tables.get(&collection)?.records.get(id)
    }

    fn commit(&mut self, changes: &[Change<'_>], max_bytes: usize) -> Result<Version, StoreError> {
        let (mut freed, mut taken) = (0, 0);
        for (place, change) in changes.iter().enumerate() {
            let found = self.find(change.collection(), change.id());
            if !is_met(change, found) {
                return Err(StoreError::conflict(place));
            }
            freed += found.map_or(0, size);
            taken += size_after(change, found);
        }
        let bytes = self.bytes - freed + taken;
        if taken > freed && bytes > max_bytes {
            return Err(StoreError::full());
        }
        self.bytes = bytes;
        self.last_version += 1;
        let version = Version::from_number(self.last_version);
        for change in changes {
            let table = self.tables.entry(change.collection()).or_default();
            table.apply(change, version);
        }
        Ok(version)
    }
}

fn is_met(change: &Change<'_>, found: Option<&Record>) -> bool {
    let version = found.map(Record::version);
    match change.action() {
        Action::Insert { .. } => found.is_none(),
        Action::Update { expected, .. } | Action::Require { expected } => version == Some(expected),
        Action::Delete { expected } => expected.is_none() || version == expected,
    }
}

fn size(record: &Record) -> usize {
    let owner = record.owner().map_or(0, Bytes::len);
    RECORD_OVERHEAD + record.id().len() + owner + record.value().len()
}

fn size_after(change: &Change<'_>, found: Option<&Record>) -> usize {
    let before = found.map_or(0, size);
    let value_before = found.map_or(0, |record| record.value().len());
    match change.action() {
        Action::Insert { owner, value } => {
            RECORD_OVERHEAD + change.id().len() + owner.map_or(0, <[u8]>::len) + value.len()
        }
        Action::Update { value, .. } => before - value_before + value.len(),
        Action::Delete { .. } => 0,
        Action::Require { .. } => before,
    }
}

impl Table {
    fn list(&self, owner: Option<&[u8]>, after: Option<&[u8]>, limit: usize) -> Vec<Record> {
        let range = (
            after.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        );
        let Some(owner) = owner else {
            let records = self.records.range::<[u8], _>(range);
            return records
                .take(limit)
                .map(|(_, record)| record.clone())
                .collect();
        };
        let Some(ids) = self.by_owner.get(owner) else {
            return Vec::new();
        };
        let ids = ids.range::<[u8], _>(range).take(limit);
        ids.filter_map(|id| self.records.get(id)).cloned().collect()
    }

    fn apply(&mut self, change: &Change<'_>, version: Version) {
        match change.action() {
            Action::Insert { owner, value } => {
                let id = Bytes::copy_from_slice(change.id());
                let owner = owner.map(Bytes::copy_from_slice);
                if let Some(owner) = &owner {
                    let ids = self.by_owner.entry(owner.clone()).or_default();
                    ids.insert(id.clone());
                }
                let value = Bytes::copy_from_slice(value);
                let record = Record::new(id.clone(), owner, version, value);
                self.records.insert(id, record);
            }
            Action::Update { value, .. } => {
                if let Some(record) = self.records.get_mut(change.id()) {
                    let value = Bytes::copy_from_slice(value);
                    let (id, owner) = (record.id().clone(), record.owner().cloned());
                    *record = Record::new(id, owner, version, value);
                }
            }
            Action::Delete { .. } => self.delete(change.id()),
            Action::Require { .. } => {}
        }
    }

    fn delete(&mut self, id: &[u8]) {
        let Some(owner) = self.records.remove(id).and_then(|r| r.owner().cloned()) else {
            return;
        };
        if let Some(ids) = self.by_owner.get_mut(&owner) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
    }
}
