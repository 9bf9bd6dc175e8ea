//! What may the caller do?
//!
//! - [`rbac`], with the feature of that name: roles, and the permissions each of them has.
//! - [`abac`], with the feature of that name: policies as Rust code over the application's own
//!   types.
//! - [`cedar`], with the feature of that name: policies as text, in the Cedar language.

#[cfg(feature = "abac")]
pub mod abac;
#[cfg(feature = "cedar")]
pub mod cedar;
#[cfg(any(feature = "abac", feature = "rbac"))]
mod permission;
#[cfg(feature = "rbac")]
pub mod rbac;
