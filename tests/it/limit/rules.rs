//! Several rules, each with its own key, in one decision; plans; dry runs; and how answers
//! tell of it all.

use super::{admitted, call, from, frozen, header, network, principal};
use crate::support::Spy;
use http::{Request, Response};
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, EventKind, Level, RecentEvents};
use portcullis::guard::{Body, Rejection};
use portcullis::limit::{Demand, Plans, Quota, RateLimitLayer, RateLimiter, Rule};
use portcullis::principal::{Authentication, Principal};
use portcullis::store::{MemoryStore, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tower::Layer;

fn named(count: u32, name: &'static str) -> Quota {
    Quota::per_hour(count).unwrap().named(name).unwrap()
}

/// The layer in memory, and the same over a store.
fn both(layer: RateLimitLayer) -> [(&'static str, RateLimitLayer); 2] {
    let time = FakeClock::at_unix_seconds(0);
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let layer = layer.clock(time.clock());
    [("memory", layer.clone()), ("store", layer.store(store))]
}

fn fields<'a>(response: &'a Response<Body<impl Sized>>, name: &str) -> Vec<&'a str> {
    let values = response.headers().get_all(name).iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

#[test]
fn all_rules_are_charged_or_none() {
    let layer = RateLimitLayer::new(named(5, "client"))
        .and(Rule::new(named(3, "user")).by_principal())
        .unwrap()
        .and(Rule::new(named(7, "all")).for_everybody())
        .unwrap();
    for (name, layer) in both(layer) {
        let mut service = layer.layer(Spy::default());
        let mut left = |request: Request<()>| {
            let response = call(&mut service, request);
            let field = header(&response, "ratelimit");
            let numbers = field.split(";r=").skip(1);
            let numbers: Vec<u32> = numbers
                .map(|rest| rest.split(';').next().unwrap().parse().unwrap())
                .collect();
            (response.status().as_u16(), numbers)
        };
        let ann = || principal(None, "ann", "k1");
        let bob = || principal(None, "bob", "k2");
        assert_eq!(left(ann()), (200, vec![4, 2, 6]), "{name}");
        assert_eq!(left(ann()), (200, vec![3, 1, 5]), "{name}");
        assert_eq!(left(ann()), (200, vec![2, 0, 4]), "{name}");
        for _ in 0..9 {
            assert_eq!(left(ann()).0, 429, "{name}");
        }
        assert_eq!(
            left(bob()),
            (200, vec![1, 2, 3]),
            "{name}: nothing was charged"
        );
        assert_eq!(left(bob()), (200, vec![0, 1, 2]), "{name}");
        assert_eq!(left(bob()).0, 429, "{name}: the client");
        assert_eq!(left(from("198.51.100.1")), (200, vec![4, 2, 1]), "{name}");
        assert_eq!(left(from("198.51.100.2")), (200, vec![4, 2, 0]), "{name}");
        assert_eq!(left(from("198.51.100.3")).0, 429, "{name}: all");
    }
}

#[test]
fn a_refusal_names_the_rules_that_refused() {
    let layer = RateLimitLayer::new(named(1, "client"))
        .and(Rule::new([named(9, "all"), named(1, "one")]).for_everybody())
        .unwrap();
    for (name, layer) in both(layer) {
        let mut service = layer.layer(Spy::default());
        assert_eq!(call(&mut service, from("192.0.2.1")).status(), 200);
        let refused = call(&mut service, from("192.0.2.1"));
        let rejection: &Rejection = refused.extensions().get().unwrap();
        assert_eq!(
            rejection.reason(),
            Some("over quota: client, one"),
            "{name}"
        );
        let other = call(&mut service, from("192.0.2.2"));
        let rejection: &Rejection = other.extensions().get().unwrap();
        assert_eq!(rejection.reason(), Some("over quota: one"), "{name}");
        assert_eq!(rejection.members()["violated-policies"][0], "one");
        assert_eq!(
            header(&other, "ratelimit-policy"),
            r#""client";q=1;w=3600, "all";q=9;w=3600, "one";q=1;w=3600"#
        );
    }
}

#[test]
fn each_rule_has_its_own_cost_and_prefix() {
    let layer = RateLimitLayer::new(named(10, "requests"))
        .and(
            Rule::new(named(100, "bytes"))
                .ipv6_prefix(portcullis::net::client_ip::Ipv6Prefix::new(48).unwrap())
                .cost(|request| u32::try_from(request.uri().path().len()).unwrap()),
        )
        .unwrap();
    for (name, layer) in both(layer) {
        let get = |length: usize| {
            let mut request = from("2001:db8:1:2::3");
            let path = format!("/{}", "x".repeat(length - 1));
            *request.uri_mut() = path.parse().unwrap();
            request
        };
        assert_eq!(admitted(&layer, || get(40)), 2, "{name}");
        assert_eq!(admitted(&layer, || get(20)), 1, "{name}");
        assert_eq!(admitted(&layer, || get(1)), 0, "{name}");
        assert_eq!(
            admitted(&layer, || from("2001:db8:1:3::")),
            0,
            "{name}: the /48"
        );
        assert_eq!(admitted(&layer, || from("2001:db8:2:3::")), 10, "{name}");
    }
}

#[test]
fn a_plan_is_looked_up_with_each_request() {
    let plans = Plans::new(named(1, "free"))
        .with("pro", [named(3, "pro"), named(100, "pro-day")])
        .unwrap();
    let layer = RateLimitLayer::new(plans).by_principal().plan(|request| {
        request
            .extensions()
            .get::<Principal>()?
            .attribute("plan")?
            .as_str()
    });
    let ann = |plan: &str| {
        let who = Principal::new("ann", Authentication::new(Default::default()));
        let mut request = from("192.0.2.1");
        request
            .extensions_mut()
            .insert(who.with_attribute("plan", plan));
        request
    };
    for (name, layer) in both(layer) {
        assert_eq!(admitted(&layer, || ann("free")), 1, "{name}");
        let mut service = layer.layer(Spy::default());
        let paid = call(&mut service, ann("pro"));
        assert_eq!(paid.status(), 200, "{name}: from now on");
        assert_eq!(
            header(&paid, "ratelimit-policy"),
            r#""pro";q=3;w=3600, "pro-day";q=100;w=3600"#
        );
        assert_eq!(
            header(&paid, "ratelimit"),
            r#""pro";r=2;t=2400, "pro-day";r=99;t=3564"#
        );
        assert_eq!(admitted(&layer, || ann("pro")), 2, "{name}");
        let refused = call(&mut service, ann("free"));
        assert_eq!(refused.status(), 429, "{name}: back again");
        assert_eq!(header(&refused, "ratelimit-policy"), r#""free";q=1;w=3600"#);
    }
}

#[test]
fn a_dry_run_refuses_nothing_and_tells_of_it() {
    let layer = RateLimitLayer::new(named(2, "client"))
        .legacy_fields()
        .dry_run();
    for (name, layer) in both(layer) {
        let recent = Arc::new(RecentEvents::new(9));
        let spy = Spy::default();
        let mut service = layer.layer(spy.clone());
        for _ in 0..5 {
            let mut request = from("192.0.2.1");
            let emitter = Emitter::for_request(recent.clone(), frozen(), &request);
            request.extensions_mut().insert(emitter);
            let response = call(&mut service, request);
            assert_eq!(response.status(), 200, "{name}");
            for field in [
                "ratelimit",
                "ratelimit-policy",
                "retry-after",
                "x-ratelimit-limit",
            ] {
                assert_eq!(header(&response, field), "", "{name}");
            }
        }
        assert_eq!(spy.calls(), 5, "{name}");
        let events = recent.snapshot();
        assert_eq!(events.len(), 3, "{name}");
        for event in events {
            assert_eq!(event.kind(), EventKind::ExcessRateLimitExceeded);
            assert_eq!(event.level(), Level::Info);
            assert_eq!(event.code(), Some("rate_limit_dry_run"));
            assert_eq!(
                event.reason(),
                Some("would have been refused with 429: over quota: client")
            );
        }
    }
}

#[test]
fn fields_come_in_the_forms_that_clients_read() {
    type With = fn(RateLimitLayer) -> RateLimitLayer;
    let current = (
        r#""a";q=2;w=3600, "b";q=9;w=3600"#,
        r#""a";r=1;t=1800, "b";r=8;t=3200"#,
    );
    let seven = ("2;w=3600, 9;w=3600", "limit=2, remaining=1, reset=1800");
    let none = ("", "");
    let cases: [(&str, With, (&str, &str), bool); 6] = [
        ("current", |layer| layer, current, false),
        ("draft 7", RateLimitLayer::draft_7_fields, seven, false),
        ("legacy too", RateLimitLayer::legacy_fields, current, true),
        (
            "both old",
            |layer| layer.draft_7_fields().legacy_fields(),
            seven,
            true,
        ),
        (
            "none",
            |layer| layer.legacy_fields().without_fields(),
            none,
            false,
        ),
        (
            "legacy alone",
            |layer| layer.without_fields().legacy_fields(),
            none,
            true,
        ),
    ];
    for (name, with, (policy, limit), has_legacy) in cases {
        let layer = with(RateLimitLayer::new([named(2, "a"), named(9, "b")]));
        for (place, layer) in both(layer) {
            let mut service = layer.layer(Spy::default());
            let mut answers = Vec::new();
            for _ in 0..3 {
                answers.push(call(&mut service, from("192.0.2.1")));
            }
            let first = &answers[0];
            assert_eq!(header(first, "ratelimit-policy"), policy, "{place}: {name}");
            assert_eq!(header(first, "ratelimit"), limit, "{place}: {name}");
            let legacy = ["limit", "remaining", "reset"].map(|part| format!("x-ratelimit-{part}"));
            let expected = if has_legacy {
                ["2", "1", "1800"]
            } else {
                [""; 3]
            };
            assert_eq!(
                legacy.each_ref().map(|field| header(first, field)),
                expected
            );
            let refused = &answers[2];
            assert_eq!(refused.status(), 429);
            assert_eq!(
                header(refused, "ratelimit-policy"),
                policy,
                "{place}: {name}"
            );
            assert_eq!(header(refused, "retry-after"), "1800");
            let expected = if has_legacy {
                ["2", "0", "1800"]
            } else {
                [""; 3]
            };
            assert_eq!(
                legacy.each_ref().map(|field| header(refused, field)),
                expected
            );
            if name == "draft 7" {
                assert_eq!(
                    header(refused, "ratelimit"),
                    "limit=2, remaining=0, reset=1800"
                );
            }
        }
    }
}

#[test]
fn of_several_layers_the_one_with_the_least_left_is_heard() {
    let layer = |count, name| {
        RateLimitLayer::new(named(count, name))
            .clock(frozen())
            .draft_7_fields()
            .legacy_fields()
    };
    for (inner, outer) in [(3, 9), (9, 3)] {
        let stack = layer(outer, "outer").layer(layer(inner, "inner").layer(Spy::default()));
        let mut service = stack;
        for left in ["2", "1", "0"] {
            let response = call(&mut service, from("192.0.2.1"));
            assert_eq!(fields(&response, "x-ratelimit-limit"), ["3"]);
            assert_eq!(fields(&response, "x-ratelimit-remaining"), [left]);
            let values = fields(&response, "ratelimit");
            assert_eq!(values.len(), 1);
            assert!(values[0].starts_with("limit=3, remaining="), "{values:?}");
            assert_eq!(fields(&response, "ratelimit-policy").len(), 2);
        }
        let refused = call(&mut service, from("192.0.2.1"));
        assert_eq!(refused.status(), 429);
        assert_eq!(fields(&refused, "x-ratelimit-remaining"), ["0"]);
        assert_eq!(fields(&refused, "ratelimit").len(), 1);
    }
}

#[test]
fn what_the_service_says_of_its_own_limits_stays() {
    let own = tower::service_fn(async |_: Request<()>| {
        let mut response = Response::new(http_body_util::Full::new(bytes::Bytes::new()));
        let value = "17".parse().unwrap();
        response
            .headers_mut()
            .insert("x-ratelimit-remaining", value);
        Ok::<_, std::convert::Infallible>(response)
    });
    let layer = RateLimitLayer::new(named(3, "a"))
        .clock(frozen())
        .legacy_fields();
    let response = call(&mut layer.layer(own), from("192.0.2.1"));
    assert_eq!(fields(&response, "x-ratelimit-remaining"), ["17"]);
    assert_eq!(fields(&response, "x-ratelimit-limit"), [""; 0]);
    assert_eq!(fields(&response, "ratelimit").len(), 1);
}

#[test]
fn rules_with_a_store_may_be_built_in_any_order() {
    let time = FakeClock::at_unix_seconds(0);
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let all = || Rule::new(named(5, "all")).for_everybody();
    let first = RateLimitLayer::new(named(2, "client"))
        .store(store.clone())
        .and(all())
        .unwrap()
        .clock(time.clock());
    let second = RateLimitLayer::new(named(2, "client"))
        .clock(time.clock())
        .max_bytes(64 << 10)
        .and(all())
        .unwrap()
        .store(store);
    assert_eq!(admitted(&first, || from("192.0.2.1")), 2);
    assert_eq!(admitted(&second, || from("192.0.2.2")), 2);
    assert_eq!(admitted(&second, || from("192.0.2.1")), 0);
    assert_eq!(admitted(&first, || from("192.0.2.3")), 1, "five in all");
    let capacity = second.limiter().capacity_bytes();
    assert!(capacity <= 33 << 10, "{capacity}");
}

#[test]
fn threads_that_charge_several_keys_never_split_a_charge() {
    for round in 0..200 {
        let limiter = RateLimiter::new(named(30, "own"))
            .and(named(50, "all"))
            .unwrap()
            .and(named(45, "other"))
            .unwrap()
            .clock(frozen())
            .max_bytes(32 << 10);
        let admitted = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (limiter, admitted) = (&limiter, &admitted);
                scope.spawn(move || {
                    let own = format!("thread {thread}");
                    for n in 0..30 {
                        // Others come and go, and the table grows.
                        limiter.check(network(100 * thread + n), 1);
                        let demands = match thread % 2 {
                            0 => [&*own, "all", "other"],
                            _ => [&*own, "all", "others"],
                        };
                        let decision = limiter.check_all(&demands.map(Demand::new));
                        if decision.is_admitted() {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 50, "round {round}");
        let left = |key: &'static str, place: usize| {
            let demands = ["nobody"; 3].map(|name| Demand::new(name).cost(0));
            let mut demands = demands;
            demands[place] = Demand::new(key).cost(0);
            let decision = limiter.check_all(&demands);
            decision.standings().nth(place).unwrap().remaining()
        };
        assert_eq!(left("all", 1), 0, "round {round}");
        assert_eq!(
            left("other", 2) + left("others", 2),
            90 - 50,
            "round {round}"
        );
    }
}

#[test]
fn too_many_rules_are_refused_when_they_are_made() {
    let four = || [(); 4].map(|()| named(1, "x"));
    let layer = RateLimitLayer::new(four()).and(Rule::new(four())).unwrap();
    let error = layer.clone().and(Rule::new(named(1, "x"))).unwrap_err();
    assert!(error.to_string().contains("at most 8 quotas"), "{error}");
    let error = layer.store(Store::memory()).and(Rule::new(named(1, "x")));
    assert!(error.is_err());
    let layer = RateLimitLayer::new(named(9, "x")).clock(frozen());
    let without_rule = layer.limiter().check_all(&["a", "b"].map(Demand::new));
    assert_eq!(without_rule.standings().count(), 1);
    assert!(layer.limiter().check_all(&[]).is_admitted());
    let wait = Duration::from_secs(400);
    assert_eq!(
        layer
            .limiter()
            .check("z", 9)
            .standings()
            .next()
            .unwrap()
            .effective_window(),
        wait
    );
}
