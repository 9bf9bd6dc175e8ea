//! What the browser's controls add to a hello route of axum: the headers with a fresh nonce,
//! against thirteen fixed headers written by hand, and the cross-origin check, against the
//! one of tower-http.

mod common;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use common::Race;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response};
use portcullis::browser::cross_origin::CrossOriginLayer;
use portcullis::browser::headers::SecurityHeadersLayer;
use portcullis::guard::{Check, GuardLayer, Rejection, RequestHead};
use std::hint::black_box;
use tower::util::MapResponseLayer;
use tower_http::csrf::CsrfLayer;

fn hello() -> Router {
    let route = get(async || "hello").post(async || "hello");
    Router::new().route("/", route)
}

/// The router as `axum::serve` runs it: its routes and layers are put together once, and not
/// again for each request.
fn served(router: Router) -> Router {
    router.with_state(())
}

/// Makes requests by copying one that was made before.
fn copies(request: Request<()>) -> impl FnMut() -> Request<Body> {
    move || request.clone().map(|()| Body::empty())
}

fn plain() -> Request<()> {
    Request::new(())
}

fn same_origin(method: Method) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    for (name, value) in [
        ("host", "app.example.com"),
        ("origin", "https://app.example.com"),
        ("sec-fetch-site", "same-origin"),
    ] {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    request
}

/// As fast as headers without a nonce are written by hand: names and values made once, room
/// for all of them reserved.
fn by_hand(mut response: Response<Body>) -> Response<Body> {
    const HEADERS: [(&str, &str); 13] = [
        (
            "strict-transport-security",
            "max-age=63072000; includeSubDomains",
        ),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "0"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=()",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "same-origin"),
        ("origin-agent-cluster", "?1"),
        ("x-permitted-cross-domain-policies", "none"),
        ("x-dns-prefetch-control", "off"),
    ];
    let headers = response.headers_mut();
    headers.reserve(HEADERS.len());
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A guard that does nothing: what any layer of axum costs by itself.
#[derive(Clone)]
struct Nothing;

impl Check for Nothing {
    fn check<B>(&self, _: &mut Request<B>) -> Result<(), Rejection> {
        Ok(())
    }
}

fn headers() {
    let one = |layer: SecurityHeadersLayer| served(hello().layer(layer));
    let times = Race::new("headers")
        .service("bare", served(hello()), copies(plain()))
        .service(
            "nothing",
            served(hello().layer(GuardLayer::new(Nothing))),
            copies(plain()),
        )
        .service(
            "by_hand",
            served(hello().layer(MapResponseLayer::new(by_hand))),
            copies(plain()),
        )
        .service(
            "recommended",
            one(SecurityHeadersLayer::recommended()),
            copies(plain()),
        )
        .service(
            "strict",
            one(SecurityHeadersLayer::strict()),
            copies(plain()),
        )
        .service("api", one(SecurityHeadersLayer::api()), copies(plain()))
        .run();
    times.added("headers-recommended", "recommended", "bare");
    times.added("headers-strict", "strict", "bare");
    times.added("headers-api", "api", "bare");
    times.ratio_of_added("headers-added-vs-by-hand", "recommended", "by_hand", "bare");
}

fn cross_origin() {
    let ours = served(hello().layer(CrossOriginLayer::new()));
    let theirs = served(hello().layer(CsrfLayer::new()));
    let post = || copies(same_origin(Method::POST));
    let times = Race::new("cross-origin")
        .service("bare", served(hello()), post())
        .service(
            "nothing",
            served(hello().layer(GuardLayer::new(Nothing))),
            post(),
        )
        .service("ours", ours.clone(), post())
        .service("tower-http", theirs.clone(), post())
        .service(
            "bare-get",
            served(hello()),
            copies(same_origin(Method::GET)),
        )
        .service("ours-get", ours, copies(same_origin(Method::GET)))
        .run();
    times.added("cross-origin-post", "ours", "bare");
    times.added("cross-origin-post-over-an-empty-layer", "ours", "nothing");
    times.added("cross-origin-get", "ours-get", "bare-get");
    times.ratio("cross-origin-vs-tower-http", "ours", "tower-http");
}

fn decision() {
    let layer = CrossOriginLayer::new();
    let decide = |request: Request<()>| {
        let layer = &layer;
        move || black_box(layer).decide(&RequestHead::of(black_box(&request)))
    };
    let mut old_browser = same_origin(Method::POST);
    old_browser.headers_mut().remove("sec-fetch-site");
    let mut forged = same_origin(Method::POST);
    let cross_site = HeaderValue::from_static("cross-site");
    forged.headers_mut().insert("sec-fetch-site", cross_site);
    Race::new("cross-origin-decision")
        .operation("same-origin-post", decide(same_origin(Method::POST)))
        .operation("old-browser-post", decide(old_browser))
        .operation("no-browser-get", decide(plain()))
        .operation("forged-post", decide(forged))
        .run();
}

fn main() {
    headers();
    cross_origin();
    decision();
}
