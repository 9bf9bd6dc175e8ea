//! A server that reached its `maxmemory` refuses what is new and keeps what it has.

use super::{COUNTERS, HOUR, QUOTAS, VALUES, slow_rate};
use crate::support::redis::Server;
use portcullis::store::{Charge, Key, Owner, OwnerLimit, Store, StoreErrorKind, Swap};
use std::time::Duration;
use tokio::task::JoinSet;

/// A server with some entries, and no room for more.
async fn full() -> (Server, Store, u32) {
    let server = Server::start().await;
    let store = server.store().await;
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::refuse_above(5);
    let put = store.put_owned(owner.key("a"), b"1", HOUR, limit).await;
    put.unwrap();
    let spent = Charge::new(Key::new(QUOTAS, "spent"), slow_rate(1));
    assert!(store.charge(&[spent]).await.unwrap().allowed());
    let used: usize = server.info("used_memory").parse().unwrap();
    let most = (used + 2_000_000).to_string();
    server.command(&["CONFIG", "SET", "maxmemory", &most]);
    let value = vec![7; 10_000];
    for id in 0..10_000u32 {
        let put = store.put(Key::new(VALUES, &id.to_be_bytes()), &value, HOUR);
        match put.await {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Full);
                // Buffers come and go, so some more than what is used now is taken away.
                let most = (used + 1_500_000).to_string();
                server.command(&["CONFIG", "SET", "maxmemory", &most]);
                return (server, store, id);
            }
        }
    }
    panic!("the server was never full");
}

#[tokio::test]
async fn a_full_server_refuses_and_keeps() {
    let (_server, store, stored) = full().await;
    assert!(stored > 20);
    let new = Key::new(VALUES, "new");
    let full = Some(StoreErrorKind::Full);
    let kind = |error: Option<portcullis::store::StoreError>| error.map(|error| error.kind());
    assert_eq!(kind(store.put(new, b"", HOUR).await.err()), full, "put");
    let absent = store.put_if_absent(new, b"", HOUR).await;
    assert_eq!(kind(absent.err()), full, "put_if_absent");
    let swap = store.compare_and_swap(new, None, b"", HOUR).await;
    assert_eq!(kind(swap.err()), full, "swap");
    let counter = Key::new(COUNTERS, "new");
    let count = store.increment(counter, 1, HOUR).await;
    assert_eq!(kind(count.err()), full, "count");
    let owner = Owner::new(VALUES, "ann");
    for limit in [OwnerLimit::refuse_above(5), OwnerLimit::evict_above(1)] {
        let put = store.put_owned(owner.key("b"), b"2", HOUR, limit).await;
        assert_eq!(kind(put.err()), full, "{limit:?}");
    }
    let listed = store.list_owned(owner).await.unwrap();
    assert_eq!(listed.len(), 1, "none was evicted for what was refused");
    assert_eq!(listed[0].id().as_ref(), b"a");

    let count = store.increment(counter, 0, HOUR).await.unwrap();
    assert_eq!(count.count(), 0, "looking goes on");
    for id in 0..stored {
        let kept = store.get(Key::new(VALUES, &id.to_be_bytes())).await;
        assert_eq!(kept.unwrap().map(|value| value.len()), Some(10_000));
    }
    for id in 0..stored {
        let gone = store.delete(Key::new(VALUES, &id.to_be_bytes())).await;
        assert!(gone.unwrap(), "what is there can be deleted");
    }
    store
        .put(new, b"", HOUR)
        .await
        .expect("there is room again");
    let swap = store.compare_and_swap(new, Some(b""), b"2", HOUR).await;
    assert_eq!(swap.unwrap(), Swap::Swapped);
}

#[tokio::test]
async fn charges_that_need_room_do_not_spoil_those_that_need_none() {
    let (_server, store, _) = full().await;
    let mut charges = JoinSet::new();
    for number in 0..300u32 {
        let store = store.clone();
        charges.spawn(async move {
            let id = number.to_string();
            let new = Charge::new(Key::new(QUOTAS, &id), slow_rate(5));
            let spent = Charge::new(Key::new(QUOTAS, "spent"), slow_rate(1));
            match number % 3 {
                0 => {
                    let error = store.charge(&[new]).await.unwrap_err();
                    assert_eq!(error.kind(), StoreErrorKind::Full);
                }
                1 => {
                    let look = store.charge(&[new.with_cost(0)]).await.unwrap();
                    assert_eq!(look.statuses()[0].remaining(), 5);
                }
                _ => assert!(!store.charge(&[spent]).await.unwrap().allowed()),
            }
        });
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), charges.join_all());
    ended.await.unwrap();
}
