//! Limits shared through a store: who shares, how many trips it takes, and what is remembered.

use super::backend::{Backend, Mode};
use super::{admitted, call, from, network};
use crate::support::Spy;
use http::Request;
use portcullis::clock::FakeClock;
use portcullis::guard::{Guard, Verdict};
use portcullis::limit::{
    Demand, Outcome, Plans, Quota, RateLimitLayer, RateLimiter, SharedLimiter,
};
use portcullis::store::{Store, StoreErrorKind};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tower::Layer;

fn per_hour(count: u32) -> Quota {
    Quota::per_hour(count).unwrap()
}

/// A limiter over this backend, whose clock is the same.
fn limiter(quotas: impl Into<Plans>, backend: &Backend, time: &FakeClock) -> SharedLimiter {
    let limiter = RateLimiter::new(quotas).clock(time.clock());
    limiter.store(backend.store())
}

fn setup() -> (FakeClock, Backend) {
    let time = FakeClock::at_unix_seconds(0);
    let backend = Backend::new(time.clock());
    (time, backend)
}

#[test]
fn two_services_share_what_is_allowed() {
    let (time, backend) = setup();
    let service = |quota| {
        RateLimitLayer::new(quota)
            .clock(time.clock())
            .store(backend.store())
    };
    let (here, there) = (service(per_hour(9)), service(per_hour(9)));
    let larger = service(per_hour(12));
    let named = service(per_hour(9).named("login").unwrap());
    let first = std::iter::repeat_with(|| {
        let layer = here.clone().layer(Spy::default());
        call(&mut { layer }, from("192.0.2.1")).status()
    });
    assert_eq!(first.take(4).filter(|status| *status == 200).count(), 4);
    assert_eq!(admitted(&there, || from("192.0.2.1")), 5);
    assert_eq!(admitted(&here, || from("192.0.2.1")), 0);
    assert_eq!(admitted(&here, || from("192.0.2.2")), 9);
    assert_eq!(admitted(&larger, || from("192.0.2.1")), 12, "another quota");
    assert_eq!(admitted(&named, || from("192.0.2.1")), 9, "another name");
    time.advance(Duration::from_secs(60 * 60 / 9));
    assert_eq!(admitted(&there, || from("192.0.2.1")), 1);
}

#[test]
fn who_answers_at_once_is_not_waited_for() {
    let (time, backend) = setup();
    let layer = RateLimitLayer::new(per_hour(2))
        .clock(time.clock())
        .store(backend.store());
    let verdict = || layer.check(&mut from("192.0.2.1"));
    assert!(matches!(verdict(), Verdict::Admit(_)));
    backend.set(Mode::Later);
    assert!(matches!(verdict(), Verdict::Later(_)));
    // The charge was made when it was asked for; what is known to be spent needs no waiting.
    backend.set(Mode::AtOnce);
    assert!(matches!(verdict(), Verdict::Reject(_)));
    assert!(matches!(verdict(), Verdict::Reject(_)));
    assert_eq!(backend.trips(), 3);
}

#[tokio::test]
async fn a_decision_takes_one_trip_and_a_known_refusal_none() {
    let (time, backend) = setup();
    let quotas = [10, 20, 30, 40].map(|count| per_hour(count).named(format!("{count}")).unwrap());
    let limiter = limiter(quotas.clone(), &backend, &time)
        .and(quotas)
        .unwrap();
    let demands = [Demand::new("ann"), Demand::new("all")];
    for _ in 0..10 {
        assert!(limiter.check_all(&demands).await.is_admitted());
        assert_eq!(backend.trips(), 1, "eight quotas");
    }
    assert_eq!(backend.entries(), 8);
    for _ in 0..100 {
        assert!(!limiter.check_all(&demands).await.is_admitted());
    }
    assert_eq!(backend.trips(), 0);
    let other = [Demand::new("bob"), Demand::new("all")];
    assert!(!limiter.check_all(&other).await.is_admitted());
    assert_eq!(backend.trips(), 0, "the other key is spent");

    time.advance(Duration::from_secs(5));
    for _ in 0..100 {
        assert!(!limiter.check_all(&demands).await.is_admitted());
    }
    assert_eq!(backend.trips(), 1, "it could have been given back");
}

