//! Keys that verify and sign: JSON Web Keys (RFC 7517), decoded once into types of our own.
//!
//! A key is read, checked and prepared when the program starts, never while it serves:
//!
//! 1. It is bound to algorithms. Where the JWK has an `alg`, to that one; else to what its
//!    type, curve and size can do. No token can make it do anything else (RFC 8725
//!    section 3.1).
//! 2. `use` and `key_ops` are honored, base64url is strict, no member may come twice.
//! 3. Weak keys are refused: HMAC keys shorter than the hash (RFC 7518 section 3.2), or that
//!    are the text of a public key; RSA below 2048 bits, with a small exponent or the ROCA
//!    fingerprint (CVE-2017-15361); points that are not on their curve or of small order.
//! 4. A [`KeySet`] has no two keys of one `kid`, and never both symmetric and asymmetric
//!    keys.
//!
//! Keys that sign for a while and give way to others are [`RotatingKeys`].
//!
//! ```
//! use portcullis::crypto::keys::{Algorithm, KeyError, KeySet, SigningKey};
//!
//! let key = SigningKey::generate(Algorithm::Es256)?;
//! let signature = key.sign(b"hello")?;
//!
//! // What others need to verify: the public halves, and only these.
//! let published = KeySet::from_json(&KeySet::new([key.verifying_key()])?.to_public_json())?;
//! let public = &published.keys()[0];
//! assert!(public.verify(Algorithm::Es256, b"hello", &signature).is_ok());
//! assert!(public.verify(Algorithm::Es256, b"jello", &signature).is_err());
//! assert!(public.verify(Algorithm::Hs256, b"hello", &signature).is_err());
//!
//! // A key that is too short never gets as far as a request.
//! let short = KeySet::from_json(r#"{"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"}"#);
//! assert_eq!(short.unwrap_err(), KeyError::HmacTooShort { bytes: 6, needed: 32 });
//! # Ok::<(), KeyError>(())
//! ```

mod algorithm;
mod error;
mod feed;
mod jwk;
mod live;
mod point;
mod provider;
mod roca;
pub mod rotating;
mod rsa;
mod set;
mod signing;
mod spki;
mod thumbprint;
mod verifying;

pub use super::json::JsonError;
pub use algorithm::{Algorithm, Algorithms};
pub use error::KeyError;
pub use feed::{KeyFeed, KeyState, WantedKeys, WhenFetched};
pub use live::{LiveKeys, LiveSigningKey};
pub use provider::{KeyProvider, KnownKey, StaticKeys};
pub use rotating::RotatingKeys;
pub use set::{IgnoredKey, KeySet};
pub use signing::SigningKey;
pub use verifying::{BadSignature, VerifyingKey};
