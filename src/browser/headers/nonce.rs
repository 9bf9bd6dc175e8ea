use crate::random::Random;
use base64ct::{Base64, Encoding};
use std::fmt;

/// The nonce of one response: 128 random bits in base64 (CSP Level 3, section 7.1).
///
/// [`SecurityHeadersLayer`](super::SecurityHeadersLayer) puts a fresh one into each request
/// whose policy uses one. A handler takes it out and writes it on its own scripts and styles:
/// `<script nonce="...">`. As an axum extractor (feature `axum`) or from the request's
/// extensions:
///
/// ```
/// use portcullis::browser::headers::CspNonce;
///
/// fn page<B>(request: &http::Request<B>) -> String {
///     let nonce = request.extensions().get::<CspNonce>().map_or("", CspNonce::as_str);
///     format!("<!doctype html><script nonce=\"{nonce}\">start()</script>")
/// }
/// # let request = http::Request::new(());
/// # assert!(page(&request).contains("nonce"));
/// ```
///
/// A page with a nonce is for one visitor, once: it must not be stored by a shared cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CspNonce([u8; Self::LENGTH]);

impl CspNonce {
    /// The characters of a nonce: 16 bytes in base64, with padding.
    pub(super) const LENGTH: usize = 24;
    const BYTES: usize = 16;

    pub(super) fn random(random: &Random) -> Self {
        let mut text = [b'A'; Self::LENGTH];
        // 16 bytes always fit into 24 characters.
        let _fits = Base64::encode(&random.bytes::<{ Self::BYTES }>(), &mut text);
        Self(text)
    }

    /// The nonce, for the `nonce` attribute. It holds no character that HTML would need
    /// escaped inside quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for CspNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CspNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CspNonce([redacted])")
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum_core::extract::FromRequestParts<S> for CspNonce {
    type Rejection = crate::guard::Rejection;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        use crate::guard::{Rejection, RejectionKind};
        parts.extensions.get().copied().ok_or_else(|| {
            Rejection::new(RejectionKind::Internal)
                .with_code("no_csp_nonce")
                .with_reason("no SecurityHeadersLayer with a nonce stands before this handler")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_128_bits_of_base64() {
        let nonce = CspNonce::random(&Random::secure());
        let mut bytes = [0; CspNonce::BYTES];
        let decoded = Base64::decode(nonce.as_str(), &mut bytes).unwrap();
        assert_eq!(decoded.len() * 8, 128);
        assert_ne!(nonce, CspNonce::random(&Random::secure()));
        assert!(!format!("{nonce:?}").contains(nonce.as_str()));
    }
}
