//! Uploads: a file, its name and its declared type, under one of a few policies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis::input::upload::{
    Accepted, ArchiveLimits, Cleaning, Detected, FileType, UploadPolicy, detect,
};
use serde_json::{Map, Value, json};

/// Decides a record `{policy, filename, declared_mime, data_b64}`.
pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let text = |name| record.get(name).and_then(Value::as_str);
    let policy = policy(text("policy").unwrap_or("images"))?;
    let name = text("filename").ok_or("`filename` is missing")?;
    let data = text("data_b64").ok_or("`data_b64` is missing")?;
    let data = STANDARD
        .decode(data)
        .map_err(|error| format!("`data_b64`: {error}"))?;
    let answer = match policy.check(name, text("declared_mime"), &data) {
        Ok((accepted, stored)) => json!({
            "verdict": verdict(&accepted),
            "reason": reason(&accepted),
            "detected": accepted.file_type().media_type(),
            "stored_bytes": stored.len(),
            "stored_sha256": accepted.hash().to_string(),
            "stored_b64": STANDARD.encode(&stored),
        }),
        Err(refusal) => json!({
            "verdict": "reject",
            "reason": format!("{}: {}", refusal.code(), refusal.reason()),
            "detected": match detect(data.get(..8192).unwrap_or(&data)) {
                Detected::Known(kind) => kind.media_type(),
                other => other.media_type(),
            },
        }),
    };
    match answer {
        Value::Object(answer) => Ok(answer),
        _ => Err("no answer".to_owned()),
    }
}

fn policy(name: &str) -> Result<UploadPolicy, String> {
    let limits = ArchiveLimits::new().max_expanded_bytes(5_000_000);
    let policy = match name {
        "images" => UploadPolicy::images(),
        "images+svg" => UploadPolicy::images().also(FileType::Svg),
        "images-max-100-bytes" => UploadPolicy::images().max_bytes(100),
        "documents" => UploadPolicy::documents(),
        "media" => UploadPolicy::new(FileType::MEDIA.iter().copied()),
        "archives" => UploadPolicy::new(FileType::ARCHIVES.iter().copied()),
        other => return Err(format!("there is no policy {other:?}")),
    };
    Ok(policy.archive_limits(limits))
}

/// The word for what became of a file, the gravest that fits.
fn verdict(accepted: &Accepted) -> &'static str {
    match accepted.cleaning() {
        _ if !accepted.flags().is_empty() => "flag",
        Some(Cleaning::Code) => "accept-after-reencode",
        Some(_) => "accept-after-strip",
        None if accepted.is_name_normalized() => "accept-normalised",
        None if !accepted.is_type_declared() => "accept-declared-ignored",
        None => "accept",
    }
}

fn reason(accepted: &Accepted) -> String {
    let flags = accepted.flags().iter().map(|flag| flag.code());
    let cleaning = match accepted.cleaning() {
        Some(Cleaning::Code) => Some("code in metadata was taken out"),
        Some(_) => Some("metadata was taken out"),
        None => None,
    };
    let reasons: Vec<_> = flags.chain(cleaning).collect();
    match reasons.is_empty() {
        true => "well formed; name, declared type and content agree".to_owned(),
        false => reasons.join(", "),
    }
}
