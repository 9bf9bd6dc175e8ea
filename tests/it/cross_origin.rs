//! Cross-origin checks, over axum, tower-http's CORS and plain services.

use crate::support::Spy;
use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use portcullis::browser::Origin;
use portcullis::browser::cross_origin::token::{CsrfToken, CsrfTokenLayer, CsrfTokens};
use portcullis::browser::cross_origin::{ConfigError, CrossOriginLayer};
use portcullis::clock::{Clock, FakeClock, Timestamp};
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::principal::{Authentication, Principal};
use std::sync::Arc;
use std::time::Duration;
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

fn ann() -> Principal {
    let login = Authentication::new(Timestamp::from_unix_seconds(0)).with_credential("session-1");
    Principal::new("ann", login)
}

/// A page that shows its token, and takes posts.
fn site(tokens: CsrfTokens) -> Router {
    Router::new()
        .route(
            "/",
            get(async |token: CsrfToken| token.masked()).post(async || "done"),
        )
        .route("/plain", get(async || "plain"))
        .layer(CsrfTokenLayer::new(tokens))
}

async fn visit(site: &Router, request: Request<Body>) -> Response<Bytes> {
    let (parts, body) = site.clone().oneshot(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

/// The token and the cookie of a first visit.
async fn first_visit(site: &Router, principal: Option<Principal>) -> (String, String) {
    let mut request = Request::new(Body::empty());
    request
        .extensions_mut()
        .extend(principal.map(extension).unwrap_or_default());
    let page = visit(site, request).await;
    let cookie = page.headers()[header::SET_COOKIE].to_str().unwrap();
    let token = std::str::from_utf8(page.body()).unwrap().to_owned();
    (token, cookie.split(';').next().unwrap().to_owned())
}

fn extension(principal: Principal) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    extensions.insert(principal);
    extensions
}

fn post_with(token: Option<&str>, cookie: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/");
    if let Some(token) = token {
        request = request.header(CsrfToken::HEADER, token);
    }
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::empty()).unwrap()
}

fn code(response: &Response<Bytes>) -> Option<&str> {
    response
        .extensions()
        .get::<Rejection>()
        .map(Rejection::code)
}

#[tokio::test]
async fn a_post_needs_the_token_of_its_cookie() {
    let site = site(CsrfTokens::with_random_key());
    let (token, cookie) = first_visit(&site, None).await;
    let (other_token, other_cookie) = first_visit(&site, None).await;
    let twice = format!("{cookie}; {other_cookie}");
    let cases = [
        ("both", Some(&token), Some(&cookie), None),
        (
            "the cookie alone",
            None,
            Some(&cookie),
            Some("csrf_token_missing"),
        ),
        (
            "the token alone",
            Some(&token),
            None,
            Some("csrf_cookie_missing"),
        ),
        ("neither", None, None, Some("csrf_token_missing")),
        (
            "another's token",
            Some(&other_token),
            Some(&cookie),
            Some("csrf_token_invalid"),
        ),
        (
            "another's cookie",
            Some(&token),
            Some(&other_cookie),
            Some("csrf_token_invalid"),
        ),
        (
            "two cookies",
            Some(&token),
            Some(&twice),
            Some("csrf_cookie_missing"),
        ),
        (
            "the cookie as token",
            Some(&cookie),
            Some(&cookie),
            Some("csrf_token_invalid"),
        ),
    ];
    for (name, token, cookie, expected) in cases {
        let token = token.map(String::as_str);
        let answer = visit(&site, post_with(token, cookie.map(String::as_str))).await;
        assert_eq!(code(&answer), expected, "{name}");
    }
}

