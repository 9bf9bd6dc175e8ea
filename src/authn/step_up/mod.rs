//! Asks for a recent, strong or special authentication before something delicate, against
//! sessions and tokens that fell into other hands.
//!
//! 1. No principal: 401, and the challenge says how to become one (RFC 9110 section 15.5.2).
//! 2. A principal whose authentication is too long ago, was not by the methods asked for, or
//!    is too weak: 401 `insufficient_user_authentication`. The challenge of a bearer or DPoP
//!    token says what to ask the authorization server for, by `max_age` and `acr_values`
//!    (RFC 9470 section 3); the same are members of the problem document, for pages that ask
//!    the user themselves.
//! 3. Whether the principal may do it is another question, and its answer 403: that is
//!    `authz`'s business.
//!
//! How long ago is told by [`Authentication::time`](crate::principal::Authentication::time):
//! when the user proved something, not when the token was made. A token that does not say
//! counts as of long ago, and so does one from the future.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{Empty, Full};
//! use portcullis::authn::RequireRecent;
//! use portcullis::clock::FakeClock;
//! use portcullis::principal::{Authentication, Method, Principal};
//! use std::time::Duration;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let time = FakeClock::at_unix_seconds(1_700_000_000);
//! let layer = RequireRecent::within(Duration::from_secs(300))
//!     .by_any([Method::OneTimePassword, Method::HardwareKey])
//!     .clock(time.clock());
//! let service = layer.layer(service_fn(async |_: Request<Empty<Bytes>>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("deleted"))))
//! }));
//!
//! // What the layer that authenticates leaves in the request:
//! let login = Authentication::new(time.clock().now()).with_method(Method::OneTimePassword);
//! let request = || {
//!     let mut request = Request::delete("/account").header("authorization", "Bearer x");
//!     request.extensions_mut().unwrap().insert(Principal::new("user-17", login.clone()));
//!     request.body(Empty::new()).unwrap()
//! };
//! assert_eq!(service.clone().oneshot(request()).await.unwrap().status(), 200);
//!
//! time.advance(Duration::from_secs(301));
//! let response = service.oneshot(request()).await.unwrap();
//! assert_eq!(response.status(), 401);
//! let challenge = response.headers()["www-authenticate"].to_str().unwrap();
//! assert!(challenge.starts_with(r#"Bearer error="insufficient_user_authentication""#));
//! assert!(challenge.ends_with(r#"max_age="300""#));
//! # }
//! ```
//!
//! Contributes to ASVS 5.0 6.8.4 (methods and time are checked where they are demanded) and
//! 7.5.3 (a further authentication before what is highly sensitive).

#[cfg(feature = "axum")]
mod extract;
mod layer;
mod requirement;

#[cfg(feature = "axum")]
pub use extract::{Recent, StepUp};
pub use requirement::{RequireRecent, Unmet};
