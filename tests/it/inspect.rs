//! Bodies read once, for all who want to look inside.

use crate::support::Spy;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use portcullis::guard::inspect::Reading;
use portcullis::guard::{
    Inspect, InspectLayer, Inspected, Rejection, RejectionKind, RequestHead, Want,
};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, ServiceExt, service_fn};

/// Notes what it was shown, and rejects what holds the word.
#[derive(Clone, Debug)]
struct Reader {
    want: Want,
    shown: Arc<Mutex<Vec<(usize, bool)>>>,
}

impl Reader {
    fn wanting(want: Want) -> Self {
        Self {
            want,
            shown: Arc::default(),
        }
    }

    fn shown(&self) -> Vec<(usize, bool)> {
        self.shown.lock().unwrap().clone()
    }
}

impl Inspect for Reader {
    fn wants(&self, _request: &RequestHead<'_>) -> Want {
        self.want
    }

    fn inspect(&self, _request: &RequestHead<'_>, reading: Reading<'_>) -> Result<(), Rejection> {
        let shown = (reading.bytes().len(), reading.is_whole());
        self.shown.lock().unwrap().push(shown);
        if reading.bytes().windows(4).any(|four| four == b"evil") {
            return Err(Rejection::new(RejectionKind::Hostile));
        }
        Ok(())
    }
}

/// A body of several frames whose size nobody knows before.
#[derive(Debug)]
struct Frames(std::collections::VecDeque<Frame<Bytes>>);

impl Frames {
    fn of(chunks: &[&'static str]) -> Self {
        Self(
            chunks
                .iter()
                .map(|chunk| Frame::data(Bytes::from_static(chunk.as_bytes())))
                .collect(),
        )
    }

    fn with_trailers(mut self) -> Self {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", "17".parse().unwrap());
        self.0.push_back(Frame::trailers(trailers));
        self
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// Sends `body` past `inspect`, and gives what the service got of it, or the status.
async fn pass<I, B>(
    limit: usize,
    inspect: I,
    body: B,
) -> Result<(String, Option<HeaderMap>, SizeHint), u16>
where
    I: Inspect,
    B: Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: std::fmt::Debug + Send,
{
    let got = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&got);
    let service = InspectLayer::new(limit, inspect).layer(service_fn(
        move |request: Request<Inspected<B>>| {
            let keep = Arc::clone(&keep);
            async move {
                let hint = request.body().size_hint();
                let collected = request.into_body().collect().await.unwrap();
                let trailers = collected.trailers().cloned();
                let text = String::from_utf8(collected.to_bytes().to_vec()).unwrap();
                *keep.lock().unwrap() = Some((text, trailers, hint));
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        },
    ));
    let response = service.oneshot(Request::new(body)).await.unwrap();
    let got = got.lock().unwrap().take();
    got.ok_or(response.status().as_u16())
}

#[tokio::test]
async fn the_service_gets_all_of_a_body_however_much_was_read() {
    for want in [
        Want::Nothing,
        Want::Prefix(0),
        Want::Prefix(3),
        Want::Prefix(99),
        Want::Whole,
    ] {
        let body = Frames::of(&["ab", "cd", "ef"]).with_trailers();
        let (text, trailers, _) = pass(10, Reader::wanting(want), body).await.unwrap();
        assert_eq!(text, "abcdef", "{want:?}");
        assert_eq!(trailers.unwrap()["x-checksum"], "17", "{want:?}");
        let exact = Full::new(Bytes::from_static(b"abcdef"));
        let (_, _, hint) = pass(10, Reader::wanting(want), exact).await.unwrap();
        assert_eq!(hint.exact(), Some(6), "{want:?}");
    }
}

#[tokio::test]
async fn each_inspector_is_shown_what_the_greediest_wants_once() {
    let (little, nothing, all) = (
        Reader::wanting(Want::Prefix(1)),
        Reader::wanting(Want::Nothing),
        Reader::wanting(Want::Whole),
    );
    let inspectors = (little.clone(), nothing.clone(), all.clone());
    pass(10, inspectors, Frames::of(&["ab", "cd"]))
        .await
        .unwrap();
    assert_eq!(little.shown(), [(4, true)]);
    assert_eq!(nothing.shown(), []);
    assert_eq!(all.shown(), [(4, true)]);
}

#[tokio::test]
async fn a_prefix_stops_reading_and_says_that_more_may_follow() {
    let reader = Reader::wanting(Want::Prefix(3));
    let (text, ..) = pass(10, reader.clone(), Frames::of(&["ab", "cd", "ef"]))
        .await
        .unwrap();
    assert_eq!(reader.shown(), [(4, false)]);
    assert_eq!(text, "abcdef");
}

#[tokio::test]
async fn over_the_limit_is_413_and_at_the_limit_is_not() {
    let cases: [(&str, usize, Result<(), u16>); 4] = [
        ("at the limit", 6, Ok(())),
        ("one byte over", 5, Err(413)),
        ("over in the first frame", 1, Err(413)),
        ("no room at all", 0, Err(413)),
    ];
    for (name, limit, expected) in cases {
        let chunked = pass(
            limit,
            Reader::wanting(Want::Whole),
            Frames::of(&["abc", "def"]),
        )
        .await;
        assert_eq!(chunked.map(drop), expected, "{name}, chunked");
        let announced = Full::new(Bytes::from_static(b"abcdef"));
        let announced = pass(limit, Reader::wanting(Want::Whole), announced).await;
        assert_eq!(announced.map(drop), expected, "{name}, announced");
    }
}

/// Says that it is large, and must not be read.
#[derive(Debug)]
struct Unread;

impl Body for Unread {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("a body that says it is too large was read")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(1 << 40)
    }
}

#[tokio::test]
async fn an_announced_size_over_the_limit_is_refused_unread() {
    let refused = pass(1 << 20, Reader::wanting(Want::Whole), Unread).await;
    assert_eq!(refused.map(drop), Err(413));
}

#[tokio::test]
async fn a_refused_body_never_reaches_the_service() {
    let spy = Spy::default();
    let service = InspectLayer::new(100, Reader::wanting(Want::Whole)).layer(spy.clone());
    let response = service
        .oneshot(Request::new(Frames::of(&["ev", "il"])))
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.extensions().get::<Rejection>().is_some());
    assert_eq!(spy.calls(), 0);

    let service = InspectLayer::new(100, Reader::wanting(Want::Whole)).layer(spy.clone());
    let response = service
        .oneshot(Request::new(Frames::of(&["good"])))
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), spy.calls(), spy.unready_calls()),
        (200, 1, 0)
    );
}

