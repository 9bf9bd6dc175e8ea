//! Policies as Rust code, over the types of the application.
