//! Multipart bodies (RFC 7578), read part by part while they come.

mod file;
mod pieces;
mod uploads;

pub use file::FilePart;
pub use uploads::{Field, Part, Uploads};
