//! Says what becomes of a file that somebody uploads.
//!
//! ```console
//! $ cargo run --example check_upload --features upload -- photo.jpg image/jpeg
//! accepted: image/jpeg, 4032 x 3024 pixels
//! taken out: metadata
//! stored as 7d1f0c1f7c7c2bb0e4a1d6d9a2f1c3b5.jpg, 1843021 bytes, sha256 3c2a...
//! ```

use portcullis::input::upload::{Cleaning, FileType, UploadPolicy};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, declared_type) = match &*arguments {
        [file] => (file, None),
        [file, declared_type] => (file, Some(&**declared_type)),
        _ => {
            eprintln!("usage: check_upload FILE [DECLARED_TYPE]");
            return ExitCode::from(2);
        }
    };
    match check(Path::new(file), declared_type) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("check_upload: {file}: {error}");
            ExitCode::from(2)
        }
    }
}

fn check(file: &Path, declared_type: Option<&str>) -> std::io::Result<bool> {
    let content = std::fs::read(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let policy = UploadPolicy::new(FileType::ALL.iter().copied()).max_bytes(1 << 30);
    let accepted = match policy.check(&name, declared_type, &content) {
        Ok((accepted, _)) => accepted,
        Err(refusal) => {
            println!("refused: {} ({})", refusal.reason(), refusal.code());
            return Ok(false);
        }
    };
    match accepted.pixels() {
        Some((width, height)) => println!(
            "accepted: {}, {width} x {height} pixels",
            accepted.file_type()
        ),
        None => println!("accepted: {}", accepted.file_type()),
    }
    match accepted.cleaning() {
        Some(Cleaning::Code) => println!("taken out: metadata with code in it"),
        Some(_) => println!("taken out: metadata"),
        None => {}
    }
    for flag in accepted.flags() {
        println!("worth a look: {}", flag.code());
    }
    println!(
        "stored as {}, {} bytes, sha256 {}",
        accepted.stored_name(),
        accepted.length(),
        accepted.hash()
    );
    Ok(true)
}
