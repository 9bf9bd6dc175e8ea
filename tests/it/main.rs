//! The integration tests: one binary, a module for each control, over real stacks.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]
#![allow(
    clippy::type_complexity,
    reason = "the rows of a table are types of their own, used once"
)]

#[cfg(feature = "abac")]
mod abac;
#[cfg(feature = "full")]
mod account;
#[cfg(feature = "file-encryption")]
mod aead;
#[cfg(feature = "full")]
mod api_key;
mod architecture;
#[cfg(feature = "full")]
mod asvs;
mod authenticate;
#[cfg(feature = "full")]
mod bans;
#[cfg(feature = "field-encryption")]
mod blind_index;
#[cfg(all(feature = "breached-passwords", feature = "client"))]
mod breached;
#[cfg(feature = "cedar")]
mod cedar;
#[cfg(feature = "client")]
mod client;
mod client_ip;
#[cfg(feature = "cross-origin")]
mod cross_origin;
#[cfg(all(feature = "axum", feature = "cross-origin"))]
mod csrf_token;
#[cfg(feature = "dpop")]
mod dpop;
mod event;
#[cfg(feature = "field-encryption")]
mod field;
#[cfg(feature = "file-encryption")]
mod file;
mod guard;
#[cfg(all(feature = "axum", feature = "headers"))]
mod headers;
mod inspect;
#[cfg(feature = "full")]
mod introspection;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "field-encryption")]
mod keys;
#[cfg(feature = "rate-limit")]
mod limit;
#[cfg(feature = "monitor")]
mod monitor;
#[cfg(feature = "full")]
mod oauth2;
#[cfg(feature = "full")]
mod oidc;
#[cfg(feature = "one-time-code")]
mod one_time_code;
#[cfg(feature = "password")]
mod password;
#[cfg(feature = "rbac")]
mod rbac;
#[cfg(feature = "full")]
mod records;
#[cfg(feature = "recovery-codes")]
mod recovery_codes;
#[cfg(feature = "full")]
mod refresh_token;
mod request_id;
#[cfg(feature = "field-encryption")]
mod rotation;
#[cfg(feature = "sanitize")]
mod sanitize;
#[cfg(feature = "full")]
mod secure_api;
#[cfg(feature = "full")]
mod session;
#[cfg(feature = "full")]
mod signing;
mod step_up;
mod store;
mod support;
#[cfg(feature = "throttle")]
mod throttle;
#[cfg(all(feature = "field-encryption", feature = "totp"))]
mod totp;
#[cfg(feature = "full")]
mod upload;
#[cfg(feature = "validate")]
mod validate;
#[cfg(feature = "waf")]
mod waf;
