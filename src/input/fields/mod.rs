//! Chosen fields of JSON and form bodies, cleaned before the handler sees them.
//!
//! For handlers that are not ours, or too many to change: elsewhere a type that is clean by
//! construction ([`Html`](super::html::Html)) says it where it matters.
//!
//! 1. A body has to be `application/json` (or `+json`) in UTF-8, or a form; the types that are
//!    [passed](CleanLayer::pass) go by untouched; all others are refused with 415, and so is
//!    what is compressed. Requests without a body go by.
//! 2. JSON is held to [`JsonLimits`](super::json::JsonLimits): no name twice in an object, no
//!    deep nesting. Forms have at most 256 fields, none twice unless it may be.
//! 3. The fields that are chosen, by JSON pointer, are cleaned or refused, with 422 and one
//!    entry for each that is wrong. All else of the body stays as it was, byte for byte; where
//!    nothing changes, so does the whole.
//! 4. What goes on has the right `Content-Length`, its trailers, and no digest of what was
//!    before.
//!
//! ```
//! use portcullis::input::fields::Fields;
//! use portcullis::input::html::Policy;
//! use portcullis::input::text::TextRules;
//!
//! let fields = Fields::new()
//!     .text("/title", TextRules::line().max_graphemes(80))
//!     .html("/comments/*/body", Policy::comment());
//!
//! let body = br#"{"title": " Hi ", "n": 1.0, "comments": [{"body": "<b onclick=x>a</b>"}]}"#;
//! let clean = fields.clean_json(body)?;
//! assert_eq!(&*clean, br#"{"title": "Hi", "n": 1.0, "comments": [{"body": "<b>a</b>"}]}"#);
//!
//! let refused = fields.clean_json(b"{\"title\": \"two\\nlines\"}").unwrap_err();
//! assert_eq!(refused.errors()[0].pointer, "/title");
//! # Ok::<(), portcullis::guard::Rejection>(())
//! ```
//!
//! [`CleanLayer`] puts that in front of a service.
//!
//! ASVS 5.0: 1.3.1 (HTML), 2.2.1 (validation), 4.1.1 (content types), 15.3.3 (fields).

mod content;
mod layer;
mod service;
mod set;

pub use layer::CleanLayer;
pub use service::CleanService;
pub use set::Fields;
