//! Cross-origin checks, over axum, tower-http's CORS and plain services.

use crate::support::Spy;
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use portcullis::browser::Origin;
use portcullis::browser::cross_origin::{ConfigError, CrossOriginLayer};
use portcullis::clock::Clock;
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::{Rejection, RejectionKind};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::cors::CorsLayer;

const HOST: &str = "app.example.com";

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

/// Sends a request to a spy behind the layer; gives the code of the refusal, if any, and
/// makes sure that exactly the admitted requests reached the spy.
async fn code_of(layer: &CrossOriginLayer, request: Request<()>) -> Option<String> {
    let spy = Spy::default();
    let response = layer.layer(spy.clone()).oneshot(request).await.unwrap();
    let rejection = response.extensions().get::<Rejection>();
    let code = rejection.map(|rejection| {
        assert_eq!(rejection.kind(), RejectionKind::CrossOrigin);
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        rejection.code().to_owned()
    });
    assert_eq!(spy.calls(), usize::from(code.is_none()));
    assert_eq!(spy.unready_calls(), 0);
    code
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// What the rules of the documentation say, written once more, for the whole table.
fn expected(
    method: &str,
    site: Option<&str>,
    sender: Option<&str>,
    host: &str,
    trusted: bool,
    upgrade: bool,
) -> Option<&'static str> {
    if matches!(method, "GET" | "HEAD" | "OPTIONS") && !upgrade {
        return None;
    }
    let trusts_sender = trusted && sender == Some("https://trusted.example");
    let own = [format!("https://{host}"), format!("http://{host}")];
    match (site, sender) {
        (Some("same-origin" | "none"), _) => None,
        (Some(_) | None, _) if trusts_sender => None,
        (Some("cross-site"), _) => Some("cross_site_request"),
        (Some("same-site"), _) => Some("same_site_request"),
        (Some(site), _) if !site.is_empty() => Some("unknown_fetch_site"),
        (_, None | Some("")) => None,
        (_, Some("null")) => Some("null_origin"),
        (_, Some(sender)) if own.iter().any(|own| own == sender) => None,
        (_, Some(_)) => Some("origin_mismatch"),
    }
}

