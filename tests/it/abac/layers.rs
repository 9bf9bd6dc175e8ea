use super::*;
use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Empty;
use portcullis::authz::abac::{
    Allowed, EvalError, Facts, LoadError, NoResource, RequireLayer, RequireOnLayer, ResourceLoader,
    StepUp,
};
use portcullis::clock::FakeClock;
use portcullis::event::{EventKind, RecentEvents};
use portcullis::guard::{Rejection, RejectionKind, RequestHead};
use portcullis::net::client_ip::ClientIp;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::{Layer, ServiceExt, service_fn};

/// The documents 1 (of sales) and 2 (of legal); 500 is out of order. Counts what is loaded.
fn loader(loads: &Arc<AtomicUsize>) -> impl ResourceLoader<Resource = Document> + use<> {
    let loads = Arc::clone(loads);
    move |head: &RequestHead<'_>| {
        loads.fetch_add(1, Ordering::SeqCst);
        let id = head.uri().path().rsplit('/').next().map(str::parse);
        async move {
            match id {
                Some(Ok(1)) => Ok(Some(document(1, "sales"))),
                Some(Ok(2)) => Ok(Some(document(2, "legal"))),
                Some(Ok(500)) => Err(LoadError::outage("the database is down")),
                Some(Ok(_)) => Ok(None),
                _ => Err(Rejection::new(RejectionKind::Malformed).into()),
            }
        }
    }
}

fn request(path: &str, principal: Option<Principal>) -> Request<Empty<Bytes>> {
    let mut request = Request::get(path).body(Empty::new()).unwrap();
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    request
}

fn on_row(loads: &Arc<AtomicUsize>) -> RequireOnLayer<impl ResourceLoader<Resource = Document>> {
    authz().require_on("documents:read", loader(loads)).unwrap()
}

#[tokio::test]
async fn only_who_may_reaches_the_service() {
    let loads = Arc::new(AtomicUsize::new(0));
    let layer = on_row(&loads);
    let hidden = layer.clone().hide_existence();
    let ann = || Some(principal("sales", &[]));
    let for_less = || Some(principal("sales", &[]).with_scopes(["openid"]));
    for (name, layer, path, who, status, loaded) in [
        ("own", &layer, "/documents/1", ann(), 200, 1),
        ("not own", &layer, "/documents/2", ann(), 403, 1),
        ("not there", &layer, "/documents/3", ann(), 404, 1),
        ("no id", &layer, "/documents/x", ann(), 400, 1),
        ("out of order", &layer, "/documents/500", ann(), 503, 1),
        ("anonymous", &layer, "/documents/1", None, 401, 0),
        (
            "a credential for less",
            &layer,
            "/documents/1",
            for_less(),
            403,
            0,
        ),
        ("hidden: own", &hidden, "/documents/1", ann(), 200, 1),
        ("hidden: not own", &hidden, "/documents/2", ann(), 404, 1),
        ("hidden: not there", &hidden, "/documents/3", ann(), 404, 1),
        (
            "hidden: out of order",
            &hidden,
            "/documents/500",
            ann(),
            503,
            1,
        ),
        (
            "hidden: for less",
            &hidden,
            "/documents/1",
            for_less(),
            404,
            0,
        ),
    ] {
        let spy = Spy::default();
        let service = layer.layer(spy.clone());
        let response = service.oneshot(request(path, who)).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
        assert_eq!(spy.unready_calls(), 0, "{name}");
        assert_eq!(loads.swap(0, Ordering::SeqCst), loaded, "{name}");
    }
}