#[tokio::test]
async fn a_key_that_is_known_to_be_over_is_not_asked_for_until_it_may_be_admitted() {
    let (time, backend) = setup();
    let limiter = limiter([per_hour(10), per_hour(20)], &backend, &time);
    assert!(limiter.check("ann", 10).await.is_admitted());
    assert_eq!(backend.trips(), 1);
    time.advance(Duration::from_secs(360) - Duration::from_nanos(1));
    for _ in 0..100 {
        assert!(!limiter.check("ann", 1).await.is_admitted());
    }
    assert_eq!(backend.trips(), 0);
    time.advance(Duration::from_nanos(1));
    assert!(limiter.check("ann", 1).await.is_admitted());
    assert_eq!(backend.trips(), 1);
}

#[tokio::test]
async fn what_was_given_back_is_seen_within_seconds() {
    let (time, backend) = setup();
    let make = || {
        let limiter = limiter(Quota::per_day(1).unwrap(), &backend, &time);
        limiter.and(per_hour(9)).unwrap()
    };
    let (here, there) = (make(), make());
    let demands = ["ann", "all"].map(Demand::new);
    assert!(here.check_all(&demands).await.is_admitted());
    assert!(!there.check_all(&demands).await.is_admitted());
    backend.forget();
    assert!(!there.check_all(&demands).await.is_admitted());
    time.advance(Duration::from_secs(5));
    let free = demands.clone().map(|demand| demand.cost(0));
    assert!(there.check_all(&free).await.is_admitted());
    assert!(
        there.check_all(&demands).await.is_admitted(),
        "what it knew is corrected"
    );
    assert!(!there.check_all(&demands).await.is_admitted());
}

#[tokio::test]
async fn a_refusal_of_ten_does_not_refuse_one() {
    let (time, backend) = setup();
    let limiter = limiter(per_hour(20), &backend, &time);
    assert!(limiter.check("ann", 15).await.is_admitted());
    backend.trips();
    for (cost, is_admitted, trips) in [
        (10, false, 1),
        (10, false, 0),
        (11, false, 0),
        (6, false, 0),
        (21, false, 0),
        (5, true, 1),
        (1, false, 0),
        (0, true, 1),
    ] {
        let decision = limiter.check("ann", cost).await;
        assert_eq!(decision.is_admitted(), is_admitted, "{cost}");
        assert_eq!(backend.trips(), trips, "{cost}");
    }
    // Ten of twenty an hour are there again after half an hour.
    let Outcome::OverQuota { retry_after } = limiter.check("ann", 10).await.outcome() else {
        panic!("admitted");
    };
    assert_eq!(retry_after, Duration::from_secs(30 * 60));
    time.advance(retry_after);
    assert!(limiter.check("ann", 10).await.is_admitted());
}

#[tokio::test]
async fn a_refusal_by_another_process_is_learned_and_kept() {
    let (time, backend) = setup();
    let (here, there) = (
        limiter(per_hour(5), &backend, &time),
        limiter(per_hour(5), &backend, &time),
    );
    assert!(here.check("ann", 5).await.is_admitted());
    backend.trips();
    for _ in 0..9 {
        assert!(!there.check("ann", 1).await.is_admitted());
    }
    assert_eq!(backend.trips(), 1);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let (time, backend) = setup();
    let limiter = limiter(per_hour(1), &backend, &time).max_bytes(64 << 10);
    assert!(limiter.local().capacity_bytes() <= 33 << 10);
    for n in 0..20_000 {
        assert!(limiter.check(network(n), 1).await.is_admitted());
    }
    backend.trips();
    let mut refused = 0;
    for n in 0..20_000 {
        refused += usize::from(!limiter.check(network(n), 1).await.is_admitted());
    }
    assert_eq!(refused, 20_000, "what is forgotten is asked again");
    assert!(backend.trips() < 20_000);
}

