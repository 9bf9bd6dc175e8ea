use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tower::Service;

/// A service that counts its calls, and those of them that came without being ready. Like a
/// service with a permit, each clone has to be polled ready for itself.
#[derive(Debug, Default)]
pub(crate) struct Spy {
    counts: Arc<Counts>,
    is_ready: bool,
}

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicUsize,
    unready_calls: AtomicUsize,
}

#[allow(dead_code, reason = "which are used depends on the features")]
impl Spy {
    /// How often the service was called.
    pub(crate) fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::SeqCst)
    }

    /// How often it was called without having said that it was ready.
    pub(crate) fn unready_calls(&self) -> usize {
        self.counts.unready_calls.load(Ordering::SeqCst)
    }
}

impl Clone for Spy {
    fn clone(&self) -> Self {
        Self {
            counts: Arc::clone(&self.counts),
            is_ready: false,
        }
    }
}

impl<B> Service<Request<B>> for Spy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        self.counts.calls.fetch_add(1, Ordering::SeqCst);
        if !std::mem::take(&mut self.is_ready) {
            self.counts.unready_calls.fetch_add(1, Ordering::SeqCst);
        }
        ready(Ok(Response::new(Full::new(Bytes::from_static(b"ok")))))
    }
}
