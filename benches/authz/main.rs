//! What authorization costs: roles, policies as Rust code, policies as text behind the index.
//!
//! One module for each subject: `cargo bench --bench authz` runs all, and
//! `cargo bench --bench authz -- cedar` those that are named.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod cedar;
#[path = "../common/mod.rs"]
mod common;
mod rbac;
mod typed;

const SUBJECTS: &[(&str, fn())] = &[
    ("rbac", rbac::checks),
    ("typed", typed::decisions),
    ("cedar", cedar::index),
    ("cedar-growth", cedar::growth),
    ("cedar-list", cedar::list),
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
