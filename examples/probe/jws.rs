use portcullis::authn::jwt::JwsVerifier;
use portcullis::crypto::keys::{Algorithms, KeySet, VerifyingKey};
use serde_json::{Map, Value, json};

/// Whether a signature verifies under a key, or one of a set, whatever was signed.
///
/// Records without a compact serialization (`jws` or `compact`) are answered for what they
/// have instead: a `thumbprint` to compare, or a form that is not offered.
pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let token = record.get("jws").or_else(|| record.get("compact"));
    let key = match record.get("key") {
        None | Some(Value::Null) => None,
        // Text is taken as it is: in a JSON value, a member that came twice is gone.
        Some(Value::String(text)) => Some(text.clone()),
        Some(key) => Some(key.to_string()),
    };
    match (token, record.get("thumbprint"), key) {
        (Some(Value::String(token)), _, Some(key)) => Ok(verify(token, &key)),
        (Some(Value::String(_)), _, None) => Ok(reject("key_missing")),
        (None, Some(Value::String(expected)), Some(key)) => compare(expected, &key),
        (Some(_), _, _) => Ok(reject("json_serialization")),
        _ if record.get("jwe").is_some() => Ok(reject("encrypted")),
        _ if record.get("json").is_some() => Ok(reject("json_serialization")),
        _ => Err("there is neither a jws nor a thumbprint to look at".to_owned()),
    }
}

fn verify(token: &str, key: &str) -> Map<String, Value> {
    let keys = match KeySet::from_json(key) {
        Ok(keys) => keys,
        Err(error) => return reject(error.code()),
    };
    // The keys say what they are for; the two families are never in one set.
    let algorithms = if keys.keys().iter().any(VerifyingKey::is_symmetric) {
        Algorithms::SYMMETRIC
    } else {
        Algorithms::ASYMMETRIC
    };
    let verifier = match JwsVerifier::new(keys, algorithms) {
        Ok(verifier) => verifier,
        Err(error) => return reject(error.code()),
    };
    match verifier.verify(token) {
        Ok(_) => answer("accept", "ok"),
        Err(error) => reject(error.code()),
    }
}

fn compare(expected: &str, key: &str) -> Result<Map<String, Value>, String> {
    let keys = KeySet::from_json(key).map_err(|error| error.to_string())?;
    let thumbprint = keys.keys().first().and_then(VerifyingKey::thumbprint);
    let is_equal = thumbprint.as_deref() == Some(expected);
    let mut compared = answer(if is_equal { "equal" } else { "different" }, "thumbprint");
    compared.insert("thumbprint".to_owned(), json!(thumbprint));
    Ok(compared)
}

pub(crate) fn reject(reason: &str) -> Map<String, Value> {
    answer("reject", reason)
}

pub(crate) fn answer(outcome: &str, reason: &str) -> Map<String, Value> {
    Map::from_iter([
        ("outcome".to_owned(), outcome.into()),
        ("reason".to_owned(), reason.into()),
    ])
}
