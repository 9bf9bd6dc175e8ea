//! `limit`, over a real stack, against a model, in a race and under a flood.

mod backend;
mod concurrency;
mod memory;
mod model;
mod outage;
#[cfg(feature = "redis")]
mod redis;
mod rules;
mod shared;

use crate::support::Spy;
use http::{Request, Response};
use portcullis::clock::{Clock, FakeClock, Timestamp};
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::{Body, Rejection, RejectionKind};
use portcullis::limit::{Plans, Quota, RateKey, RateLimitLayer, RateLimiter};
use portcullis::net::client_ip::{ClientIp, Ipv6Prefix};
use portcullis::principal::{Authentication, Principal};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tower::{Layer, Service, ServiceExt};

const ONE_PAGE: usize = 32 << 10;

fn frozen() -> Clock {
    FakeClock::at_unix_seconds(0).clock()
}

fn limiter(quotas: impl Into<Plans>, clock: Clock) -> RateLimiter {
    RateLimiter::new(quotas).clock(clock)
}

/// The `n`th of many IPv6 networks.
fn network(n: u64) -> IpAddr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n) << 64).into()
}

fn from(address: &str) -> Request<()> {
    let address: IpAddr = address.parse().unwrap();
    let mut request = Request::new(());
    request.extensions_mut().insert(ClientIp::from(address));
    request
}

fn call<S, R>(service: &mut S, request: Request<()>) -> Response<R>
where
    S: Service<Request<()>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ready = service.ready().await.unwrap();
        ready.call(request).await.unwrap()
    })
}

fn header<'a, B>(response: &'a Response<Body<B>>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// Calls until refused, and says how many were admitted.
fn admitted(layer: &RateLimitLayer, request: impl Fn() -> Request<()>) -> usize {
    let mut service = layer.layer(Spy::default());
    let calls = std::iter::repeat_with(|| call(&mut service, request()).status());
    calls.take(1000).take_while(|status| *status == 200).count()
}

#[test]
fn what_is_too_much_never_reaches_the_service() {
    let time = FakeClock::at_unix_seconds(0);
    let spy = Spy::default();
    let layer = RateLimitLayer::new(Quota::per_minute(2).unwrap()).clock(time.clock());
    let mut service = layer.layer(spy.clone());
    let mut answer = || call(&mut service, from("192.0.2.1"));

    let first = answer();
    assert_eq!(first.status(), 200);
    assert_eq!(
        header(&first, "ratelimit-policy"),
        r#""per-minute";q=2;w=60"#
    );
    assert_eq!(header(&first, "ratelimit"), r#""per-minute";r=1;t=30"#);
    assert_eq!(header(&answer(), "ratelimit"), r#""per-minute";r=0;t=30"#);
    assert_eq!(spy.calls(), 2);

    time.advance(Duration::from_millis(900));
    let refused = answer();
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "retry-after"), "30", "29.1 s, rounded up");
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        r#""per-minute";q=2;w=60"#
    );
    assert_eq!(header(&refused, "ratelimit"), r#""per-minute";r=0;t=30"#);
    let rejection: &Rejection = refused.extensions().get().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::RateLimited);
    assert_eq!(rejection.code(), "rate_limited");
    assert_eq!(rejection.reason(), Some("over quota: per-minute"));
    assert_eq!(
        rejection.problem_type(),
        Some("https://iana.org/assignments/http-problem-types#quota-exceeded")
    );
    assert_eq!(rejection.event(), Some(EventKind::ExcessRateLimitExceeded));
    assert_eq!(rejection.members()["violated-policies"][0], "per-minute");
    assert_eq!(spy.calls(), 2);

    time.advance(Duration::from_secs(30));
    assert_eq!(answer().status(), 200, "who waits as told is admitted");
    assert_eq!(spy.calls(), 3);
    assert_eq!(spy.unready_calls(), 0);
}

