//! What happened that matters to security, in one vocabulary.
//!
//! A [`SecurityEvent`] says what happened ([`EventKind`], the OWASP Logging Vocabulary), to
//! whom and from where. Controls and handlers emit events through the [`Emitter`] that the
//! monitor puts into each request; an [`EventSink`] hears them.
//!
//! ```
//! use portcullis::event::{EventKind, EventSink, SecurityEvent};
//!
//! #[derive(Debug)]
//! struct Print;
//! impl EventSink for Print {
//!     fn record(&self, event: SecurityEvent) {
//!         println!("{}", serde_json::to_string(&event).unwrap_or_default());
//!     }
//! }
//!
//! Print.record(SecurityEvent::new(EventKind::AuthnLoginFail).with_subject("user-17"));
//! ```

mod correlation;
mod emitter;
mod kind;
mod once;
mod recent;
mod security_event;
mod sink;
mod text;

pub use correlation::{InvalidRequestId, RequestId, TraceContext};
pub use emitter::Emitter;
pub use kind::{EventKind, Level};
pub(crate) use once::TellOnce;
pub use recent::RecentEvents;
pub use security_event::SecurityEvent;
pub use sink::EventSink;
pub(crate) use text::clean;
