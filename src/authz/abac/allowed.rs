use super::{Decision, Resource};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A thing that the principal may deal with as the route says: the very row that was decided
/// about, loaded once.
///
/// Only the layers of [`Authz`](super::Authz) make one, so a handler that takes one cannot be
/// reached without a check. Of several layers about one type, the innermost leaves its own:
/// [`action`](Self::action) is what that one asked for. It is in the request's extensions, and
/// an extractor under feature `axum`.
pub struct Allowed<T> {
    resource: Arc<T>,
    action: Arc<str>,
    decision: Arc<Decision>,
}

impl<T> Allowed<T> {
    pub(super) fn new(resource: Arc<T>, action: Arc<str>, decision: Decision) -> Self {
        Self {
            resource,
            action,
            decision: Arc::new(decision),
        }
    }

    /// The thing, to keep.
    #[must_use]
    pub fn into_inner(self) -> Arc<T> {
        self.resource
    }

    /// What is allowed: the permission that the layer asked for.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
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
            action: Arc::clone(&self.action),
            decision: Arc::clone(&self.decision),
        }
    }
}

impl<T> fmt::Debug for Allowed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed")
            .field("action", &self.action)
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
