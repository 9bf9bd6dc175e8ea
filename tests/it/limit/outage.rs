//! When the store fails, hangs, and comes back.

use super::backend::{Backend, Mode};
use super::{call, from, header};
use crate::support::Spy;
use http::Request;
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::{Guard, Rejection, Verdict};
use portcullis::limit::{Demand, Fallback, Quota, RateLimitLayer, RateLimiter, Rule};
use portcullis::store::Store;
use portcullis::store::StoreErrorKind::{Timeout, Unavailable};
use std::sync::Arc;
use std::time::Duration;
use tower::Layer;

const PAUSE: Duration = Duration::from_millis(500);

fn setup() -> (FakeClock, Backend) {
    let time = FakeClock::at_unix_seconds(0);
    let backend = Backend::new(time.clock());
    (time, backend)
}

fn per_hour(count: u32) -> Quota {
    Quota::per_hour(count).unwrap()
}

#[test]
fn each_rule_falls_back_as_it_was_told() {
    let cases = [
        ("by default, all of it", Fallback::default(), 9, 429),
        ("a third", Fallback::LocalShare(3), 3, 429),
        ("all", Fallback::LocalShare(0), 9, 429),
        ("never nothing", Fallback::LocalShare(100), 1, 429),
        ("closed", Fallback::Refuse, 0, 503),
        ("open", Fallback::AdmitWithoutLimit, 50, 200),
    ];
    for (name, fallback, admitted, then) in cases {
        let (time, backend) = setup();
        backend.set(Mode::Fail(Unavailable));
        let spy = Spy::default();
        let layer = RateLimitLayer::new(per_hour(9))
            .store(backend.store())
            .clock(time.clock())
            .fallback(fallback);
        let mut service = layer.layer(spy.clone());
        for n in 0..50 {
            let response = call(&mut service, from("192.0.2.1"));
            let expected = if n < admitted { 200 } else { then };
            assert_eq!(response.status(), expected, "{name}: {n}");
            match response.status().as_u16() {
                200 => assert_eq!(header(&response, "retry-after"), ""),
                429 => assert!(header(&response, "retry-after").parse::<u32>().unwrap() >= 400),
                _ => {
                    assert_eq!(header(&response, "retry-after"), "1");
                    let rejection: &Rejection = response.extensions().get().unwrap();
                    assert_eq!(rejection.code(), "rate_limit_unavailable");
                    assert_eq!(rejection.event(), None);
                    assert_eq!(
                        rejection.problem_type(),
                        Some(
                            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
                        )
                    );
                }
            }
        }
        assert_eq!(
            spy.calls(),
            if then == 200 { 50 } else { admitted },
            "{name}"
        );
        assert_eq!(backend.trips(), 1, "{name}: the store is left alone");
    }
}

