//! The store in memory: the conformance suite, a simple model, and its bounds.

use portcullis::clock::FakeClock;
use portcullis::store::{
    Key, MemoryStore, Namespace, Store, StoreError, StoreErrorKind, StoreFuture,
};
use std::time::Duration;

#[cfg(feature = "conformance")]
mod faulty;
mod model;
#[cfg(feature = "redis")]
mod redis;

const VALUES: Namespace = Namespace::values("test");
const COUNTERS: Namespace = Namespace::counters("test");
const MINUTE: Duration = Duration::from_secs(60);

/// The answer of a store that never waits.
fn now<T>(answer: StoreFuture<T>) -> Result<T, StoreError> {
    answer
        .try_ready()
        .expect("the memory store answers at once")
}

/// A store of this bound, and its clock.
fn bounded(entries: usize) -> (MemoryStore, Store, FakeClock) {
    let clock = FakeClock::at_unix_seconds(1_700_000_000);
    let builder = MemoryStore::builder().max_entries(entries);
    let memory = builder.clock(clock.clock()).build();
    (memory.clone(), Store::new(memory), clock)
}

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;
    use portcullis::store::conformance::{StoreHarness, Task, Tasks, check_store};

    #[derive(Debug)]
    struct Memory(FakeClock);

    impl Tasks for Memory {
        fn run(&self, tasks: Vec<Task>) -> Task {
            crate::support::run_together(tasks)
        }
    }

    impl StoreHarness for Memory {
        async fn fresh(&self) -> Store {
            Store::new(MemoryStore::builder().clock(self.0.clock()).build())
        }

        async fn pass(&self, time: Duration) {
            self.0.advance(time);
        }

        fn bounded(&self, entries: usize) -> Option<Store> {
            let builder = MemoryStore::builder().max_entries(entries);
            Some(Store::new(builder.clock(self.0.clock()).build()))
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_memory_store_keeps_the_contract() {
        let clock = FakeClock::at_unix_seconds(1_700_000_000);
        let report = check_store(&Memory(clock)).await.unwrap();
        assert!(report.skipped().is_empty());
        assert_eq!(report.passed().len(), 49);
    }
}

#[test]
fn a_million_keys_keep_memory_at_the_bound() {
    let (memory, store, _clock) = bounded(1_000);
    let mut refused = 0;
    for id in 0..1_000_000u32 {
        match now(store.put(Key::new(VALUES, &id.to_be_bytes()), b"value", MINUTE)) {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Full);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 999_000);
    assert_eq!(memory.usage().entries(), 1_000);
    for id in 0..1_000u32 {
        let kept = now(store.get(Key::new(VALUES, &id.to_be_bytes()))).unwrap();
        assert!(kept.is_some(), "what was there first stays");
    }
}

#[test]
fn what_expired_makes_room_for_others() {
    let (memory, store, clock) = bounded(1_000);
    for id in 0..200_000u32 {
        // A thousand of them are alive at any time.
        clock.advance(MINUTE / 1_000);
        let id = id.to_be_bytes();
        now(store.increment(Key::new(COUNTERS, &id), 1, MINUTE)).unwrap();
        assert!(memory.usage().entries() <= 1_000);
    }
}

#[test]
fn expired_entries_are_freed_by_the_way() {
    let (memory, store, clock) = bounded(1_000_000);
    for id in 0..20_000u32 {
        now(store.put(Key::new(VALUES, &id.to_be_bytes()), b"", MINUTE)).unwrap();
    }
    clock.advance(MINUTE);
    for id in 0..20_000u32 {
        now(store.put(Key::new(VALUES, &id.to_le_bytes()), b"", MINUTE)).unwrap();
    }
    let entries = memory.usage().entries();
    assert!(
        entries < 22_000,
        "{entries} entries, of which 20000 are alive"
    );
}

#[test]
fn bytes_are_bounded_too() {
    let memory = MemoryStore::builder().max_bytes(1024 * 1024).build();
    let store = Store::new(memory.clone());
    let value = vec![0; Store::MAX_VALUE_LEN];
    let put = |id: u8, value: &[u8]| now(store.put(Key::new(VALUES, &[id]), value, MINUTE));
    let stored = (0..=u8::MAX).take_while(|id| put(*id, &value).is_ok());
    assert_eq!(stored.count(), 15);
    assert!(memory.usage().bytes() <= 1024 * 1024);
    put(0, b"short").expect("a shorter value always fits");
    put(15, &value).expect("and makes room");
    assert_eq!(put(0, &value).unwrap_err().kind(), StoreErrorKind::Full);
    for id in 0..=u8::MAX {
        now(store.delete(Key::new(VALUES, &[id]))).unwrap();
    }
    assert_eq!((memory.usage().entries(), memory.usage().bytes()), (0, 0));
}

#[test]
fn a_large_value_takes_the_place_of_many_expired_ones() {
    let clock = FakeClock::at_unix_seconds(0);
    let builder = MemoryStore::builder().max_bytes(256 * 1024);
    let store = Store::new(builder.clock(clock.clock()).build());
    let small = (0u32..)
        .take_while(|id| now(store.put(Key::new(VALUES, &id.to_be_bytes()), b"", MINUTE)).is_ok());
    assert!(small.count() > 500);
    clock.advance(MINUTE);
    let value = vec![0; Store::MAX_VALUE_LEN];
    for id in ["a", "b", "c"] {
        now(store.put(Key::new(VALUES, id), &value, MINUTE)).unwrap();
    }
}

#[test]
fn a_value_does_not_keep_the_buffer_it_came_from() {
    let store = Store::memory();
    let request = bytes::Bytes::from(vec![7; 1024 * 1024]);
    let key = Key::new(VALUES, "slice");
    now(store.put(key, &request.slice(0..4), MINUTE)).unwrap();
    assert!(request.is_unique());
}

#[test]
fn setting_the_time_of_day_changes_nothing() {
    let (_, store, clock) = bounded(10);
    let key = Key::new(VALUES, "key");
    now(store.put(key, b"", MINUTE)).unwrap();
    clock.set_unix_seconds(0);
    assert!(now(store.get(key)).unwrap().is_some(), "set back");
    clock.set_unix_seconds(4_000_000_000);
    assert!(now(store.get(key)).unwrap().is_some(), "set forward");
    clock.advance(MINUTE);
    assert!(now(store.get(key)).unwrap().is_none());
}

#[test]
fn an_owner_full_of_entries_is_dealt_with_at_once() {
    use portcullis::store::{OwnedPut, Owner, OwnerLimit};
    let store = Store::memory();
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::evict_above(usize::MAX);
    for id in 0..2_000u32 {
        let id = id.to_be_bytes();
        let put = now(store.put_owned(owner.key(&id), b"", MINUTE, limit)).unwrap();
        assert_ne!(put, OwnedPut::LimitReached);
    }
    assert_eq!(now(store.list_owned(owner)).unwrap().len(), OwnerLimit::MAX);
    assert_eq!(
        now(store.delete_owned(owner, None)).unwrap(),
        OwnerLimit::MAX
    );
}
