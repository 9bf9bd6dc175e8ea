use super::{LoadError, LoadFuture, Resource, ResourceLoader};
use crate::guard::{Rejection, RejectionKind, RequestHead};
use axum_core::extract::FromRequestParts;
use axum_core::response::IntoResponse;
use http::Request;
use http::request::Parts;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A loader that is a function of what an extractor of axum finds, such as the id in the path.
///
/// ```
/// use axum::extract::Path;
/// use portcullis::authz::abac::{LoadError, attributes, extracted};
///
/// struct Document { id: u64 }
/// attributes! { Document as "Document" { id = document => document.id.to_string(); } }
///
/// let loader = extracted(async |Path(id): Path<u64>| {
///     Ok::<_, LoadError>((id == 7).then_some(Document { id }))
/// });
/// # fn is_loader(_: impl portcullis::authz::abac::ResourceLoader<Resource = Document>) {}
/// # is_loader(loader);
/// ```
///
/// Where the extractor refuses, nothing is loaded: 400 where the request is at fault, 500 where
/// the service is.
pub fn extracted<E, F, L, T>(load: F) -> Extracted<E, F>
where
    E: FromRequestParts<()> + Send + 'static,
    F: Fn(E) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Option<T>, LoadError>> + Send + 'static,
    T: Resource,
{
    Extracted {
        load: Arc::new(load),
        extractor: PhantomData,
    }
}

/// A loader by an extractor: made by [`extracted`].
pub struct Extracted<E, F> {
    load: Arc<F>,
    extractor: PhantomData<fn() -> E>,
}

impl<E, F> fmt::Debug for Extracted<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extracted").finish_non_exhaustive()
    }
}

impl<E, F, L, T> ResourceLoader for Extracted<E, F>
where
    E: FromRequestParts<()> + Send + 'static,
    F: Fn(E) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Option<T>, LoadError>> + Send + 'static,
    T: Resource,
{
    type Resource = T;

    fn load(&self, head: &RequestHead<'_>) -> LoadFuture<T> {
        let mut parts = to_parts(head);
        let load = Arc::clone(&self.load);
        Box::pin(async move {
            let found = E::from_request_parts(&mut parts, &()).await;
            let wanted = found.map_err(|refused| refuse(&refused.into_response()))?;
            Ok(load(wanted).await?.map(Arc::new))
        })
    }
}

fn to_parts(head: &RequestHead<'_>) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = head.method().clone();
    parts.uri = head.uri().clone();
    parts.headers = head.headers().clone();
    parts.extensions = head.extensions().clone();
    parts
}

fn refuse<B>(response: &http::Response<B>) -> LoadError {
    let kind = match response.status().is_client_error() {
        true => RejectionKind::Malformed,
        false => RejectionKind::Internal,
    };
    let reason = "the extractor of the loader refused the request";
    Rejection::new(kind).with_reason(reason).into()
}