#[tokio::test]
async fn the_cookie_is_set_when_a_token_is_shown_and_needs_it() {
    let time = FakeClock::at_unix_seconds(1000);
    let tokens = CsrfTokens::with_random_key()
        .clock(time.clock())
        .lifetime(Duration::from_secs(60));
    let site = site(tokens);
    let plain = visit(&site, Request::get("/plain").body(Body::empty()).unwrap()).await;
    assert!(
        !plain.headers().contains_key(header::SET_COOKIE),
        "nothing was shown"
    );

    let page = visit(&site, Request::new(Body::empty())).await;
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    let set = page.headers()[header::SET_COOKIE].to_str().unwrap();
    let attributes = "; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax";
    assert!(
        set.starts_with("__Host-csrf=") && set.ends_with(attributes),
        "{set}"
    );

    let (token, cookie) = first_visit(&site, None).await;
    let again = || {
        Request::get("/")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap()
    };
    let page = visit(&site, again()).await;
    assert!(
        !page.headers().contains_key(header::SET_COOKIE),
        "the cookie is good"
    );
    assert_ne!(page.body(), token.as_bytes(), "a mask was used twice");

    // Past half its time it is renewed, and the token of the other tab stays good.
    time.advance(Duration::from_secs(31));
    let page = visit(&site, again()).await;
    let renewed = page.headers()[header::SET_COOKIE].to_str().unwrap();
    let renewed = renewed.split(';').next().unwrap().to_owned();
    assert_ne!(renewed, cookie);
    time.advance(Duration::from_secs(40));
    assert_eq!(
        code(&visit(&site, post_with(Some(&token), Some(&renewed))).await),
        None
    );
    let late = visit(&site, post_with(Some(&token), Some(&cookie))).await;
    assert_eq!(code(&late), Some("csrf_token_expired"));
}

#[tokio::test]
async fn a_token_from_before_the_login_is_no_good_after_it() {
    let site = site(CsrfTokens::with_random_key());
    let (token, cookie) = first_visit(&site, None).await;
    let mut request = post_with(Some(&token), Some(&cookie));
    request.extensions_mut().insert(ann());
    assert_eq!(
        code(&visit(&site, request).await),
        Some("csrf_cookie_invalid")
    );

    let (token, cookie) = first_visit(&site, Some(ann())).await;
    let mut request = post_with(Some(&token), Some(&cookie));
    request.extensions_mut().insert(ann());
    assert_eq!(code(&visit(&site, request).await), None);
    let logged_out = visit(&site, post_with(Some(&token), Some(&cookie))).await;
    assert_eq!(code(&logged_out), Some("csrf_cookie_invalid"));
}

#[tokio::test]
async fn as_a_fallback_it_asks_the_browsers_that_do_not_vouch() {
    let layer = CsrfTokenLayer::new(CsrfTokens::with_random_key()).as_fallback();
    let cases = [
        (Some("same-origin"), None),
        (Some("none"), None),
        (Some("same-site"), Some("csrf_token_missing")),
        (Some("cross-site"), Some("csrf_token_missing")),
        (None, Some("csrf_token_missing")),
    ];
    for (site, expected) in cases {
        let spy = Spy::default();
        let headers: Vec<_> = site
            .map(|site| ("sec-fetch-site", site))
            .into_iter()
            .collect();
        let response = layer
            .layer(spy.clone())
            .oneshot(request("POST", "/", &headers))
            .await
            .unwrap();
        let code = response
            .extensions()
            .get::<Rejection>()
            .map(Rejection::code);
        assert_eq!(code, expected, "{site:?}");
        assert_eq!(spy.calls(), usize::from(expected.is_none()));
    }
}

#[tokio::test]
async fn reads_need_no_token_unless_they_name_another_method() {
    let layer = CsrfTokenLayer::new(CsrfTokens::with_random_key());
    for (method, uri, admitted) in [
        ("GET", "/", true),
        ("HEAD", "/", true),
        ("OPTIONS", "/", true),
        ("GET", "/?_method=DELETE", false),
        ("TRACE", "/", false),
        ("DELETE", "/", false),
    ] {
        let response = layer
            .layer(Spy::default())
            .oneshot(request(method, uri, &[]))
            .await
            .unwrap();
        assert_eq!(response.status().is_success(), admitted, "{method} {uri}");
    }
}

