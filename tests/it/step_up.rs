//! Recent authentication: over a real stack. 401, 403 and step-up are three answers.

use crate::support::Spy;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use portcullis::authn::RequireRecent;
use portcullis::clock::{Clock, FakeClock};
use portcullis::guard::{Challenge, Rejection, RejectionKind};
use portcullis::principal::{Assurance, Authentication, Method, Principal};
use serde_json::{Value, json};
use std::time::Duration;
use tower::{Layer, ServiceExt};

fn clock() -> Clock {
    FakeClock::at_unix_seconds(1_700_000_000).clock()
}

fn logged_in(seconds_ago: u64) -> Principal {
    let time = clock()
        .now()
        .saturating_sub(Duration::from_secs(seconds_ago));
    Principal::new(
        "user-17",
        Authentication::new(time).with_method(Method::Password),
    )
}

/// What comes of a request, and how often the service behind was called.
async fn send(
    layer: &RequireRecent,
    principal: Option<Principal>,
    authorization: Option<&str>,
) -> (Response<Value>, usize) {
    let spy = Spy::default();
    let mut request = Request::new(Empty::<Bytes>::new());
    if let Some(value) = authorization {
        request
            .headers_mut()
            .insert(AUTHORIZATION, value.parse().unwrap());
    }
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    let response = layer
        .clone()
        .clock(clock())
        .layer(spy.clone())
        .oneshot(request)
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    (Response::from_parts(parts, json), spy.calls())
}

#[tokio::test]
async fn only_a_recent_authentication_reaches_the_service() {
    let recent = RequireRecent::within(Duration::from_secs(300));
    let strong = recent.clone().at_least(Assurance::Aal2);
    let otp = recent.clone().by_any([Method::OneTimePassword]);
    for (name, layer, principal, status) in [
        ("recent", &recent, Some(logged_in(300)), 200),
        ("too old", &recent, Some(logged_in(301)), 401),
        ("nobody", &recent, None, 401),
        ("too weak", &strong, Some(logged_in(1)), 401),
        ("by a password alone", &otp, Some(logged_in(1)), 401),
    ] {
        let (response, calls) = send(layer, principal, Some("Bearer x")).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(calls, usize::from(status == 200), "{name}");
    }
}

#[tokio::test]
async fn the_challenge_says_what_to_ask_for() {
    let layer = RequireRecent::within(Duration::from_secs(5)).of_class(["myACR", "other"]);
    let expected = r#" error="insufficient_user_authentication", error_description="a more recent authentication is required", acr_values="myACR other", max_age="5""#;
    for (name, authorization, scheme) in [
        ("bearer", Some("Bearer abc"), Some("Bearer")),
        ("in small letters", Some("bearer abc"), Some("Bearer")),
        ("bound to a key", Some("DPoP abc"), Some("DPoP")),
        ("of another scheme", Some("Basic YTpi"), None),
        ("nothing of a token", Some("Bearerabc"), None),
        ("a session", None, None),
    ] {
        let (response, calls) = send(&layer, Some(logged_in(6)), authorization).await;
        assert_eq!((response.status().as_u16(), calls), (401, 0), "{name}");
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(
            challenge,
            scheme.map(|scheme| format!("{scheme}{expected}")),
            "{name}"
        );
        let problem = response.body();
        assert_eq!(
            problem["code"], "insufficient_user_authentication",
            "{name}"
        );
        assert_eq!(problem["max_age"], json!(5), "{name}");
        assert_eq!(problem["acr_values"], "myACR other", "{name}");
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::StepUpRequired, "{name}");
        assert_eq!(rejection.subject(), Some("user-17"), "{name}");
    }
}

#[tokio::test]
async fn nobody_is_told_to_log_in_and_not_to_step_up() {
    let layer = RequireRecent::within(Duration::from_secs(5));
    let (response, _) = send(&layer, None, None).await;
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(response.body()["code"], "unauthenticated");
    assert!(response.body().get("max_age").is_none());
    let session = layer.challenge(Challenge::new("Cookie").with("name", "id"));
    let (response, _) = send(&session, None, None).await;
    assert_eq!(response.headers()[WWW_AUTHENTICATE], r#"Cookie name="id""#);
}

#[tokio::test]
async fn a_class_cannot_break_out_of_the_challenge() {
    let layer = RequireRecent::within(Duration::from_secs(5)).of_class(["a\"b\\c\r\nx: y"]);
    let (response, _) = send(&layer, Some(logged_in(6)), Some("Bearer abc")).await;
    let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        challenge.contains(r#"acr_values="a\"b\\cx: y""#),
        "{challenge}"
    );
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn a_handler_asks_by_itself() {
    use axum::Router;
    use axum::routing::get;
    use portcullis::authn::step_up::{Recent, StepUp};

    struct Strong;
    impl StepUp for Strong {
        fn requirement() -> RequireRecent {
            RequireRecent::within(Duration::from_secs(300))
                .at_least(Assurance::Aal2)
                .clock(clock())
        }
    }
    let handler = async |caller: Recent<Strong>| caller.principal().id().to_owned();
    let app = Router::new().route("/", get(handler));
    let strong = Authentication::new(clock().now()).with_assurance(Assurance::Aal2);
    for (name, principal, status) in [
        (
            "strong and recent",
            Some(Principal::new("user-17", strong)),
            200,
        ),
        ("weak", Some(logged_in(1)), 401),
        ("nobody", None, 401),
    ] {
        let mut request = Request::new(axum::body::Body::empty());
        if let Some(principal) = principal {
            request.extensions_mut().insert(principal);
        }
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        let rejection = response.extensions().get::<Rejection>();
        let expected = match name {
            "weak" => Some(RejectionKind::StepUpRequired),
            "nobody" => Some(RejectionKind::Unauthenticated),
            _ => None,
        };
        assert_eq!(rejection.map(Rejection::kind), expected, "{name}");
    }
}

/// RFC 6750 section 3.1 and RFC 9470 section 3: who you are, what you may, and how sure we are.
#[cfg(feature = "rbac")]
#[tokio::test]
async fn three_questions_have_three_answers() {
    use portcullis::authz::rbac::{Rbac, Role};
    let rbac = Rbac::builder()
        .resource("users", ["delete"])
        .role(Role::new("admin").allow("*"))
        .build()
        .unwrap();
    let may = rbac.require("users:delete").unwrap();
    let recent = RequireRecent::within(Duration::from_secs(300)).clock(clock());
    for (name, principal, status, kind) in [
        ("nobody", None, 401, Some(RejectionKind::Unauthenticated)),
        (
            "may not",
            Some(logged_in(1)),
            403,
            Some(RejectionKind::Forbidden),
        ),
        (
            "long ago",
            Some(logged_in(999).with_role("admin")),
            401,
            Some(RejectionKind::StepUpRequired),
        ),
        ("may", Some(logged_in(1).with_role("admin")), 200, None),
    ] {
        let mut request = Request::new(Empty::<Bytes>::new());
        if let Some(principal) = principal {
            request.extensions_mut().insert(principal);
        }
        let spy = Spy::default();
        let service = may.layer(recent.layer(spy.clone()));
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        let rejection = response.extensions().get::<Rejection>();
        assert_eq!(rejection.map(Rejection::kind), kind, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
    }
}