#[tokio::test]
async fn what_is_hidden_looks_as_if_it_were_not_there() {
    let loads = Arc::default();
    let layer = on_row(&loads).hide_existence();
    let mut answers = Vec::new();
    for path in ["/documents/2", "/documents/3"] {
        let who = Some(principal("sales", &[]));
        let service = layer.layer(Spy::default());
        let response = service.oneshot(request(path, who)).await.unwrap();
        let rejection = response.extensions().get::<Rejection>().unwrap().clone();
        let (parts, body) = response.into_parts();
        let body = http_body_util::BodyExt::collect(body)
            .await
            .unwrap()
            .to_bytes();
        answers.push((parts.status, parts.headers, body));
        let expected = (path == "/documents/2").then_some(EventKind::AuthzFail);
        assert_eq!(rejection.event(), expected, "{path}");
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn the_handler_gets_the_very_row_and_the_circumstances() {
    let time = FakeClock::at_unix_seconds(MONDAY_MORNING);
    let authz = policies().clock(time.clock()).build().unwrap();
    let loads = Arc::new(AtomicUsize::new(0));
    let layer = authz.require_on("documents:read", loader(&loads)).unwrap();
    let handler = service_fn(async |request: Request<Empty<Bytes>>| {
        let allowed = Allowed::<Document>::of(request.extensions())
            .unwrap()
            .clone();
        let context = request.extensions().get::<Context>().unwrap();
        assert_eq!(context.client_ip(), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(context.hour(), 10);
        assert!(allowed.decision().is_allow());
        let text = format!("{} of {}", allowed.id, allowed.owner.department);
        assert_eq!(allowed.into_inner().id, 1);
        Ok::<_, std::convert::Infallible>(Response::new(http_body_util::Full::new(Bytes::from(
            text,
        ))))
    });
    let mut request = request("/documents/1", Some(principal("sales", &[])));
    let client = ClientIp::from(IpAddr::from([192, 0, 2, 1]));
    request.extensions_mut().insert(client);
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    assert_eq!(body.to_bytes(), "1 of sales");
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_thing_policies_or_roles_decide() {
    let authz = policies()
        .policy(
            permit::<NoResource>("create", ["documents:create"])
                .given("is a member", |who, _| who.has_role("member")),
        )
        .build()
        .unwrap();
    let layer: RequireLayer = authz.require("documents:create").unwrap();
    for (name, who, status) in [
        ("a member", Some(principal("sales", &["member"])), 200),
        ("no member", Some(principal("sales", &[])), 403),
        ("nobody", None, 401),
    ] {
        let spy = Spy::default();
        let response = layer
            .layer(spy.clone())
            .oneshot(request("/", who))
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
        let challenge = response.headers().get(header::WWW_AUTHENTICATE);
        assert_eq!(challenge.is_some(), status == 401, "{name}");
    }
}

#[tokio::test]
async fn headers_are_not_circumstances() {
    let authz = policies()
        .policy(
            permit::<NoResource>("office", ["documents:create"])
                .given("in the office", |_, context| {
                    context.client_ip() == Some(IpAddr::from([10, 0, 0, 1]))
                }),
        )
        .policy(
            permit::<NoResource>("strong", ["documents:create"])
                .given("second factor", |_, context| context.mfa_age().is_some()),
        )
        .build()
        .unwrap();
    let layer = authz.require("documents:create").unwrap();
    let mut request = request("/", Some(principal("sales", &[])));
    for (name, value) in [
        ("x-forwarded-for", "10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-mfa", "true"),
        ("amr", "mfa"),
        ("date", "Mon, 23 Nov 2026 10:00:00 GMT"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let spy = Spy::default();
    let response = layer.layer(spy.clone()).oneshot(request).await.unwrap();
    assert_eq!((response.status().as_u16(), spy.calls()), (403, 0));
}

#[tokio::test]
async fn a_token_gets_the_challenge_of_step_up() {
    let authz = policies()
        .policy(
            forbid::<Document>("weak", ["documents:*"])
                .given("one factor", |_, context| context.mfa_age().is_none())
                .or_step_up(StepUp::multi_factor().of_class(["mfa", "phr"])),
        )
        .build()
        .unwrap();
    let layer = authz
        .require_on("documents:read", loader(&Arc::default()))
        .unwrap();
    let mut asked = request("/documents/1", Some(principal("sales", &[])));
    let token = header::HeaderValue::from_static("DPoP x");
    asked.headers_mut().insert(header::AUTHORIZATION, token);
    let spy = Spy::default();
    let response = layer.layer(spy.clone()).oneshot(asked).await.unwrap();
    assert_eq!((response.status().as_u16(), spy.calls()), (401, 0));
    let challenge = response.headers()[header::WWW_AUTHENTICATE]
        .to_str()
        .unwrap();
    assert_eq!(
        challenge,
        r#"DPoP error="insufficient_user_authentication", error_description="a stronger or more recent authentication is required", acr_values="mfa phr""#
    );
    // What would be refused anyway is not promised.
    let mut asked = request("/documents/2", Some(principal("sales", &[])));
    let token = header::HeaderValue::from_static("DPoP x");
    asked.headers_mut().insert(header::AUTHORIZATION, token);
    let response = layer.layer(Spy::default()).oneshot(asked).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
}

#[cfg(feature = "monitor")]
#[tokio::test]
async fn decisions_are_events_where_that_is_wanted() {
    use portcullis::monitor::MonitorLayer;
    let recent = Arc::new(RecentEvents::new(8));
    let authz = policies().log_decisions().build().unwrap();
    let layer = authz
        .require_on("documents:read", loader(&Arc::default()))
        .unwrap();
    let service = MonitorLayer::new(Arc::clone(&recent)).layer(layer.layer(Spy::default()));
    for path in ["/documents/1", "/documents/2"] {
        let who = Some(principal("sales", &[]));
        let _response = service.clone().oneshot(request(path, who)).await.unwrap();
    }
    let mut events = recent.snapshot();
    events.reverse();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.kind(),
                event.code().unwrap(),
                event.subject().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (EventKind::AuthzDecision, "allow", "ann"),
            (EventKind::AuthzDecision, "not_permitted", "ann"),
            (EventKind::AuthzFail, "forbidden", "ann"),
        ]
    );
    let details: Vec<_> = events[0].details().collect();
    assert_eq!(
        details,
        [
            ("action", "documents:read"),
            ("version", "code"),
            ("resource", r#"Document::"1""#),
            ("policies", "read-own-department"),
        ]
    );
    assert_eq!(events[0].path(), Some("/documents/1"));
    assert!(
        events[2]
            .reason()
            .unwrap()
            .starts_with("documents:read of Document::\"2\"")
    );
}

#[tokio::test]
async fn facts_of_the_application_reach_the_policies() {
    let compromised = |context: &Context| context.fact("compromised") == Some(&true.into());
    let authz = policies()
        .policy(permit::<NoResource>("create", ["documents:create"]).always())
        .policy(
            forbid::<NoResource>("compromised", ["documents:create"])
                .given("compromised", move |_, context| compromised(context)),
        )
        .policy(
            forbid::<Document>("compromised-device", ["documents:read"])
                .given("compromised", move |_, context| compromised(context)),
        )
        .build()
        .unwrap();
    let action = authz.require("documents:create").unwrap();
    let row = authz
        .require_on("documents:read", loader(&Arc::default()))
        .unwrap();
    for (fact, status) in [(None, 200), (Some(false), 200), (Some(true), 403)] {
        let asked = || {
            let mut asked = request("/documents/1", Some(principal("sales", &[])));
            // What a client says is none.
            let header = http::HeaderValue::from_static("true");
            asked.headers_mut().insert("compromised", header);
            if let Some(fact) = fact {
                Facts::add(asked.extensions_mut(), "compromised", fact);
            }
            asked
        };
        let spy = Spy::default();
        let answers = [
            action.layer(spy.clone()).oneshot(asked()).await.unwrap(),
            row.layer(spy.clone()).oneshot(asked()).await.unwrap(),
        ];
        for answer in answers {
            assert_eq!(answer.status(), status, "{fact:?}");
        }
        assert_eq!(spy.calls(), if status == 200 { 2 } else { 0 }, "{fact:?}");
    }
}

/// A row of whose policies one is out of order must not look different from none.
#[tokio::test]
async fn what_is_hidden_is_not_told_by_what_fails() {
    let authz = policies()
        .policy(
            forbid("broken", ["documents:read"]).try_when("broken", |_, _: &Document, _| {
                Err(EvalError::outage("the directory is down"))
            }),
        )
        .build()
        .unwrap();
    let layer = authz
        .require_on("documents:read", loader(&Arc::default()))
        .unwrap();
    for (name, layer, status) in [
        ("shown", layer.clone(), 503),
        ("hidden", layer.hide_existence(), 404),
    ] {
        let spy = Spy::default();
        let asked = request("/documents/1", Some(principal("sales", &[])));
        let response = layer.layer(spy.clone()).oneshot(asked).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), spy.calls()),
            (status, 0),
            "{name}"
        );
        let rejection = response.extensions().get::<Rejection>().unwrap();
        let reason = rejection.reason().unwrap();
        assert!(reason.contains("the directory is down"), "{name}: {reason}");
    }
}

#[tokio::test]
async fn a_row_comes_with_what_it_is_allowed_for() {
    let handler = service_fn(async |request: Request<Empty<Bytes>>| {
        let allowed = Allowed::<Document>::of(request.extensions()).unwrap();
        let action = Bytes::from(allowed.action().to_owned());
        let body = http_body_util::Full::new(action);
        Ok::<_, std::convert::Infallible>(Response::new(body))
    });
    let authz = authz();
    let layer = |permission| {
        authz
            .require_on(permission, loader(&Arc::default()))
            .unwrap()
    };
    let service = layer("documents:read").layer(layer("documents:write").layer(handler));
    let who = Some(principal("sales", &["manager"]));
    let response = service.oneshot(request("/documents/1", who)).await.unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    assert_eq!(body.to_bytes(), "documents:write");
}