#[test]
fn limits_tell_of_themselves_beside_each_other() {
    let per_client = RateLimitLayer::new(Quota::per_second(1).unwrap()).clock(frozen());
    let for_all = RateLimitLayer::new(Quota::per_hour(9).unwrap().named("all").unwrap())
        .for_everybody()
        .clock(frozen());
    let mut service = for_all.layer(per_client.layer(Spy::default()));
    for status in [200, 429] {
        let response = call(&mut service, from("192.0.2.1"));
        assert_eq!(response.status(), status);
        let lines = |name| {
            let values = response.headers().get_all(name).iter();
            values
                .map(|value| value.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            lines("ratelimit-policy"),
            [r#""per-second";q=1;w=1"#, r#""all";q=9;w=3600"#]
        );
        assert_eq!(lines("ratelimit").len(), 2);
    }
}

#[test]
fn fields_can_be_left_out() {
    let layer = RateLimitLayer::new(Quota::per_minute(1).unwrap())
        .clock(frozen())
        .without_fields();
    let mut service = layer.layer(Spy::default());
    for retry_after in ["", "60"] {
        let response = call(&mut service, from("192.0.2.1"));
        assert_eq!(header(&response, "ratelimit-policy"), "");
        assert_eq!(header(&response, "ratelimit"), "");
        assert_eq!(header(&response, "retry-after"), retry_after);
    }
}

#[test]
fn who_shares_an_allowance() {
    let layer = RateLimitLayer::new(Quota::per_minute(1).unwrap()).clock(frozen());
    let cases = [
        (
            "the same address",
            layer.clone(),
            "192.0.2.1",
            "192.0.2.1",
            true,
        ),
        (
            "another address",
            layer.clone(),
            "192.0.2.3",
            "192.0.2.4",
            false,
        ),
        (
            "the same /64",
            layer.clone(),
            "2001:db8::1",
            "2001:db8::2",
            true,
        ),
        (
            "another /64",
            layer.clone(),
            "2001:db8:0:1::",
            "2001:db8:0:2::",
            false,
        ),
        (
            "mapped",
            layer.clone(),
            "198.51.100.1",
            "::ffff:198.51.100.1",
            true,
        ),
        (
            "NAT64",
            layer.clone(),
            "198.51.100.2",
            "64:ff9b::198.51.100.2",
            true,
        ),
        (
            "a 6to4 site",
            layer.clone(),
            "2002:c000:201::1",
            "2002:c000:201:7::1",
            true,
        ),
        (
            "the same /56",
            layer.clone().ipv6_prefix(Ipv6Prefix::new(56).unwrap()),
            "2001:db8:1:100::",
            "2001:db8:1:1ff::",
            true,
        ),
        (
            "everybody",
            layer.clone().for_everybody(),
            "192.0.2.5",
            "192.0.2.6",
            true,
        ),
        (
            "one route",
            layer.by_route(),
            "192.0.2.7",
            "192.0.2.8",
            true,
        ),
    ];
    for (name, layer, first, second, shared) in cases {
        let mut service = layer.layer(Spy::default());
        assert_eq!(call(&mut service, from(first)).status(), 200, "{name}");
        let second = call(&mut service, from(second)).status();
        assert_eq!(second == 429, shared, "{name}");
    }
}

fn principal(tenant: Option<&str>, id: &str, credential: &str) -> Request<()> {
    let login = Authentication::new(Timestamp::default()).with_credential(credential);
    let mut who = Principal::new(id, login);
    if let Some(tenant) = tenant {
        who = who.with_tenant(tenant);
    }
    let mut request = from("192.0.2.1");
    request.extensions_mut().insert(who);
    request
}

#[test]
fn keys_of_a_principal() {
    let layer = RateLimitLayer::new(Quota::per_minute(3).unwrap()).clock(frozen());
    let by_principal = layer.clone().by_principal();
    assert_eq!(admitted(&by_principal, || principal(None, "ann", "k1")), 3);
    assert_eq!(admitted(&by_principal, || principal(None, "ann", "k2")), 0);
    assert_eq!(
        admitted(&by_principal, || principal(Some("t"), "ann", "k1")),
        3
    );
    assert_eq!(admitted(&by_principal, || principal(None, "bob", "k1")), 3);
    assert_eq!(
        admitted(&by_principal, || from("192.0.2.1")),
        3,
        "nobody is authenticated: the address counts"
    );

    let by_credential = layer.max_bytes(ONE_PAGE).by_credential();
    assert_eq!(admitted(&by_credential, || principal(None, "ann", "k1")), 3);
    assert_eq!(admitted(&by_credential, || principal(None, "bob", "k1")), 0);
    assert_eq!(admitted(&by_credential, || principal(None, "ann", "k2")), 3);
}

#[test]
fn keys_of_a_closure_and_of_routes() {
    let with = |method: &str, uri: &str, tenant: &str| {
        let mut request = from("192.0.2.1");
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        request
            .headers_mut()
            .insert("x-tenant", tenant.parse().unwrap());
        request
    };
    let layer = RateLimitLayer::new(Quota::per_minute(2).unwrap()).clock(frozen());
    let by_tenant = layer.clone().by(|request| {
        let tenant = request.headers().get("x-tenant")?.to_str().ok()?;
        Some(tenant)
            .filter(|tenant| !tenant.is_empty())
            .map(RateKey::from)
    });
    assert_eq!(admitted(&by_tenant, || with("GET", "/", "a")), 2);
    assert_eq!(admitted(&by_tenant, || with("GET", "/x", "a")), 0);
    assert_eq!(admitted(&by_tenant, || with("GET", "/", "b")), 2);
    assert_eq!(admitted(&by_tenant, || with("GET", "/", "")), 2);
    assert_eq!(
        admitted(&by_tenant, || from("192.0.2.1")),
        0,
        "the address as well"
    );

    let by_route = layer.max_bytes(ONE_PAGE).by_route();
    assert_eq!(admitted(&by_route, || with("GET", "/a?x=1", "")), 2);
    assert_eq!(admitted(&by_route, || with("GET", "/a?x=2", "")), 0);
    assert_eq!(admitted(&by_route, || with("PUT", "/a", "")), 2);
    assert_eq!(admitted(&by_route, || with("GET", "/b", "")), 2);
}

#[test]
fn keys_of_different_making_never_meet() {
    let limiter = limiter(Quota::per_minute(1).unwrap(), frozen());
    let network: ipnet::IpNet = "10.0.0.0/8".parse().unwrap();
    let smaller: ipnet::IpNet = "10.0.0.0/16".parse().unwrap();
    let zero: ipnet::IpNet = "::/0".parse().unwrap();
    let keys = [
        RateKey::from("10.0.0.0/8"),
        RateKey::from(network),
        RateKey::from(smaller),
        RateKey::from(zero),
        RateKey::from(""),
        RateKey::from("\0\0\0\0\0\0\0\0"),
        RateKey::EVERYBODY,
    ];
    for key in &keys {
        assert!(limiter.check(key.clone(), 1).is_admitted(), "{key:?}");
        assert!(!limiter.check(key.clone(), 1).is_admitted(), "{key:?}");
    }
    assert!(!limiter.check("10.0.0.0/8".to_owned(), 1).is_admitted());
}

#[test]
fn without_an_address_all_share_one_allowance_and_the_monitor_hears_it() {
    let recent = Arc::new(RecentEvents::new(8));
    let layer = RateLimitLayer::new(Quota::per_minute(2).unwrap()).clock(frozen());
    let mut service = layer.layer(Spy::default());
    for status in [200, 200, 429] {
        let mut request = Request::new(());
        let emitter = Emitter::for_request(recent.clone(), frozen(), &request);
        request.extensions_mut().insert(emitter);
        assert_eq!(call(&mut service, request).status(), status);
    }
    assert_eq!(call(&mut service, from("192.0.2.1")).status(), 200);
    let events = recent.snapshot();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.kind(), event.code()))
        .collect();
    assert_eq!(
        told,
        [(EventKind::SysControlDegraded, Some("rate_limit_shared"))]
    );
}

