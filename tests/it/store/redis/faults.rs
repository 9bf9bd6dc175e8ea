//! Servers that die, fall silent, get slow, lose everything or stop to take writes: every
//! operation ends, none panics, and the store comes back by itself.

use super::{COUNTERS, HOUR, QUOTAS, VALUES, slow_rate};
use crate::support::redis::{Proxy, Server, wait_until};
use portcullis::store::redis::{RedisStore, RedisStoreBuilder};
use portcullis::store::{Charge, Key, Owner, OwnerLimit, Store, StoreError, StoreErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Short enough for the tests to be quick, long enough for a busy machine.
const DEADLINE: Duration = Duration::from_millis(300);

async fn store(builder: RedisStoreBuilder) -> Store {
    Store::new(builder.deadline(DEADLINE).connect().await.unwrap())
}

async fn charge(store: &Store) -> Result<bool, StoreError> {
    let charge = Charge::new(Key::new(QUOTAS, "key"), slow_rate(1_000_000));
    Ok(store.charge(&[charge]).await?.allowed())
}

fn is_outage(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Unavailable | StoreErrorKind::Timeout
    )
}

/// Asks until the breaker has opened, then shows how fast decisions are while it is.
async fn decides_at_once(store: &Store, what: &str) {
    let until = Instant::now() + DEADLINE * 20;
    loop {
        let start = Instant::now();
        let answer = charge(store).await;
        if answer.is_err() && start.elapsed() < DEADLINE / 10 {
            break;
        }
        assert!(Instant::now() < until, "{what}: the breaker never opened");
    }
    let start = Instant::now();
    for _ in 0..500 {
        assert!(is_outage(&charge(store).await.unwrap_err()));
    }
    let average = start.elapsed() / 500;
    println!("{what}: a decision takes {average:?}");
    assert!(average < Duration::from_millis(5), "{what}: {average:?}");
}

