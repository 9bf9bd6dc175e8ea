//! How a control stands in front of a service.
//!
//! A control is a [`Guard`]: it looks at a request and gives a [`Verdict`]. One service,
//! [`Guarded`], puts any guard in front of any service, and keeps these promises for all:
//!
//! 1. The service behind is not called before the guard admits the request.
//! 2. `poll_ready` is passed on, and the service that said it was ready is the one called.
//! 3. Admitting at once costs no allocation and no clone of the service behind.
//! 4. A refusal is a [`Rejection`]: rendered by one [`Render`], RFC 9457 by default, and left
//!    in the response's extensions so that outer layers see why.
//!
//! Every `…Layer` of this crate is a guard and a [`Layer`](tower_layer::Layer) at once. Your
//! own guard becomes a layer by [`GuardLayer`]:
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::{Empty, Full};
//! use bytes::Bytes;
//! use portcullis::guard::{Check, GuardLayer, Rejection, RejectionKind};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! /// Refuses requests that did not come over TLS.
//! struct OnlyOverHttps;
//! impl Check for OnlyOverHttps {
//!     fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
//!         match request.uri().scheme_str() {
//!             Some("https") => Ok(()),
//!             _ => Err(Rejection::new(RejectionKind::Forbidden).with_code("https_only")),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let hello = service_fn(async |_: Request<Empty<Bytes>>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//! });
//! let service = GuardLayer::new(OnlyOverHttps).layer(hello);
//!
//! let request = Request::get("https://example.com/").body(Empty::new()).unwrap();
//! assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 200);
//!
//! let request = Request::get("http://example.com/").body(Empty::new()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), 403);
//! assert_eq!(response.extensions().get::<Rejection>().unwrap().code(), "https_only");
//! # }
//! ```

mod body;
mod challenge;
pub(crate) mod collect;
pub(crate) mod cookie;
#[cfg(feature = "axum")]
mod extract;
mod head;
pub mod inspect;
mod layer;
mod maybe;
mod rejection;
mod rejection_kind;
pub mod render;
mod step_up;
mod verdict;

pub use body::Body;
pub use challenge::Challenge;
pub use head::RequestHead;
pub use inspect::{Inspect, InspectLayer, Inspected, Reading, Want};
pub use layer::{GuardLayer, Guarded, GuardedFuture};
pub use maybe::{Maybe, MaybeExit};
pub use rejection::{FieldError, Rejection};
pub use rejection_kind::RejectionKind;
pub use render::{GrpcLayer, Render};
pub use verdict::{Check, Exit, Guard, Later, Verdict};

pub(crate) use layer::impl_layer;
pub(crate) use step_up::{StepUpDemand, token_scheme};
