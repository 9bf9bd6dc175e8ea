//! Limits shared through real servers of Redis.

use super::from;
use crate::support::redis::{Cluster, DEADLINE, Server};
use portcullis::clock::FakeClock;
use portcullis::guard::{Guard, Verdict};
use portcullis::limit::{Demand, Outcome, Quota, RateLimitLayer, RateLimiter, SharedLimiter};
use portcullis::store::Store;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// So slow that nothing is refilled while a test runs.
fn per_day(count: u32) -> Quota {
    Quota::per_day(count).unwrap()
}

fn limiter(store: &Store) -> SharedLimiter {
    let limiter = RateLimiter::new(per_day(8)).and(per_day(12)).unwrap();
    limiter.store(store.clone()).deadline(DEADLINE)
}

/// Two connections as of two machines, 200 times: two rules decided together, of which the
/// second is the one that ends. Where that happens at one moment, all is admitted that there
/// is; else one may be refused for what another gives back.
async fn race([first, second]: [&Store; 2], is_at_one_moment: bool) {
    let limiters = [limiter(first), limiter(second)];
    for round in 0..200 {
        let tasks: JoinSet<usize> = (0..4)
            .map(|task| {
                let limiter = limiters[task % 2].clone();
                async move {
                    let (own, all) = (format!("{round}/{}", task / 2), format!("{round}"));
                    let mut admitted = 0;
                    for _ in 0..5 {
                        let demands = [Demand::new(&*own), Demand::new(&*all)];
                        let decision = limiter.check_all(&demands).await;
                        admitted += usize::from(decision.is_admitted());
                    }
                    admitted
                }
            })
            .collect();
        let admitted: usize = tasks.join_all().await.into_iter().sum();
        assert!(
            !limiters.iter().any(SharedLimiter::is_degraded),
            "round {round}"
        );
        assert!(admitted <= 12, "round {round}: {admitted}");
        assert!(
            !is_at_one_moment || admitted == 12,
            "round {round}: {admitted}"
        );
        let (own, all) = (format!("{round}/0"), format!("{round}/1"));
        let mut left = 0;
        for key in [own, all] {
            let decision = limiters[0].check(&*key, 0).await;
            let mut standings = decision.standings();
            left += standings.next().unwrap().remaining();
        }
        assert_eq!(
            left,
            16 - admitted as u64,
            "round {round}: no refusal charged anything"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_never_admit_more_than_there_is() {
    let server = Server::start().await;
    race([&server.store().await, &server.store().await], true).await;
}

#[tokio::test]
async fn a_decision_is_one_script_and_a_known_refusal_none() {
    let server = Server::start().await;
    let store = server.store().await;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let limiter = RateLimiter::new(names.map(|name| per_day(1).named(name).unwrap()));
    let limiter = limiter.store(store).deadline(DEADLINE);
    // The first loads the script.
    assert!(limiter.check("first", 1).await.is_admitted());
    let scripts = || {
        let line = server.info("cmdstat_evalsha");
        let calls = line.split(',').next().unwrap_or_default();
        calls.trim_start_matches("calls=").parse::<u64>().unwrap()
    };
    let before = scripts();
    assert!(limiter.check("ann", 1).await.is_admitted());
    assert_eq!(scripts() - before, 1, "eight quotas");
    for _ in 0..100 {
        assert!(!limiter.check("ann", 1).await.is_admitted());
    }
    assert_eq!(scripts() - before, 1);
}

#[tokio::test]
async fn allowances_refill_by_the_time_of_the_server() {
    let server = Server::start().await;
    let (here, there) = (server.store().await, server.store().await);
    let quota = || Quota::per(Duration::from_millis(200), 1).unwrap();
    let make = |store| RateLimiter::new(quota()).store(store).deadline(DEADLINE);
    let (here, there) = (make(here), make(there));
    assert!(here.check("ann", 1).await.is_admitted());
    let until = Instant::now() + DEADLINE;
    loop {
        match there.check("ann", 1).await.outcome() {
            Outcome::Admitted => break,
            Outcome::OverQuota { retry_after } => {
                assert!(retry_after <= Duration::from_millis(200));
                assert!(Instant::now() < until);
                tokio::time::sleep(retry_after).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A layer over this store, whose first failure is soon there.
fn layer(store: Store, time: &FakeClock) -> RateLimitLayer {
    RateLimitLayer::new(per_day(1_000_000))
        .clock(time.clock())
        .store(store)
        .deadline(Duration::from_millis(50))
}

async fn lose(layer: &RateLimitLayer) {
    let shared = layer.shared_limiter().unwrap();
    let until = Instant::now() + DEADLINE;
    while !shared.is_degraded() {
        assert!(shared.check("ann", 1).await.is_admitted());
        assert!(Instant::now() < until);
    }
    // From now on nobody waits, though the store does not answer.
    let start = Instant::now();
    for _ in 0..1000 {
        let verdict = layer.check(&mut from("192.0.2.1"));
        assert!(matches!(verdict, Verdict::Admit(_)), "{verdict:?}");
    }
    let each = start.elapsed() / 1000;
    assert!(each < Duration::from_millis(5), "{each:?}");
}

async fn find(layer: &RateLimitLayer, time: &FakeClock) {
    let shared = layer.shared_limiter().unwrap();
    let until = Instant::now() + DEADLINE;
    while shared.is_degraded() {
        assert!(Instant::now() < until, "it does not come back");
        time.advance(Duration::from_millis(500));
        // One of these looks, and the others do not wait for it.
        assert!(matches!(
            layer.check(&mut from("192.0.2.1")),
            Verdict::Admit(_)
        ));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_silent_holds_nobody_up() {
    let server = Server::start().await;
    let time = FakeClock::at_unix_seconds(0);
    let layer = layer(server.store().await, &time);
    assert!(
        layer
            .shared_limiter()
            .unwrap()
            .check("ann", 1)
            .await
            .is_admitted()
    );
    server.pause();
    lose(&layer).await;
    time.advance(Duration::from_millis(500));
    assert!(
        matches!(layer.check(&mut from("192.0.2.1")), Verdict::Admit(_)),
        "the probe"
    );
    server.resume();
    find(&layer, &time).await;
}

#[tokio::test]
async fn a_server_that_is_gone_holds_nobody_up() {
    let mut server = Server::start().await;
    let time = FakeClock::at_unix_seconds(0);
    let layer = layer(server.store().await, &time);
    assert!(
        layer
            .shared_limiter()
            .unwrap()
            .check("ann", 1)
            .await
            .is_admitted()
    );
    server.kill();
    lose(&layer).await;
    server.restart().await;
    find(&layer, &time).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_keys_of_different_machines_are_decided_together() {
    let cluster = Cluster::start().await;
    race([&cluster.store().await, &cluster.store().await], false).await;
}