async fn comes_back(store: &Store, what: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while let Err(error) = charge(store).await {
        assert!(is_outage(&error), "{what}: {error}");
        assert!(
            Instant::now() < until,
            "{what}: it does not come back: {error}"
        );
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_that_died_and_came_back() {
    let mut server = Server::start().await;
    let store = store(server.builder()).await;
    charge(&store).await.unwrap();
    server.kill();
    decides_at_once(&store, "killed").await;
    let refused = charge(&store).await.unwrap_err().to_string();
    assert!(refused.contains("out of reach"), "{refused}");
    server.restart().await;
    comes_back(&store, "killed").await;
    // It is empty, so the scripts had to be told anew.
    assert!(charge(&store).await.unwrap());
    let count = store.increment(Key::new(COUNTERS, "key"), 1, HOUR).await;
    assert_eq!(count.unwrap().count(), 1);
}

#[tokio::test]
async fn a_server_that_falls_silent() {
    let server = Server::start().await;
    let store = store(server.builder()).await;
    charge(&store).await.unwrap();
    server.pause();
    let start = Instant::now();
    let first = charge(&store).await.unwrap_err();
    assert_eq!(first.kind(), StoreErrorKind::Timeout);
    assert!(start.elapsed() >= DEADLINE && start.elapsed() < DEADLINE * 3);
    assert!(first.to_string().contains("may have been done"), "{first}");
    decides_at_once(&store, "silent").await;
    server.resume();
    comes_back(&store, "silent").await;
}

#[tokio::test]
async fn a_server_that_gets_slow() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let store = store(RedisStore::builder(&proxy.url())).await;
    charge(&store).await.unwrap();
    proxy.delay(DEADLINE / 6);
    charge(&store).await.expect("slow, and within the deadline");
    proxy.delay(DEADLINE * 2);
    decides_at_once(&store, "slow").await;
    proxy.delay(Duration::ZERO);
    comes_back(&store, "slow").await;
}

#[tokio::test]
async fn a_connection_that_is_cut() {
    let server = Server::start().await;
    let store = store(server.builder()).await;
    for _ in 0..20 {
        charge(&store).await.unwrap();
        server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        comes_back(&store, "cut").await;
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts() {
    let server = Server::start().await;
    let store = store(server.builder()).await;
    let owner = Owner::new(VALUES, "ann");
    let limit = OwnerLimit::refuse_above(3);
    for _ in 0..3 {
        server.command(&["SCRIPT", "FLUSH", "SYNC"]);
        assert!(charge(&store).await.unwrap());
        server.command(&["SCRIPT", "FLUSH", "SYNC"]);
        let put = store.put_owned(owner.key("a"), b"1", HOUR, limit).await;
        put.unwrap();
        server.command(&["SCRIPT", "FLUSH", "SYNC"]);
        assert_eq!(store.list_owned(owner).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_became_a_replica() {
    let server = Server::start().await;
    let primary = Server::with(&["--repl-diskless-sync-delay", "0"]).await;
    let store = store(server.builder()).await;
    let port = primary.port().to_string();
    server.command(&["REPLICAOF", "127.0.0.1", &port]);
    wait_until("it follows", || server.info("master_link_status") == "up").await;
    decides_at_once(&store, "replica").await;
    server.command(&["REPLICAOF", "NO", "ONE"]);
    comes_back(&store, "replica").await;
}

/// Tasks of all kinds go on while the server is killed, paused and restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn troubles_under_load() {
    let mut server = Server::start().await;
    let store = store(server.builder()).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let (done, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let longest = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..64usize {
        let (store, goes_on) = (store.clone(), Arc::clone(&goes_on));
        let (done, failed) = (Arc::clone(&done), Arc::clone(&failed));
        let longest = Arc::clone(&longest);
        tasks.spawn(async move {
            while goes_on.load(Ordering::Relaxed) {
                let start = Instant::now();
                match any_operation(&store, number).await {
                    Ok(()) => done.fetch_add(1, Ordering::Relaxed),
                    Err(error) => {
                        assert!(is_outage(&error), "{error}");
                        failed.fetch_add(1, Ordering::Relaxed)
                    }
                };
                let took = usize::try_from(start.elapsed().as_millis()).unwrap();
                longest.fetch_max(took, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 0..3 {
        sleep(Duration::from_millis(150)).await;
        server.pause();
        sleep(Duration::from_millis(if round == 0 { 900 } else { 100 })).await;
        server.resume();
        sleep(Duration::from_millis(150)).await;
        server.kill();
        sleep(Duration::from_millis(100)).await;
        server.restart().await;
        comes_back(&store, "under load").await;
        let before = done.load(Ordering::Relaxed);
        wait_until("work goes on", || {
            done.load(Ordering::Relaxed) > before + 100
        })
        .await;
    }
    goes_on.store(false, Ordering::Relaxed);
    let ended = tokio::time::timeout(DEADLINE * 20, tasks.join_all()).await;
    ended.expect("every operation ends");
    let (done, failed) = (done.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    let longest = longest.load(Ordering::Relaxed);
    println!("under load: {done} done, {failed} failed, the longest took {longest} ms");
    assert!(done > 300 && failed > 0);
    assert!(longest < 5_000, "an operation took {longest} ms");
}

async fn any_operation(store: &Store, number: usize) -> Result<(), StoreError> {
    let id = (number % 8).to_string();
    let key = Key::new(VALUES, &id);
    let owner = Owner::new(VALUES, &id);
    match number % 6 {
        0 => drop(charge(store).await?),
        1 => store.put(key, b"value", HOUR).await?,
        2 => drop(store.get(key).await?),
        3 => drop(store.increment(Key::new(COUNTERS, &id), 1, HOUR).await?),
        4 => {
            let limit = OwnerLimit::evict_above(2);
            drop(store.put_owned(owner.key("a"), b"", HOUR, limit).await?);
        }
        _ => drop(store.list_owned(owner).await?),
    }
    Ok(())
}

#[tokio::test]
async fn futures_that_are_dropped_leave_nothing_behind() {
    let server = Server::start().await;
    let store = store(server.builder().max_in_flight(8)).await;
    let key = Key::new(VALUES, "key");
    server.pause();
    for _ in 0..5_000 {
        let mut get = Box::pin(store.get(key));
        let mut charge = Box::pin(charge(&store));
        // Polled once, so that both are on their way.
        std::future::poll_fn(|context| {
            let _ = get.as_mut().poll(context);
            let _ = charge.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    server.resume();
    comes_back(&store, "dropped").await;
    assert_eq!(store.get(key).await.unwrap(), None);
    let mut gets = JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        gets.spawn(async move { store.get(Key::new(VALUES, "key")).await.unwrap() });
    }
    assert!(gets.join_all().await.iter().all(Option::is_none));
}

#[tokio::test]
async fn who_leaves_early_closes_no_sound_connection() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port()).await;
    let store = store(RedisStore::builder(&proxy.url()).max_in_flight(64)).await;
    let key = Key::new(VALUES, "key");
    store.put(key, b"value", HOUR).await.unwrap();
    let connections = || {
        let received = server.info("total_connections_received");
        received.parse::<u64>().unwrap()
    };
    let before = connections();
    proxy.delay(Duration::from_millis(30));
    for _ in 0..400 {
        let mut get = Box::pin(store.get(key));
        std::future::poll_fn(|context| {
            let _ = get.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
        drop(get);
        sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(connections(), before + 1, "one to ask, none to dial again");
    assert!(store.get(key).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_crowd_waits_for_a_silent_server() {
    let server = Server::start().await;
    let store = store(server.builder().max_in_flight(16)).await;
    server.pause();
    let start = Instant::now();
    let mut crowd = JoinSet::new();
    for number in 0..2_000 {
        let store = store.clone();
        crowd.spawn(async move { any_operation(&store, number).await.unwrap_err() });
    }
    let refused = crowd.join_all().await;
    let took = start.elapsed();
    assert!(refused.iter().all(is_outage));
    assert!(took < DEADLINE * 5, "the crowd took {took:?}");
    server.resume();
    comes_back(&store, "crowd").await;
}

#[test]
fn a_runtime_that_ended_is_an_error_and_no_hang() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_server, store) = runtime.block_on(async {
        let server = Server::start().await;
        let store = store(server.builder()).await;
        charge(&store).await.unwrap();
        (server, store)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        assert!(is_outage(&charge(&store).await.unwrap_err()));
        let get = store.get(Key::new(VALUES, "key")).await;
        assert!(is_outage(&get.unwrap_err()));
    });
}
