//! What responses must not say.

use crate::support::Spy;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use portcullis::event::{Emitter, EventKind, RecentEvents, RequestId};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::waf::{LeakKind, LeakLayer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, ServiceExt, service_fn};

const LEAK: &str = "You have an error in your SQL syntax near '4111111111111111'";

/// Frames, each after its time.
struct Slow(Vec<(Duration, &'static str)>, Option<Pin<Box<Sleep>>>);

impl Slow {
    fn of(frames: &[(u64, &'static str)]) -> Self {
        let frames = frames.iter().rev();
        Self(
            frames
                .map(|(millis, text)| (Duration::from_millis(*millis), *text))
                .collect(),
            None,
        )
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some((wait, text)) = self.0.last().copied() else {
            return Poll::Ready(None);
        };
        if !wait.is_zero() {
            let timer = self.1.get_or_insert_with(|| Box::pin(sleep(wait)));
            std::task::ready!(timer.as_mut().poll(cx));
        }
        self.1 = None;
        self.0.pop();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
    }
}

/// What came of a response, and what was told of it.
struct Outcome {
    status: StatusCode,
    body: String,
    told: Vec<HashMap<&'static str, String>>,
    kinds: Vec<String>,
    rejection: Option<Rejection>,
}

async fn answer<B>(
    layer: LeakLayer,
    method: Method,
    headers: &[(&'static str, &'static str)],
    body: B,
) -> Outcome
where
    B: Body<Data = Bytes, Error = Infallible> + Unpin + Send + 'static,
{
    let recent = Arc::new(RecentEvents::new(4));
    let mut request = Request::new(Full::<Bytes>::default());
    *request.method_mut() = method;
    let emitter = Emitter::for_request(recent.clone(), Default::default(), &request);
    request.extensions_mut().insert(emitter);
    request
        .extensions_mut()
        .insert(RequestId::parse("r-17").unwrap());
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = std::sync::Mutex::new(Some(response.body(body).unwrap()));
    let service = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(response.lock().unwrap().take().unwrap())
    });
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let status = response.status();
    let rejection = response.extensions().get::<Rejection>().cloned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let events = recent.snapshot();
    let details = |event: &portcullis::event::SecurityEvent| {
        event
            .details()
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    };
    assert!(
        events
            .iter()
            .all(|event| event.kind() == EventKind::SysDataLeak)
    );
    Outcome {
        status,
        body: String::from_utf8(body.to_vec()).unwrap(),
        told: events.iter().map(details).collect(),
        kinds: events
            .iter()
            .map(|event| event.code().unwrap().to_owned())
            .collect(),
        rejection,
    }
}

fn full(text: &str) -> Full<Bytes> {
    Full::new(Bytes::from(text.to_owned()))
}

#[tokio::test]
async fn a_leak_is_told_of_and_goes_out() {
    let outcome = answer(LeakLayer::new(), Method::GET, &[], full(LEAK)).await;
    assert_eq!((outcome.status, &*outcome.body), (StatusCode::OK, LEAK));
    assert_eq!(outcome.kinds, ["database_error"]);
    let told = &outcome.told[0];
    assert_eq!(told["action"], "passed");
    assert_eq!(told["rules"], "leak-sql-mysql");
    assert_eq!(told["excerpt"], "You have an error in your SQL syntax");
    let harmless = answer(LeakLayer::new(), Method::GET, &[], full("hello")).await;
    assert_eq!((&*harmless.body, harmless.told.len()), ("hello", 0));
}

#[tokio::test]
async fn a_leak_is_replaced_where_told() {
    let headers = [
        ("content-type", "text/html"),
        ("set-cookie", "a=b"),
        ("content-length", "60"),
    ];
    let layer = LeakLayer::new().replacing();
    let outcome = answer(layer.clone(), Method::GET, &headers, full(LEAK)).await;
    assert_eq!(outcome.status, StatusCode::INTERNAL_SERVER_ERROR);
    let problem: serde_json::Value = serde_json::from_str(&outcome.body).unwrap();
    assert_eq!(
        (&problem["code"], &problem["request_id"]),
        (&"internal".into(), &"r-17".into())
    );
    assert!(!outcome.body.contains("SQL"), "{}", outcome.body);
    assert_eq!(outcome.told[0]["action"], "replaced");
    let rejection = outcome.rejection.unwrap();
    assert_eq!(
        (rejection.kind(), rejection.event()),
        (RejectionKind::Internal, None)
    );
    assert!(rejection.reason().unwrap().contains("leak-sql-mysql"));

    let harmless = answer(layer, Method::GET, &headers, full("hello")).await;
    assert_eq!(
        (harmless.status, &*harmless.body),
        (StatusCode::OK, "hello")
    );
    assert!(harmless.rejection.is_none());
}

#[tokio::test]
async fn what_is_looked_at() {
    let passed = 200;
    let cases: [(&str, Method, &[(&str, &str)], u16); 12] = [
        ("no type", Method::GET, &[], 500),
        (
            "a page",
            Method::GET,
            &[("content-type", "text/html; charset=utf-8")],
            500,
        ),
        (
            "JSON",
            Method::GET,
            &[("content-type", "application/problem+json")],
            500,
        ),
        (
            "XML",
            Method::GET,
            &[("content-type", "image/svg+xml")],
            500,
        ),
        (
            "a script",
            Method::GET,
            &[("content-type", "application/javascript")],
            500,
        ),
        (
            "identity",
            Method::GET,
            &[("content-encoding", "identity")],
            500,
        ),
        (
            "an image",
            Method::GET,
            &[("content-type", "image/png")],
            passed,
        ),
        (
            "bytes",
            Method::GET,
            &[("content-type", "application/octet-stream")],
            passed,
        ),
        (
            "compressed",
            Method::GET,
            &[("content-encoding", "gzip"), ("content-type", "text/html")],
            passed,
        ),
        (
            "a stream of events",
            Method::GET,
            &[("content-type", "text/event-stream")],
            passed,
        ),
        (
            "no body",
            Method::HEAD,
            &[("content-type", "text/html")],
            passed,
        ),
        (
            "another method",
            Method::POST,
            &[("content-type", "text/plain")],
            500,
        ),
    ];
    for (name, method, headers, status) in cases {
        let layer = LeakLayer::new().replacing();
        let outcome = answer(layer, method, headers, full(LEAK)).await;
        assert_eq!(outcome.status, status, "{name}");
        // A stream of events is not held back, and is told of all the same.
        let is_told = status == 500 || name == "a stream of events";
        assert_eq!(outcome.told.len(), usize::from(is_told), "{name}");
    }
}

#[tokio::test]
async fn only_the_beginning_and_only_what_is_asked() {
    let late = format!("{}{LEAK}", "x".repeat(100));
    let cases = [
        ("late", LeakLayer::new().first(100), 0),
        ("in time", LeakLayer::new().first(200), 1),
        ("nothing", LeakLayer::new().first(0), 0),
        (
            "another kind",
            LeakLayer::new().without(LeakKind::StackTrace),
            1,
        ),
        (
            "that kind",
            LeakLayer::new().without(LeakKind::DatabaseError),
            0,
        ),
    ];
    for (name, layer, told) in cases {
        for layer in [layer.clone(), layer.replacing()] {
            let outcome = answer(layer, Method::GET, &[], full(&late)).await;
            assert_eq!(outcome.told.len(), told, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_response_is_held_back_for_so_long_at_most() {
    let split = [
        (0, "You have an error in "),
        (300, "your SQL "),
        (300, "syntax"),
    ];
    let whole = "You have an error in your SQL syntax";
    let slower = [
        (0, "You have an error in "),
        (900, "your SQL "),
        (900, "syntax"),
    ];
    let cases: [(&str, LeakLayer, &[(u64, &str)], u16, &str); 4] = [
        (
            "in time",
            LeakLayer::new().replacing(),
            &split,
            500,
            "replaced",
        ),
        (
            "too late",
            LeakLayer::new().replacing(),
            &slower,
            200,
            "passed",
        ),
        (
            "given time",
            LeakLayer::new()
                .replacing()
                .held_for(Duration::from_secs(9)),
            &slower,
            500,
            "replaced",
        ),
        ("not held", LeakLayer::new(), &slower, 200, "passed"),
    ];
    for (name, layer, frames, status, action) in cases {
        let outcome = answer(layer, Method::GET, &[], Slow::of(frames)).await;
        assert_eq!(outcome.status, status, "{name}");
        assert_eq!(outcome.told[0]["action"], action, "{name}");
        if status == 200 {
            assert_eq!(outcome.body, whole, "{name}");
        }
    }
    // What is not replaced goes out as it comes.
    let start = Instant::now();
    let service = LeakLayer::new().layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Slow::of(&[(0, "a"), (5000, "b")])))
    }));
    let mut body = service.oneshot(Request::new(())).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(
        (first.into_data().unwrap(), start.elapsed()),
        (Bytes::from("a"), Duration::ZERO)
    );
}

#[tokio::test]
async fn a_client_that_leaves_early_is_told_of_too() {
    let recent = Arc::new(RecentEvents::new(4));
    let mut request = Request::new(());
    let emitter = Emitter::for_request(recent.clone(), Default::default(), &request);
    request.extensions_mut().insert(emitter);
    let service = LeakLayer::new().layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Slow::of(&[(0, LEAK), (5000, "b")])))
    }));
    let mut body = service.oneshot(request).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert!(recent.snapshot().is_empty());
    drop(body);
    assert_eq!(recent.snapshot().len(), 1);
}

#[tokio::test]
async fn the_service_is_the_one_that_was_ready() {
    let spy = Spy::default();
    let service = LeakLayer::new().replacing().layer(spy.clone());
    let request = Request::new(Full::<Bytes>::default());
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    assert_eq!((spy.calls(), spy.unready_calls()), (1, 0));
}