#[tokio::test]
async fn quotas_that_look_alike_are_apart() {
    let (time, backend) = setup();
    let limiter = limiter([per_hour(2), per_hour(2)], &backend, &time);
    let limiter = limiter.and([per_hour(2), per_hour(2)]).unwrap();
    // Of nobody, both rules ask for the same key.
    let demands = ["ann", "ann"].map(Demand::new);
    for is_admitted in [true, true, false] {
        let decision = limiter.check_all(&demands).await;
        assert_eq!(decision.is_admitted(), is_admitted);
    }
    assert_eq!((backend.entries(), limiter.is_degraded()), (4, false));
    assert!(limiter.check("bob", 1).await.is_admitted());
    assert_eq!(backend.entries(), 6);
}

#[tokio::test]
async fn a_plan_counts_from_the_next_request_on() {
    let (time, backend) = setup();
    let plans = || {
        Plans::new(per_hour(2))
            .with("pro", [per_hour(4), Quota::per_day(50).unwrap()])
            .unwrap()
    };
    let in_memory = RateLimiter::new(plans()).clock(time.clock());
    let shared = limiter(plans(), &backend, &time);
    for (plan, is_admitted) in [
        ("", true),
        ("free", true),
        ("", false),
        ("pro", true),
        ("", false),
        ("pro", true),
        ("pro", true),
        ("pro", true),
        ("pro", false),
        ("gold", false),
    ] {
        let demand = [Demand::new("ann").plan(plan)];
        let here = in_memory.check_all(&demand);
        let there = shared.check_all(&demand).await;
        assert_eq!(here.is_admitted(), is_admitted, "{plan}");
        assert_eq!(there.is_admitted(), is_admitted, "{plan}");
        let quotas = if plan == "pro" { 2 } else { 1 };
        assert_eq!(here.standings().count(), quotas);
        assert_eq!(there.standings().count(), quotas);
    }
}

#[test]
fn threads_never_admit_more_than_there_is() {
    for round in 0..200 {
        let (time, backend) = setup();
        let store = Store::new(backend.clone());
        let quotas = || [per_hour(50), Quota::per_minute(40).unwrap()];
        let admitted = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let limiter = RateLimiter::new(quotas())
                    .clock(time.clock())
                    .store(store.clone());
                let admitted = &admitted;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        for n in 0..30 {
                            limiter.check(network(n), 1).await;
                            if limiter.check("all of us", 1).await.is_admitted() {
                                admitted.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    });
                });
            }
        });
        assert_eq!(admitted.into_inner(), 40, "round {round}");
    }
}

