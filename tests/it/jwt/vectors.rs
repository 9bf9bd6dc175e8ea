//! Project Wycheproof and the examples of the RFCs.

use crate::support::vectors;
use portcullis::authn::jwt::JwsVerifier;
use portcullis::crypto::keys::{Algorithms, KeySet, VerifyingKey};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the records of one file come to, counted.
fn tally(file: &str, decide: impl Fn(&Value) -> String) -> Option<BTreeMap<String, usize>> {
    let text = vectors(&format!("jwt/{file}"))?;
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut counts = BTreeMap::new();
    for record in all["tests"].as_array().unwrap() {
        let decided = decide(record);
        *counts.entry(decided).or_insert(0) += 1;
    }
    Some(counts)
}

fn expected(record: &Value) -> &str {
    let ours = record.get("portcullis_expect");
    ours.unwrap_or(&record["expect"]).as_str().unwrap()
}

/// Accepts or rejects on the level of signatures, with whatever key the record has.
fn verify(record: &Value, token: &str) -> Result<(), String> {
    let keys = KeySet::from_json(&record["key"].to_string()).map_err(|it| it.to_string())?;
    let algorithms = if keys.keys().iter().any(VerifyingKey::is_symmetric) {
        Algorithms::SYMMETRIC
    } else {
        Algorithms::ASYMMETRIC
    };
    let verifier = JwsVerifier::new(keys, algorithms).map_err(|it| it.to_string())?;
    verifier.verify(token).map_err(|it| it.to_string())?;
    Ok(())
}

/// Checks a signature record and gives what was expected.
fn check_signature(record: &Value) -> String {
    let expected = expected(record);
    // Where the file has a JSON serialization, what a caller could pass is its text.
    let token = match &record["jws"] {
        Value::String(token) => token.clone(),
        other => other.to_string(),
    };
    let result = verify(record, &token);
    let outcome = if result.is_ok() { "accept" } else { "reject" };
    assert_eq!(outcome, expected, "{}: {result:?}", record["id"]);
    expected.to_owned()
}

fn counts<const N: usize>(counts: [(&str, usize); N]) -> BTreeMap<String, usize> {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

#[test]
fn wycheproof_signatures() {
    let Some(found) = tally("wycheproof_jws.json", check_signature) else {
        return;
    };
    assert_eq!(found, counts([("accept", 24), ("reject", 186)]));
}

#[test]
fn wycheproof_keys() {
    let Some(found) = tally("wycheproof_jwk.json", check_signature) else {
        return;
    };
    assert_eq!(found, counts([("accept", 4), ("reject", 13)]));
}

#[test]
fn wycheproof_crypto() {
    let found = tally("wycheproof_crypto.json", |record| {
        if let Some(token) = record["jwe"].as_str() {
            assert!(verify(record, token).is_err(), "{}", record["id"]);
            return "encrypted".to_owned();
        }
        check_signature(record)
    });
    let Some(found) = found else { return };
    assert_eq!(
        found,
        counts([("accept", 2), ("encrypted", 22), ("reject", 21)])
    );
}

/// Encrypted tokens are not offered, so all are refused, the valid ones too.
#[test]
fn wycheproof_encryption_is_refused() {
    let found = tally("wycheproof_jwe.json", |record| {
        let token = record["jwe"].as_str().unwrap_or_default();
        let result = verify(record, token);
        assert!(result.is_err(), "{}", record["id"]);
        expected(record).to_owned()
    });
    let Some(found) = found else { return };
    assert_eq!(found, counts([("accept", 34), ("reject", 34)]));
}

#[test]
fn examples_of_the_rfcs() {
    let found = tally("rfc_jose.json", |record| {
        let id = &record["id"];
        let key = record["key"].to_string();
        if let Some(thumbprint) = record["thumbprint"].as_str() {
            let key = VerifyingKey::from_jwk(&key).unwrap();
            assert_eq!(key.thumbprint().unwrap(), thumbprint, "{id}");
            return "thumbprint".to_owned();
        }
        let Some(token) = record["compact"].as_str() else {
            // The JSON serialization, with which come detached and unencoded payloads; and
            // pairs for PKCE, which are no business of tokens.
            assert!(verify(record, &record["json"].to_string()).is_err(), "{id}");
            return "not offered".to_owned();
        };
        if record["alg"] == "ES512" {
            let error = KeySet::from_json(&key).unwrap_err();
            assert_eq!(error.code(), "key_curve_unsupported", "{id}");
            return "not offered".to_owned();
        }
        let result = verify(record, token);
        let outcome = if result.is_ok() { "accept" } else { "reject" };
        assert_eq!(outcome, expected(record), "{id}: {result:?}");
        outcome.to_owned()
    });
    let Some(found) = found else { return };
    assert_eq!(
        found,
        counts([
            ("accept", 5),
            ("not offered", 3),
            ("reject", 2),
            ("thumbprint", 2)
        ])
    );
}
