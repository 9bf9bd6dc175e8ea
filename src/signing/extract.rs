//! Axum extractors for what the layers leave in a request.

use super::Verified;
use super::api::VerifiedApiRequest;
use super::sigv4::VerifiedSigV4;
use super::webhook::VerifiedWebhook;
use crate::guard::{Rejection, RejectionKind};
use axum_core::extract::FromRequestParts;
use http::request::Parts;

/// Without a signature that was verified the answer is 401: a handler that asks for one cannot
/// be reached by an unsigned request, whatever layers are in front of it.
macro_rules! extractor {
    ($proof:ty) => {
        impl<S: Sync> FromRequestParts<S> for $proof {
            type Rejection = Rejection;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
                let proof = parts.extensions.get::<Self>().cloned();
                proof.ok_or_else(|| {
                    Rejection::new(RejectionKind::Unauthenticated)
                        .with_code("invalid_signature")
                        .with_reason("the handler asks for a signature, and none was verified")
                })
            }
        }
    };
}
extractor!(Verified);
extractor!(VerifiedApiRequest);
extractor!(VerifiedWebhook);
extractor!(VerifiedSigV4);
