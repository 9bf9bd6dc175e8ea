//! Security headers, over axum and plain services.

use crate::support::Spy;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use portcullis::browser::headers::{
    ClearSiteData, ConfigError, CrossOriginEmbedderPolicy, CrossOriginOpenerPolicy, Csp, CspNonce,
    Directive, Hsts, ReferrerPolicy, SecurityHeadersLayer, Source,
};
use portcullis::clock::Timestamp;
use portcullis::guard::{Check, GuardLayer, Rejection, RejectionKind};
use portcullis::principal::{Authentication, Principal};
use portcullis::random::Random;
use std::collections::HashSet;
use std::convert::Infallible;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

const CSP: &str = "content-security-policy";

/// The headers of an answer to `request`, from a handler that sets those of `response`.
async fn headers_for(
    layer: SecurityHeadersLayer,
    request: Request<()>,
    response: Response<()>,
) -> HeaderMap {
    let service = layer.layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(response.clone().map(|()| Full::<Bytes>::default()))
    }));
    service.oneshot(request).await.unwrap().headers().clone()
}

async fn headers_of(layer: SecurityHeadersLayer) -> HeaderMap {
    headers_for(layer, Request::new(()), Response::new(())).await
}

fn nonce_of(headers: &HeaderMap) -> Option<String> {
    let policy = headers[CSP].to_str().unwrap();
    let (_, rest) = policy.split_once("'nonce-")?;
    rest.split_once('\'').map(|(nonce, _)| nonce.to_owned())
}