#[tokio::test]
async fn forms_carry_the_token_in_a_field() {
    let tokens = CsrfTokens::with_random_key();
    let (token, cookie) = first_visit(&site(tokens.clone()), None).await;
    let spy = Spy::default();
    let service = CsrfTokenLayer::new(tokens)
        .with_forms(256)
        .layer(spy.clone());
    let form = "application/x-www-form-urlencoded";
    let cases = [
        ("the field", form, format!("a=b&csrf_token={token}"), None),
        (
            "with a charset",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            format!("csrf_token={token}"),
            None,
        ),
        (
            "no field",
            form,
            "a=b".to_owned(),
            Some("csrf_token_missing"),
        ),
        (
            "an empty body",
            form,
            String::new(),
            Some("csrf_token_missing"),
        ),
        (
            "a wrong field",
            form,
            "csrf_token=AAAA".to_owned(),
            Some("csrf_token_invalid"),
        ),
        (
            "the field twice",
            form,
            format!("csrf_token={token}&csrf_token={token}"),
            Some("csrf_token_invalid"),
        ),
        (
            "bytes that are no text",
            form,
            "csrf_token=%FF".to_owned(),
            Some("csrf_token_invalid"),
        ),
        (
            "text that looks like a form",
            "text/plain",
            format!("csrf_token={token}"),
            Some("csrf_token_missing"),
        ),
        (
            "no type",
            "",
            format!("csrf_token={token}"),
            Some("csrf_token_missing"),
        ),
        (
            "a multipart form",
            "multipart/form-data; boundary=x",
            format!("csrf_token={token}"),
            Some("csrf_token_missing"),
        ),
        (
            "too long a form",
            form,
            format!("csrf_token={token}&a={}", "x".repeat(256)),
            Some("payload_too_large"),
        ),
    ];
    let mut admitted = 0;
    for (name, kind, body, expected) in cases {
        let request = Request::post("/")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let code = response
            .extensions()
            .get::<Rejection>()
            .map(Rejection::code);
        assert_eq!(code, expected, "{name}");
        admitted += usize::from(expected.is_none());
        assert_eq!(spy.calls(), admitted, "{name}");
    }
    // The header still counts, and a wrong one is not mended by the body.
    for (header_token, status) in [
        (token.as_str(), StatusCode::OK),
        ("AAAA", StatusCode::FORBIDDEN),
    ] {
        let request = Request::post("/")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, form)
            .header(CsrfToken::HEADER, header_token)
            .body(Full::new(Bytes::from(format!("csrf_token={token}"))))
            .unwrap();
        assert_eq!(
            service.clone().oneshot(request).await.unwrap().status(),
            status
        );
    }
}

#[tokio::test]
async fn the_hidden_field_is_the_field_that_is_read() {
    let page = async |token: CsrfToken| token.hidden_field();
    let app = Router::new()
        .route("/", get(page).post(async |body: String| body))
        .layer(CsrfTokenLayer::new(CsrfTokens::with_random_key()).with_forms(1024));
    let (field, cookie) = first_visit(&app, None).await;
    let token = field
        .strip_prefix("<input type=\"hidden\" name=\"csrf_token\" value=\"")
        .and_then(|rest| rest.strip_suffix("\">"))
        .unwrap();
    let body = format!("csrf_token={token}&a=b");
    let request = Request::post("/")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.clone()))
        .unwrap();
    let answer = visit(&app, request).await;
    assert_eq!(
        (answer.status(), answer.body().as_ref()),
        (StatusCode::OK, body.as_bytes())
    );
}

#[tokio::test]
async fn a_handler_that_wants_a_token_where_there_is_none_fails_loudly() {
    let app = Router::new().route("/", get(async |token: CsrfToken| token.masked()));
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        response.extensions().get::<Rejection>().unwrap().code(),
        "no_csrf_token"
    );
}