#[test]
fn requests_cost_what_they_are_worth() {
    let layer = RateLimitLayer::new(Quota::per_minute(10).unwrap())
        .clock(frozen())
        .cost(|request| match request.uri().path() {
            "/health" => 0,
            "/export" => 6,
            "/everything" => 11,
            _ => 1,
        });
    let spy = Spy::default();
    let mut service = layer.layer(spy.clone());
    let mut get = |path: &str| {
        let mut request = from("192.0.2.1");
        *request.uri_mut() = path.parse().unwrap();
        call(&mut service, request)
    };
    assert_eq!(get("/export").status(), 200);
    let refused = get("/export");
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "ratelimit"), r#""per-minute";r=4;t=12"#);
    assert_eq!(header(&refused, "retry-after"), "12");

    let never = get("/everything");
    assert_eq!(never.status(), 429);
    assert_eq!(header(&never, "retry-after"), "", "it would be of no use");
    assert_eq!(
        never.extensions().get::<Rejection>().unwrap().code(),
        "cost_too_high"
    );

    for left in ["3", "2", "1", "0"] {
        let response = get("/");
        assert!(header(&response, "ratelimit").contains(&format!(";r={left};")));
    }
    assert_eq!(get("/").status(), 429);
    assert_eq!(
        get("/health").status(),
        200,
        "what costs nothing is not refused"
    );
    assert_eq!(spy.calls(), 6);
}

