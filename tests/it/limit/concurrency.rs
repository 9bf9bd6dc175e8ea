//! How many requests are under way: until when they count, who waits, and who is refused.

use super::from;
use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full};
use portcullis::event::EventKind;
use portcullis::guard::{Body, Rejection, RejectionKind};
use portcullis::limit::ConcurrencyLimitLayer;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tower::{Layer, Service, ServiceExt, service_fn};

/// A body of what the test sends.
struct Sent(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let next = self.0.poll_recv(context);
        next.map(|next| next.map(|data| data.map(Frame::data)))
    }
}

type Sender = mpsc::Sender<Result<Bytes, std::io::Error>>;
type Answer = Response<Sent>;
type Answers = Arc<Mutex<Vec<oneshot::Sender<Answer>>>>;

/// A service that answers when the test says so.
fn slow(
    layer: &ConcurrencyLimitLayer,
) -> (
    Answers,
    impl Service<Request<()>, Response = Response<Body<Sent>>, Error = &'static str, Future: Send>
    + Clone
    + use<>,
) {
    let answers = Answers::default();
    let pending = Arc::clone(&answers);
    let service = service_fn(move |_: Request<()>| {
        let (send, receive) = oneshot::channel();
        pending.lock().unwrap().push(send);
        async { receive.await.map_err(|_| "the service failed") }
    });
    (answers, layer.layer(service))
}

fn answer(answers: &Answers) -> Sender {
    let (sender, body) = mpsc::channel(4);
    let next = answers.lock().unwrap().remove(0);
    next.send(Response::new(Sent(body))).ok().unwrap();
    sender
}

#[tokio::test]
async fn a_request_is_under_way_until_its_body_ends() {
    let layer = ConcurrencyLimitLayer::new(1);
    let (answers, service) = slow(&layer);
    let response = service.clone().oneshot(from("192.0.2.1"));
    let mut response = tokio::spawn(response);
    while answers.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let refused = async || {
        let response = service.clone().oneshot(from("192.0.2.2")).await;
        response.unwrap().status() == 503
    };
    assert!(refused().await, "before the answer");
    let sender = answer(&answers);
    let mut response = (&mut response).await.unwrap().unwrap();
    assert_eq!(layer.under_way(), 1);
    assert!(refused().await, "before the body");
    sender.send(Ok(Bytes::from_static(b"half"))).await.unwrap();
    assert!(response.frame().await.unwrap().is_ok());
    assert!(refused().await, "within the body");
    drop(sender);
    assert!(response.frame().await.is_none());
    assert_eq!(
        layer.under_way(),
        0,
        "the body has ended, though it is still there"
    );
    assert_eq!(response.body().size_hint().lower(), 0);
    drop(response);
    assert_eq!(layer.under_way(), 0);
}

#[tokio::test]
async fn whatever_way_it_ends_the_permit_comes_back() {
    let layer = ConcurrencyLimitLayer::new(2).per_key(1);
    let (answers, service) = slow(&layer);
    let begin = || {
        let mut future = Box::pin(service.clone().oneshot(from("192.0.2.1")));
        assert!(at_once(&mut future).is_none());
        assert_eq!(layer.under_way(), 1);
        future
    };
    // The client goes away before the answer.
    drop(begin());
    assert_eq!(layer.under_way(), 0);
    answers.lock().unwrap().clear();

    // The service fails.
    let future = begin();
    answers.lock().unwrap().clear();
    assert!(future.await.is_err());
    assert_eq!(layer.under_way(), 0);

    // The body is dropped in the middle.
    let future = begin();
    let sender = answer(&answers);
    let response = future.await.unwrap();
    assert_eq!(layer.under_way(), 1);
    drop(response);
    assert_eq!(layer.under_way(), 0);
    drop(sender);

    // The body ends with an error.
    let future = begin();
    let sender = answer(&answers);
    let mut response = future.await.unwrap();
    sender
        .send(Err(std::io::Error::other("lost")))
        .await
        .unwrap();
    assert!(response.frame().await.unwrap().is_err());
    assert_eq!(layer.under_way(), 0);
}

