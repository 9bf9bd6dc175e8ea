//! Thumbprints of keys, RFC 7638.

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::digest;
use serde_json::Value;

/// The SHA-256 thumbprint of a JWK that has its required members alone.
pub(super) fn of(required_members: &Value) -> String {
    encode(digest::digest(&digest::SHA256, canonical(required_members).as_bytes()).as_ref())
}

/// The members sorted by name, without spaces (RFC 7638 section 3.3). Sorted here, because
/// the order in which `serde_json` keeps members depends on a feature that any crate of the
/// build may turn on.
fn canonical(required_members: &Value) -> String {
    let mut members: Vec<_> = required_members
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    members.sort_unstable();
    format!("{{{}}}", members.join(","))
}

pub(super) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
