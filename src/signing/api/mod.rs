//! Signed API requests: a key, a time, a nonce and an HMAC, in twenty lines of any language.
//!
//! Against requests that are forged, changed, sent again, or sent by who only saw one. The
//! secret never travels; an [API key that does](https://datatracker.ietf.org/doc/html/rfc6750)
//! is as good as gone once a log has it.
//!
//! # What is sent
//!
//! | header | value |
//! |---|---|
//! | `X-API-Key` | the id of the key |
//! | `X-Timestamp` | seconds since 1970-01-01T00:00:00Z, decimal, without zeros before it |
//! | `X-Nonce` | 16 to 128 of `A-Z a-z 0-9 - . _ ~ + / =`, never used before with this key |
//! | `X-Signature` | 64 lowercase hexadecimal digits: HMAC-SHA-256 under the secret of the canonical form |
//!
//! Each comes once. The key of the HMAC is the secret's bytes as it was handed out: if that is
//! text, its UTF-8, not decoded from anything.
//!
//! # The canonical form
//!
//! Seven parts, one after the other, each as its length in bytes (decimal), a colon, its bytes,
//! and a line feed:
//!
//! | part | example |
//! |---|---|
//! | the text `PORTCULLIS-HMAC-SHA256` | `22:PORTCULLIS-HMAC-SHA256` |
//! | the id of the key | `9:partner-1` |
//! | the timestamp | `10:1700000000` |
//! | the nonce | `22:YjNrMnBwNWs3ei01MGdud3` |
//! | the method, as sent | `4:POST` |
//! | the path with the query, as sent: not decoded, not normalized | `13:/orders?dry=1` |
//! | SHA-256 of the body, 64 lowercase hexadecimal digits; of nothing where there is no body | `64:e3b0c442...` |
//!
//! Since each part stands behind its length, no two requests have one canonical form: nothing
//! can be moved from the path to the nonce, or from the nonce to the time.
//!
//! Not covered are the other headers and the host. Whoever needs them covered signs by
//! [RFC 9421](super::Signer); keys are of one service and one environment.
//!
//! # Rules
//!
//! 1. The timestamp may be 300 seconds off, in both directions.
//! 2. A nonce passes once for a key; it is remembered for twice that time, and only once the
//!    signature was found good. When the store fails, the answer is 503.
//! 3. Unknown key, wrong signature, old time, known nonce: one answer, 401 `invalid_signature`.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::crypto::keys::{KnownKey, StaticKeys};
//! use portcullis::signing::api::{ApiSignatureLayer, ApiSigner, ApiVerifier};
//! use portcullis::store::Store;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = b"not this one, but 32 random bytes".as_slice().into();
//! let keys = StaticKeys::new().with("partner-1", KnownKey::shared_secret(&secret)?);
//! let verifier = ApiVerifier::new(keys, Store::memory());
//! let service = ApiSignatureLayer::new(verifier).layer(service_fn(async |_| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("ordered"))))
//! }));
//!
//! let order = Bytes::from("12 apples");
//! let request = Request::post("/orders").body(Full::new(order.clone()))?;
//! let (mut parts, body) = request.into_parts();
//! ApiSigner::new("partner-1", &secret)?.sign(&mut parts, &order)?;
//! let signed = Request::from_parts(parts, body);
//!
//! let response = service.clone().oneshot(signed.clone()).await?;
//! assert_eq!(response.status(), 200);
//! let response = service.oneshot(signed).await?;
//! assert_eq!(response.status(), 401, "it came before");
//! # Ok(())
//! # }
//! ```

mod canonical;
mod layer;
mod sign;
mod verify;

pub use canonical::{CanonicalRequest, NONCE, SIGNATURE, TIMESTAMP, VERSION, X_API_KEY};
pub use layer::{ApiScheme, ApiSignatureLayer};
pub use sign::ApiSigner;
pub use verify::{ApiVerifier, VerifiedApiRequest};
