#![no_main]
//! Whatever way a body is cut into frames, and however much of it is inspected, the service
//! gets the same bytes, or the request is refused for its size.

use arbitrary::Arbitrary;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use portcullis::guard::inspect::Reading;
use portcullis::guard::{Inspect, InspectLayer, Inspected, Rejection, RequestHead, Want};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tower_layer::Layer;
use tower_service::Service;

#[derive(Arbitrary, Debug)]
struct Case {
    chunks: Vec<Vec<u8>>,
    limit: u8,
    prefix: Option<u8>,
}

struct Frames(VecDeque<Vec<u8>>);

impl Body for Frames {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Infallible>>> {
        let chunk = self.0.pop_front();
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::new()
    }
}

struct Look(Want);

impl Inspect for Look {
    fn wants(&self, _request: &RequestHead<'_>) -> Want {
        self.0
    }

    fn inspect(&self, _request: &RequestHead<'_>, _reading: Reading<'_>) -> Result<(), Rejection> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Collect(Arc<Mutex<Option<Vec<u8>>>>);

impl Service<Request<Inspected<Frames>>> for Collect {
    type Response = Response<http_body_util::Empty<bytes::Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Inspected<Frames>>) -> Self::Future {
        let body = poll_now(request.into_body().collect()).expect("no errors");
        *self.0.lock().expect("one thread") = Some(body.to_bytes().to_vec());
        std::future::ready(Ok(Response::default()))
    }
}

fn poll_now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here has to wait"),
    }
}

fuzz_target!(|case: Case| {
    let sent = case.chunks.concat();
    let limit = usize::from(case.limit);
    let want = match case.prefix {
        None => Want::Whole,
        Some(prefix) => Want::Prefix(usize::from(prefix)),
    };
    let collect = Collect::default();
    let mut service = InspectLayer::new(limit, Look(want)).layer(collect.clone());
    let answer = service.call(Request::new(Frames(case.chunks.into())));
    let response = poll_now(answer).expect("no errors");
    let got = collect.0.lock().expect("one thread").take();
    if want == Want::Whole && sent.len() > limit {
        assert_eq!(response.status(), 413);
        assert!(got.is_none());
    } else {
        assert_eq!(got, Some(sent));
    }
});
