//! `net::client_ip`, over a real stack and against the outside cases.

use crate::support::{Spy, vectors};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use ipnet::IpNet;
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
use portcullis::net::client_ip::{
    ClientIp, ClientIpLayer, PeerAddr, ProxyTrust, Unresolved, rate_key,
};
use proptest::prelude::*;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tower::{Layer, Service, ServiceExt};

#[test]
fn the_outside_cases() {
    let Some(cases) = vectors("clientip/cases.jsonl") else {
        return;
    };
    let mut count = 0;
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let why = case["why"].as_str().unwrap();
        assert_eq!(decide(&case), case["expect"], "{}: {why}", case["id"]);
        count += 1;
    }
    assert!(count >= 42, "only {count} cases were there");
}

fn decide(case: &Value) -> String {
    let peer: IpAddr = case["peer"].as_str().unwrap().parse().unwrap();
    let proxies = case["trusted_proxies"].as_array().unwrap().iter();
    let proxies = proxies.map(|range| range.as_str().unwrap().parse::<IpNet>().unwrap());
    let mut headers = HeaderMap::new();
    for line in case["headers"].as_array().unwrap() {
        let name: HeaderName = line[0].as_str().unwrap().parse().unwrap();
        headers.append(name, line[1].as_str().unwrap().parse().unwrap());
    }
    let trust = match case["mode"].as_str().unwrap() {
        "rate-key" => return rate_key(peer).to_string(),
        "xff" => ProxyTrust::x_forwarded_for(proxies),
        "xff-hops" => {
            ProxyTrust::hops(case["trusted_hops"].as_u64().unwrap().try_into().unwrap()).unwrap()
        }
        "forwarded" => ProxyTrust::forwarded(proxies),
        mode => {
            let name = mode.strip_prefix("single:").expect("a mode of the README");
            ProxyTrust::header(name.parse().unwrap(), proxies)
        }
    };
    match trust.client_ip(Some(peer), &headers) {
        Ok(address) => address.to_string(),
        Err(Unresolved::Short) => "SHORT".to_owned(),
        Err(Unresolved::TooManyHops) => "LIMIT".to_owned(),
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    /// A client may send what it likes: behind one trusted proxy, its address is what that
    /// proxy appends, on a line of its own or to what is there.
    #[test]
    fn no_client_chooses_its_address(
        sent in proptest::collection::vec("[ -~\t]{0,40}", 0..4),
        on_own_line: bool,
    ) {
        let proxy = IpAddr::from([10, 0, 0, 1]);
        let client = "192.0.2.1";
        let trust = ProxyTrust::x_forwarded_for(["10.0.0.0/8".parse().unwrap()]);
        let mut lines = sent;
        match lines.last_mut() {
            Some(last) if !on_own_line => *last = format!("{last}, {client}"),
            _ => lines.push(client.to_owned()),
        }
        let values = lines.iter().map(|line| HeaderValue::from_str(line).unwrap());
        let name = HeaderName::from_static("x-forwarded-for");
        let headers: HeaderMap = values.map(|value| (name.clone(), value)).collect();
        prop_assert_eq!(trust.client_ip(Some(proxy), &headers), Ok(client.parse().unwrap()));
    }

    /// The same for `Forwarded`, where a quote that a client leaves open may spoil the line,
    /// but never yields an address of its choice.
    #[test]
    fn no_client_chooses_its_address_in_forwarded(
        sent in r#"([ -~]{0,20}|(for=|"|\\|,|;|6\.6\.6\.6|\[::6\]){0,12})"#,
        quoted: bool,
    ) {
        let proxy = IpAddr::from([10, 0, 0, 1]);
        let appended = if quoted { r#"for="192.0.2.1""# } else { "for=192.0.2.1" };
        let trust = ProxyTrust::forwarded(["10.0.0.0/8".parse().unwrap()]);
        let line = HeaderValue::from_str(&format!("{sent}, {appended}")).unwrap();
        let headers = HeaderMap::from_iter([(http::header::FORWARDED, line)]);
        let found = trust.client_ip(Some(proxy), &headers).unwrap();
        prop_assert!(found == proxy || found.to_string() == "192.0.2.1", "{found}");
    }
}

fn request(peer: Option<&str>, forwarded_for: &str) -> Request<()> {
    let mut request = Request::new(());
    let list = HeaderValue::from_str(forwarded_for).unwrap();
    request.headers_mut().insert("x-forwarded-for", list);
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(PeerAddr::from(peer));
    }
    request
}

/// What the service behind the layer saw.
async fn seen(layer: &ClientIpLayer, request: Request<()>) -> Option<String> {
    let seen = Arc::new(Mutex::new(None));
    let note = Arc::clone(&seen);
    let service = tower::service_fn(move |request: Request<()>| {
        let client = request.extensions().get().map(ClientIp::to_string);
        *note.lock().unwrap() = client;
        std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(
            http_body_util::Full::<bytes::Bytes>::default(),
        )))
    });
    let response = layer.layer(service).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    seen.lock().unwrap().take()
}

