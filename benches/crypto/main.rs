//! What encryption costs, against the bare cipher and against others who do the same.
//!
//! One module for each subject: `cargo bench --bench crypto` runs all, and
//! `cargo bench --bench crypto -- field` those that are named.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod blind_index;
#[path = "../common/mod.rs"]
mod common;
mod field;
mod file;
#[path = "../common/processor.rs"]
mod processor;
mod random;
mod rewrap;

const SUBJECTS: &[(&str, fn())] = &[
    ("field", field::run),
    ("random", random::run),
    ("blind_index", blind_index::run),
    ("rewrap", rewrap::run),
    ("file", file::memory),
    ("file-in-place", file::in_place),
    ("file-to-file", file::to_file),
];

fn main() {
    let arguments = std::env::args().skip(1);
    let named: Vec<String> = arguments.filter(|name| !name.starts_with('-')).collect();
    for (name, run) in SUBJECTS {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
