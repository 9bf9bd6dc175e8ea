//! Strict JSON, for text that may come from an attacker and that a signature stands behind.
//!
//! Where two readers of one signed text disagree, an attacker finds a gap. So this reader
//! takes RFC 8259 by the letter, and less: no member twice in one object, however deep and
//! however spelled (RFC 7515 section 4 leaves that to the reader), no lone surrogates, no
//! number beyond what a double can hold (RFC 7493), and bounded depth and width.
//!
//! It checks the whole text once and remembers where the members of the outermost object
//! lie. Values are read from there when somebody asks.

mod error;
mod object;
mod scanner;
mod span;

pub use error::JsonError;
pub(crate) use object::{Object, Value};
pub(crate) use span::Span;
