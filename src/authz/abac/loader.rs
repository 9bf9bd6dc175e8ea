use super::Resource;
use crate::guard::{Rejection, RejectionKind, RequestHead};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A row that is being loaded; `None` when there is none.
pub type LoadFuture<T> = Pin<Box<dyn Future<Output = Result<Option<Arc<T>>, LoadError>> + Send>>;

/// Loads the thing that a request is about.
///
/// A function of the request's head is one:
///
/// ```
/// use portcullis::authz::abac::{LoadError, ResourceLoader, attributes};
/// use portcullis::guard::RequestHead;
///
/// struct Document { id: u64 }
/// attributes! { Document as "Document" { id = document => document.id.to_string(); } }
///
/// fn by_path(head: &RequestHead<'_>) -> impl Future<Output = Result<Option<Document>, LoadError>> + use<> {
///     let id = head.uri().path().rsplit('/').next().and_then(|id| id.parse().ok());
///     async move { Ok(id.map(|id| Document { id })) }
/// }
/// # fn is_loader(_: impl ResourceLoader<Resource = Document>) {}
/// # is_loader(by_path);
/// ```
#[cfg_attr(
    feature = "axum",
    doc = "\nUnder axum, [`extracted`](super::extracted) takes a function of any extractor."
)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot load the thing that a request is about",
    note = "give a function `Fn(&RequestHead<'_>) -> impl Future<Output = Result<Option<T>, LoadError>> + Send`, whose future borrows nothing of the head"
)]
pub trait ResourceLoader: Send + Sync + 'static {
    /// What it loads.
    type Resource: Resource;

    /// Begins to load. What the future needs of the head it has to take with it.
    fn load(&self, head: &RequestHead<'_>) -> LoadFuture<Self::Resource>;
}

impl<F, L, T> ResourceLoader for F
where
    F: Fn(&RequestHead<'_>) -> L + Send + Sync + 'static,
    L: Future<Output = Result<Option<T>, LoadError>> + Send + 'static,
    T: Resource,
{
    type Resource = T;

    fn load(&self, head: &RequestHead<'_>) -> LoadFuture<T> {
        let loading = self(head);
        Box::pin(async move { Ok(loading.await?.map(Arc::new)) })
    }
}

/// Why a row could not be loaded.
#[derive(Debug)]
pub struct LoadError(Rejection);

impl LoadError {
    /// The database did not answer, or not as it should: 503. The text is for the operator
    /// alone.
    #[must_use]
    pub fn outage(error: impl fmt::Display) -> Self {
        let reason = format!("what the request is about could not be loaded: {error}");
        Self(Rejection::new(RejectionKind::Unavailable).with_reason(reason))
    }

    pub(super) fn into_rejection(self) -> Rejection {
        self.0
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.reason().unwrap_or("the request was refused"))
    }
}

impl std::error::Error for LoadError {}

/// The request is at fault: an id that is none.
impl From<Rejection> for LoadError {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}
