use super::gate::{Answer, Full, Gate, Permit};
use crate::event::EventKind;
use crate::guard::{Body, Exit, Guard, Rejection, RejectionKind, RequestHead, Verdict, impl_layer};
use crate::limit::answer::{QUOTA_EXCEEDED, REDUCED_CAPACITY};
use crate::limit::subject::{Subject, impl_by};
use http::{Request, Response};
use std::fmt;
use std::time::Duration;

/// Refuses requests while too many are under way.
///
/// A rate says how many requests begin; not how many there are. A hundred slow downloads, or
/// queries that each take a minute, hold threads, connections and memory at a rate that no
/// quota minds (contributes to ASVS 5.0 15.2.2). This bounds what is under way:
///
/// 1. In all, so many at once. One more is refused with 503 and `Retry-After`, or waits in a
///    [queue](Self::queue) that is bounded in length and time.
/// 2. By key, where [`per_key`](Self::per_key) says so: by default the client's
///    network. One more of the same key is refused with 429 and `Retry-After`, also when it
///    would have to wait: no client fills the queue for the others.
/// 3. A request is under way until the body of its response has ended or was dropped; and no
///    longer when its future is dropped, as when the client goes away, when the service fails
///    or panics. An upgraded connection (WebSocket) is not under way any more once it is
///    answered.
/// 4. Memory is bounded by the limit in all: keys are known only while one of their requests
///    is under way or waits.
///
/// Each process counts for itself; clones share what they count. Put it outside of what is
/// dear, and inside of a rate limit.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use portcullis::limit::ConcurrencyLimitLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let limit = ConcurrencyLimitLayer::new(1);
/// let service = limit.layer(service_fn(async |_: Request<()>| {
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
/// }));
///
/// let first = service.clone().oneshot(Request::new(())).await.unwrap();
/// assert_eq!(first.status(), 200);
/// // Its body was not read yet.
/// let refused = service.clone().oneshot(Request::new(())).await.unwrap();
/// assert_eq!(refused.status(), 503);
/// assert_eq!(refused.headers()["retry-after"], "1");
/// drop(first);
/// assert_eq!(service.oneshot(Request::new(())).await.unwrap().status(), 200);
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ConcurrencyLimitLayer {
    gate: Gate,
    subject: Subject,
    retry_after: Duration,
}

impl ConcurrencyLimitLayer {
    /// After how long those who are refused should come again, unless told otherwise: 1 s.
    pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

    /// At most this many at once, of all clients together. Zero is one.
    pub fn new(most: usize) -> Self {
        Self {
            gate: Gate::new(most),
            subject: Subject::client(),
            retry_after: Self::DEFAULT_RETRY_AFTER,
        }
    }

    /// At most this many at once of one key: of the client's network, unless one of the `by_`
    /// methods says otherwise. Zero is one. Those in the queue count as well.
    pub fn per_key(mut self, most: u32) -> Self {
        self.gate.per_key(most);
        self
    }

    /// Lets up to `most` wait, each up to `deadline`, while there are as many under way as may
    /// be; first come, first served. By default none waits. Waiting requests hold memory and a
    /// connection each, and an answer that comes too late is of no use: keep both short.
    ///
    /// Needs a runtime of tokio with its timer, as servers have.
    pub fn queue(mut self, most: usize, deadline: Duration) -> Self {
        self.gate.queue(most, deadline);
        self
    }

    /// After how long those who are refused should come again. Default
    /// [`ConcurrencyLimitLayer::DEFAULT_RETRY_AFTER`].
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = wait;
        self
    }

    /// How many are under way: admitted, and their response not at its end.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.gate.under_way()
    }

    /// How many wait in the queue.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    const fn subject_mut(&mut self) -> &mut Subject {
        &mut self.subject
    }
}

impl_by!(ConcurrencyLimitLayer);

impl Guard for ConcurrencyLimitLayer {
    type Exit = ConcurrencyLimitExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<ConcurrencyLimitExit> {
        let head = RequestHead::of(request);
        let retry_after = self.retry_after;
        match self.gate.enter(|| self.subject.of(&head)) {
            Answer::Begin(permit) => Verdict::Admit(ConcurrencyLimitExit(permit)),
            Answer::Refuse(full) => Verdict::Reject(reject(full, retry_after)),
            Answer::Wait(turn) => Verdict::Later(Box::pin(async move {
                let permit = turn.come().await;
                permit
                    .map(ConcurrencyLimitExit)
                    .map_err(|full| reject(full, retry_after))
            })),
        }
    }
}

impl_layer!(ConcurrencyLimitLayer);

fn reject(full: Full, retry_after: Duration) -> Rejection {
    let rejection = match full {
        Full::Key => Rejection::new(RejectionKind::RateLimited)
            .with_problem_type(QUOTA_EXCEEDED)
            .with_code("too_many_at_once")
            .with_reason("as many requests of this key are under way as may be"),
        Full::Total => busy("as many requests are under way, and in the queue, as may be"),
        Full::Deadline => busy("no request came to its end in time"),
    };
    rejection.with_retry_after(retry_after)
}

/// Nothing of ours is broken: what is in excess are the requests.
fn busy(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::Unavailable)
        .with_problem_type(REDUCED_CAPACITY)
        .with_code("too_busy")
        .with_event(Some(EventKind::ExcessRateLimitExceeded))
        .with_reason(reason)
}

impl fmt::Debug for ConcurrencyLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyLimitLayer")
            .field("most", &self.gate.most())
            .field("most_per_key", &self.gate.most_per_key())
            .field("key", &self.subject)
            .field("under_way", &self.under_way())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Gives the permit to the body of the response, to be held until that ends.
#[derive(Debug)]
pub struct ConcurrencyLimitExit(Permit);

impl Exit for ConcurrencyLimitExit {
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        response.body_mut().hold(self.0);
    }
}
