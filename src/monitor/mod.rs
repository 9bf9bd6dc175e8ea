//! Who hears of an attack?
//!
//! [`MonitorLayer`] stands outside all other layers. It gives each request an
//! [`Emitter`](crate::event::Emitter) through which controls and handlers below tell what
//! happens, turns each [`Rejection`](crate::guard::Rejection) that comes back into an event,
//! and hands every event to your [`EventSink`](crate::event::EventSink), to `tracing` and to
//! `metrics`.
//!
//! ```
//! use http::{Request, Response};
//! use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
//! use portcullis::monitor::MonitorLayer;
//! use std::sync::Arc;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let recent = Arc::new(RecentEvents::new(100));
//! let service = MonitorLayer::new(recent.clone()).layer(service_fn(async |request: Request<()>| {
//!     let failed = SecurityEvent::new(EventKind::AuthnLoginFail).with_subject("user-17");
//!     Emitter::of(request.extensions()).emit(failed);
//!     Ok::<_, std::convert::Infallible>(Response::new(()))
//! }));
//! service.oneshot(Request::new(())).await.unwrap();
//! assert_eq!(recent.snapshot()[0].to_string(), "authn_login_fail:user-17");
//! # }
//! ```
//!
//! # What is measured
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `portcullis_events_total` | counter | `event`, `level`, `code` |
//! | `portcullis_rejections_total` | counter | `code`, `status` |
//!
//! Labels hold only words of this crate and of your code, never a client's, so their number is
//! bounded.
//!
//! A 5xx that no control gave becomes an event too. A handler that panics answers nothing: put
//! `tower-http`'s `CatchPanicLayer` inside the monitor to have it heard.
//!
//! Contributes to ASVS 5.0 16.2.1 (who, what, when, where), 16.3.1 to 16.3.4 (which events) and
//! meets 16.4.1 (no log injection): what clients wrote has no line breaks, and where details are
//! written in one field, each value stands in quotes. What only your handlers know, they emit.

mod export;
mod layer;

pub use export::{MetricsSink, TracingSink};
pub use layer::{MonitorExit, MonitorLayer};
