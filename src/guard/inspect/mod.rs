//! Request bodies, read once for all who want to look inside.
//!
//! An inspector ([`Inspect`]) says first what it [`Want`]s of a body: nothing, its first bytes, or the
//! whole. [`InspectLayer`] reads as much as the greediest of them asks, never more than its
//! limit, shows it to each, and hands the service an [`Inspected`] body: the bytes read, then
//! the rest, trailers and size hint kept.
//!
//! A body over the limit is refused with 413: at once where its size is announced, else
//! before the byte that goes over is kept. A body that has not arrived when the deadline is
//! over, 15 seconds without a word, is refused with 408 (RFC 9110 section 15.5.9): who sends a
//! byte a minute does not keep the memory of the others. A body that has to be waited for
//! needs the timer of a Tokio runtime.

mod body;
mod future;
mod inspector;
mod layer;

pub use body::Inspected;
pub use future::InspectFuture;
pub use inspector::{Inspect, Reading, Want};
pub use layer::{InspectLayer, InspectService};
