//! Is the content clean?
//!
//! - [`file_name`]: names of files that clients choose.

pub mod file_name;
mod unicode;
