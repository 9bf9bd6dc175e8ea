//! What the monitor hears.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use portcullis::clock::FakeClock;
use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
use portcullis::guard::{Check, GuardLayer, Rejection, RejectionKind};
use portcullis::monitor::MonitorLayer;
use portcullis::net::request_id::RequestIdLayer;
use std::convert::Infallible;
use std::sync::Arc;
use tower::{ServiceBuilder, ServiceExt};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Turns down `/blocked`, and `/quiet` without an event.
#[derive(Clone, Debug)]
struct Bouncer;

impl Check for Bouncer {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let rejection = Rejection::new(RejectionKind::Hostile).with_reason("rule 17");
        match request.uri().path() {
            "/blocked" => Err(rejection),
            "/quiet" => Err(rejection.with_event(None)),
            _ => Ok(()),
        }
    }
}

async fn events_of(path: &str) -> Vec<SecurityEvent> {
    let recent = Arc::new(RecentEvents::new(10));
    let clock = FakeClock::at_unix_seconds(1_700_000_000).clock();
    let service = ServiceBuilder::new()
        .layer(MonitorLayer::only(recent.clone()).clock(clock))
        .layer(RequestIdLayer::new())
        .layer(GuardLayer::new(Bouncer))
        .service_fn(async |request: Request<()>| {
            let failed = SecurityEvent::new(EventKind::AuthnLoginFail).with_subject("ann");
            Emitter::of(request.extensions()).emit(failed);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
    let request = Request::get(path)
        .header("x-request-id", "r-1")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    service.oneshot(request.body(()).unwrap()).await.unwrap();
    recent.snapshot()
}

#[tokio::test]
async fn rejections_below_become_events_with_what_the_request_knows() {
    let events = events_of("/blocked").await;
    assert_eq!(events.len(), 1);
    let json = serde_json::to_value(&events[0]).unwrap();
    let expected = serde_json::json!({
        "datetime": "2023-11-14T22:13:20.000Z",
        "level": "CRITICAL",
        "event": "malicious_attack_tool",
        "code": "request_blocked",
        "request_id": "r-1",
        "trace_id": TRACE,
        "request_method": "GET",
        "request_path": "/blocked",
        "status": 403,
        "description": "rule 17",
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn handlers_are_heard_too() {
    let events = events_of("/").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].to_string(), "authn_login_fail:ann");
    assert_eq!(events[0].request_id().unwrap().as_str(), "r-1");
}

#[tokio::test]
async fn a_rejection_without_event_is_not_one() {
    assert_eq!(events_of("/quiet").await, []);
}

#[tokio::test]
async fn a_handler_that_fails_is_heard() {
    let recent = Arc::new(RecentEvents::new(10));
    let service = ServiceBuilder::new()
        .layer(MonitorLayer::only(recent.clone()))
        .service_fn(async |_: Request<()>| {
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            Ok::<_, Infallible>(response)
        });
    service.oneshot(Request::new(())).await.unwrap();
    let events = recent.snapshot();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind(), EventKind::SysHandlerError);
    assert_eq!(events[0].status(), Some(500));
}

#[test]
fn metrics_count_events_and_rejections() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let service = ServiceBuilder::new()
                .layer(MonitorLayer::tracing_and_metrics())
                .layer(GuardLayer::new(Bouncer))
                .service_fn(async |_: Request<()>| {
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                });
            let request = Request::get("/blocked").body(()).unwrap();
            service.oneshot(request).await.unwrap();
        });
    });
    let counted = snapshotter.snapshot().into_vec();
    let mut names: Vec<_> = counted.iter().map(|(key, ..)| key.key().name()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["portcullis_events_total", "portcullis_rejections_total"]
    );
}
