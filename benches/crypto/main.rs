//! What encryption costs, against the bare cipher and against others who do the same.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod blind_index;
#[path = "../common/mod.rs"]
mod common;
mod file;
mod rewrap;

fn main() {
    blind_index::run();
    rewrap::run();
    file::memory();
    file::raw();
    file::to_file();
}
