use super::body::{BoxError, SignedBody};
use super::{Fault, Message, Signer, Verifier};
use crate::guard::collect;
use http::{Request, Response, request};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// Signs requests that are about to be sent.
pub trait RequestSigner: Send + Sync + 'static {
    /// Signs a request with this body, by adding to its headers.
    ///
    /// # Errors
    /// When it cannot be signed as it is.
    fn sign_parts(&self, request: &mut request::Parts, body: &[u8]) -> Result<(), Fault>;
}

impl RequestSigner for Signer {
    fn sign_parts(&self, request: &mut request::Parts, body: &[u8]) -> Result<(), Fault> {
        super::sign::put_digest(&mut request.headers, body);
        let fields = self.sign(&Message::from(&*request))?;
        self.put(&mut request.headers, fields)
    }
}

/// Signs the requests of a client. The body is read for it, up to a limit of 1 MiB unless told
/// otherwise; what is sent is the same bytes.
///
/// It stands inside whatever changes or repeats requests, so that each try is signed anew.
#[derive(Clone)]
#[must_use]
pub struct SignLayer {
    signer: Arc<dyn RequestSigner>,
    limit: usize,
}

impl SignLayer {
    /// Signs by this signer.
    pub fn new(signer: impl RequestSigner) -> Self {
        Self {
            signer: Arc::new(signer),
            limit: super::service::USUAL_LIMIT,
        }
    }

    /// Signs bodies of up to this many bytes; larger ones are not sent.
    pub const fn body_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl fmt::Debug for SignLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignLayer")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = SignService<S>;

    fn layer(&self, inner: S) -> SignService<S> {
        SignService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A client whose requests are signed.
#[derive(Clone, Debug)]
pub struct SignService<S> {
    inner: S,
    layer: SignLayer,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl<S, B, R> Service<Request<B>> for SignService<S>
where
    S: Service<Request<SignedBody<B>>, Response = R> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = R;
    type Error = BoxError;
    type Future = Answer<R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut client = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let read = collect::whole_with_trailers(body, layer.limit, collect::DEADLINE);
            let (bytes, trailers) = read.await?;
            layer.signer.sign_parts(&mut parts, &bytes)?;
            let body = SignedBody::whole(bytes, trailers);
            let response = client.call(Request::from_parts(parts, body));
            response.await.map_err(Into::into)
        })
    }
}

/// Lets a client believe only responses that are signed and bound to their request. What is not
/// is an error. The response has a [`Verified`](super::Verified) in its extensions.
///
/// It stands inside a [`SignLayer`], so that it sees the request as it was signed.
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifyResponseLayer {
    verifier: Verifier,
    limit: usize,
    deadline: Duration,
}

impl VerifyResponseLayer {
    /// Verifies by this verifier, whose policy is for responses; bodies of up to 1 MiB.
    pub const fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            limit: super::service::USUAL_LIMIT,
            deadline: collect::DEADLINE,
        }
    }

    /// Reads bodies of up to this many bytes.
    pub const fn body_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Waits for a body for as long as this; 15 seconds otherwise.
    pub const fn body_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl<S> Layer<S> for VerifyResponseLayer {
    type Service = VerifyResponseService<S>;

    fn layer(&self, inner: S) -> VerifyResponseService<S> {
        VerifyResponseService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A client that believes only signed responses.
#[derive(Clone, Debug)]
pub struct VerifyResponseService<S> {
    inner: S,
    layer: VerifyResponseLayer,
}

impl<S, B, R> Service<Request<B>> for VerifyResponseService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
{
    type Response = Response<SignedBody<R>>;
    type Error = BoxError;
    type Future = Answer<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = request.method().clone();
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        let response = self.inner.call(request);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = response.await.map_err(Into::into)?.into_parts();
            let read = collect::whole_with_trailers(body, layer.limit, layer.deadline);
            let (bytes, trailers) = read.await?;
            let request = Message::of_request(&method, &uri, &headers);
            let response = Message::of_response(parts.status, &parts.headers, Some(&request));
            let response = match &trailers {
                Some(trailers) => response.with_trailers(trailers),
                None => response,
            };
            let verified = layer.verifier.verify(&response, &bytes).await?;
            parts.extensions.insert(verified);
            let body = SignedBody::whole(bytes, trailers);
            Ok(Response::from_parts(parts, body))
        })
    }
}
