//! Signed double-submit tokens, over axum and plain services.

use crate::support::Spy;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use portcullis::browser::cross_origin::token::{CsrfToken, CsrfTokenLayer, CsrfTokens};
use portcullis::clock::{FakeClock, Timestamp};
use portcullis::guard::Rejection;
use portcullis::principal::{Authentication, Principal};
use std::time::Duration;
use tower::{Layer, ServiceExt};

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
async fn the_cookie_is_small_whoever_it_is_for() {
    let site = site(CsrfTokens::with_random_key());
    let login =
        Authentication::new(Timestamp::from_unix_seconds(0)).with_credential("x".repeat(9000));
    let somebody = Principal::new("y".repeat(9000), login).with_tenant("z".repeat(9000));
    for principal in [None, Some(somebody)] {
        let (_, cookie) = first_visit(&site, principal).await;
        assert_eq!(cookie.len(), "__Host-csrf=".len() + 75);
    }
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
        let mut request = Request::post("/").body(()).unwrap();
        if let Some(site) = site {
            let site = http::HeaderValue::from_static(site);
            request.headers_mut().insert("sec-fetch-site", site);
        }
        let response = layer.layer(spy.clone()).oneshot(request).await.unwrap();
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
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let response = layer.layer(Spy::default()).oneshot(request).await.unwrap();
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
