//! What may the caller do?

pub mod rbac;
