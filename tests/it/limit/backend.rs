//! A store that does as it is told: answers at once or later, fails, hangs; and counts its trips.

use bytes::Bytes;
use portcullis::clock::Clock;
use portcullis::store::{
    Charge, Count, Decision, Key, MemoryStore, OwnedEntry, OwnedPut, Owner, OwnerLimit, Store,
    StoreBackend, StoreError, StoreErrorKind, StoreFuture, Swap,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    AtOnce,
    Later,
    Fail(StoreErrorKind),
    FailLater(StoreErrorKind),
    Hang,
}

#[derive(Clone, Debug)]
pub(super) struct Backend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Mutex<MemoryStore>,
    clock: Clock,
    mode: Mutex<Mode>,
    trips: AtomicUsize,
}

impl Backend {
    pub(super) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner {
            memory: Mutex::new(MemoryStore::builder().clock(clock.clone()).build()),
            clock,
            mode: Mutex::new(Mode::AtOnce),
            trips: AtomicUsize::new(0),
        }))
    }

    pub(super) fn store(&self) -> Store {
        Store::new(self.clone())
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.0.mode.lock().unwrap() = mode;
    }

    /// How many charges it was asked for since this was asked last.
    pub(super) fn trips(&self) -> usize {
        self.0.trips.swap(0, Ordering::SeqCst)
    }

    pub(super) fn entries(&self) -> usize {
        self.memory().usage().entries()
    }

    /// Loses all it holds.
    pub(super) fn forget(&self) {
        let empty = MemoryStore::builder().clock(self.0.clock.clone()).build();
        *self.0.memory.lock().unwrap() = empty;
    }

    fn memory(&self) -> MemoryStore {
        self.0.memory.lock().unwrap().clone()
    }
}

impl StoreBackend for Backend {
    fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        self.0.trips.fetch_add(1, Ordering::SeqCst);
        let error = |kind| StoreError::new(kind, "as it was told");
        match *self.0.mode.lock().unwrap() {
            Mode::AtOnce => self.memory().charge(charges),
            Mode::Later => {
                let answer = self.memory().charge(charges);
                StoreFuture::waiting(async {
                    tokio::task::yield_now().await;
                    answer.await
                })
            }
            Mode::Fail(kind) => error(kind).into(),
            Mode::FailLater(kind) => StoreFuture::waiting(async move {
                tokio::task::yield_now().await;
                Err(error(kind))
            }),
            Mode::Hang => StoreFuture::waiting(std::future::pending()),
        }
    }

    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.memory().get(key)
    }

    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        self.memory().put(key, value, ttl)
    }

    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        self.memory().put_if_absent(key, value, ttl)
    }

    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        self.memory().compare_and_swap(key, expected, value, ttl)
    }

    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.memory().take(key)
    }

    fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        self.memory().delete(key)
    }

    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        self.memory().increment(key, by, window)
    }

    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        self.memory().put_owned(key, value, ttl, limit)
    }

    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        self.memory().list_owned(owner)
    }

    fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize> {
        self.memory().delete_owned(owner, keep)
    }
}
