//! One service for every scheme: the head first, then the body, then the service behind.

use super::Fault;
use super::body::{BoxError, SignedBody};
use super::digest::DigestHasher;
use crate::event::Emitter;
use crate::guard::render::{Render, Standard, refuse};
use crate::guard::{Body, Rejection, RequestHead, collect};
use crate::principal::Principal;
use http::{HeaderMap, Request, Response};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// Bytes of a body that are read without being asked for more: 1 MiB.
pub(super) const USUAL_LIMIT: usize = 1024 * 1024;

/// One way of signing requests.
pub(super) trait Scheme: Clone + Send + Sync + 'static {
    /// What the head says, to be held against the body.
    type Claim: Send;
    /// What a good request leaves for the handler.
    type Proof: Clone + Send + Sync + 'static;

    /// Looks at the head alone, so that what is no good anyway is refused before its body is
    /// read.
    fn begin(
        &self,
        head: &RequestHead<'_>,
        is_empty: bool,
    ) -> impl Future<Output = Result<Next<Self::Claim, Self::Proof>, Fault>> + Send;

    /// Looks at the body.
    fn finish(
        &self,
        claim: Self::Claim,
        head: &RequestHead<'_>,
        body: &[u8],
        trailers: Option<&HeaderMap>,
    ) -> impl Future<Output = Result<Self::Proof, Fault>> + Send;

    /// Whose request it is.
    fn principal(proof: &Self::Proof) -> Option<&Principal>;

    /// What else a refused client may know.
    fn told(&self, rejection: Rejection) -> Rejection {
        rejection
    }
}

/// How it goes on after the head.
pub(super) enum Next<C, P> {
    /// The whole body is wanted.
    Whole(C),
    /// The request passes; the body is digested while the service reads it.
    Stream(P, Vec<DigestHasher>),
}

/// What is the same for every scheme.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) limit: usize,
    pub(super) deadline: Duration,
    pub(super) render: Arc<dyn Render>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            limit: USUAL_LIMIT,
            deadline: collect::DEADLINE,
            render: Arc::new(Standard),
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("limit", &self.limit)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Lets pass requests that are signed by one scheme, and no others: a
/// [`VerifySignatureLayer`](super::VerifySignatureLayer), an
/// [`ApiSignatureLayer`](super::api::ApiSignatureLayer), a
/// [`WebhookLayer`](super::webhook::WebhookLayer) or a [`SigV4Layer`](super::sigv4::SigV4Layer).
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifyLayer<V> {
    pub(super) scheme: V,
    desk: Desk,
}

impl<V> VerifyLayer<V> {
    pub(super) fn of(scheme: V) -> Self {
        Self {
            scheme,
            desk: Desk::default(),
        }
    }

    /// Reads bodies of up to this many bytes, 1 MiB without this; larger ones are refused with
    /// 413.
    pub const fn body_limit(mut self, limit: usize) -> Self {
        self.desk.limit = limit;
        self
    }

    /// Refuses with 408 when the body has not arrived within `deadline`; 15 seconds without
    /// this.
    pub const fn body_deadline(mut self, deadline: Duration) -> Self {
        self.desk.deadline = deadline;
        self
    }

    /// Makes rejections look as `render` says.
    pub fn rendered_by(mut self, render: impl Render) -> Self {
        self.desk.render = Arc::new(render);
        self
    }
}

impl<S, V: Clone> Layer<S> for VerifyLayer<V> {
    type Service = VerifyService<S, V>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService {
            inner,
            scheme: self.scheme.clone(),
            desk: self.desk.clone(),
        }
    }
}

/// A service that is called with requests whose signature is good.
#[derive(Clone, Debug)]
#[allow(
    private_bounds,
    reason = "the schemes are those of this crate; others build on the plain functions"
)]
pub struct VerifyService<S, V> {
    inner: S,
    scheme: V,
    desk: Desk,
}

type Answer<R, E> = Pin<Box<dyn Future<Output = Result<Response<Body<R>>, E>> + Send>>;

#[allow(
    private_bounds,
    reason = "the schemes are those of this crate; others build on the plain functions"
)]
impl<S, V, B, R> Service<Request<B>> for VerifyService<S, V>
where
    S: Service<Request<SignedBody<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    V: Scheme,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = Answer<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready goes with the request; its clone stays.
        let clone = self.inner.clone();
        let mut service = std::mem::replace(&mut self.inner, clone);
        let (scheme, desk) = (self.scheme.clone(), self.desk.clone());
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let head = RequestHead::of_parts(&parts);
            let (proof, body) = match verify(&scheme, &desk, &head, body).await {
                Ok(verified) => verified,
                Err(rejection) => {
                    let rejection = scheme.told(rejection);
                    return Ok(refuse(&*desk.render, rejection, &head));
                }
            };
            if let Some(principal) = V::principal(&proof) {
                if let Some(emitter) = parts.extensions.get::<Emitter>() {
                    emitter.note_principal(principal);
                }
                parts.extensions.insert(principal.clone());
            }
            parts.extensions.insert(proof);
            let response = service.call(Request::from_parts(parts, body)).await?;
            Ok(response.map(Body::service))
        })
    }
}

async fn verify<V, B>(
    scheme: &V,
    desk: &Desk,
    head: &RequestHead<'_>,
    body: B,
) -> Result<(V::Proof, SignedBody<B>), Rejection>
where
    V: Scheme,
    B: http_body::Body,
{
    match scheme.begin(head, body.is_end_stream()).await? {
        Next::Stream(proof, hashers) => Ok((proof, SignedBody::checked(body, hashers))),
        Next::Whole(claim) => {
            let (bytes, trailers) =
                collect::whole_with_trailers(body, desk.limit, desk.deadline).await?;
            let proof = scheme.finish(claim, head, &bytes, trailers.as_ref());
            Ok((proof.await?, SignedBody::whole(bytes, trailers)))
        }
    }
}
