use super::Usage;
use super::entry::State;
use super::shard::{At, NoRoom, Shard};
use super::shards::Shards;
use crate::clock::{Clock, nanos};
use crate::store::{
    Charge, Count, Decision, Key, OwnedEntry, OwnedPut, Owner, OwnerLimit, StoreBackend,
    StoreFuture, Swap,
};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A [`Store`](crate::store::Store) in this process's memory. Clones share what they hold.
///
/// It is bounded in entries and in bytes. An entry whose time has passed is gone at once; its
/// memory is freed by the writes that follow, a few entries with each, so no operation has to
/// stop for a large cleaning and there is no thread in the background. At the bound, every
/// expired entry is found and reused before a write is refused with
/// [`Full`](crate::store::StoreErrorKind::Full).
///
/// It never evicts an entry that is alive. What it holds keeps attackers out: revoked tokens,
/// codes that were used, bans, spent quotas. If the oldest had to go when the store is full,
/// whoever can fill it could wash these out.
///
/// So that nobody can keep others out by filling it, give what strangers can make grow (limits by
/// address, ids of unsigned requests) a store of its own, apart from sessions and revocations.
///
/// Time is that of the process ([`Clock::elapsed`]): setting the machine's clock neither
/// expires an entry nor makes it live longer.
///
/// ```
/// use portcullis::store::{Key, MemoryStore, Namespace, Store, StoreErrorKind};
/// use std::time::Duration;
///
/// const SEEN: Namespace = Namespace::values("seen");
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = Store::new(MemoryStore::builder().max_entries(1).build());
/// let minute = Duration::from_secs(60);
/// assert!(store.put_if_absent(Key::new(SEEN, "a"), b"", minute).await?);
/// assert!(!store.put_if_absent(Key::new(SEEN, "a"), b"", minute).await?, "a replay");
///
/// let full = store.put_if_absent(Key::new(SEEN, "b"), b"", minute).await.unwrap_err();
/// assert_eq!(full.kind(), StoreErrorKind::Full);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shards>);

impl MemoryStore {
    /// Entries that it holds unless told otherwise: a million.
    pub const DEFAULT_MAX_ENTRIES: usize = 1_000_000;

    /// Bytes that it holds unless told otherwise: 512 MiB, bookkeeping included.
    pub const DEFAULT_MAX_BYTES: usize = 512 * 1024 * 1024;

    /// A store with other bounds, or another clock.
    pub const fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder {
            max: Usage {
                entries: Self::DEFAULT_MAX_ENTRIES,
                bytes: Self::DEFAULT_MAX_BYTES,
            },
            clock: Clock::system(),
        }
    }

    /// What it holds now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }

    fn write<T>(
        &self,
        key: Key<'_>,
        change: impl FnMut(&mut Shard, At<'_>, u64) -> Result<T, NoRoom>,
    ) -> StoreFuture<T> {
        StoreFuture::ready(self.0.write(key, change))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}

/// Sets the bounds of a [`MemoryStore`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder {
    max: Usage,
    clock: Clock,
}

impl MemoryStoreBuilder {
    /// At most this many entries. Default [`MemoryStore::DEFAULT_MAX_ENTRIES`].
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max.entries = entries;
        self
    }

    /// At most this many bytes, bookkeeping included. Default
    /// [`MemoryStore::DEFAULT_MAX_BYTES`].
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max.bytes = bytes;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The store, empty. Memory is taken as entries come.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        MemoryStore(Arc::new(Shards::new(self.max, self.clock)))
    }
}

impl StoreBackend for MemoryStore {
    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        let answer = self
            .0
            .read(key, |shard, at, now| shard.value(at, now).cloned());
        StoreFuture::ready(Ok(answer))
    }

    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        self.write(key, |shard, at, now| put(shard, at, value, due(now, ttl)))
    }

    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        self.write(key, |shard, at, now| {
            if shard.live(at, now).is_some() {
                return Ok(false);
            }
            put(shard, at, value, due(now, ttl))?;
            Ok(true)
        })
    }

    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        self.write(key, |shard, at, now| {
            let found = shard.value(at, now);
            if found.map(AsRef::as_ref) != expected {
                return Ok(Swap::Conflict(found.cloned()));
            }
            put(shard, at, value, due(now, ttl))?;
            Ok(Swap::Swapped)
        })
    }

    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.write(key, |shard, at, now| {
            Ok(match shard.take(at, now).map(|entry| entry.state) {
                Some(State::Value(value)) => Some(value),
                _ => None,
            })
        })
    }

    fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        self.write(key, |shard, at, now| Ok(shard.take(at, now).is_some()))
    }

    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        self.write(key, |shard, at, now| {
            let found = shard.live(at, now);
            let (before, due) = match found.map(|entry| (&entry.state, entry.due)) {
                Some((State::Counter(count), due)) => (*count, due),
                _ if by == 0 => return Ok(Count::new(0, Duration::ZERO)),
                _ => (0, due(now, window)),
            };
            let count = before.saturating_add(by).min(Count::MAX);
            shard.set(at, State::Counter(count), due)?;
            Ok(Count::new(
                count,
                Duration::from_nanos(due.saturating_sub(now)),
            ))
        })
    }

    fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        StoreFuture::ready(self.0.charge(charges))
    }

    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        self.write(key, |shard, at, now| {
            let state = State::Value(Bytes::copy_from_slice(value));
            shard.put_owned(at, (state, due(now, ttl)), limit, now)
        })
    }

    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        let any = owner.key("");
        let answer = self
            .0
            .read(any, |shard, _, now| shard.list_owned(owner, now));
        StoreFuture::ready(Ok(answer))
    }

    fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize> {
        let any = owner.key("");
        self.write(
            any,
            |shard, _, now| Ok(shard.delete_owned(owner, keep, now)),
        )
    }
}

/// A value is copied: a slice of it could keep a whole request alive beyond the bound.
fn put(shard: &mut Shard, at: At<'_>, value: &[u8], due: u64) -> Result<(), NoRoom> {
    shard.set(at, State::Value(Bytes::copy_from_slice(value)), due)
}

fn due(now: u64, ttl: Duration) -> u64 {
    now.saturating_add(nanos(ttl))
}