#[test]
fn no_quota_is_charged_when_another_refuses() {
    let time = FakeClock::at_unix_seconds(0);
    let quotas = [
        Quota::per_second(10).unwrap(),
        Quota::per_minute(100).unwrap(),
    ];
    let limiter = limiter(quotas, time.clock());
    for _ in 0..10 {
        assert!(limiter.check("ann", 1).is_admitted());
    }
    for _ in 0..1000 {
        let decision = limiter.check("ann", 1);
        let standings: Vec<_> = decision
            .standings()
            .map(|standing| (standing.remaining(), standing.is_exceeded()))
            .collect();
        assert_eq!(standings, [(0, true), (90, false)]);
    }
    // The other way around: the minute is used up, and the second stays whole.
    let refused = std::iter::repeat_with(|| {
        time.advance(Duration::from_secs(1));
        limiter.check("ann", 10)
    });
    let refused = refused.take(20).find(|decision| !decision.is_admitted());
    let standings: Vec<_> = refused
        .unwrap()
        .standings()
        .map(|standing| (standing.remaining(), standing.is_exceeded()))
        .collect();
    assert_eq!(standings, [(10, false), (8, true)]);
}

#[test]
fn a_burst_of_one_is_a_shortest_interval() {
    let time = FakeClock::at_unix_seconds(0);
    let quota = Quota::per_minute(20).unwrap().burst(1).unwrap();
    let limiter = limiter(quota, time.clock());
    for (milliseconds, is_admitted) in [(0, true), (2_999, false), (1, true), (2_999, false)] {
        time.advance(Duration::from_millis(milliseconds));
        assert_eq!(
            limiter.check("ann", 1).is_admitted(),
            is_admitted,
            "{milliseconds}"
        );
    }
}

#[test]
fn a_limiter_is_shared_with_handlers_and_clones() {
    let limiter = limiter(Quota::per_minute(10).unwrap(), frozen());
    let layer = RateLimitLayer::of(limiter.clone());
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(limiter.check(address, 8).is_admitted());
    assert_eq!(admitted(&layer, || from("192.0.2.1")), 2);
    assert_eq!(admitted(&layer.clone(), || from("192.0.2.1")), 0);
}

#[test]
fn a_crowded_service_says_so() {
    let layer = RateLimitLayer::new(Quota::per_hour(1).unwrap())
        .clock(frozen())
        .max_bytes(ONE_PAGE);
    for n in 0..20_000 {
        layer.limiter().check(network(n), 1);
    }
    let mut service = layer.layer(Spy::default());
    let response = call(&mut service, from("192.0.2.1"));
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "retry-after"), "3600");
    let rejection: &Rejection = response.extensions().get().unwrap();
    assert!(rejection.reason().unwrap().contains("no room"));
}

#[cfg(feature = "axum")]
mod in_axum {
    use super::*;
    use axum::extract::ConnectInfo;
    use axum::{Router, routing::get};
    use portcullis::net::client_ip::ClientIpLayer;
    use std::net::SocketAddr;
    use tower::ServiceBuilder;

    #[tokio::test]
    async fn each_client_behind_the_proxy_has_its_own() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let app = Router::new().route("/", get(async || "hello")).layer(
            ServiceBuilder::new()
                .layer(ClientIpLayer::trusting(proxies).peer_from::<ConnectInfo<SocketAddr>>())
                .layer(RateLimitLayer::new(Quota::per_minute(1).unwrap()).clock(frozen())),
        );
        let cases = [
            ("10.0.0.1", "192.0.2.1", 200),
            ("10.0.0.1", "192.0.2.2", 200),
            ("10.0.0.2", "192.0.2.1", 429),
            // Not a proxy: what it says of itself changes nothing.
            ("192.0.2.9", "192.0.2.3", 200),
            ("192.0.2.9", "192.0.2.4", 429),
        ];
        for (peer, forwarded_for, status) in cases {
            let peer: IpAddr = peer.parse().unwrap();
            let request = Request::builder()
                .header("x-forwarded-for", forwarded_for)
                .extension(ConnectInfo(SocketAddr::from((peer, 9))))
                .body(axum::body::Body::empty())
                .unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{peer} for {forwarded_for}");
        }
    }
}
