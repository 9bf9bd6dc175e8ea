//! Is the content clean?
//!
//! - [`file_name`]: names of files that clients choose.
//! - `upload` (feature `upload`): files that clients send.

pub mod file_name;
mod unicode;
#[cfg(feature = "upload")]
pub mod upload;
