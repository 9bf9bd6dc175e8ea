//! Deadlines, sizes, retries and the breaker, over services that answer by a script. Time is
//! the runtime's, which stands still until all wait.

use super::*;
use http::{Method, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::Full;
use portcullis::net::client::{ClientConfigError, SafeToRepeat};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tower::{Service, ServiceExt, service_fn};

fn post() -> Request<Bytes> {
    Request::post(URL).body(Bytes::from_static(b"{}")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_costs_the_deadline() {
    let silent = FakeTransport::answering(|_| FakeAnswer::never());
    let client = plain().deadline(seconds(7)).build_over(silent).unwrap();
    let start = Instant::now();
    let error = client.get(URL).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Timeout);
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!(error.origin(), Some("https://id.example.com"));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_that_of_all_tries_together() {
    let slow = FakeTransport::answering(|_| FakeAnswer::status(503).after(seconds(4)));
    let retry = RetryPolicy::default().retries(9);
    let client = plain().deadline(seconds(10)).retry(retry);
    let client = client.build_over(slow.clone()).unwrap();
    let start = Instant::now();
    assert_eq!(kind(client.get(URL).await), Some(ClientErrorKind::Timeout));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(slow.calls(), 3);
}

/// A body without end that counts what was taken of it.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 1000])))))
    }
}

#[tokio::test]
async fn a_body_without_end_ends_at_the_limit() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let endless = service_fn(move |_: Request<Full<Bytes>>| {
        let body = Endless(Arc::clone(&counted));
        async move { Ok::<_, Infallible>(Response::new(body)) }
    });
    let client = plain().max_response(10_500).build_over(endless).unwrap();
    assert_eq!(kind(client.get(URL).await), Some(ClientErrorKind::TooLarge));
    assert_eq!(taken.load(Ordering::SeqCst), 11);
}

#[tokio::test]
async fn the_limit_is_the_last_size_that_fits() {
    for (size, fits) in [(0, true), (99, true), (100, true), (101, false)] {
        let body = FakeTransport::answering(move |_| FakeAnswer::body(vec![b'x'; size]));
        let client = plain().max_response(100).build_over(body).unwrap();
        let outcome = client.get(URL).await;
        assert_eq!(outcome.is_ok(), fits, "{size}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let redirecting = FakeTransport::answering(|_| {
        let response = Response::builder()
            .status(302)
            .header("location", "https://evil.example/");
        FakeAnswer::response(response.body(Bytes::new()).unwrap())
    });
    let client = HttpClient::builder()
        .build_over(redirecting.clone())
        .unwrap();
    let response = client.get(URL).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(redirecting.calls(), 1);
}

