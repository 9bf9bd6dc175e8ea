//! AWS Signature Version 4, verified: for services that are called by clients of that kind.
//!
//! The request is what stands in the signature: method, path, query, the signed headers, and the
//! SHA-256 of the body, which is recomputed. Stricter than the scheme:
//!
//! 1. `host` and every `x-amz-` header of the request have to be signed, and the time comes in
//!    `x-amz-date`, 300 seconds off at most.
//! 2. The scope names this region and this service, and the day of the time.
//! 3. A path with `.`, `..` or empty segments is refused: the scheme signs what it is short for,
//!    and a service may take it as it is.
//! 4. So is a query with a `+`, which forms read as a blank. The scheme signs parameters sorted, so
//!    the order of the values of one name is not signed: take none for the first or the last.
//!    Empty parameters are not signed, and `a` is signed as `a=`: take the two for the same.
//! 5. A body that is not signed (`UNSIGNED-PAYLOAD`), or signed in chunks, is refused, and so are
//!    signatures in the query.
//! 6. The same request does not pass twice within the time that it could.
//!
//! ```
//! use http::Request;
//! use portcullis::guard::RequestHead;
//! use portcullis::signing::sigv4::SigV4Verifier;
//! use portcullis::store::Store;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = SigV4Verifier::new("us-east-1", "service", Store::memory())
//!     .credential("AKIDEXAMPLE", &"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into())?;
//! let unsigned = Request::get("https://example.com/").body(())?;
//! let refused = verifier.verify(&RequestHead::of(&unsigned), b"").await;
//! assert_eq!(refused.unwrap_err().code(), "absent");
//! # Ok(())
//! # }
//! ```

mod canonical;
mod claim;
mod layer;
mod verify;

pub use layer::{SigV4, SigV4Layer};
pub use verify::{SigV4Verifier, VerifiedSigV4};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
