//! Access tokens that say nothing by themselves: their provider is asked (RFC 7662).
//!
//! [`IntrospectedTokens`] authenticates requests by a token in `Authorization: Bearer`. A
//! request gets in when all of this holds:
//!
//! 1. There is one such header, with one token of at most 16 kB, as for a
//!    [`JwtBearer`](crate::authn::jwt::JwtBearer).
//! 2. The provider says that the token is `active`, in strict JSON.
//! 3. It is for this service: `aud` (RFC 9068 section 4; ASVS 5.0 10.3.1). `iss`, where it is
//!    there, is the issuer.
//! 4. It is an access token: `token_type` is `Bearer`, or `DPoP` where it is bound to a key.
//!    Refresh tokens are active as well, and have none.
//! 5. `exp` has not come, and `nbf` has.
//! 6. The sender holds what the token is bound to (`cnf`; RFC 8705, RFC 9449): a certificate, or
//!    behind a `DpopBearer` a key.
//!
//! Answers are remembered: 30 seconds for a token that is good, and never beyond its end; 5
//! seconds for one that is not. So long it takes until it shows that a token was taken back.
//! What is remembered is bounded, and goes by a keyed hash of the token. However many requests
//! bring one token at once, one call is made; of calls for different tokens, 100 are under way
//! at most.
//!
//! When the provider cannot be asked, or its answer is none, the answer is 503: nobody is let in
//! on a guess.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::authn::AuthenticateLayer;
//! use portcullis::authn::oauth2::introspection::IntrospectedTokens;
//! use portcullis::authn::oauth2::{ClientAuthentication, Endpoint};
//! # use portcullis::net::client::{FakeAnswer, FakeTransport};
//! use portcullis::net::client::HttpClient;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let http = HttpClient::builder().build_over(FakeTransport::answering(|request| {
//! #     let is_known = request.body().windows(4).any(|it| it == b"good");
//! #     let body = if is_known {
//! #         r#"{"active": true, "token_type": "Bearer", "sub": "user-17", "aud": "https://api.example.com"}"#
//! #     } else {
//! #         r#"{"active": false}"#
//! #     };
//! #     let answer = Response::builder().header("content-type", "application/json");
//! #     FakeAnswer::response(answer.body(Bytes::from(body)).unwrap())
//! # }))?;
//! # #[cfg(any())]
//! let http = HttpClient::new()?;
//! let client = ClientAuthentication::secret_basic("api", "of the vault")?;
//! let endpoint = Endpoint::new("https://id.example.com/introspect", http, client)?;
//! let tokens = IntrospectedTokens::builder(
//!     "https://id.example.com",
//!     "https://api.example.com",
//!     endpoint,
//! )
//! .build()?;
//! let service = AuthenticateLayer::new(tokens).layer(service_fn(async |_: Request<()>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//! }));
//!
//! let request = |token: &str| {
//!     Request::builder().header("authorization", format!("Bearer {token}")).body(())
//! };
//! assert_eq!(service.clone().oneshot(request("good")?).await?.status(), 200);
//! assert_eq!(service.oneshot(request("made-up")?).await?.status(), 401);
//! # Ok(())
//! # }
//! ```

mod answer;
mod error;
mod introspector;
mod memo;
mod tokens;

pub use answer::Answer;
pub use error::{IntrospectionConfigError, IntrospectionError};
pub use tokens::{IntrospectedTokens, IntrospectedTokensBuilder};

use super::Endpoint;
