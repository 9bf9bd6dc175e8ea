//! Tokens that must be taken, and the many that must not.

mod bearer;
mod certificate;
