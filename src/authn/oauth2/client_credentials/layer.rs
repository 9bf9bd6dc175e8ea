use super::challenge::refuses_token;
use super::{
    AccessToken, ClientCredentials, CredentialsConfigError, CredentialsError, RepeatableBody,
};
use crate::net::client::Target;
use http::{Request, Response, Uri, header};
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;

/// Puts tokens on the requests of a client. See the [module](super) for the rules.
///
/// It goes around any client of tower: a [`HttpClient`](crate::net::client::HttpClient), or its
/// [transport](crate::net::client::ClientBuilder::transport), so that the deadline of the
/// `HttpClient` that is [built over](crate::net::client::ClientBuilder::build_over) it covers
/// the fetch too. What signs requests stands inside it.
///
/// The client inside must not follow redirects, which would take the token along to wherever they
/// lead; an `HttpClient` follows none.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientCredentialsLayer {
    tokens: ClientCredentials,
    origins: Arc<[Arc<str>]>,
}

impl ClientCredentialsLayer {
    /// Puts these tokens on requests to these origins, as `https://orders.example.com`: those of
    /// the services that the tokens are for. Requests to others are not sent.
    ///
    /// An `Authorization` header that a request has already is replaced.
    ///
    /// # Errors
    /// When there is no origin, or one that nothing secret may be sent to.
    pub fn new<O: AsRef<str>>(
        tokens: ClientCredentials,
        origins: impl IntoIterator<Item = O>,
    ) -> Result<Self, CredentialsConfigError> {
        let origins = origins.into_iter().map(|it| origin(it.as_ref()));
        let origins = origins.collect::<Result<Arc<[_]>, _>>()?;
        if origins.is_empty() {
            return Err(CredentialsConfigError::NoOrigin);
        }
        Ok(Self { tokens, origins })
    }

    /// Whether a token may go there.
    fn check(&self, uri: &Uri) -> Result<(), CredentialsError> {
        let Target { origin } = Target::of(uri, false).map_err(|_| CredentialsError::Url)?;
        if self.origins.contains(&origin) {
            return Ok(());
        }
        Err(CredentialsError::OtherOrigin((*origin).into()))
    }
}

fn origin(text: &str) -> Result<Arc<str>, CredentialsConfigError> {
    let wrong = || CredentialsConfigError::Origin(text.into());
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let is_bare = uri.path().trim_end_matches('/').is_empty() && uri.query().is_none();
    if !is_bare || text.contains('#') {
        return Err(wrong());
    }
    let target = Target::of(&uri, false).map_err(|_| wrong())?;
    Ok(target.origin)
}

impl<S> Layer<S> for ClientCredentialsLayer {
    type Service = ClientCredentialsService<S>;

    fn layer(&self, inner: S) -> ClientCredentialsService<S> {
        ClientCredentialsService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A client whose requests have tokens.
#[derive(Clone, Debug)]
pub struct ClientCredentialsService<S> {
    inner: S,
    layer: ClientCredentialsLayer,
}

impl<S, B, R> Service<Request<B>> for ClientCredentialsService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: RepeatableBody + Send + 'static,
    R: Send,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut client = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            layer.check(request.uri())?;
            let token = layer.tokens.token().await?;
            let again = copy(&request);
            put(&token, &mut request);
            let response = client.call(request).await.map_err(Into::into)?;
            let Some(mut again) = again.filter(|_| refuses_token(&response)) else {
                return Ok(response);
            };
            let Some(newer) = layer.tokens.instead_of(&token).await else {
                return Ok(response);
            };
            put(&newer, &mut again);
            poll_fn(|cx| client.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            client.call(again).await.map_err(Into::into)
        })
    }
}

fn put<B>(token: &AccessToken, request: &mut Request<B>) {
    request
        .headers_mut()
        .insert(header::AUTHORIZATION, token.header());
}

/// The request once more, where its body can be.
fn copy<B: RepeatableBody>(request: &Request<B>) -> Option<Request<B>> {
    let mut copy = Request::new(request.body().repeat()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}
