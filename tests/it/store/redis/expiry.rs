//! Entries live at least as long as they were given, and little more than a millisecond longer.

use super::{COUNTERS, HOUR, VALUES};
use crate::support::redis::Server;
use portcullis::store::{Key, Owner, OwnerLimit, Store};
use std::time::{Duration, Instant};

/// Nothing lives less than its time; the lower bound is exact, for the clock of this machine
/// starts before the server's. The upper one is generous: this machine may be busy.
#[tokio::test]
async fn nothing_goes_early() {
    let server = Server::start().await;
    let store = server.store().await;
    let limit = OwnerLimit::refuse_above(5);
    let owned = Owner::new(VALUES, "ann").key("a");
    let (value, counter) = (Key::new(VALUES, "key"), Key::new(COUNTERS, "key"));
    for micros in [1, 999, 1_000, 1_500, 2_001, 7_000, 20_300] {
        let ttl = Duration::from_micros(micros);
        for _ in 0..20 {
            let before = Instant::now();
            store.put(value, b"", ttl).await.unwrap();
            until_gone(&store, value).await;
            assert!(before.elapsed() >= ttl, "a value of {ttl:?}");

            let before = Instant::now();
            store.put_owned(owned, b"", ttl, limit).await.unwrap();
            until_gone(&store, owned).await;
            assert!(before.elapsed() >= ttl, "an owned value of {ttl:?}");

            let before = Instant::now();
            store.increment(counter, 1, ttl).await.unwrap();
            while store.increment(counter, 0, ttl).await.unwrap().count() > 0 {}
            assert!(before.elapsed() >= ttl, "a counter of {ttl:?}");
        }
    }
}

async fn until_gone(store: &Store, key: Key<'_>) {
    while store.get(key).await.unwrap().is_some() {}
}

/// Keys of the server do not outlive what is in them.
#[tokio::test]
async fn nothing_is_left_on_the_server() {
    let server = Server::start().await;
    let store = server.store().await;
    let ttl = Duration::from_millis(40);
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::evict_above(3);
    for id in ["a", "b", "c", "d"] {
        store
            .put_owned(owner.key(id), b"1", HOUR, limit)
            .await
            .unwrap();
        store
            .put_owned(owner.key(id), b"1", ttl, limit)
            .await
            .unwrap();
        store.put(Key::new(VALUES, id), b"1", ttl).await.unwrap();
        store
            .increment(Key::new(COUNTERS, id), 1, ttl)
            .await
            .unwrap();
    }
    let keys = |pattern| server.command(&["KEYS", pattern]);
    assert!(keys("portcullis:*").contains("~ann"));
    assert_eq!(keys("*"), keys("portcullis:*"), "all keys have the prefix");
    tokio::time::sleep(ttl * 3).await;
    assert_eq!(keys("*"), "*0\r\n");

    let both = [owner.key("x"), owner.key("y")];
    for key in both {
        store.put_owned(key, b"1", HOUR, limit).await.unwrap();
    }
    for key in both {
        assert!(store.take(key).await.unwrap().is_some());
    }
    assert_eq!(keys("*"), "*0\r\n", "an owner without entries is no key");
}
