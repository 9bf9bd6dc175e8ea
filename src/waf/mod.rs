//! Is it hostile? A web application firewall in front of a service.

mod class;
mod detect;
mod kind;
mod signal;
mod view;

pub use class::{Class, UnknownClass};
pub use kind::FieldKind;
pub use view::Place;
