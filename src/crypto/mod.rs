//! Who wrote it? Keys and what is done with them; no HTTP here.

pub(crate) mod json;
pub mod keys;
