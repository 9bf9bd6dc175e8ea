use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::sleep;
use tower_service::Service;

/// A service that answers by a script instead of a network: for tests, yours among them.
/// Clones share the script and the count.
///
/// ```
/// use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient, RetryPolicy};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let down = FakeTransport::answering(|_| FakeAnswer::status(503));
/// let client = HttpClient::builder().retry(RetryPolicy::none()).build_over(down.clone())?;
/// assert_eq!(client.get("https://id.example.com/").await?.status(), 503);
/// assert_eq!(down.calls(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FakeTransport(Arc<Script>);

type Answer = dyn Fn(&Request<Bytes>) -> FakeAnswer + Send + Sync;

struct Script {
    answer: Box<Answer>,
    calls: AtomicUsize,
}

impl FakeTransport {
    /// Answers each request by this function.
    #[must_use]
    pub fn answering(
        answer: impl Fn(&Request<Bytes>) -> FakeAnswer + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Script {
            answer: Box::new(answer),
            calls: AtomicUsize::new(0),
        }))
    }

    /// How many requests came.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for FakeTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeTransport")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

/// What a [`FakeTransport`] answers, and when.
#[derive(Debug)]
pub struct FakeAnswer {
    after: Duration,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Response(Box<Response<Bytes>>),
    BreaksOff,
    Never,
}

impl FakeAnswer {
    const fn at_once(outcome: Outcome) -> Self {
        Self {
            after: Duration::ZERO,
            outcome,
        }
    }

    /// This response.
    #[must_use]
    pub fn response(response: Response<Bytes>) -> Self {
        Self::at_once(Outcome::Response(Box::new(response)))
    }

    /// 200 with this body.
    #[must_use]
    pub fn body(body: impl Into<Bytes>) -> Self {
        Self::response(Response::new(body.into()))
    }

    /// This status, without a body. What is no status, such as 42, is no HTTP: there the exchange
    /// breaks off.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let Ok(status) = StatusCode::from_u16(status) else {
            return Self::broken();
        };
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::response(response)
    }

    /// The connection breaks off.
    #[must_use]
    pub const fn broken() -> Self {
        Self::at_once(Outcome::BreaksOff)
    }

    /// Nothing ever comes.
    #[must_use]
    pub const fn never() -> Self {
        Self::at_once(Outcome::Never)
    }

    /// The same, this much later by the runtime's clock.
    #[must_use]
    pub const fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }
}

impl Service<Request<Full<Bytes>>> for FakeTransport {
    type Response = Response<Full<Bytes>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Full<Bytes>>>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let script = Arc::clone(&self.0);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap_or_default().to_bytes();
            script.calls.fetch_add(1, Ordering::SeqCst);
            let answer = (script.answer)(&Request::from_parts(parts, body));
            if !answer.after.is_zero() {
                sleep(answer.after).await;
            }
            match answer.outcome {
                Outcome::Response(response) => Ok(response.map(Full::new)),
                Outcome::BreaksOff => Err(io::ErrorKind::ConnectionReset.into()),
                Outcome::Never => pending().await,
            }
        })
    }
}