#[test]
fn what_a_share_allows_is_what_its_fields_say() {
    let (time, backend) = setup();
    backend.set(Mode::Fail(Unavailable));
    let layer = RateLimitLayer::new(Quota::per_minute(30).unwrap())
        .store(backend.store())
        .clock(time.clock())
        .fallback(Fallback::LocalShare(3));
    let response = call(&mut layer.layer(Spy::default()), from("192.0.2.1"));
    assert_eq!(
        header(&response, "ratelimit-policy"),
        r#""per-minute";q=10;w=60"#
    );
    assert_eq!(header(&response, "ratelimit"), r#""per-minute";r=9;t=54"#);
}

#[tokio::test]
async fn rules_fall_back_each_for_itself_and_all_or_nothing() {
    let (time, backend) = setup();
    backend.set(Mode::Fail(Timeout));
    let limiter = |fallback| {
        let limiter = RateLimiter::new(per_hour(2)).and(per_hour(3)).unwrap();
        let limiter = limiter.clock(time.clock()).store(backend.store());
        limiter.fallback(fallback).and(per_hour(9)).unwrap()
    };
    let demands = |who: &'static str| ["all", who, "x"].map(Demand::new);
    let open = limiter(Fallback::AdmitWithoutLimit);
    for n in 0..12 {
        let decision = open.check_all(&demands("ann")).await;
        assert_eq!(decision.is_admitted(), n < 9, "the third rule alone: {n}");
        assert_eq!(decision.standings().count(), 1);
    }
    let closed = limiter(Fallback::Refuse);
    assert!(!closed.check_all(&demands("ann")).await.is_admitted());
    let free = demands("ann").map(|demand| demand.cost(0));
    assert!(
        closed.check_all(&free).await.is_admitted(),
        "what is free passes"
    );
    assert_eq!(
        closed
            .local()
            .check_all(&demands("ann"))
            .standings()
            .count(),
        3
    );
    let local = limiter(Fallback::default());
    for who in ["ann", "bob", "cid"] {
        let is_admitted = local.check_all(&demands(who)).await.is_admitted();
        assert_eq!(is_admitted, who != "cid", "two for all: {who}");
    }
    for _ in 0..7 {
        assert!(!local.check_all(&demands("ann")).await.is_admitted());
    }
    let left = local.local().check_all(&demands("ann").map(|d| d.cost(0)));
    let left: Vec<_> = left.standings().map(|s| s.remaining()).collect();
    assert_eq!(left, [0, 2, 7], "refusals charged nothing");
}

#[test]
fn what_costs_more_than_the_share_takes_all_of_it() {
    let (time, backend) = setup();
    backend.set(Mode::Fail(Unavailable));
    let layer = RateLimitLayer::new(per_hour(30))
        .store(backend.store())
        .clock(time.clock())
        .cost(|request| request.uri().path().len() as u32)
        .fallback(Fallback::LocalShare(3));
    let mut service = layer.layer(Spy::default());
    let mut get = |cost: usize| {
        let mut request = from("192.0.2.1");
        let path = format!("/{}", "x".repeat(cost - 1));
        *request.uri_mut() = path.parse().unwrap();
        call(&mut service, request).status().as_u16()
    };
    assert_eq!([get(31), get(20), get(1)], [429, 200, 429]);
    time.advance(Duration::from_secs(60 * 60));
    assert_eq!([get(31), get(30), get(1)], [429, 200, 429]);
}

/// A request whose events are heard.
fn heard(recent: &Arc<RecentEvents>) -> Request<()> {
    let mut request = from("192.0.2.1");
    let clock = FakeClock::at_unix_seconds(0).clock();
    let emitter = Emitter::for_request(recent.clone(), clock, &request);
    request.extensions_mut().insert(emitter);
    request
}

fn codes(recent: &RecentEvents) -> Vec<String> {
    let events = recent.snapshot();
    let degraded =
        |event: &&portcullis::event::SecurityEvent| event.kind() == EventKind::SysControlDegraded;
    // The latest comes first.
    let events = events.iter().rev().filter(degraded);
    events
        .map(|event| event.code().unwrap().to_owned())
        .collect()
}

#[test]
fn an_outage_is_told_once_and_its_end_once() {
    let (time, backend) = setup();
    let recent = Arc::new(RecentEvents::new(99));
    let layer = RateLimitLayer::new(per_hour(1000))
        .store(backend.store())
        .clock(time.clock());
    // Two routes: one limiter, one outage.
    let mut services = [layer.clone(), layer].map(|layer| layer.layer(Spy::default()));
    let mut calls = |times: usize| {
        for _ in 0..times {
            for service in &mut services {
                assert_eq!(call(service, heard(&recent)).status(), 200);
            }
        }
    };
    calls(3);
    assert_eq!(codes(&recent), [""; 0]);
    backend.set(Mode::Fail(Unavailable));
    for _ in 0..5 {
        calls(3);
        time.advance(PAUSE);
    }
    assert_eq!(codes(&recent), ["rate_limit_store_lost"]);
    assert_eq!(backend.trips(), 6 + 1 + 4, "a probe after each pause");
    backend.set(Mode::AtOnce);
    calls(3);
    assert_eq!(
        codes(&recent),
        ["rate_limit_store_lost", "rate_limit_store_back"]
    );
    calls(3);
    assert_eq!(codes(&recent).len(), 2);
    assert_eq!(backend.trips(), 1 + 12, "a probe, and every request");
}

#[test]
fn a_store_that_fails_now_and_then_is_told_now_and_then() {
    let (time, backend) = setup();
    let recent = Arc::new(RecentEvents::new(99));
    let layer = RateLimitLayer::new(per_hour(1000))
        .store(backend.store())
        .clock(time.clock());
    let mut service = layer.layer(Spy::default());
    backend.set(Mode::Fail(portcullis::store::StoreErrorKind::Full));
    for _ in 0..90 {
        assert_eq!(call(&mut service, heard(&recent)).status(), 200);
        time.advance(Duration::from_secs(1));
    }
    assert_eq!(codes(&recent), ["rate_limit_store_failed"; 2]);
    assert_eq!(backend.trips(), 90);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_whether_it_is_said_before_the_store_or_after() {
    const SHORT: Duration = Duration::from_millis(20);
    let layers: [(_, fn(RateLimitLayer, Store) -> RateLimitLayer); 2] = [
        ("before", |layer, store| layer.deadline(SHORT).store(store)),
        ("after", |layer, store| layer.store(store).deadline(SHORT)),
    ];
    for (name, with) in layers {
        let (time, backend) = setup();
        backend.set(Mode::Hang);
        let layer = with(RateLimitLayer::new(per_hour(5)), backend.store());
        let layer = layer.clock(time.clock());
        let start = tokio::time::Instant::now();
        let Verdict::Later(later) = layer.check(&mut from("192.0.2.1")) else {
            panic!("{name}: it cannot know yet");
        };
        assert!(later.await.is_ok(), "{name}");
        assert_eq!(start.elapsed(), SHORT, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_waited_for_once() {
    let (time, backend) = setup();
    backend.set(Mode::Hang);
    let layer = RateLimitLayer::new(per_hour(5))
        .store(backend.store())
        .clock(time.clock())
        .deadline(Duration::from_millis(20));
    let verdict = || layer.check(&mut from("192.0.2.1"));
    let start = tokio::time::Instant::now();
    let Verdict::Later(later) = verdict() else {
        panic!("it cannot know yet");
    };
    assert!(later.await.is_ok());
    assert_eq!(start.elapsed(), Duration::from_millis(20));
    for n in 0..9 {
        // At once: nothing is awaited.
        assert_eq!(matches!(verdict(), Verdict::Admit(_)), n < 4, "{n}");
    }
    assert_eq!(backend.trips(), 1);

    // The probe waits in the background, and nobody for it.
    time.advance(PAUSE);
    for _ in 0..9 {
        assert!(matches!(verdict(), Verdict::Reject(_)));
    }
    assert_eq!(backend.trips(), 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    backend.set(Mode::Later);
    for _ in 0..9 {
        assert!(matches!(verdict(), Verdict::Reject(_)), "it hung again");
    }
    time.advance(PAUSE);
    assert!(matches!(verdict(), Verdict::Reject(_)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(backend.trips(), 1);
    assert!(!layer.shared_limiter().unwrap().is_degraded());
    assert_eq!(backend.entries(), 0, "a probe charges nothing");
    let Verdict::Later(later) = verdict() else {
        panic!("the store is asked again");
    };
    assert!(later.await.is_ok());
}

#[tokio::test]
async fn many_that_wait_for_a_failing_store_are_all_decided() {
    let (time, backend) = setup();
    backend.set(Mode::FailLater(Timeout));
    let limiter = RateLimiter::new(per_hour(40))
        .clock(time.clock())
        .store(backend.store());
    let checks = (0..100).map(|_| {
        let limiter = limiter.clone();
        async move { limiter.check("ann", 1).await.is_admitted() }
    });
    let tasks: tokio::task::JoinSet<bool> = checks.collect();
    let admitted = tasks.join_all().await;
    assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 40);
}

#[tokio::test]
async fn who_was_over_the_limit_stays_so_without_the_store() {
    let (time, backend) = setup();
    let limiter = RateLimiter::new(per_hour(3))
        .clock(time.clock())
        .store(backend.store());
    assert!(limiter.check("ann", 3).await.is_admitted());
    backend.set(Mode::Fail(Unavailable));
    assert!(limiter.check("bob", 1).await.is_admitted());
    assert!(!limiter.check("ann", 1).await.is_admitted());
    time.advance(Duration::from_secs(20 * 60));
    assert!(limiter.check("ann", 1).await.is_admitted());
}

#[test]
fn several_rules_of_a_layer_have_their_own_fallbacks() {
    let (time, backend) = setup();
    let layer = RateLimitLayer::new(per_hour(5).named("client").unwrap())
        .fallback(Fallback::AdmitWithoutLimit)
        .store(backend.store())
        .and(
            Rule::new(per_hour(3).named("all").unwrap())
                .for_everybody()
                .fallback(Fallback::Refuse),
        )
        .unwrap()
        .clock(time.clock());
    let mut service = layer.layer(Spy::default());
    assert_eq!(call(&mut service, from("192.0.2.1")).status(), 200);
    backend.set(Mode::Fail(Unavailable));
    assert_eq!(call(&mut service, from("192.0.2.1")).status(), 503);
    time.advance(PAUSE);
    backend.set(Mode::AtOnce);
    let response = call(&mut service, from("192.0.2.1"));
    assert_eq!(response.status(), 200);
    assert_eq!(
        header(&response, "ratelimit"),
        r#""client";r=3;t=2160, "all";r=1;t=1200"#
    );
}
