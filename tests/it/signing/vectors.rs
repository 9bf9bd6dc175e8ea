//! The examples of RFC 9421 and what becomes of them by one change, through the decision that
//! the probe offers.

#[path = "../../../examples/probe/signing.rs"]
#[allow(dead_code, reason = "the rest is held against other implementations")]
mod probe;

use super::*;
use crate::support::vectors;
use portcullis::signing::ReceivedSignature;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn with_keys(record: &Value, file: &Value) -> Value {
    let mut record = record.clone();
    record["keys"] = file["keys"].clone();
    record
}

#[test]
fn http_message_signatures() {
    let Some(text) = vectors("signing/rfc9421.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let mut counts = BTreeMap::new();
    for record in file["vectors"].as_array().unwrap() {
        let answer = probe::signature(&with_keys(record, &file)).unwrap();
        assert_eq!(
            answer["outcome"], record["expect"],
            "{}: {answer:?}",
            record["id"]
        );
        let code = answer["reason"].as_str().unwrap().split(':').next();
        *counts.entry(code.unwrap().to_owned()).or_insert(0) += 1;
    }
    let expected = [
        ("bad_component", 2),
        ("bad_signature", 8),
        ("duplicate", 1),
        ("from_future", 1),
        ("not_covered", 1),
        ("ok", 7),
        ("stale", 1),
        ("unknown_label", 1),
        ("wrong_algorithm", 1),
        ("wrong_digest", 1),
    ];
    let expected = expected.map(|(code, count)| (code.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
}

/// The bytes that are signed are those of the RFC, and so are signatures that have one form.
#[test]
fn bases_and_signatures_are_byte_equal() {
    let Some(text) = vectors("signing/rfc9421.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let (mut bases, mut signatures) = (0, 0);
    for record in file["vectors"].as_array().unwrap() {
        let Some(base) = record["signature_base"].as_str() else {
            continue;
        };
        let text = |name: &str| record[name].as_str().unwrap();
        let message = &record["message"];
        let mut headers = HeaderMap::new();
        for pair in message["headers"].as_array().unwrap() {
            let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers.insert("signature-input", text("signature_input").parse().unwrap());
        headers.insert("signature", text("signature").parse().unwrap());
        let method: Method = message["method"].as_str().unwrap_or("GET").parse().unwrap();
        let uri = message["target_uri"]
            .as_str()
            .unwrap_or("/")
            .parse()
            .unwrap();
        let message = match message["status"].as_u64() {
            None => Message::of_request(&method, &uri, &headers),
            Some(_) => Message::of_response(StatusCode::OK, &headers, None),
        };
        let received = ReceivedSignature::all_of(&message).unwrap().remove(0);
        let found = String::from_utf8(received.base(&message).unwrap()).unwrap();
        assert_eq!(found, base, "{}", record["id"]);
        bases += 1;
        if record["deterministic"] != json!(true) {
            continue;
        }
        let key = &file["keys"][text("keyid")];
        let packed = |name: &str| {
            use base64::Engine;
            let text = key[name].as_str()?;
            base64::engine::general_purpose::STANDARD.decode(text).ok()
        };
        let key = match (packed("secret_b64"), packed("pkcs8_b64")) {
            (Some(secret), _) => SigningKey::from_secret(Algorithm::Hs256, &secret.into()),
            (None, pkcs8) => SigningKey::from_pkcs8(Algorithm::EdDsa, &pkcs8.unwrap()),
        };
        let components = received.components().map(|it| it.parse().unwrap());
        let components: Vec<Component> = components.collect();
        let time = FakeClock::at_unix_seconds(received.parameters().created().unwrap());
        let signer = Signer::new(key.unwrap().with_key_id(text("keyid"))).unwrap();
        let signer = signer.covering(components).unwrap().without_nonce();
        let signer = signer
            .label(text("label"))
            .unwrap()
            .with_clock(time.clock());
        let fields = signer.sign(&message).unwrap();
        assert_eq!(fields.input, text("signature_input"), "{}", record["id"]);
        assert_eq!(fields.signature, text("signature"), "{}", record["id"]);
        signatures += 1;
    }
    assert_eq!((bases, signatures), (7, 2));
}

/// What callers of the probe may send beside the files.
#[test]
fn the_probe_takes_what_is_documented() {
    let digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    for (name, body, field, expected) in [
        ("good", "eyJoZWxsbyI6ICJ3b3JsZCJ9", json!(digest), "valid"),
        (
            "lines",
            "eyJoZWxsbyI6ICJ3b3JsZCJ9",
            json!(["md5=:AA==:", digest]),
            "valid",
        ),
        ("another body", "e30=", json!(digest), "invalid"),
        ("weak", "e30=", json!("md5=:AA==:"), "invalid"),
    ] {
        let record = json!({"id": 1, "body_b64": body, "content_digest": field});
        let answer = probe::content_digest(&record).unwrap();
        assert_eq!(answer["outcome"], expected, "{name}: {answer:?}");
    }
    assert!(probe::content_digest(&json!({"body_b64": "*"})).is_err());
    let folded = probe::headers(Some(&json!({"x": "a\r\n  b"})))
        .unwrap()
        .unwrap();
    assert_eq!(folded["x"], "a b");
    assert!(
        probe::headers(Some(&json!([["x", "a\r\ny: b"]])))
            .unwrap()
            .is_err()
    );
}

#[test]
fn webhooks() {
    let Some(text) = vectors("signing/webhooks.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let mut counts = BTreeMap::new();
    for record in file["vectors"].as_array().unwrap() {
        let answer = probe::webhook(record).unwrap();
        assert_eq!(
            answer["outcome"], record["expect"],
            "{}: {answer:?}",
            record["id"]
        );
        let code = answer["reason"].as_str().unwrap().split(':').next();
        *counts.entry(code.unwrap().to_owned()).or_insert(0) += 1;
    }
    let expected = [
        ("bad_signature", 8),
        ("from_future", 1),
        ("malformed", 1),
        ("ok", 6),
        ("stale", 3),
    ];
    let expected = expected.map(|(code, count)| (code.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
}
