//! Who is calling?
//!
//! Several ways of proving it, one answer: a [`Principal`](crate::principal::Principal).
//!
//! - [`authenticate`]: the layer that tries each way in turn, yours among them.
//! - [`api_key`], with the feature `api-key`: keys that programs authenticate by.
//! - [`jwt`], with the feature of that name: JSON Web Tokens, issued and verified, and the
//!   bearer scheme.
//! - [`password`], with the feature of that name: hashing, verifying and judging passwords.
//! - [`session`], with the feature of that name: sessions with a cookie, and remembered
//!   browsers.

#[cfg(feature = "api-key")]
pub mod api_key;
pub mod authenticate;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "password")]
pub mod password;
#[cfg(feature = "session")]
pub mod session;

pub use authenticate::{AuthenticateLayer, Authenticator};
