use super::Fields;
use super::content::Content;
use crate::event::Emitter;
use crate::guard::render::refuse;
use crate::guard::{Body, Inspected, Rejection, Render, RequestHead, collect};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Request, Response};
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// Headers with a digest of the body (RFC 9530 and before).
const DIGESTS: [&str; 4] = ["content-digest", "content-md5", "digest", "repr-digest"];

pub(super) struct Desk {
    pub(super) fields: Arc<Fields>,
    pub(super) passed: Vec<String>,
    pub(super) deadline: Duration,
    pub(super) render: Arc<dyn Render>,
}

/// A service whose bodies are cleaned.
#[derive(Clone)]
pub struct CleanService<S> {
    inner: S,
    desk: Arc<Desk>,
}

impl<S> CleanService<S> {
    pub(super) const fn new(inner: S, desk: Arc<Desk>) -> Self {
        Self { inner, desk }
    }
}

impl<S: fmt::Debug> fmt::Debug for CleanService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// The response, to come.
type ResponseFuture<R, E> = Pin<Box<dyn Future<Output = Result<Response<Body<R>>, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for CleanService<S>
where
    S: Service<Request<Inspected<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready goes with the request; its clone stays.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let desk = Arc::clone(&self.desk);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let body = match desk.clean(&mut parts, body).await {
                Ok(body) => body,
                Err(rejection) => {
                    let head = RequestHead::of_parts(&parts);
                    return Ok(refuse(&*desk.render, rejection, &head));
                }
            };
            let response = inner.call(Request::from_parts(parts, body)).await?;
            Ok(response.map(Body::service))
        })
    }
}

impl Desk {
    async fn clean<B: http_body::Body>(
        &self,
        parts: &mut Parts,
        body: B,
    ) -> Result<Inspected<B>, Rejection> {
        if body.is_end_stream() {
            return Ok(Inspected::untouched(body));
        }
        let content = Content::of(&RequestHead::of_parts(parts), &self.passed)?;
        if content == Content::Passed {
            return Ok(Inspected::untouched(body));
        }
        let limit = self.fields.max_bytes();
        let (read, trailers) = collect::whole_with_trailers(body, limit, self.deadline).await?;
        let emitter = Emitter::of(&parts.extensions);
        let clean = match content {
            // An announced body that turns out to be empty is none.
            _ if read.is_empty() => Cow::Borrowed(&*read),
            Content::Form => self.fields.form(&read, &emitter)?,
            Content::Json | Content::Passed => self.fields.json(&read, &emitter)?,
        };
        let changed = match clean {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(changed),
        };
        let clean = match changed {
            None => read,
            Some(changed) => {
                for name in DIGESTS {
                    parts.headers.remove(name);
                }
                Bytes::from(changed)
            }
        };
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.insert(CONTENT_LENGTH, clean.len().into());
        Ok(Inspected::wholly(clean, trailers))
    }
}
