//! API keys for programs, against keys that leak, are guessed, or outlive their purpose.
//!
//! A key reads `acme_live_5hYw1bO0dQ2cXr7t_…_3kZ9pQ`: a prefix of yours, a public id, a secret of
//! 256 bits, and a CRC-32 of all before it. The prefix and the checksum let a scanner of
//! repositories tell a leaked key from a sentence, and let the service tell a slip of the pen
//! without a look-up.
//!
//! 1. The text is shown once, when the key is [made](ApiKeys::create). The
//!    [`Records`](crate::store::Records) hold a hash of it.
//! 2. The owner of a key is the principal that makes it, never a name in the request
//!    (CVE-2025-61928). A key cannot make others, one that is gone by now included, and nobody
//!    gives away scopes that they do not have. It belongs to the tenant in which it was made:
//!    in another one, its owner has no such key.
//! 3. A key may do what its scopes say, on top of what its owner may: the principal has the
//!    owner's id, the scopes, and the key's id as its credential. Its authentication is dated
//!    1970, so that it never counts as recent, however new the key is. Roles come from
//!    [`principal_by`](ApiKeys::principal_by), which takes none of these limits away.
//! 4. It expires, after 90 days unless asked otherwise and after 366 at most; it is
//!    [revoked](ApiKeys::revoke) at once, for each request asks the records; it is
//!    [rotated](ApiKeys::rotate) with an overlap, in which both keys are good. A key may rotate
//!    itself, which prolongs nothing, and what came of it in this way ends with it.
//! 5. It comes in `X-API-Key`, or as `Authorization: Bearer` with the prefix. Beside an
//!    `X-Signature` the header `X-API-Key` is not looked at: there it names the key that signed.
//!    Two keys are refused with 400. Never in the query: queries end up in logs.
//!    Name it before a `JwtBearer`, which takes every bearer token for its own.
//! 6. An unknown id, a wrong secret, a revoked key: one answer, 401 `invalid_api_key`, after the
//!    same work. That a key has expired, who holds it may know; that it is malformed, anybody.
//! 7. When the records fail, the answer is 503.
//!
//! With feature `signing` there are keys that sign requests instead of travelling with them:
//! `SigningApiKeys`.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::authn::AuthenticateLayer;
//! use portcullis::authn::api_key::{ApiKeys, NewApiKey};
//! use portcullis::clock::Clock;
//! use portcullis::principal::{Authentication, Principal};
//! use portcullis::store::Records;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeys::new(Records::memory(), "acme_live")?;
//! // Ann, who has logged in:
//! let ann = Principal::new("user-17", Authentication::new(Clock::system().now()));
//! let created = keys.create(&ann, &NewApiKey::new("ci").scopes(["builds:read"])).await?;
//!
//! let service = AuthenticateLayer::new(keys.clone()).layer(service_fn(
//!     async |request: Request<()>| {
//!         let principal = request.extensions().get::<Principal>().unwrap();
//!         let name = principal.id().to_owned();
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(name))))
//!     },
//! ));
//! let request = || Request::get("/").header("x-api-key", created.text().expose()).body(());
//! let response = service.clone().oneshot(request()?).await?;
//! assert_eq!(response.status(), 200);
//!
//! keys.revoke(&ann, created.key().id()).await?;
//! let response = service.oneshot(request()?).await?;
//! assert_eq!(response.status(), 401);
//! # Ok(())
//! # }
//! ```

mod authenticator;
mod error;
mod kept;
mod key;
mod keys;
mod new_key;
mod owner;
mod record;
#[cfg(feature = "signing")]
mod signing;
mod text;

pub use error::{ApiKeyError, ConfigError};
pub use key::{ApiKey, CreatedApiKey};
pub use keys::ApiKeys;
pub use new_key::NewApiKey;
pub use owner::KeyOwner;
#[cfg(feature = "signing")]
pub use signing::SigningApiKeys;
