//! Uploads: files of each kind, whole and broken, and the way they come.

mod clamd;
mod files;
mod multipart;
#[path = "../../../examples/probe/upload.rs"]
mod probe;
mod samples;
mod structure;