#[tokio::test]
async fn the_service_sees_the_client() {
    let layer = ClientIpLayer::trusting(["10.0.0.0/8".parse().unwrap()]);
    let cases = [
        (
            "a proxy",
            Some("10.0.0.1:9"),
            "6.6.6.6, 192.0.2.1",
            Some("192.0.2.1"),
        ),
        (
            "a stranger",
            Some("192.0.2.9:9"),
            "6.6.6.6",
            Some("192.0.2.9"),
        ),
        (
            "a mapped peer",
            Some("[::ffff:192.0.2.9]:9"),
            "",
            Some("192.0.2.9"),
        ),
        ("no peer", None, "6.6.6.6", None),
    ];
    for (name, peer, list, expected) in cases {
        let seen = seen(&layer, request(peer, list)).await;
        assert_eq!(seen.as_deref(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_chain_that_breaks_its_promise_leaves_the_peer() {
    let by_count = ClientIpLayer::new(ProxyTrust::hops(2).unwrap());
    let short = seen(&by_count, request(Some("192.0.2.9:9"), "6.6.6.6")).await;
    assert_eq!(short.as_deref(), Some("192.0.2.9"));

    let by_range = ClientIpLayer::trusting(["10.0.0.0/8".parse().unwrap()]);
    let long = format!("6.6.6.6{}", ", 10.0.0.2".repeat(40));
    let long = seen(&by_range, request(Some("10.0.0.1:9"), &long)).await;
    assert_eq!(long.as_deref(), Some("10.0.0.1"));
}

#[tokio::test]
async fn by_default_no_proxy_is_trusted() {
    let seen = seen(
        &ClientIpLayer::default(),
        request(Some("127.0.0.1:9"), "6.6.6.6"),
    )
    .await;
    assert_eq!(seen.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn events_know_the_client_and_a_missing_peer_is_told_once() {
    let recent = Arc::new(RecentEvents::new(8));
    let clock = FakeClock::at_unix_seconds(0).clock();
    let mut service = ClientIpLayer::default().layer(Spy::default());
    for peer in [None, None, Some("192.0.2.9:9")] {
        let mut request = request(peer, "");
        let emitter = Emitter::for_request(recent.clone(), clock.clone(), &request);
        request.extensions_mut().insert(emitter.clone());
        let ready = ServiceExt::<Request<()>>::ready(&mut service)
            .await
            .unwrap();
        ready.call(request).await.unwrap();
        if peer.is_some() {
            emitter.emit(SecurityEvent::new(EventKind::AuthzFail));
        }
    }
    let events = recent.snapshot();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.kind(), event.client_ip()))
        .collect();
    let expected = [
        (EventKind::AuthzFail, Some([192, 0, 2, 9].into())),
        (EventKind::SysControlDegraded, None),
    ];
    assert_eq!(told, expected);
}

#[cfg(feature = "axum")]
mod in_axum {
    use super::*;
    use axum::Router;
    use axum::extract::{ConnectInfo, connect_info::MockConnectInfo};
    use axum::routing::get;
    use tower::ServiceBuilder;

    async fn whoami(client: ClientIp) -> String {
        client.to_string()
    }

    #[tokio::test]
    async fn the_extractor_gives_the_address() {
        let peer: SocketAddr = "10.0.0.1:9".parse().unwrap();
        let layer = ClientIpLayer::trusting(["10.0.0.0/8".parse().unwrap()]);
        let app = Router::new().route("/", get(whoami)).layer(
            ServiceBuilder::new()
                .map_request(move |mut request: Request<axum::body::Body>| {
                    request.extensions_mut().insert(ConnectInfo(peer));
                    request
                })
                .layer(layer.peer_from::<ConnectInfo<SocketAddr>>()),
        );
        let request = request(None, "192.0.2.1").map(|()| axum::body::Body::empty());
        let response = app.oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 99)
            .await
            .unwrap();
        assert_eq!(body, "192.0.2.1");
    }

    #[tokio::test]
    async fn without_the_layer_it_says_500_and_why() {
        let app = Router::new()
            .route("/", get(whoami))
            .layer(MockConnectInfo(SocketAddr::from(([10, 0, 0, 1], 9))));
        let response = app
            .oneshot(Request::new(axum::body::Body::empty()))
            .await
            .unwrap();
        assert_eq!(response.status(), 500);
        let rejection: &portcullis::guard::Rejection = response.extensions().get().unwrap();
        assert!(rejection.reason().unwrap().contains("ClientIpLayer"));
    }
}
