use super::connect::{Connector, Dialer};
use super::{ClientError, ClientErrorKind};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::{Client, Error as HyperError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);
const MAX_IDLE_PER_HOST: usize = 8;
/// The most bytes that the head of a response may have.
const MAX_HEAD: usize = 64 * 1024;

type BoxError = Box<dyn Error + Send + Sync>;

/// HTTP/1.1 over TLS, by `hyper` and `rustls`: the service that an
/// [`HttpClient`](super::HttpClient) calls unless it is given another. It opens connections by
/// the policy of the [builder](super::ClientBuilder::transport) that made it, and keeps them
/// for the next request; it does no more. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Transport(Client<Connector, Full<Bytes>>);

impl Transport {
    pub(super) fn new(dialer: Dialer) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .http1_max_buf_size(MAX_HEAD)
            .build(Connector(Arc::new(dialer)));
        Self(client)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Service<Request<Full<Bytes>>> for Transport {
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, ClientError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let response = self.0.request(request);
        Box::pin(async move { response.await.map_err(of_hyper) })
    }
}

/// What went wrong: the connector's own word, where it was that.
fn of_hyper(error: HyperError) -> ClientError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(found) = cause {
        if let Some(ours) = found.downcast_ref::<ClientError>() {
            return ours.clone();
        }
        cause = found.source();
    }
    let kind = if error.is_connect() {
        ClientErrorKind::Unreachable
    } else {
        ClientErrorKind::Broken
    };
    ClientError::from(kind).because(error)
}

/// Any service that exchanges a request for a response, whatever its types are.
pub(super) trait Exchange: Send + Sync {
    fn exchange(&self, request: Request<Full<Bytes>>) -> Exchanging;
}

pub(super) type Exchanging = Pin<
    Box<dyn Future<Output = Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>> + Send>,
>;

pub(super) struct Over<S>(pub(super) S);

impl<S, B> Exchange for Over<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn exchange(&self, request: Request<Full<Bytes>>) -> Exchanging {
        let mut service = self.0.clone();
        Box::pin(async move {
            let is_ready = poll_fn(|cx| service.poll_ready(cx)).await;
            is_ready.map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}
