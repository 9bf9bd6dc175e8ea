use bytes::Bytes;
use portcullis::store::{
    Change, Charge, Collection, Count, Decision, Key, MemoryRecords, MemoryStore, OwnedEntry,
    OwnedPut, Owner, OwnerLimit, Record, RecordsBackend, StoreBackend, StoreError, StoreErrorKind,
    StoreFuture, Swap, Version,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked of a store, by name, and whether it fails.
#[derive(Debug, Default)]
struct Log {
    trips: Mutex<Vec<&'static str>>,
    is_down: AtomicBool,
}

impl Log {
    /// Answers after others had their turn, as a store across a network does: between a read
    /// and the write after it there is time for anybody.
    fn answer<T: Send + 'static>(
        &self,
        name: &'static str,
        answer: StoreFuture<T>,
    ) -> StoreFuture<T> {
        self.trips.lock().unwrap().push(name);
        if self.is_down.load(Ordering::SeqCst) {
            return StoreError::new(StoreErrorKind::Unavailable, "down").into();
        }
        StoreFuture::waiting(async {
            tokio::task::yield_now().await;
            answer.await
        })
    }
}

/// Records in memory, as if behind a network, that log what is asked of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountedRecords {
    inner: MemoryRecords,
    log: Arc<Log>,
}

/// A store in memory of the same kind.
#[derive(Clone, Debug)]
pub(crate) struct CountedStore {
    inner: MemoryStore,
    log: Arc<Log>,
}

impl From<MemoryStore> for CountedStore {
    fn from(inner: MemoryStore) -> Self {
        let log = Arc::default();
        Self { inner, log }
    }
}

#[allow(dead_code, reason = "which are used depends on the features")]
impl CountedRecords {
    /// What was asked since the last call.
    pub(crate) fn trips(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.log.trips.lock().unwrap())
    }

    /// From now on nothing is answered but errors, or as before.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.log.is_down.store(is_down, Ordering::SeqCst);
    }
}

#[allow(dead_code, reason = "which are used depends on the features")]
impl CountedStore {
    /// What was asked since the last call.
    pub(crate) fn trips(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.log.trips.lock().unwrap())
    }

    /// From now on nothing is answered but errors, or as before.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.log.is_down.store(is_down, Ordering::SeqCst);
    }
}

impl RecordsBackend for CountedRecords {
    fn get(&self, collection: Collection, id: &[u8]) -> StoreFuture<Option<Record>> {
        self.log.answer("get", self.inner.get(collection, id))
    }

    fn list(
        &self,
        collection: Collection,
        owner: Option<&[u8]>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>> {
        let answer = self.inner.list(collection, owner, after, limit);
        self.log.answer("list", answer)
    }

    fn commit(&self, changes: &[Change<'_>]) -> StoreFuture<Version> {
        if self.log.is_down.load(Ordering::SeqCst) {
            return self
                .log
                .answer("commit", StoreFuture::ready(Ok(Version::from_number(0))));
        }
        self.log.answer("commit", self.inner.commit(changes))
    }
}

/// Each operation with its arguments, handed on.
macro_rules! handed_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+) => {
        impl StoreBackend for CountedStore {
            $(fn $name(&self, $($argument: $kind),*) -> StoreFuture<$answer> {
                self.log.answer(stringify!($name), self.inner.$name($($argument),*))
            })+
        }
    };
}

handed_on! {
    get(key: Key<'_>) -> Option<Bytes>;
    put(key: Key<'_>, value: &[u8], ttl: Duration) -> ();
    put_if_absent(key: Key<'_>, value: &[u8], ttl: Duration) -> bool;
    compare_and_swap(key: Key<'_>, expected: Option<&[u8]>, value: &[u8], ttl: Duration) -> Swap;
    take(key: Key<'_>) -> Option<Bytes>;
    delete(key: Key<'_>) -> bool;
    increment(key: Key<'_>, by: u64, window: Duration) -> Count;
    charge(charges: &[Charge<'_>]) -> Decision;
    put_owned(key: Key<'_>, value: &[u8], ttl: Duration, limit: OwnerLimit) -> OwnedPut;
    list_owned(owner: Owner<'_>) -> Vec<OwnedEntry>;
    delete_owned(owner: Owner<'_>, keep: Option<&[u8]>) -> usize;
}