#[tokio::test]
async fn a_request_that_waits_is_refused_without_reaching_the_service() {
    let (time, backend) = setup();
    let spy = Spy::default();
    let layer = RateLimitLayer::new(per_hour(2))
        .clock(time.clock())
        .store(backend.store());
    let other = RateLimiter::new(per_hour(2))
        .clock(time.clock())
        .store(backend.store());
    assert!(
        other
            .check(std::net::IpAddr::from([192, 0, 2, 1]), 1)
            .await
            .is_admitted()
    );
    backend.set(Mode::Later);
    let mut service = layer.layer(spy.clone());
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let ready = tower::ServiceExt::<Request<()>>::ready(&mut service)
            .await
            .unwrap();
        let response = tower::Service::call(ready, from("192.0.2.1"))
            .await
            .unwrap();
        let fields = response.headers().get("ratelimit").cloned();
        statuses.push((response.status().as_u16(), fields.unwrap()));
    }
    assert_eq!(
        statuses[0],
        (200, r#""per-hour";r=0;t=1800"#.parse().unwrap())
    );
    assert_eq!(
        statuses[1],
        (429, r#""per-hour";r=0;t=1800"#.parse().unwrap())
    );
    assert_eq!(statuses[2].0, 429);
    assert_eq!((spy.calls(), spy.unready_calls()), (1, 0));
    // One who goes away before the answer is there harms nobody.
    let (gone, _) = (from("192.0.2.7"), backend.trips());
    drop(tower::Service::call(&mut service, gone));
    assert_eq!(backend.trips(), 1);
}

#[test]
fn quotas_that_lie_apart_have_room_for_eight() {
    let quotas = || [(); 8].map(|()| per_hour(4));
    let time = FakeClock::at_unix_seconds(0);
    let in_memory = RateLimiter::new(quotas()).clock(time.clock());
    for n in 0..1000 {
        for left in [3, 2, 1] {
            let decision = in_memory.check(network(n), 1);
            assert!(decision.is_admitted());
            assert!(decision.standings().all(|s| s.remaining() == left));
            assert_eq!(decision.standings().count(), 8);
        }
        assert!(!in_memory.check(network(n), 2).is_admitted());
    }
    let too_many = RateLimiter::new(quotas()).and(per_hour(1)).unwrap_err();
    assert!(
        too_many.to_string().contains("at most 8 quotas"),
        "{too_many}"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Check { key: u8, other: u8, cost: u32 },
    Wait { milliseconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, 0..2_u8, 0..8_u32)
            .prop_map(|(key, other, cost)| Step::Check { key, other, cost }),
        1 => (0..3_000_u64).prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

proptest! {
    /// In memory and through a store, with what is remembered of it, all is decided alike.
    #[test]
    fn one_process_and_many_decide_alike(
        counts in prop::collection::vec(1_u32..12, 2..6),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (time, backend) = setup();
        let quota = |count: &u32| Quota::per_second(*count).unwrap().burst(count / 2 + 1).unwrap();
        let build = || {
            let (first, rest) = counts.split_first().unwrap();
            let limiter = RateLimiter::new(quota(first)).clock(time.clock());
            rest.iter().try_fold(limiter, |limiter, count| limiter.and(quota(count))).unwrap()
        };
        let in_memory = build();
        let processes = [build(), build()].map(|limiter| limiter.store(backend.store()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (turn, step) in steps.into_iter().enumerate() {
            match step {
                Step::Wait { milliseconds } => time.advance(Duration::from_millis(milliseconds)),
                Step::Check { key, other, cost } => {
                    let name = |n: usize| if n == 0 { format!("k{key}") } else { format!("o{other}") };
                    let demands: Vec<_> = (0..counts.len())
                        .map(|n| Demand::new(name(n)).cost(cost))
                        .collect();
                    let here = in_memory.check_all(&demands);
                    let shared = &processes[turn % 2];
                    let there = runtime.block_on(shared.check_all(&demands));
                    prop_assert_eq!(here.is_admitted(), there.is_admitted());
                    if here.is_admitted() {
                        let left = |d: portcullis::limit::Decision<'_>| {
                            d.standings().map(|s| s.remaining()).collect::<Vec<_>>()
                        };
                        prop_assert_eq!(left(here), left(there));
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_is_full_hurts_only_new_keys() {
    let (time, backend) = setup();
    let limiter = limiter(per_hour(2), &backend, &time);
    assert!(limiter.check("ann", 1).await.is_admitted());
    backend.set(Mode::Fail(StoreErrorKind::Full));
    assert!(limiter.check("bob", 2).await.is_admitted());
    assert!(
        !limiter.check("bob", 1).await.is_admitted(),
        "counted locally"
    );
    assert!(!limiter.is_degraded());
    backend.set(Mode::AtOnce);
    assert!(limiter.check("ann", 1).await.is_admitted());
    assert!(!limiter.check("ann", 1).await.is_admitted());
}

#[test]
fn limiters_can_be_sent_and_shared() {
    fn is<T: Send + Sync + 'static>(_: &T) {}
    let (time, backend) = setup();
    let limiter = limiter(per_hour(1), &backend, &time);
    is(&limiter);
    let limiter = Arc::new(limiter);
    let future = async move { limiter.check("ann", 1).await.is_admitted() };
    fn sends<T: Send>(_: &T) {}
    sends(&future);
}
