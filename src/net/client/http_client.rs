use super::breaker::Circuits;
use super::retry::{Budget, RetryPolicy, is_repeatable, may_repeat, retry_after};
use super::target::Target;
use super::transport::Exchange;
use super::{ClientBuilder, ClientConfigError, ClientError, ClientErrorKind, body};
use crate::clock::Clock;
use crate::random::Random;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tower_service::Service;

/// Who calls, where the request does not say. Some services answer nobody without a name.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")));

/// Calls other services, bounded in time and size. See the [module](super) for the rules.
///
/// It needs a runtime of Tokio. Cheap to clone; clones share connections, circuits and the
/// budget of retries. It is a [`Service`] too.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

pub(super) struct Inner {
    pub(super) transport: Box<dyn Exchange>,
    pub(super) deadline: Duration,
    pub(super) max_response: usize,
    pub(super) allows_http: bool,
    pub(super) retry: RetryPolicy,
    pub(super) budget: Budget,
    pub(super) circuits: Arc<Circuits>,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

type Outcome = Result<Response<Bytes>, ClientError>;

impl HttpClient {
    /// A client with the defaults of its [builder](Self::builder).
    ///
    /// # Errors
    /// When the operating system has no certificates to trust.
    pub fn new() -> Result<Self, ClientConfigError> {
        Self::builder().build()
    }

    /// Starts from the defaults: 10 seconds, 1 MiB, public addresses, two retries.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Fetches what is at this URL.
    ///
    /// # Errors
    /// When the URL may not be called, or no whole response came. A status of 4xx or 5xx, or
    /// a redirect, is a response.
    pub async fn get(&self, url: &str) -> Result<Response<Bytes>, ClientError> {
        let request = Request::get(url).body(Bytes::new());
        let request = request.map_err(|_| ClientError::from(ClientErrorKind::InvalidUrl))?;
        self.send(request).await
    }

    /// Whether this URL is one to call, as far as that can be told from it.
    #[must_use]
    pub fn may_call(&self, url: &str) -> bool {
        url.parse()
            .is_ok_and(|url| Target::of(&url, self.0.allows_http).is_ok())
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let Target { origin } = Target::of(request.uri(), self.0.allows_http)?;
        let headers = request.headers_mut();
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        let outcome = self.0.send(request, &origin).await;
        outcome.map_err(|error| error.at(&origin))
    }
}

impl Inner {
    /// Tries until there is an answer, or no use in trying again.
    async fn send(&self, request: Request<Bytes>, origin: &Arc<str>) -> Outcome {
        let end = Instant::now() + self.deadline;
        let is_repeatable = is_repeatable(&request);
        let mut last: Option<Outcome> = None;
        self.budget.earn();
        for retry in 0.. {
            let Ok(permit) = self.circuits.admit(origin) else {
                break;
            };
            let tried = timeout_at(end, self.exchange(request.clone())).await;
            let outcome = tried.unwrap_or_else(|_| Err(ClientErrorKind::Timeout.into()));
            permit.settle(is_failure(&outcome));
            let wait = self.wait(retry, is_repeatable, &outcome);
            last = Some(outcome);
            let left = end.saturating_duration_since(Instant::now());
            match wait {
                Some(wait) if wait < left && self.budget.take() => sleep(wait).await,
                _ => break,
            }
        }
        last.unwrap_or_else(|| Err(ClientErrorKind::CircuitOpen.into()))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Outcome {
        let exchanged = self.transport.exchange(request.map(Full::new)).await;
        let (parts, body) = exchanged.map_err(ClientError::of_transport)?.into_parts();
        let body = body::read(body, self.max_response).await?;
        Ok(Response::from_parts(parts, body))
    }

    /// How long to wait before the next try, if there is to be one.
    fn wait(&self, retry: u32, is_repeatable: bool, outcome: &Outcome) -> Option<Duration> {
        if !may_repeat(is_repeatable, outcome) {
            return None;
        }
        let headers = outcome.as_ref().ok().map(Response::headers);
        let asked = headers.and_then(|headers| retry_after(headers, &self.clock));
        self.retry.wait(retry, asked, &self.random)
    }
}

/// Whether the origin is to blame.
fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Ok(response) => response.status().is_server_error(),
        Err(error) => error.kind().is_failure_of_origin(),
    }
}

impl Service<Request<Bytes>> for HttpClient {
    type Response = Response<Bytes>;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(request).await })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("deadline", &self.0.deadline)
            .field("max_response", &self.0.max_response)
            .field("retry", &self.0.retry)
            .finish_non_exhaustive()
    }
}
