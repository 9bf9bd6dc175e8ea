//! What a browser must be told, and what it may send across sites.
//!
//! [`headers`] answers with the headers that make a browser defend the page: a strict
//! Content-Security-Policy with a fresh nonce, HSTS and their kin. [`cross_origin`] refuses
//! requests that another site made the browser send (CSRF, cross-site WebSockets).

#[cfg(feature = "cross-origin")]
pub mod cross_origin;
#[cfg(feature = "headers")]
pub mod headers;
mod origin;

pub use origin::{InvalidOrigin, Origin};
