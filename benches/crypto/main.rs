//! What encryption costs, against the bare cipher and against others who do the same.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

#[path = "../common/mod.rs"]
mod common;
mod file;

fn main() {
    file::memory();
    file::raw();
    file::to_file();
}
