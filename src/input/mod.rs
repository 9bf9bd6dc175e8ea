//! Is the content clean?
//!
//! - [`file_name`]: names of files that clients choose. [`path`]: paths made of them.
//! - `upload` (feature `upload`): files that clients send.
#![cfg_attr(
    any(feature = "sanitize", feature = "validate"),
    doc = "- [`text`]: text in one form, without what cannot be seen. [`json`]: JSON within bounds."
)]
#![cfg_attr(
    feature = "sanitize",
    doc = "- [`html`]: HTML from users, made clean. [`encode`]: text from users, put into pages, tables, logs.\n\
           - [`fields`]: chosen fields of bodies, cleaned before the handler sees them."
)]
#![cfg_attr(
    feature = "validate",
    doc = "- [`validate`]: requests as types, taken only when they are valid."
)]

#[cfg(feature = "sanitize")]
pub mod encode;
mod fault;
#[cfg(feature = "sanitize")]
pub mod fields;
pub mod file_name;
#[cfg(feature = "sanitize")]
pub mod html;
#[cfg(any(feature = "sanitize", feature = "validate"))]
pub mod json;
pub mod path;
#[cfg(any(feature = "sanitize", feature = "validate"))]
pub mod text;
mod unicode;
#[cfg(feature = "upload")]
pub mod upload;
#[cfg(feature = "validate")]
pub mod validate;

pub use fault::Fault;