#[tokio::test]
async fn urls_that_are_not_called() {
    let spy = FakeTransport::answering(|_| FakeAnswer::status(200));
    let client = plain().build_over(spy.clone()).unwrap();
    for (url, expected) in [
        ("http://id.example.com/", ClientErrorKind::PlainHttp),
        (
            "https://user:canary@id.example.com/",
            ClientErrorKind::InvalidUrl,
        ),
        ("//id.example.com/", ClientErrorKind::InvalidUrl),
        ("https://", ClientErrorKind::InvalidUrl),
        ("https://id example.com/", ClientErrorKind::InvalidUrl),
        ("file:///etc/passwd", ClientErrorKind::InvalidUrl),
        ("gopher://127.0.0.1/", ClientErrorKind::InvalidUrl),
    ] {
        let error = client.get(url).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{url}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{url}");
    }
    assert_eq!(spy.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_and_what_is_not() {
    type Answer = fn() -> FakeAnswer;
    let cases: [(&str, Answer, Request<Bytes>, usize); 11] = [
        ("200", || FakeAnswer::status(200), get(), 1),
        ("404", || FakeAnswer::status(404), get(), 1),
        ("500", || FakeAnswer::status(500), get(), 1),
        ("429", || FakeAnswer::status(429), get(), 3),
        ("502", || FakeAnswer::status(502), get(), 3),
        ("503", || FakeAnswer::status(503), get(), 3),
        ("504", || FakeAnswer::status(504), get(), 3),
        ("broken", FakeAnswer::broken, get(), 3),
        ("broken POST", FakeAnswer::broken, post(), 1),
        ("POST", || FakeAnswer::status(503), post(), 1),
        (
            "POST that may",
            || FakeAnswer::status(503),
            may_repeat(post()),
            3,
        ),
    ];
    for (name, answer, request, expected) in cases {
        let transport = FakeTransport::answering(move |_| answer());
        let client = plain().retry(RetryPolicy::default());
        let client = client.build_over(transport.clone()).unwrap();
        let _outcome = client.send(request).await;
        assert_eq!(transport.calls(), expected, "{name}");
    }
}

fn get() -> Request<Bytes> {
    Request::get(URL).body(Bytes::new()).unwrap()
}

fn may_repeat(mut request: Request<Bytes>) -> Request<Bytes> {
    request.extensions_mut().insert(SafeToRepeat::new());
    request
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_passing_goes_well_in_the_end() {
    let tries = AtomicUsize::new(0);
    let transport = FakeTransport::answering(move |request| {
        assert_eq!(request.body(), "{}", "the body comes again");
        assert_eq!(request.method(), Method::PUT);
        match tries.fetch_add(1, Ordering::SeqCst) {
            0 => FakeAnswer::broken(),
            1 => FakeAnswer::status(503),
            _ => FakeAnswer::body("done"),
        }
    });
    let client = plain()
        .retry(RetryPolicy::default())
        .build_over(transport)
        .unwrap();
    let request = Request::put(URL).body(Bytes::from_static(b"{}")).unwrap();
    assert_eq!(client.send(request).await.unwrap().body(), "done");
}

/// 503 with a wish of when to come back.
fn come_back(wish: &str) -> FakeTransport {
    let wish = wish.to_owned();
    FakeTransport::answering(move |_| {
        let response = Response::builder()
            .status(503)
            .header(header::RETRY_AFTER, &wish);
        FakeAnswer::response(response.body(Bytes::new()).unwrap())
    })
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_wait_is_granted_within_the_deadline() {
    let time = FakeClock::at_unix_seconds(784_111_777);
    for (name, wish, calls, waited) in [
        ("seconds", "3", 2, 3..4),
        ("a date", "Sun, 06 Nov 1994 08:49:40 GMT", 2, 3..4),
        ("longer than there is time", "11", 1, 0..1),
        ("for ever", "18446744073709551615", 1, 0..1),
        ("nonsense", "soon", 2, 0..1),
    ] {
        let transport = come_back(wish);
        let client = plain()
            .retry(RetryPolicy::default().retries(1))
            .clock(time.clock());
        let client = client.build_over(transport.clone()).unwrap();
        let start = Instant::now();
        assert_eq!(client.get(URL).await.unwrap().status(), 503, "{name}");
        assert_eq!(transport.calls(), calls, "{name}");
        assert!(waited.contains(&start.elapsed().as_secs()), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_gets_few_retries() {
    let down = FakeTransport::answering(|_| FakeAnswer::status(503));
    let client = plain()
        .retry(RetryPolicy::default())
        .build_over(down.clone())
        .unwrap();
    for _ in 0..1000 {
        client.get(URL).await.unwrap();
    }
    assert!((1100..=1110).contains(&down.calls()), "{}", down.calls());
}

fn breaking(transport: &FakeTransport, time: &FakeClock) -> HttpClient {
    plain()
        .breaker(BreakerPolicy::new(5, seconds(30)))
        .clock(time.clock())
        .build_over(transport.clone())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_keeps_failing_is_left_alone() {
    let time = FakeClock::at_unix_seconds(0);
    let transport = FakeTransport::answering(|request| match request.uri().host() {
        Some("id.example.com") => FakeAnswer::broken(),
        _ => FakeAnswer::status(200),
    });
    let client = breaking(&transport, &time);
    for _ in 0..100 {
        let error = client.get(URL).await.unwrap_err();
        assert!(error.origin().is_some());
    }
    assert_eq!(transport.calls(), 5);
    assert_eq!(
        kind(client.get(URL).await),
        Some(ClientErrorKind::CircuitOpen)
    );
    assert!(client.get("https://other.example.com/").await.is_ok());
    time.advance(seconds(30));
    assert_eq!(kind(client.get(URL).await), Some(ClientErrorKind::Broken));
    assert_eq!(
        kind(client.get(URL).await),
        Some(ClientErrorKind::CircuitOpen)
    );
    assert_eq!(transport.calls(), 7);
}

#[tokio::test(start_paused = true)]
async fn of_many_at_once_one_sees_whether_it_works_again() {
    let time = FakeClock::at_unix_seconds(0);
    let (is_up, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (up, counted) = (Arc::clone(&is_up), Arc::clone(&seen));
    let transport = FakeTransport::answering(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        match up.load(Ordering::SeqCst) {
            0 => FakeAnswer::status(500),
            _ => FakeAnswer::status(200).after(seconds(1)),
        }
    });
    let client = breaking(&transport, &time);
    for _ in 0..5 {
        client.get(URL).await.unwrap();
    }
    is_up.store(1, Ordering::SeqCst);
    time.advance(seconds(30));
    let mut calls: JoinSet<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            async move { client.get(URL).await.is_ok() }
        })
        .collect();
    let mut good = 0;
    while let Some(call) = calls.join_next().await {
        good += usize::from(call.unwrap());
    }
    assert_eq!((good, seen.load(Ordering::SeqCst)), (1, 6));
    assert!(client.get(URL).await.is_ok(), "closed again");
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_caller_goes_away_blocks_nobody() {
    let time = FakeClock::at_unix_seconds(0);
    let transport = FakeTransport::answering(|request| match request.uri().path() {
        "/slow" => FakeAnswer::never(),
        "/good" => FakeAnswer::status(200),
        _ => FakeAnswer::broken(),
    });
    let client = breaking(&transport, &time);
    for _ in 0..5 {
        assert!(client.get(URL).await.is_err());
    }
    time.advance(seconds(30));
    let slow = client.get("https://id.example.com/slow");
    assert!(timeout(seconds(1), slow).await.is_err());
    let good = client.get("https://id.example.com/good").await;
    assert_eq!(good.unwrap().status(), 200);
}

#[tokio::test]
async fn who_calls_says_so() {
    let transport = FakeTransport::answering(|request| {
        FakeAnswer::body(request.headers()[header::USER_AGENT].as_bytes().to_vec())
    });
    let client = plain().build_over(transport).unwrap();
    let body = client.get(URL).await.unwrap().into_body();
    assert!(body.starts_with(b"portcullis/"), "{body:?}");
    let named = Request::get(URL)
        .header(header::USER_AGENT, "mine")
        .body(Bytes::new());
    assert_eq!(client.send(named.unwrap()).await.unwrap().body(), "mine");
}

#[tokio::test]
async fn a_client_is_a_service_too() {
    let transport = FakeTransport::answering(|_| FakeAnswer::body("hello"));
    let mut client = plain().build_over(transport).unwrap();
    let response = client.ready().await.unwrap().call(get()).await.unwrap();
    assert_eq!(response.body(), "hello");
}

#[test]
fn settings_out_of_bounds_are_told_at_once() {
    let policy = BreakerPolicy::new(5, Duration::ZERO);
    let zero = ClientConfigError::Zero;
    for (builder, expected) in [
        (plain().deadline(Duration::ZERO), zero("deadline")),
        (
            plain().deadline(seconds(301)),
            ClientConfigError::DeadlineTooLong(301),
        ),
        (plain().max_response(0), zero("size of responses")),
        (
            plain().max_response(usize::MAX),
            ClientConfigError::ResponseTooLarge(usize::MAX),
        ),
        (
            plain().retry(RetryPolicy::default().retries(11)),
            ClientConfigError::TooManyRetries(11),
        ),
        (plain().breaker(policy), zero("breaker's pause")),
    ] {
        let transport = FakeTransport::answering(|_| FakeAnswer::status(200));
        assert_eq!(builder.build_over(transport).unwrap_err(), expected);
    }
    let built = plain().connect_timeout(Duration::ZERO).build();
    assert_eq!(built.unwrap_err(), zero("connect timeout"));
    let built = plain().trusted_certificates("no certificate").build();
    assert!(matches!(built, Err(ClientConfigError::Certificates(_))));
}
