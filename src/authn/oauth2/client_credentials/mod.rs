//! Calls to other services in this service's own name (RFC 6749 section 4.4): tokens are fetched,
//! kept, renewed before they end, and put on requests.
//!
//! [`ClientCredentials`] gets the tokens, [`ClientCredentialsLayer`] stands around a client:
//!
//! 1. A token goes to the [origins](ClientCredentialsLayer::new) it is for. A request to another
//!    is not sent: who is led astray by a URL loses no token.
//! 2. However many ask at once, one fetch is under way; it goes on when those who wait for it
//!    are gone.
//! 3. When four fifths of a token's life are over, it is renewed in the background while it is
//!    still used. Shortly before its end nobody uses it any more.
//! 4. When the service answers 401 with `invalid_token` (RFC 6750 section 3.1), the token is
//!    renewed and the request sent once more, where its [body can be
//!    repeated](RepeatableBody); but not when the token is just a few seconds old.
//! 5. When a token cannot be fetched, requests fail at once, with the reason, and the next fetch
//!    waits for 1 second, then 2, and so on to a minute. Nothing piles up.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use portcullis::authn::oauth2::client_credentials::{ClientCredentials, ClientCredentialsLayer};
//! use portcullis::authn::oauth2::{ClientAuthentication, Endpoint};
//! # use portcullis::net::client::{FakeAnswer, FakeTransport};
//! use portcullis::net::client::HttpClient;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let http = HttpClient::builder().build_over(FakeTransport::answering(|_| {
//! #     let answer = Response::builder().header("content-type", "application/json");
//! #     let body = r#"{"access_token": "t-1", "token_type": "Bearer", "expires_in": 300}"#;
//! #     FakeAnswer::response(answer.body(Bytes::from(body)).unwrap())
//! # }))?;
//! # #[cfg(any())]
//! let http = HttpClient::new()?;
//! let client = ClientAuthentication::secret_basic("invoices", "of the vault")?;
//! let endpoint = Endpoint::new("https://id.example.com/token", http, client)?;
//! let tokens = ClientCredentials::builder(endpoint).scopes(["orders:read"]).build()?;
//!
//! // Any client will do: `HttpClient` is one.
//! let client = service_fn(async |request: Request<Bytes>| {
//!     assert_eq!(request.headers()["authorization"], "Bearer t-1");
//!     Ok::<_, std::convert::Infallible>(Response::new(Bytes::from("orders")))
//! });
//! let client = ClientCredentialsLayer::new(tokens, ["https://orders.example.com"])?.layer(client);
//!
//! let request = |url: &str| Request::get(url).body(Bytes::new());
//! let response = client.clone().oneshot(request("https://orders.example.com/17")?).await.unwrap();
//! assert_eq!(response.status(), 200);
//!
//! let elsewhere = client.oneshot(request("https://orders.example.net/17")?).await.unwrap_err();
//! assert_eq!(elsewhere.to_string(), "the token is not for https://orders.example.net");
//! # Ok(())
//! # }
//! ```

mod body;
mod challenge;
mod error;
mod layer;
mod source;
mod token;

pub use body::RepeatableBody;
pub use error::{CredentialsConfigError, CredentialsError};
pub use layer::{ClientCredentialsLayer, ClientCredentialsService};
pub use source::{ClientCredentials, ClientCredentialsBuilder};
pub use token::AccessToken;
