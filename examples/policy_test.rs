//! Tries policies by a file of cases, and tells which policies and conditions no case has tried.
//!
//! ```console
//! $ cargo run --example policy_test --features full
//! 13 cases, 0 failed
//! $ cargo run --example policy_test --features full -- my/policies my/cases.toml
//! ```
//!
//! The policies are those of the example `secure_api`, about its documents.

#[path = "secure_api/service/mod.rs"]
#[expect(dead_code, reason = "of the service, the policies alone are tried")]
mod service;

use portcullis::authz::abac::trial::Cases;
use service::policies;
use std::path::PathBuf;
use std::process::ExitCode;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/policies");

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("policy_test: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().unwrap_or_else(|| FOLDER.into());
    let file = arguments.next();
    let file = file.unwrap_or_else(|| folder.join("documents.cases.toml"));

    let (authz, _) = policies::open(&folder)?;
    let cases = Cases::parse(&std::fs::read_to_string(&file)?)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let report = policies::trial(&authz).run(&cases);
    println!("{report}");
    Ok(report.is_success())
}