#[tokio::test]
async fn the_whole_table() {
    let methods = [
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PURGE",
    ];
    let sites = [
        None,
        Some("same-origin"),
        Some("none"),
        Some("same-site"),
        Some("cross-site"),
        Some("Same-Origin"),
        Some("invented"),
        Some(""),
    ];
    let senders = [
        None,
        Some(""),
        Some("null"),
        Some("https://app.example.com"),
        Some("http://app.example.com"),
        Some("https://app.example.com:8443"),
        Some("https://app.example.com.evil.example"),
        Some("https://evil.example"),
        Some("https://trusted.example"),
        Some("http://trusted.example"),
        Some("https://trusted.example:8443"),
        Some("https://sub.trusted.example"),
        Some("app.example.com"),
        Some("*"),
    ];
    let hosts = [HOST, "app.example.com:8443"];
    let open = CrossOriginLayer::new();
    let trusting = open.clone().trusting([origin("https://trusted.example")]);
    let mut cases = 0;
    for method in methods {
        for site in sites {
            for sender in senders {
                for host in hosts {
                    for (trusted, layer) in [(false, &open), (true, &trusting)] {
                        for upgrade in [false, true] {
                            let mut headers = vec![("host", host)];
                            headers.extend(site.map(|site| ("sec-fetch-site", site)));
                            headers.extend(sender.map(|sender| ("origin", sender)));
                            if upgrade {
                                headers
                                    .extend([("connection", "upgrade"), ("upgrade", "websocket")]);
                            }
                            let got = code_of(layer, request(method, "/", &headers)).await;
                            let want = expected(method, site, sender, host, trusted, upgrade);
                            assert_eq!(got.as_deref(), want, "{method} {headers:?} {trusted}");
                            cases += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cases, 10 * 8 * 14 * 2 * 2 * 2);
}

#[tokio::test]
async fn cases_by_name() {
    let plain = CrossOriginLayer::new();
    let served = plain.clone().served_as([origin("https://app.example.com")]);
    let subdomains = plain.clone().insecure_admit_same_site();
    let reads = plain.clone().checking_reads();
    let cross = ("sec-fetch-site", "cross-site");
    let evil = ("origin", "https://evil.example");
    let own = ("origin", "https://app.example.com");
    let host = ("host", HOST);
    type Case<'a> = (
        &'a str,
        &'a CrossOriginLayer,
        &'a str,
        &'a str,
        &'a [(&'a str, &'a str)],
        Option<&'a str>,
    );
    let cases: &[Case<'_>] = &[
        ("no browser", &plain, "POST", "/", &[host], None),
        (
            "no browser, with a cookie",
            &plain,
            "POST",
            "/",
            &[host, ("cookie", "a=b")],
            None,
        ),
        (
            "login is no exception",
            &plain,
            "POST",
            "/login",
            &[host, cross],
            Some("cross_site_request"),
        ),
        (
            "the browser's word beats the origin's",
            &plain,
            "POST",
            "/",
            &[host, cross, own],
            Some("cross_site_request"),
        ),
        (
            "two words of the browser",
            &plain,
            "POST",
            "/",
            &[("sec-fetch-site", "same-origin"), cross],
            Some("unknown_fetch_site"),
        ),
        (
            "the same word twice",
            &plain,
            "POST",
            "/",
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "none")],
            Some("unknown_fetch_site"),
        ),
        (
            "two origins",
            &plain,
            "POST",
            "/",
            &[host, own, evil],
            Some("origin_mismatch"),
        ),
        (
            "a list of origins",
            &plain,
            "POST",
            "/",
            &[
                host,
                ("origin", "https://app.example.com, https://evil.example"),
            ],
            Some("origin_mismatch"),
        ),
        (
            "two hosts",
            &plain,
            "POST",
            "/",
            &[host, ("host", "evil.example"), own],
            Some("origin_mismatch"),
        ),
        (
            "no host",
            &plain,
            "POST",
            "/",
            &[own],
            Some("origin_mismatch"),
        ),
        (
            "the target's host",
            &plain,
            "POST",
            "https://app.example.com/",
            &[own],
            None,
        ),
        (
            "the target's host beats the header",
            &plain,
            "POST",
            "https://app.example.com/",
            &[("host", "evil.example"), evil],
            Some("origin_mismatch"),
        ),
        (
            "a forwarded host is not believed",
            &plain,
            "POST",
            "/",
            &[host, ("x-forwarded-host", "evil.example"), evil],
            Some("origin_mismatch"),
        ),
        (
            "the page of a WebSocket over HTTP/2",
            &plain,
            "CONNECT",
            "https://app.example.com/ws",
            &[evil],
            Some("origin_mismatch"),
        ),
        (
            "an own WebSocket over HTTP/2",
            &plain,
            "CONNECT",
            "https://app.example.com/ws",
            &[own],
            None,
        ),
        (
            "a WebSocket in odd spelling",
            &plain,
            "GET",
            "/ws",
            &[host, evil, ("upgrade", "WebSocket")],
            Some("origin_mismatch"),
        ),
        (
            "a WebSocket of no page",
            &plain,
            "GET",
            "/ws",
            &[host, ("upgrade", "websocket")],
            None,
        ),
        (
            "a sandboxed WebSocket",
            &plain,
            "GET",
            "/ws",
            &[host, ("upgrade", "websocket"), ("origin", "null")],
            Some("null_origin"),
        ),
        (
            "an overridden GET",
            &plain,
            "GET",
            "/",
            &[host, cross, ("x-http-method-override", "DELETE")],
            Some("cross_site_request"),
        ),
        (
            "overridden by its query",
            &plain,
            "GET",
            "/?_method=delete",
            &[host, cross],
            Some("cross_site_request"),
        ),
        (
            "overridden by its own page",
            &plain,
            "GET",
            "/?_method=delete",
            &[host, own],
            None,
        ),
        (
            "a POST that calls itself a GET",
            &plain,
            "POST",
            "/",
            &[host, cross, ("x-http-method-override", "GET")],
            Some("cross_site_request"),
        ),
        (
            "a link from elsewhere",
            &plain,
            "GET",
            "/",
            &[host, cross],
            None,
        ),
        (
            "a link to a guarded read",
            &reads,
            "GET",
            "/",
            &[host, cross],
            Some("cross_site_request"),
        ),
        (
            "an own guarded read",
            &reads,
            "GET",
            "/",
            &[host, ("sec-fetch-site", "same-origin")],
            None,
        ),
        (
            "a preflight to a guarded read",
            &reads,
            "OPTIONS",
            "/",
            &[host, cross, evil],
            None,
        ),
        (
            "a subdomain",
            &plain,
            "POST",
            "/",
            &[host, ("sec-fetch-site", "same-site")],
            Some("same_site_request"),
        ),
        (
            "an admitted subdomain",
            &subdomains,
            "POST",
            "/",
            &[host, ("sec-fetch-site", "same-site")],
            None,
        ),
        (
            "another site, for all that",
            &subdomains,
            "POST",
            "/",
            &[host, cross],
            Some("cross_site_request"),
        ),
        (
            "an old browser's subdomain",
            &subdomains,
            "POST",
            "/",
            &[host, ("origin", "https://sub.example.com")],
            Some("origin_mismatch"),
        ),
        (
            "behind a proxy",
            &served,
            "POST",
            "/",
            &[("host", "10.0.0.7:8080"), own],
            None,
        ),
        (
            "the proxy's own name",
            &served,
            "POST",
            "/",
            &[
                ("host", "10.0.0.7:8080"),
                ("origin", "http://10.0.0.7:8080"),
            ],
            Some("origin_mismatch"),
        ),
        (
            "the plain-text twin",
            &served,
            "POST",
            "/",
            &[host, ("origin", "http://app.example.com")],
            Some("origin_mismatch"),
        ),
    ];
    for (name, layer, method, uri, headers, want) in cases {
        let got = code_of(layer, request(method, uri, headers)).await;
        assert_eq!(got.as_deref(), *want, "{name}");
    }
}

#[tokio::test]
async fn headers_of_bytes_that_are_no_text_are_refused() {
    for (name, code) in [
        ("origin", "origin_mismatch"),
        ("sec-fetch-site", "unknown_fetch_site"),
    ] {
        let mut request = request("POST", "/", &[("host", HOST)]);
        let junk = http::HeaderValue::from_bytes(b"https://\xff\xfe").unwrap();
        request.headers_mut().insert(name, junk);
        assert_eq!(
            code_of(&CrossOriginLayer::new(), request).await.unwrap(),
            code
        );
    }
}

#[tokio::test]
async fn an_exempt_path_is_that_path_alone() {
    let layer = CrossOriginLayer::new()
        .insecure_exempt_exact_path("/hook")
        .unwrap();
    let cases = [
        ("/hook", true),
        ("/hook?a=b", true),
        ("/hook/", false),
        ("/hook/below", false),
        ("/hooks", false),
        ("//hook", false),
        ("/./hook", false),
        ("/Hook", false),
        ("/h%6Fok", false),
        ("/", false),
    ];
    for (path, is_exempt) in cases {
        let request = request("POST", path, &[("sec-fetch-site", "cross-site")]);
        assert_eq!(
            code_of(&layer, request).await.is_none(),
            is_exempt,
            "{path}"
        );
    }
    for wrong in ["hook", "", "/hook?a", "/hook#a", "https://a.example/hook"] {
        let refused = CrossOriginLayer::new().insecure_exempt_exact_path(wrong);
        assert_eq!(
            refused.unwrap_err(),
            ConfigError::ExemptPath(wrong.to_owned())
        );
    }
}

#[tokio::test]
async fn report_only_admits_and_tells() {
    let recent = Arc::new(RecentEvents::new(8));
    let layer = CrossOriginLayer::new().insecure_report_only();
    let mut forged = request("POST", "/pay", &[("sec-fetch-site", "cross-site")]);
    let emitter = Emitter::for_request(recent.clone(), Clock::system(), &forged);
    forged.extensions_mut().insert(emitter);
    assert_eq!(code_of(&layer, forged).await, None);
    let events = recent.snapshot();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind(), EventKind::MaliciousCors);
    assert_eq!(events[0].code(), Some("cross_site_request"));
    assert_eq!(events[0].details().next(), Some(("mode", "report_only")));
}

#[tokio::test]
async fn caches_learn_what_a_guarded_read_depends_on() {
    let vary = async |layer: CrossOriginLayer, method: &str| {
        let request = request(method, "/", &[("sec-fetch-site", "same-origin")]);
        let response = layer.layer(Spy::default()).oneshot(request).await.unwrap();
        response.headers().get(header::VARY).cloned()
    };
    let expected = "sec-fetch-site, origin";
    assert_eq!(
        vary(CrossOriginLayer::new().checking_reads(), "GET")
            .await
            .unwrap(),
        expected
    );
    assert_eq!(
        vary(CrossOriginLayer::new().checking_reads(), "POST").await,
        None
    );
    assert_eq!(vary(CrossOriginLayer::new(), "GET").await, None);
}

#[tokio::test]
async fn a_script_of_a_cors_origin_can_read_why_it_was_refused() {
    let partner = "https://partner.example";
    let cors = CorsLayer::new()
        .allow_origin([partner.parse().unwrap()])
        .allow_methods([Method::POST])
        .allow_credentials(true);
    let app = |layer: CrossOriginLayer| {
        Router::new()
            .route("/pay", post(async || "paid"))
            .layer(ServiceBuilder::new().layer(cors.clone()).layer(layer))
    };
    let send = async |app: Router, method: &str| {
        let headers = [
            ("host", HOST),
            ("origin", partner),
            ("sec-fetch-site", "cross-site"),
            ("access-control-request-method", "POST"),
        ];
        let request = request(method, "/pay", &headers).map(|()| Body::empty());
        app.oneshot(request).await.unwrap()
    };
    let refused = send(app(CrossOriginLayer::new()), "POST").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        refused.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        partner
    );
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "cross_site_request");

    let trusting = CrossOriginLayer::new().trusting([origin(partner)]);
    assert_eq!(
        send(app(trusting.clone()), "POST").await.status(),
        StatusCode::OK
    );
    assert_eq!(
        send(app(trusting), "OPTIONS").await.status(),
        StatusCode::OK
    );
}

