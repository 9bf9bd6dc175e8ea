//! A Cluster: quotas in several slots, slots that move, servers that fail over.

use super::{HOUR, QUOTAS, VALUES, slow_rate};
use crate::support::redis::{Cluster, Server, wait_until};
use portcullis::store::gcra::Status;
use portcullis::store::{Charge, Key, Store, StoreErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Ids whose keys are in different slots, of different servers.
const SPREAD: [&str; 4] = ["a", "b", "c", "d"];

/// What is charged in vain is given back. While a batch waits for its refusal, others may be
/// refused that would have fitted: never is more admitted, and at rest nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn quotas_in_several_slots_are_charged_whole() {
    const TASKS: u64 = 200;
    let cluster = Cluster::start().await;
    let store = cluster.store().await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            let [a, b, c, d] = SPREAD.map(|id| Key::new(QUOTAS, id));
            let batch = [
                Charge::new(a, slow_rate(1_000)),
                Charge::new(b, slow_rate(50)),
                Charge::new(c, slow_rate(1_000)).with_cost(3),
                Charge::new(d, slow_rate(1_000)).with_cost(0),
            ];
            store.charge(&batch).await.unwrap().allowed()
        });
    }
    let admitted = tasks
        .join_all()
        .await
        .iter()
        .filter(|allowed| **allowed)
        .count() as u64;
    assert!(admitted <= 50, "{admitted} of 50 were admitted");
    // `b` refuses for itself, and the others have room for all, so none is refused in vain.
    assert_eq!(admitted, 50);
    for (id, burst, cost) in [
        ("a", 1_000, 1),
        ("b", 50, 1),
        ("c", 1_000, 3),
        ("d", 1_000, 0),
    ] {
        let look = Charge::new(Key::new(QUOTAS, id), slow_rate(burst)).with_cost(0);
        let look = store.charge(&[look]).await.unwrap();
        let left = look.statuses().first().map(Status::remaining);
        assert_eq!(left, Some(burst - admitted * cost), "{id}");
    }
}

/// When two batches want the last unit of each other's quota, both may be refused; that is the
/// error, and it goes to the side of refusing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_admitted_twice_across_slots() {
    let cluster = Cluster::start().await;
    let store = cluster.store().await;
    for round in 0..50 {
        let ids = SPREAD.map(|id| format!("{id}{round}"));
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let (store, mut ids) = (store.clone(), ids.clone());
            tasks.spawn(async move {
                ids.rotate_left(task % 4);
                let batch: Vec<_> = ids
                    .iter()
                    .map(|id| Charge::new(Key::new(QUOTAS, id), slow_rate(2)))
                    .collect();
                store.charge(&batch).await.unwrap().allowed()
            });
        }
        let admitted = tasks
            .join_all()
            .await
            .iter()
            .filter(|allowed| **allowed)
            .count() as u64;
        assert!(admitted <= 2, "{admitted} of 2 were admitted");
        for id in &ids {
            let look = Charge::new(Key::new(QUOTAS, id), slow_rate(2)).with_cost(0);
            let look = store.charge(&[look]).await.unwrap();
            assert_eq!(
                look.statuses()[0].remaining(),
                2 - admitted,
                "all is given back"
            );
        }
    }
}

/// Every key is found while its slot is on its way, and afterwards.
#[tokio::test]
async fn slots_that_move() {
    let cluster = Cluster::start().await;
    let store = cluster.store().await;
    let [key, charged] =
        ["moves", "charged"].map(|id| (Key::new(VALUES, id), Key::new(QUOTAS, id)));
    let (key, charge) = (key.0, Charge::new(charged.1, slow_rate(100)));
    store.put(key, b"1", HOUR).await.unwrap();
    store.charge(&[charge]).await.unwrap();
    for name in ["portcullis:{vtest:-~moves}", "portcullis:{qtest:-~charged}"] {
        let slot = cluster.servers[0].command(&["CLUSTER", "KEYSLOT", name]);
        let slot = slot.trim().trim_start_matches(':').to_owned();
        let owns =
            |server: &Server| server.command(&["CLUSTER", "COUNTKEYSINSLOT", &slot]) == ":1\r\n";
        let from = cluster.servers.iter().position(owns).unwrap();
        let (from, to) = (&cluster.servers[from], &cluster.servers[(from + 1) % 3]);
        let id = |server: &Server| {
            server
                .command(&["CLUSTER", "MYID"])
                .lines()
                .nth(1)
                .unwrap()
                .to_owned()
        };
        let (from_id, to_id) = (id(from), id(to));
        to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
        from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
        both_work(&store, key, charge, "on its way, still here").await;
        let port = to.port().to_string();
        let moved = from.command(&["MIGRATE", "127.0.0.1", &port, name, "0", "5000"]);
        assert_eq!(moved, "+OK\r\n");
        both_work(&store, key, charge, "on its way, already there").await;
        for server in [to, from] {
            server.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
        }
        both_work(&store, key, charge, "moved").await;
        wait_until("the server has it", || owns(to)).await;
    }
    let left = store.charge(&[charge.with_cost(0)]).await.unwrap();
    assert_eq!(
        left.statuses()[0].remaining(),
        100 - 7,
        "each was charged once"
    );
}

async fn both_work(store: &Store, key: Key<'_>, charge: Charge<'_>, when: &str) {
    let value = store.get(key).await.unwrap();
    assert_eq!(value.as_deref(), Some(&b"1"[..]), "{when}");
    assert!(store.charge(&[charge]).await.unwrap().allowed(), "{when}");
}

/// One primary dies under load. The others go on, its replica takes over, and all comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_primary_that_dies_is_replaced() {
    const DEADLINE: Duration = Duration::from_millis(500);
    let mut cluster = Cluster::with(3, 1).await;
    let store = Store::new(
        cluster
            .builder()
            .deadline(DEADLINE)
            .connect()
            .await
            .unwrap(),
    );
    let goes_on = Arc::new(AtomicBool::new(true));
    let mut tasks = JoinSet::new();
    for task in 0..16u64 {
        let (store, goes_on) = (store.clone(), Arc::clone(&goes_on));
        tasks.spawn(async move {
            let (mut done, mut failed) = (0u64, 0u64);
            let mut number = task;
            while goes_on.load(Ordering::Relaxed) {
                number += 16;
                let id = (number % 1_000).to_be_bytes();
                let start = Instant::now();
                match store.put(Key::new(VALUES, &id), b"1", HOUR).await {
                    Ok(()) => done += 1,
                    Err(error) => {
                        let kind = error.kind();
                        assert!(
                            matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::Timeout),
                            "{error}"
                        );
                        failed += 1;
                    }
                }
                assert!(start.elapsed() < DEADLINE * 8);
                tokio::task::yield_now().await;
            }
            (done, failed)
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.servers[1].kill();
    let until = Instant::now() + Duration::from_secs(30);
    // Well again: a key of every part of the Cluster can be written.
    'again: loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(Instant::now() < until, "the Cluster does not come back");
        for id in 0..60u64 {
            let id = id.to_be_bytes();
            if store.put(Key::new(VALUES, &id), b"2", HOUR).await.is_err() {
                continue 'again;
            }
        }
        break;
    }
    goes_on.store(false, Ordering::Relaxed);
    let found = tasks.join_all().await;
    let done: u64 = found.iter().map(|(done, _)| done).sum();
    let failed: u64 = found.iter().map(|(_, failed)| failed).sum();
    println!("failover: {done} done, {failed} failed");
    assert!(done > 1_000 && failed > 0);
}
