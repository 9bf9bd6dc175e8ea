//! Axum extractors for what the layers leave in a request.

use super::{Rejection, RejectionKind};
use crate::event::{Emitter, RequestId};
use crate::principal::Principal;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use std::convert::Infallible;

/// The caller. Without one the answer is 401: a handler that asks for a principal cannot be
/// reached anonymously, whatever layers are in front of it.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let principal = parts.extensions.get::<Self>().cloned();
        principal.ok_or_else(|| {
            Rejection::new(RejectionKind::Unauthenticated)
                .with_reason("the handler asks for a principal, and there is none")
        })
    }
}

/// The caller, where there is one.
impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The emitter of the request; one that nobody hears where there is no monitor.
impl<S: Sync> FromRequestParts<S> for Emitter {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The request's id, where there is one.
impl<S: Sync> OptionalFromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
