//! Gives each request an id, so that what it left in logs, events and answers can be found
//! again, and keeps the trace it belongs to.
//!
//! 1. An `x-request-id` from outside is kept when it is harmless (see [`RequestId::parse`]),
//!    and replaced when it is not: it cannot forge a log line. A client may choose the same
//!    id twice, so an id is for finding things and never for telling requests apart; at the
//!    edge of your network, [`ignore_incoming`](RequestIdLayer::ignore_incoming) says to
//!    make a new one always.
//! 2. The id is in the request's extensions and headers, and on the response, whoever made it.
//! 3. A sound `traceparent` (W3C Trace Context) is left as it is, and its trace id is in the
//!    extensions and in events; a broken one is removed with its `tracestate`, as the standard
//!    asks.
//!
//! ```
//! use http::{Request, Response};
//! use portcullis::event::RequestId;
//! use portcullis::net::request_id::RequestIdLayer;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let service = RequestIdLayer::new().layer(service_fn(async |_: Request<()>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(()))
//! }));
//! let send = |id: &'static str| {
//!     let request = Request::builder().header("x-request-id", id).body(()).unwrap();
//!     service.clone().oneshot(request)
//! };
//! assert_eq!(send("from-the-proxy").await.unwrap().headers()["x-request-id"], "from-the-proxy");
//! assert_ne!(send("<script>").await.unwrap().headers()["x-request-id"], "<script>");
//! # }
//! ```

use crate::event::{Emitter, RequestId, TraceContext};
use crate::guard::render::add_request_id;
use crate::guard::{Body, Exit, Guard, RequestHead, Verdict, impl_layer};
use crate::random::Random;
use http::{HeaderName, HeaderValue, Request, Response};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Gives each request an id. See the [module](self) for the rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RequestIdLayer {
    random: Random,
    ignore_incoming: bool,
}

impl RequestIdLayer {
    /// Keeps a harmless id from outside, and makes one where there is none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a new id for every request, whatever it says.
    pub fn ignore_incoming(mut self) -> Self {
        self.ignore_incoming = true;
        self
    }

    /// Takes another source of randomness.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    fn incoming(&self, request: &RequestHead<'_>) -> Option<RequestId> {
        if self.ignore_incoming {
            return None;
        }
        RequestId::parse(request.single_header(&X_REQUEST_ID)?).ok()
    }
}

impl_layer!(RequestIdLayer);

impl Guard for RequestIdLayer {
    type Exit = RequestIdExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<RequestIdExit> {
        keep_trace(request);
        let incoming = self.incoming(&RequestHead::of(request));
        let id = incoming.unwrap_or_else(|| RequestId::random(&self.random));
        // An id is visible ASCII, so it always is a header's value.
        let value = HeaderValue::from_str(id.as_str()).ok();
        if let Some(value) = &value {
            request.headers_mut().insert(X_REQUEST_ID, value.clone());
        }
        if let Some(emitter) = request.extensions().get::<Emitter>() {
            emitter.note_request_id(&id);
        }
        request.extensions_mut().insert(id.clone());
        Verdict::Admit(RequestIdExit { id, value })
    }
}

fn keep_trace<B>(request: &mut Request<B>) {
    if !request.headers().contains_key(TRACEPARENT) {
        return;
    }
    let head = RequestHead::of(request);
    match head
        .single_header(&TRACEPARENT)
        .and_then(TraceContext::parse)
    {
        Some(trace) => {
            if let Some(emitter) = request.extensions().get::<Emitter>() {
                emitter.note_trace(&trace);
            }
            request.extensions_mut().insert(trace);
        }
        None => {
            request.headers_mut().remove(TRACEPARENT);
            request.headers_mut().remove(TRACESTATE);
        }
    }
}

/// Writes the id on the response, and into the problem document of a handler.
#[derive(Debug)]
pub struct RequestIdExit {
    id: RequestId,
    value: Option<HeaderValue>,
}

impl Exit for RequestIdExit {
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        add_request_id(response, &self.id);
        if let Some(value) = self.value {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
    }
}