/// Breaks off in the middle.
#[derive(Debug)]
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("connection reset")))
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let refused = pass(10, Reader::wanting(Want::Whole), Broken).await;
    assert_eq!(refused.map(drop), Err(400));
}

/// A body that sends a byte every so often, for as long as somebody waits for it.
struct Dripping {
    left: usize,
    next: Pin<Box<tokio::time::Sleep>>,
}

/// How long a [`Dripping`] body takes for each byte.
const DRIP: Duration = Duration::from_secs(1);

impl Dripping {
    fn of(bytes: usize) -> Self {
        Self {
            left: bytes,
            next: Box::pin(tokio::time::sleep(DRIP)),
        }
    }
}

impl Body for Dripping {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::ready!(self.next.as_mut().poll(cx));
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        self.next = Box::pin(tokio::time::sleep(DRIP));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_slowly_is_waited_for_until_the_deadline() {
    let seconds = Duration::from_secs;
    let cases = [
        ("in time", None, Want::Whole, 10, 200, seconds(11)),
        ("too slow", None, Want::Whole, 99, 408, seconds(15)),
        (
            "a deadline of our own",
            Some(seconds(3)),
            Want::Whole,
            9,
            408,
            seconds(3),
        ),
        (
            "no deadline worth the name",
            Some(Duration::MAX),
            Want::Whole,
            99,
            200,
            seconds(100),
        ),
        (
            "the prefix in time",
            Some(seconds(5)),
            Want::Prefix(3),
            99,
            200,
            seconds(3),
        ),
        (
            "the prefix too slow",
            Some(seconds(5)),
            Want::Prefix(9),
            99,
            408,
            seconds(5),
        ),
        (
            "nobody waits",
            Some(Duration::ZERO),
            Want::Nothing,
            99,
            200,
            Duration::ZERO,
        ),
    ];
    for (name, deadline, want, bytes, status, took) in cases {
        let spy = Spy::default();
        let mut layer = InspectLayer::new(1000, Reader::wanting(want));
        if let Some(deadline) = deadline {
            layer = layer.deadline(deadline);
        }
        let start = tokio::time::Instant::now();
        let request = Request::new(Dripping::of(bytes));
        let response = layer.layer(spy.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(start.elapsed().as_secs(), took.as_secs(), "{name}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{name}");
        if status == 408 {
            let rejection = response.extensions().get::<Rejection>().unwrap();
            assert_eq!(rejection.kind(), RejectionKind::Timeout, "{name}");
        }
    }
}
