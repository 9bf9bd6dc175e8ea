use super::body::SignedBody;
use super::origin::Origin;
use super::service::Desk;
use super::{ConfigError, Message, Signer};
use crate::guard::render::{Render, refuse};
use crate::guard::{Body, Rejection, RejectionKind, RequestHead, collect};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// Signs every response, bound to its request, refusals of layers inside included.
///
/// The body is read for its digest, up to a limit of 1 MiB unless told otherwise. A response
/// that cannot be signed is replaced by a 500: one without a signature would be taken for a
/// forgery anyway.
#[derive(Clone, Debug)]
#[must_use]
pub struct SignResponseLayer {
    signer: Signer,
    origin: Option<Origin>,
    desk: Desk,
}

impl SignResponseLayer {
    /// Signs by this signer.
    pub fn new(signer: Signer) -> Self {
        Self {
            signer,
            origin: None,
            desk: Desk::default(),
        }
    }

    /// Signs bodies of up to this many bytes; 1 MiB without this.
    pub const fn body_limit(mut self, limit: usize) -> Self {
        self.desk.limit = limit;
        self
    }

    /// Waits for the body of a handler for as long as this; 15 seconds without this.
    pub const fn body_deadline(mut self, deadline: Duration) -> Self {
        self.desk.deadline = deadline;
        self
    }

    /// Says which scheme and host clients use, where a proxy in front changes them: `https`,
    /// `api.example.com`.
    ///
    /// # Errors
    /// When that is no scheme or no host.
    pub fn origin(mut self, scheme: &str, authority: &str) -> Result<Self, ConfigError> {
        self.origin = Some(Origin::new(scheme, authority)?);
        Ok(self)
    }

    /// Makes the 500 that replaces what cannot be signed look as `render` says.
    pub fn rendered_by(mut self, render: impl Render) -> Self {
        self.desk.render = Arc::new(render);
        self
    }

    async fn sign<R: http_body::Body>(
        &self,
        asked: &Asked,
        response: Response<R>,
    ) -> Result<Response<SignedBody<R>>, Rejection> {
        let failed = |reason: String| {
            Rejection::new(RejectionKind::Internal)
                .with_reason(format!("the response cannot be signed: {reason}"))
        };
        let (parts, body) = response.into_parts();
        let read = collect::whole_with_trailers(body, self.desk.limit, self.desk.deadline).await;
        let (bytes, trailers): (Bytes, _) =
            read.map_err(|rejection| failed(rejection.code().to_owned()))?;
        let mut response = Response::from_parts(parts, ());
        let request = Message::of_request(&asked.method, &asked.uri, &asked.headers);
        let request = Origin::seen(self.origin.as_ref(), request);
        let signed = self.signer.sign_response(&mut response, &bytes, &request);
        signed.map_err(|fault| failed(fault.to_string()))?;
        Ok(response.map(|()| SignedBody::whole(bytes, trailers)))
    }
}

impl<S> Layer<S> for SignResponseLayer {
    type Service = SignResponseService<S>;

    fn layer(&self, inner: S) -> SignResponseService<S> {
        SignResponseService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose responses are signed.
#[derive(Clone, Debug)]
pub struct SignResponseService<S> {
    inner: S,
    layer: SignResponseLayer,
}

/// The head of a request, kept until its response is there.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

type Answer<R, E> = Pin<Box<dyn Future<Output = Result<Response<Body<SignedBody<R>>>, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for SignResponseService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
{
    type Response = Response<Body<SignedBody<R>>>;
    type Error = S::Error;
    type Future = Answer<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let asked = Asked {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        };
        let extensions = request.extensions().clone();
        let response = self.inner.call(request);
        let layer = self.layer.clone();
        Box::pin(async move {
            let response = response.await?;
            Ok(match layer.sign(&asked, response).await {
                Ok(signed) => signed.map(Body::service),
                Err(rejection) => {
                    let mut request = Request::new(());
                    *request.method_mut() = asked.method;
                    *request.uri_mut() = asked.uri;
                    *request.headers_mut() = asked.headers;
                    *request.extensions_mut() = extensions;
                    refuse(&*layer.desk.render, rejection, &RequestHead::of(&request))
                }
            })
        })
    }
}
