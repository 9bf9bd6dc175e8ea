//! JSON Web Tokens: strict verification, issuing, and bearer authentication, against forged,
//! stolen and misdirected tokens.
//!
//! A [`Verifier`] is built for one issuer and one audience. It takes a token when all of this
//! holds, in this order:
//!
//! 1. It is a compact JWS (RFC 7515 section 7.1) of at most 16 kB, each segment base64url by
//!    the letter. The JSON serialization, encrypted tokens (JWE) and unencoded payloads are
//!    not offered.
//! 2. The header is strict JSON, without `crit` and `b64`; its `alg` is on the verifier's
//!    list. Keys in the header are never looked at (RFC 8725 section 3).
//! 3. A key of the [set](crate::crypto::keys::KeySet) is named by the `kid`, or fits when
//!    there is none, is bound to that algorithm, and verifies the signature.
//! 4. `typ` is not that of another kind of token (RFC 8725 section 3.11).
//! 5. The claims are strict JSON and have their types; `exp`, `nbf`, `iss` and `aud` fit
//!    (RFC 7519 section 4.1), with 60 seconds for clocks that differ.
//! 6. [Required](VerifierBuilder::require) claims are there, the [`Profile`] has nothing
//!    against it, and it was not [revoked](VerifierBuilder::revoked_if).
//!
//! Keys and configuration are checked when the verifier is built: a mistake there is an error
//! at the start, not at the first token.
//!
//! ```
//! use portcullis::authn::jwt::{JwtErrorKind, Verifier};
//! use portcullis::clock::FakeClock;
//! use portcullis::crypto::keys::{Algorithm, KeySet};
//! use std::time::Duration;
//!
//! // What an issuer publishes at its `jwks_uri`.
//! let keys = KeySet::from_json(r#"{"keys": [{
//!     "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "2026-11",
//!     "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
//! }]}"#)?;
//! let time = FakeClock::at_unix_seconds(1_800_000_000);
//! let verifier =
//!     Verifier::builder("https://id.example.com", "https://api.example.com", Algorithm::EdDsa, keys)
//!         .clock(time.clock())
//!         .build()?;
//!
//! let token = "eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYtMTEiLCJ0eXAiOiJKV1QifQ.\
//!     eyJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlLmNvbSIsImV4cCI6MTgwMDAwMDYwMCwiaWF0Ijox\
//!     ODAwMDAwMDAwLCJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwianRpIjoiWVJndzAyUWFh\
//!     UGxLYVEzTUpkSDBzQSIsInN1YiI6InVzZXItMTcifQ.\
//!     erSoP6JBdfBVYZ1O424x-RVSeU6vtGpVy3MhE6azxb4eaGDZLnlIugFih24w96VhYx5bGJPOULbXpfhdQMJ9Aw";
//! let claims = verifier.verify(token)?.into_claims();
//! assert_eq!(claims.subject(), Some("user-17"));
//!
//! time.advance(Duration::from_secs(3600));
//! assert_eq!(verifier.verify(token).unwrap_err().kind(), JwtErrorKind::Expired);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`Issuer`] makes tokens, [`JwtBearer`] authenticates requests by them, and
//! [`Verifier::verify_id_token`] and [`Verifier::verify_logout_token`] add the rules of
//! OpenID Connect. Keys that change while the program runs are [`LiveKeys`]; our own rotate by
//! [`RotatingKeys`](crate::crypto::keys::RotatingKeys), and [`PublishedKeys`] tells others of
//! them.
#![cfg_attr(
    feature = "client",
    doc = "Those that an issuer publishes elsewhere are [`RemoteKeys`]."
)]
//!
//! Tokens are good until they expire, unless [`Revocations`] are asked.
//!
//! Two spellings of one ECDSA signature are both good, so the text of a token is no name for
//! it: revoke and count by `jti`.
//!
//! ASVS 5.0: 9.1.1 (signature), 9.1.2 (algorithms), 9.1.3 (keys from trusted places), 9.2.1
//! (time), 9.2.2 (type), 9.2.3 and 9.2.4 (audience).
//!
//! [`LiveKeys`]: crate::crypto::keys::LiveKeys

mod bearer;
mod cache;
mod claims;
pub(in crate::authn) mod confirmation;
mod error;
mod header;
mod issuer;
mod jwks;
mod jws;
mod oidc;
mod profile;
#[cfg(feature = "client")]
pub mod remote;
mod revocation;
mod scheme;
mod verifier;

#[cfg(feature = "oauth2")]
pub(in crate::authn) use bearer::authentication_of;
pub use bearer::{JwtBearer, principal_of};
pub use claims::Claims;
pub use error::{ConfigError, IssueError, JwtError, JwtErrorKind};
pub use header::Header;
pub use issuer::{Issuer, TokenBuilder};
pub use jwks::PublishedKeys;
pub use jws::{JwsVerifier, VerifiedJws};
pub use oidc::{IdTokenRules, access_token_hash};
pub use profile::Profile;
#[cfg(feature = "client")]
pub use remote::{
    FetchError, MetadataError, ProviderMetadata, RemoteConfigError, RemoteKeys, RemoteKeysBuilder,
};
pub use revocation::{RevocationError, Revocations};
#[cfg(any(feature = "dpop", feature = "oauth2"))]
pub(in crate::authn) use scheme::{TokenScheme, is_token68};
pub use verifier::{VerifiedToken, Verifier, VerifierBuilder};
