//! JSON within bounds, looked through before anything is built of it.
//!
//! [`JsonLimits`] check, in one pass and without recursion, that a text is JSON (RFC 8259) and
//!
//! 1. has no more bytes, levels of nesting and values than it may,
//! 2. has no name twice in one object: which of the two counts differs from parser to parser,
//!    so one that checks and one that acts may see different documents,
//! 3. has no longer names and numbers than anybody needs,
//! 4. has, where [known fields](JsonLimits::only_fields) are set, no others.
//!
//! ```
//! use portcullis::input::json::JsonLimits;
//!
//! let limits = JsonLimits::new().only_fields(["/title", "/tags/*"]);
//! assert!(limits.check(br#"{"title": "a", "tags": ["b", "c"]}"#).is_ok());
//!
//! let refused = limits.check(br#"{"title": "a", "admin": true}"#).unwrap_err();
//! assert_eq!(refused.to_string(), "the field /admin is not known");
//! let refused = limits.check(br#"{"title": "a", "title": "b"}"#).unwrap_err();
//! assert_eq!(refused.to_string(), "the field /title is there twice");
//! ```
//!
//! ASVS 5.0: 1.5.3 (parsers that agree), 2.2.1 (validation), 15.3.3 (mass assignment).

mod error;
mod limits;
mod pointer;
mod scan;

pub use error::JsonError;
pub use limits::JsonLimits;
#[cfg(feature = "sanitize")]
pub(crate) use pointer::Pattern;
pub(crate) use pointer::escaped;
