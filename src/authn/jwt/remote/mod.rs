//! The keys of an issuer that publishes them elsewhere: fetched, kept fresh, and let go when
//! they are too old.
//!
//! A [`Verifier`](super::Verifier) takes [`RemoteKeys`] like any other keys, and so does what
//! is built on it:
//!
//! ```
//! use portcullis::authn::jwt::{JwtErrorKind, RemoteKeys, Verifier};
//! # use portcullis::authn::jwt::Issuer;
//! use portcullis::crypto::keys::Algorithm;
//! # use portcullis::crypto::keys::SigningKey;
//! # use portcullis::net::client::{FakeAnswer, FakeTransport};
//! use portcullis::net::client::HttpClient;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = SigningKey::generate(Algorithm::Es256)?.with_key_id("2026-11");
//! # let issuer = Issuer::new(key, "https://id.example.com", "https://api.example.com")?;
//! # let published = issuer.public_keys().to_public_json();
//! # let client = HttpClient::builder().build_over(FakeTransport::answering(move |request| {
//! #     match request.uri().path() {
//! #         "/.well-known/openid-configuration" => FakeAnswer::body(
//! #             r#"{"issuer": "https://id.example.com", "jwks_uri": "https://id.example.com/keys"}"#
//! #         ),
//! #         _ => FakeAnswer::body(published.clone()),
//! #     }
//! # }))?;
//! # #[cfg(any())]
//! let client = HttpClient::new()?;
//! let keys = RemoteKeys::discovered("https://id.example.com", client).build()?;
//! let verifier = Verifier::builder(
//!     "https://id.example.com",
//!     "https://api.example.com",
//!     Algorithm::Es256,
//!     &keys,
//! )
//! .build()?;
//!
//! # let token = issuer.token("user-17").sign()?;
//! // The first token waits for the keys; those after it find them.
//! assert!(verifier.verify_waiting(&token).await.is_ok());
//! assert!(verifier.verify(&token).is_ok());
//!
//! let forged = token.replace("eyJ", "eyK");
//! assert!(verifier.verify_waiting(&forged).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! 1. They come from a URL, or from the one that the issuer's discovery document names (OpenID
//!    Connect Discovery 1.0 section 4), whose `issuer` is the issuer's name to the letter.
//! 2. However many ask at once, one fetch is under way; it goes on when those who wait for it
//!    are gone.
//! 3. Keys are fresh for as long as `Cache-Control` says, within bounds. When four fifths of
//!    that are over the next use begins a fetch in the background; when all is over, a request
//!    waits for it. Where it fails the old keys are good until
//!    [`max_stale`](RemoteKeysBuilder::max_stale); from then on everything is refused, with
//!    503, until there are new ones.
//! 4. A token that names a key which is not there makes for a fetch too, for issuers rotate
//!    their keys: but for one only in each
//!    [cool-down](RemoteKeysBuilder::cool_down), whatever names tokens make up.
//! 5. A provider that fails is asked again after 2 seconds, then 4, and so on to a minute.
//! 6. Of a set, the keys that are no good are passed over and told of by an event; a set of
//!    more than 64 keys or 256 KiB, or without a good one, is none.
//!
//! Where the keys are used without waiting, as by [`Verifier::verify`](super::Verifier::verify),
//! the same rules hold, but nobody waits: [`RemoteKeys::fetch`] gets the first ones when the
//! service starts.
//!
//! A token without `kid` does not cause a fetch, since nothing says that a newer key would
//! verify it: an issuer that rotates keys has to name them.

mod discovery;
mod error;
mod fetch;
mod freshness;
mod keys;
mod schedule;

pub use discovery::{MetadataError, ProviderMetadata};
pub use error::{FetchError, RemoteConfigError};
#[cfg(feature = "oauth2")]
pub(in crate::authn) use fetch::discover;
pub use keys::{RemoteKeys, RemoteKeysBuilder};
#[cfg(feature = "oauth2")]
pub(in crate::authn) use schedule::{Schedule, Settings};
