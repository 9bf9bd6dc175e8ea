//! Finds out who is calling, against requests that claim to be somebody else's.
//!
//! An [`Authenticator`] knows one way of proving an identity: a bearer token, a session
//! cookie, an API key. [`AuthenticateLayer`] tries the ones it was given, in their order:
//!
//! 1. The first that finds its credential in the request decides; the others are not asked.
//!    A bad credential is refused even where a later authenticator would have found a good
//!    one: whoever sends a forged token does not get in by a cookie.
//! 2. A good credential leaves a [`Principal`](crate::principal::Principal) in the request's
//!    extensions, whatever was there before: nothing from outside this layer is believed.
//!    What the authenticator has to tell the client goes out with the answer, as headers of
//!    the [`Admission`].
//! 3. Without any credential the answer is 401 with the challenges of all (RFC 9110 section
//!    15.5.2), unless [`allow_anonymous`](AuthenticateLayer::allow_anonymous) lets the
//!    request pass without a principal.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, header};
//! use http_body_util::{Empty, Full};
//! use portcullis::authn::authenticate::{Attempt, AuthenticateLayer, Authenticator};
//! use portcullis::clock::Timestamp;
//! use portcullis::guard::{Challenge, Rejection, RejectionKind, RequestHead};
//! use portcullis::principal::{Authentication, Principal};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! /// One key for all is no way to do it, and short.
//! #[derive(Debug)]
//! struct DoorKey;
//! impl Authenticator for DoorKey {
//!     fn challenges(&self) -> Vec<Challenge> {
//!         vec![Challenge::new("DoorKey")]
//!     }
//!
//!     fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
//!         match request.single_header(&header::AUTHORIZATION) {
//!             None => Attempt::Absent,
//!             Some("DoorKey 17") => Attempt::Authenticated(
//!                 Principal::new("janitor", Authentication::new(Timestamp::default())).into(),
//!             ),
//!             Some(_) => Attempt::Rejected(Rejection::new(RejectionKind::Unauthenticated)),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let service = AuthenticateLayer::new(DoorKey).layer(service_fn(
//!     async |request: Request<Empty<Bytes>>| {
//!         let principal = request.extensions().get::<Principal>().unwrap();
//!         let name = principal.id().to_owned();
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(name))))
//!     },
//! ));
//!
//! let with_key = Request::get("/").header("authorization", "DoorKey 17");
//! let response = service.clone().oneshot(with_key.body(Empty::new()).unwrap()).await.unwrap();
//! assert_eq!(response.status(), 200);
//!
//! let response = service.oneshot(Request::new(Empty::new())).await.unwrap();
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], "DoorKey");
//! # }
//! ```
//!
//! What a principal may do was true when its token or session was made. [`CurrentRights`] looks
//! it up anew for each request.
//!
//! Contributes to ASVS 5.0 6.3.4 (all ways in are checked alike), 7.2.1 (verified on the
//! server) and 8.3.2 (changes of rights hold at once).

mod authenticator;
mod current_rights;
mod layer;

pub use authenticator::{Admission, Attempt, Authenticator, LaterAttempt};
pub use current_rights::CurrentRights;
pub use layer::{AuthenticateExit, AuthenticateLayer};