#[tokio::test]
async fn the_presets_as_they_are_sent() {
    let common = [
        (
            "strict-transport-security",
            "max-age=63072000; includeSubDomains",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "0"),
        ("x-permitted-cross-domain-policies", "none"),
        ("origin-agent-cluster", "?1"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    let presets = [
        (
            "recommended",
            SecurityHeadersLayer::recommended(),
            "strict-origin-when-cross-origin",
            None,
            "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
             script-src 'nonce-*' 'strict-dynamic' https: 'unsafe-inline'; \
             style-src 'self' 'nonce-*'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; media-src 'self'; manifest-src 'self'; \
             require-trusted-types-for 'script'",
        ),
        (
            "strict",
            SecurityHeadersLayer::strict(),
            "same-origin",
            Some("require-corp"),
            "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
             script-src 'nonce-*' 'strict-dynamic' https: 'unsafe-inline'; style-src 'nonce-*'; \
             img-src 'self'; connect-src 'self'; trusted-types 'none'; \
             require-trusted-types-for 'script'",
        ),
        (
            "api",
            SecurityHeadersLayer::api(),
            "no-referrer",
            None,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, preset, referrer, embedder, policy) in presets {
        let headers = headers_of(preset).await;
        for (header, value) in common {
            assert_eq!(headers[header], value, "{name}");
        }
        assert_eq!(headers["referrer-policy"], referrer, "{name}");
        let sent_embedder = headers.get("cross-origin-embedder-policy");
        assert_eq!(
            sent_embedder.map(|v| v.to_str().unwrap()),
            embedder,
            "{name}"
        );
        assert!(
            headers["permissions-policy"]
                .to_str()
                .unwrap()
                .contains("camera=()"),
            "{name}"
        );
        let sent = headers[CSP].to_str().unwrap().to_owned();
        let sent = nonce_of(&headers).map_or(sent.clone(), |nonce| sent.replace(&nonce, "*"));
        assert_eq!(sent, policy, "{name}");
        assert!(!headers.contains_key(header::CACHE_CONTROL), "{name}");
        let expected = common.len() + 3 + usize::from(embedder.is_some());
        assert_eq!(headers.len(), expected, "{name}: a header more or less");
    }
}

#[tokio::test]
async fn axum_handlers_get_the_nonce_and_each_response_its_own() {
    let app = Router::new()
        .route("/", get(async |nonce: CspNonce| nonce.to_string()))
        .layer(SecurityHeadersLayer::recommended());
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let request = Request::new(Body::empty());
        let response = app.clone().oneshot(request).await.unwrap();
        let in_header = nonce_of(response.headers()).unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(in_header.as_bytes(), body);
        assert_eq!(in_header.len(), 24);
        assert!(seen.insert(in_header), "a nonce came twice");
    }
}

#[tokio::test]
async fn a_handler_that_wants_a_nonce_where_there_is_none_fails_loudly() {
    let page = async |nonce: CspNonce| nonce.to_string();
    for app in [
        Router::new().route("/", get(page)),
        Router::new()
            .route("/", get(page))
            .layer(SecurityHeadersLayer::api()),
    ] {
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.code(), "no_csp_nonce");
    }
}

#[tokio::test]
async fn what_the_handler_set_stays_unless_told() {
    let answer = || {
        Response::builder()
            .header(CSP, "default-src 'self'")
            .header("x-frame-options", "SAMEORIGIN")
            .header("x-own", "1")
            .header("x-own", "2")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body(())
            .unwrap()
    };
    let kept = headers_for(
        SecurityHeadersLayer::recommended(),
        Request::new(()),
        answer(),
    )
    .await;
    assert_eq!(
        kept.get_all(CSP).iter().collect::<Vec<_>>(),
        ["default-src 'self'"]
    );
    assert_eq!(kept["x-frame-options"], "SAMEORIGIN");

    let told = SecurityHeadersLayer::recommended().overriding();
    let replaced = headers_for(told, Request::new(()), answer()).await;
    assert!(replaced[CSP].to_str().unwrap().contains("'strict-dynamic'"));
    assert_eq!(replaced.get_all(CSP).iter().count(), 1);
    assert_eq!(replaced["x-frame-options"], "DENY");

    for headers in [kept, replaced] {
        let all = |name: &str| headers.get_all(name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(all("x-own"), ["1", "2"]);
        assert_eq!(all("set-cookie"), ["a=1", "b=2"]);
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_layer_nearer_to_the_handler_decides_as_a_whole() {
    let framed = Csp::page()
        .allow(
            Directive::FrameAncestors,
            ["https://partner.example".parse().unwrap()],
        )
        .build()
        .unwrap();
    let inner = SecurityHeadersLayer::recommended()
        .csp(framed)
        .opener_policy(CrossOriginOpenerPolicy::SameOriginAllowPopups);
    for outer in [SecurityHeadersLayer::strict(), SecurityHeadersLayer::api()] {
        let app = Router::new()
            .route(
                "/widget",
                get(async |nonce: CspNonce| nonce.to_string()).layer(inner.clone()),
            )
            .route("/other", get(async || "other"))
            .layer(outer);
        let ask = async |path| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap()
        };
        let widget = ask("/widget").await;
        let headers = widget.headers().clone();
        assert!(
            headers[CSP]
                .to_str()
                .unwrap()
                .contains("frame-ancestors https://partner.example")
        );
        // The list cannot be said by X-Frame-Options, and the outer DENY would break it.
        assert!(!headers.contains_key("x-frame-options"));
        assert!(!headers.contains_key("cross-origin-embedder-policy"));
        assert_eq!(
            headers["cross-origin-opener-policy"],
            "same-origin-allow-popups"
        );
        let body = widget.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(nonce_of(&headers).unwrap().as_bytes(), body);
        assert_eq!(ask("/other").await.headers()["x-frame-options"], "DENY");
    }
    // A layer that is told to override does so here too.
    let app = ServiceBuilder::new()
        .layer(SecurityHeadersLayer::api().overriding())
        .layer(inner)
        .service(Spy::default());
    let response = app.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.headers()["x-frame-options"], "DENY");
}

#[tokio::test]
async fn rejections_carry_the_headers_and_the_service_is_not_called() {
    struct Never;
    impl Check for Never {
        fn check<B>(&self, _: &mut Request<B>) -> Result<(), Rejection> {
            Err(Rejection::new(RejectionKind::Forbidden))
        }
    }
    let spy = Spy::default();
    let service = ServiceBuilder::new()
        .layer(SecurityHeadersLayer::recommended())
        .layer(GuardLayer::new(Never))
        .service(spy.clone());
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(nonce_of(response.headers()).is_some());
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!((spy.calls(), spy.unready_calls()), (0, 0));
}

#[tokio::test]
async fn errors_of_the_router_carry_the_headers() {
    let app = Router::new()
        .route("/", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .layer(SecurityHeadersLayer::recommended());
    for (method, path, status) in [("GET", "/", 500), ("GET", "/none", 404), ("PUT", "/", 405)] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(nonce_of(response.headers()).is_some(), "{method} {path}");
    }
}

#[tokio::test]
async fn answers_that_are_private_are_not_stored() {
    let bare = || Request::builder().body(()).unwrap();
    let with = |name: &str| Request::builder().header(name, "x").body(()).unwrap();
    let known = || {
        let login = Authentication::new(Timestamp::from_unix_seconds(0));
        Request::builder()
            .extension(Principal::new("ann", login))
            .body(())
            .unwrap()
    };
    let plain = || Response::new(());
    let says = |name: &str, value: &str| Response::builder().header(name, value).body(()).unwrap();
    let html = || says("content-type", "text/html; charset=utf-8");
    let page = SecurityHeadersLayer::recommended;
    let keyed = || page().credential_header("x-api-key".parse().unwrap());
    let cases = [
        ("nobody", page(), bare(), plain(), None),
        (
            "a cookie",
            page(),
            with("cookie"),
            plain(),
            Some("no-store"),
        ),
        (
            "a token",
            page(),
            with("authorization"),
            plain(),
            Some("no-store"),
        ),
        ("a principal", page(), known(), plain(), Some("no-store")),
        (
            "a new cookie",
            page(),
            bare(),
            says("set-cookie", "a=1"),
            Some("no-store"),
        ),
        (
            "a key nobody named",
            page(),
            with("x-api-key"),
            plain(),
            None,
        ),
        (
            "a key",
            keyed(),
            with("x-api-key"),
            plain(),
            Some("no-store"),
        ),
        (
            "a page for anybody",
            page(),
            bare(),
            html(),
            Some("private, no-cache"),
        ),
        (
            "a page, in other letters",
            page(),
            bare(),
            says("content-type", "Text/HTML; charset=utf-8"),
            Some("private, no-cache"),
        ),
        (
            "a page for somebody",
            page(),
            with("cookie"),
            html(),
            Some("no-store"),
        ),
        (
            "a page without a nonce",
            SecurityHeadersLayer::api(),
            bare(),
            html(),
            None,
        ),
        (
            "a handler that knows better",
            page(),
            with("cookie"),
            says("cache-control", "public, max-age=60"),
            Some("public, max-age=60"),
        ),
    ];
    for (name, layer, request, response, expected) in cases {
        let headers = headers_for(layer, request, response).await;
        let rule = headers
            .get(header::CACHE_CONTROL)
            .map(|value| value.to_str().unwrap());
        assert_eq!(rule, expected, "{name}");
    }
}

#[tokio::test]
async fn a_304_leaves_the_policy_of_the_stored_page_alone() {
    let not_modified = || Response::builder().status(304).body(()).unwrap();
    let trial = Csp::strict_page()
        .report_to("/trial".parse().unwrap())
        .build_report_only()
        .unwrap();
    let page = SecurityHeadersLayer::recommended().csp_report_only(trial);
    let headers = headers_for(page, Request::new(()), not_modified()).await;
    assert!(!headers.contains_key(CSP));
    assert!(!headers.contains_key("content-security-policy-report-only"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let headers = headers_for(
        SecurityHeadersLayer::api(),
        Request::new(()),
        not_modified(),
    )
    .await;
    assert!(
        headers.contains_key(CSP),
        "a policy without a nonce is the same each time"
    );
}

#[tokio::test]
async fn reports_have_an_endpoint_for_each_policy() {
    let enforced = Csp::page().report_to("/reports/csp".parse().unwrap());
    let trial = Csp::strict_page().report_to("https://reports.example/trial".parse().unwrap());
    let layer = SecurityHeadersLayer::recommended()
        .csp(enforced.build().unwrap())
        .csp_report_only(trial.build_report_only().unwrap())
        .reports_to("/reports".parse().unwrap());
    let headers = headers_of(layer).await;
    assert_eq!(
        headers["reporting-endpoints"],
        r#"default="/reports", csp="/reports/csp", csp-report-only="https://reports.example/trial""#
    );
    let enforced = headers[CSP].to_str().unwrap();
    assert!(
        enforced.ends_with("report-uri /reports/csp; report-to csp"),
        "{enforced}"
    );
    let trial = headers["content-security-policy-report-only"]
        .to_str()
        .unwrap();
    assert!(trial.ends_with("report-to csp-report-only"), "{trial}");
    assert!(
        trial.contains(&nonce_of(&headers).unwrap()),
        "one nonce for both"
    );
}

#[test]
fn a_policy_that_only_reports_must_report_and_may_be_weak() {
    let address = || "/trial".parse().unwrap();
    let weak = Csp::page().allow(Directive::ScriptSrc, [Source::UNSAFE_INLINE]);
    assert!(
        weak.clone()
            .report_to(address())
            .build_report_only()
            .is_ok()
    );
    assert_eq!(weak.build_report_only(), Err(ConfigError::ReportsToNobody));
    let sandboxed = Csp::untrusted_file().report_to(address());
    assert_eq!(
        sandboxed.build_report_only(),
        Err(ConfigError::NotReportable("sandbox"))
    );
}

#[tokio::test]
async fn every_knob_reaches_its_header() {
    let layer = SecurityHeadersLayer::api()
        .hsts(Hsts::new().without_subdomains())
        .referrer_policy(ReferrerPolicy::StrictOrigin)
        .opener_policy(CrossOriginOpenerPolicy::InsecureUnsafeNone)
        .embedder_policy(CrossOriginEmbedderPolicy::Credentialless)
        .csp(
            Csp::nothing()
                .allow(Directive::FrameAncestors, [Source::SELF])
                .upgrade_insecure_requests()
                .build()
                .unwrap(),
        );
    let headers = headers_of(layer).await;
    let expected = [
        ("strict-transport-security", "max-age=63072000"),
        ("referrer-policy", "strict-origin"),
        ("cross-origin-opener-policy", "unsafe-none"),
        ("cross-origin-embedder-policy", "credentialless"),
        ("x-frame-options", "SAMEORIGIN"),
        (
            CSP,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
             upgrade-insecure-requests",
        ),
    ];
    for (name, value) in expected {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test]
async fn a_seed_repeats_the_nonce_in_tests_alone() {
    let seeded = || SecurityHeadersLayer::recommended().random(Random::insecure_seeded(1));
    let first = nonce_of(&headers_of(seeded()).await);
    assert_eq!(first, nonce_of(&headers_of(seeded()).await));
    assert_ne!(
        first,
        nonce_of(&headers_of(SecurityHeadersLayer::recommended()).await)
    );
}

#[tokio::test]
async fn logout_clears_what_the_browser_keeps() {
    let app = Router::new()
        .route(
            "/logout",
            get(async || (ClearSiteData::after_logout(), "goodbye")),
        )
        .layer(SecurityHeadersLayer::recommended());
    let request = Request::get("/logout").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()["clear-site-data"],
        r#""cache", "cookies", "storage""#
    );
}

#[tokio::test]
async fn answers_to_somebody_known_by_other_means_are_not_stored() {
    let stranger = Response::new(());
    let mut known = Response::new(());
    let login = Authentication::new(Timestamp::default());
    known.extensions_mut().insert(Principal::new("ann", login));
    for (response, expected) in [(stranger, None), (known, Some("no-store"))] {
        let layer = SecurityHeadersLayer::api();
        let headers = headers_for(layer, Request::new(()), response).await;
        let rule = headers.get(header::CACHE_CONTROL);
        assert_eq!(rule.map(|rule| rule.to_str().unwrap()), expected);
    }
}
