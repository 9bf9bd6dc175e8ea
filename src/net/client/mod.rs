//! Calls to other services: a provider's keys, a webhook, a vault. Against services that are
//! slow, down or hostile, and against addresses that only the server can reach.
//!
//! An [`HttpClient`] sends a request whose body is in memory, and gives a response whose body
//! is:
//!
//! 1. The URL is `https`, or `http` on the loopback, and has no credentials in it.
//! 2. Only addresses of its [`AddressPolicy`](super::address::AddressPolicy) are connected to,
//!    public ones unless told otherwise; asked about the address itself, after its name was
//!    resolved and for each connection, so that a name that changes its mind (DNS rebinding)
//!    gains nothing.
//! 3. A redirect is an answer like another: it is never followed.
//! 4. All of it, retries included, ends by a deadline; connecting by a shorter one.
//! 5. A body larger than the limit is an error as soon as that shows. Nothing is decompressed.
//! 6. What failed in passing is tried again, by a [`RetryPolicy`]: only requests that are safe
//!    to repeat (RFC 9110 section 9.2.2), after a random wait that grows, as long as the
//!    deadline and the client's budget of retries last.
//! 7. An origin that keeps failing is not called for a while, by a [`BreakerPolicy`].
//!
//! An error names the origin and what went wrong; paths, queries and headers are in no message.
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use portcullis::net::client::{ClientErrorKind, FakeAnswer, FakeTransport, HttpClient};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `HttpClient::new()` calls the network; this one calls a script.
//! let client = HttpClient::builder()
//!     .max_response(16)
//!     .build_over(FakeTransport::answering(|request| match request.uri().path() {
//!         "/keys" => FakeAnswer::body("{\"keys\": []}"),
//!         _ => FakeAnswer::body("far too much of everything"),
//!     }))?;
//!
//! let response = client.get("https://id.example.com/keys").await?;
//! assert_eq!(response.body(), "{\"keys\": []}");
//!
//! let refused = client.get("https://id.example.com/everything?token=1").await.unwrap_err();
//! assert_eq!(refused.kind(), ClientErrorKind::TooLarge);
//! assert_eq!(refused.to_string(), "the response is too large: https://id.example.com");
//!
//! let refused = client.get("http://id.example.com/keys").await.unwrap_err();
//! assert_eq!(refused.kind(), ClientErrorKind::PlainHttp);
//! # Ok(())
//! # }
//! ```
//!
//! A client over a [service of your own](ClientBuilder::build_over) keeps all of this but the
//! addresses: those are the service's affair. Layers, such as one that signs, go around
//! [`ClientBuilder::transport`]. A forward proxy is not asked for, whatever the environment
//! says.
//!
//! ASVS 5.0: 1.3.6 (server-side request forgery), 12.3.1 and 12.3.2 (TLS for what is called,
//! certificates verified), 12.3.4 (of named authorities), 13.2.6 (limits of connections),
//! 15.3.2 (redirects are not followed).

mod body;
mod breaker;
mod builder;
mod connect;
mod error;
mod fake;
mod http_client;
mod resolve;
mod retry;
mod stream;
mod target;
mod transport;

pub use crate::net::circuit::BreakerPolicy;
pub use builder::ClientBuilder;
pub use error::{ClientConfigError, ClientError, ClientErrorKind};
pub use fake::{FakeAnswer, FakeTransport};
pub use http_client::HttpClient;
pub use resolve::{Resolve, ResolveFuture, SystemResolver};
pub use retry::{RetryPolicy, SafeToRepeat};
#[cfg(feature = "oauth2")]
pub(crate) use target::Target;
pub use transport::Transport;
