//! Security middleware for Rust services.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "jwt", feature = "password"))]
pub mod authn;
#[cfg(feature = "rbac")]
pub mod authz;
#[cfg(any(feature = "cross-origin", feature = "headers"))]
pub mod browser;
pub mod clock;
#[cfg(feature = "jwt")]
pub mod crypto;
pub mod event;
pub mod guard;
#[cfg(feature = "rate-limit")]
pub mod limit;
#[cfg(feature = "monitor")]
pub mod monitor;
pub mod net;
pub mod principal;
pub mod random;
pub mod secret;
pub mod store;