/// What is there without waiting.
fn at_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(future).poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_panic_gives_its_permit_back() {
    let layer = ConcurrencyLimitLayer::new(1);
    let service = layer.layer(service_fn(async |request: Request<()>| {
        assert!(request.uri().path() != "/panic", "on purpose");
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    }));
    for _ in 0..3 {
        let mut request = from("192.0.2.1");
        *request.uri_mut() = "/panic".parse().unwrap();
        let task = tokio::spawn(service.clone().oneshot(request));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(layer.under_way(), 0);
    }
    let response = service.oneshot(from("192.0.2.1")).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn each_key_has_its_own_and_all_have_one_total() {
    let layer = ConcurrencyLimitLayer::new(3)
        .per_key(2)
        .retry_after(Duration::from_millis(2500));
    let spy = Spy::default();
    let service = layer.layer(spy.clone());
    let call = |address: &str| service.clone().oneshot(from(address));
    let first = call("2001:db8::1").await.unwrap();
    let second = call("2001:db8::2").await.unwrap();
    let refused = call("2001:db8::3").await.unwrap();
    assert_eq!(refused.status(), 429, "the same /64");
    assert_eq!(refused.headers()["retry-after"], "3");
    let rejection: &Rejection = refused.extensions().get().unwrap();
    assert_eq!(rejection.code(), "too_many_at_once");
    let third = call("192.0.2.1").await.unwrap();
    let busy = call("192.0.2.2").await.unwrap();
    assert_eq!(busy.status(), 503);
    assert_eq!(busy.headers()["retry-after"], "3");
    let rejection: &Rejection = busy.extensions().get().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    assert_eq!(rejection.code(), "too_busy");
    assert_eq!(rejection.event(), Some(EventKind::ExcessRateLimitExceeded));
    assert_eq!(
        rejection.problem_type(),
        Some("https://iana.org/assignments/http-problem-types#temporary-reduced-capacity")
    );
    assert_eq!(spy.calls(), 3, "no refused request reached the service");
    assert_eq!(spy.unready_calls(), 0);
    drop((first, refused, busy));
    assert_eq!(call("2001:db8::3").await.unwrap().status(), 200);
    drop((second, third));
    assert_eq!(layer.under_way(), 0);
    let everybody = ConcurrencyLimitLayer::new(0).per_key(0).for_everybody();
    let service = everybody.layer(Spy::default());
    let first = service.clone().oneshot(from("192.0.2.1")).await.unwrap();
    assert_eq!(first.status(), 200, "zero is one");
    let second = service.oneshot(from("192.0.2.2")).await.unwrap();
    assert_eq!(second.status(), 429);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_length_and_time() {
    let layer = ConcurrencyLimitLayer::new(1)
        .per_key(2)
        .queue(2, Duration::from_secs(1));
    let spy = Spy::default();
    let service = layer.layer(spy.clone());
    let begin = |address: &str| Box::pin(service.clone().oneshot(from(address)));
    let first = begin("192.0.2.1").await.unwrap();
    let mut second = begin("192.0.2.2");
    let mut third = begin("192.0.2.2");
    assert!(at_once(&mut second).is_none() && at_once(&mut third).is_none());
    assert_eq!(layer.waiting(), 2);
    let of_the_same_key = begin("192.0.2.2").await.unwrap();
    assert_eq!(of_the_same_key.status(), 429, "those that wait count");
    let too_many = begin("192.0.2.3").await.unwrap();
    assert_eq!(too_many.status(), 503);
    assert_eq!(spy.calls(), 1);

    // First come, first served.
    drop(first);
    assert!(at_once(&mut third).is_none());
    let response = second.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!((spy.calls(), layer.waiting()), (2, 1));

    // One who waits too long is refused; one who goes away gives up the place.
    let start = tokio::time::Instant::now();
    let late = third.await.unwrap();
    assert_eq!(late.status(), 503);
    assert!(start.elapsed() >= Duration::from_secs(1));
    let mut gone = begin("192.0.2.4");
    assert!(at_once(&mut gone).is_none());
    drop(gone);
    assert_eq!((layer.waiting(), layer.under_way()), (0, 1));
    drop(response);
    assert_eq!(layer.under_way(), 0);
    assert_eq!(begin("192.0.2.2").await.unwrap().status(), 200);
    assert_eq!(spy.unready_calls(), 0);
}

#[test]
fn there_are_never_more_than_allowed() {
    for round in 0..200 {
        let layer = ConcurrencyLimitLayer::new(5)
            .per_key(2)
            .queue(4, Duration::from_secs(60));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&now), Arc::clone(&most));
        let service = layer.layer(service_fn(move |_: Request<()>| {
            let (now, most) = counts.clone();
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
            }
        }));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let statuses = runtime.block_on(async {
            let tasks: tokio::task::JoinSet<_> = (0..60)
                .map(|n| {
                    let address = format!("192.0.2.{}", n % 7);
                    let response = service.clone().oneshot(from(&address));
                    async { response.await.unwrap().status().as_u16() }
                })
                .collect();
            tasks.join_all().await
        });
        assert!(most.load(Ordering::SeqCst) <= 5, "round {round}");
        assert!(statuses.iter().filter(|status| **status == 200).count() >= 5);
        assert_eq!(
            (layer.under_way(), layer.waiting()),
            (0, 0),
            "round {round}"
        );
    }
}
