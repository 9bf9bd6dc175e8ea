use super::{Decision, Resource};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A thing that the principal may deal with as the route says: the very row that was decided
/// about, loaded once.
///
/// Only [`RequireOnLayer`](super::RequireOnLayer) makes one, so a handler that takes one
/// cannot be reached without the check. It is in the request's extensions, and an extractor
/// under feature `axum`.
pub struct Allowed<T> {
    resource: Arc<T>,
    decision: Arc<Decision>,
}

impl<T> Allowed<T> {
    pub(super) fn new(resource: Arc<T>, decision: Decision) -> Self {
        Self {
            resource,
            decision: Arc::new(decision),
        }
    }

    /// The thing, to keep.
    #[must_use]
    pub fn into_inner(self) -> Arc<T> {
        self.resource
    }

    /// The decision: what it rests on, and the obligations that come with it.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}

impl<T: Resource> Allowed<T> {
    /// What the layer left in a request.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Option<&Self> {
        extensions.get()
    }
}

impl<T> Deref for Allowed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.resource
    }
}

impl<T> Clone for Allowed<T> {
    fn clone(&self) -> Self {
        Self {
            resource: Arc::clone(&self.resource),
            decision: Arc::clone(&self.decision),
        }
    }
}

impl<T> fmt::Debug for Allowed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed")
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "axum")]
impl<T: Resource, S: Sync> axum_core::extract::FromRequestParts<S> for Allowed<T> {
    type Rejection = crate::guard::Rejection;

    /// The thing, or 500 where the route has no layer that loads it.
    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        Self::of(&parts.extensions).cloned().ok_or_else(|| {
            crate::guard::Rejection::new(crate::guard::RejectionKind::Internal)
                .with_reason("nothing was allowed: the route has no layer of `require_on`")
        })
    }
}
