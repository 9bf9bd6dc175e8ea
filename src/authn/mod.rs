//! Who is calling?
//!
//! Several ways of proving it, one answer: a [`Principal`](crate::principal::Principal).
//!
//! - [`authenticate`]: the layer that tries each way in turn, yours among them.
//! - [`jwt`], with the feature of that name: JSON Web Tokens, issued and verified, and the
//!   bearer scheme.
//! - [`password`], with the feature of that name: hashing, verifying and judging passwords.

pub mod authenticate;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "password")]
pub mod password;

pub use authenticate::{AuthenticateLayer, Authenticator};