/// Serves the layer in front of a spy on one connection of plain hyper, and gives its other end.
fn connection(spy: &Spy) -> tokio::io::DuplexStream {
    let service = TowerToHyperService::new(CrossOriginLayer::new().layer(spy.clone()));
    let (client, server) = tokio::io::duplex(16 * 1024);
    tokio::spawn(async move {
        let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        let served = builder.serve_connection_with_upgrades(TokioIo::new(server), service);
        // A client that hangs up ends it with an error or without one.
        let _either_way = served.await;
    });
    client
}

#[tokio::test]
async fn over_http_1_as_it_is_on_the_wire() {
    let cases = [
        (
            "an own form",
            "POST / HTTP/1.1\r\nHost: app.example.com\r\nOrigin: https://app.example.com",
            200,
        ),
        (
            "a forged form",
            "POST / HTTP/1.1\r\nHost: app.example.com\r\nOrigin: https://evil.example",
            403,
        ),
        (
            "white space around",
            "POST / HTTP/1.1\r\nHost: app.example.com\r\nSec-Fetch-Site:  same-origin  ",
            200,
        ),
        (
            "two sites",
            "POST / HTTP/1.1\r\nHost: app.example.com\r\nSec-Fetch-Site: same-origin\r\nsec-fetch-site: cross-site",
            403,
        ),
        (
            "a foreign WebSocket",
            "GET / HTTP/1.1\r\nHost: app.example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nOrigin: https://evil.example",
            403,
        ),
        (
            "an own WebSocket",
            "GET / HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://app.example.com",
            200,
        ),
        (
            "a lower-case get",
            "get / HTTP/1.1\r\nHost: app.example.com\r\nSec-Fetch-Site: cross-site",
            403,
        ),
    ];
    for (name, head, status) in cases {
        let spy = Spy::default();
        let mut stream = connection(&spy);
        let request = format!("{head}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        let line = std::str::from_utf8(&line).unwrap();
        assert_eq!(line, format!("HTTP/1.1 {status}"), "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
    }
}

#[tokio::test]
async fn over_http_2_the_authority_is_the_host() {
    let spy = Spy::default();
    let stream = TokioIo::new(connection(&spy));
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
            .await
            .unwrap();
    tokio::spawn(connection);
    for (sender, status) in [
        ("https://app.example.com", 200),
        ("https://evil.example", 403),
    ] {
        let request = Request::post("https://app.example.com/")
            .header("origin", sender)
            .body(Full::<Bytes>::default())
            .unwrap();
        assert!(!request.headers().contains_key("host"));
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{sender}");
    }
    assert_eq!(spy.calls(), 1);
}
