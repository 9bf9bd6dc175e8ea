//! Forged signatures, confused algorithms and keys, and texts that are no tokens.

use super::*;
use portcullis::authn::jwt::{JwsVerifier, JwtErrorKind};
use portcullis::crypto::keys::{Algorithms, VerifyingKey};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// RFC 7515 appendix A.2: a public RSA key.
const RSA: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;

/// RFC 7515 appendix A.2: a token of that key.
pub(super) const RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

#[test]
fn every_algorithm_signs_and_verifies() {
    for &algorithm in Algorithm::ALL {
        let Ok(key) = SigningKey::generate(algorithm) else {
            assert!(Algorithms::RSA.contains(algorithm), "{algorithm}");
            continue;
        };
        let header = format!(r#"{{"alg":"{algorithm}"}}"#);
        let token = forge(&key, &header, &good_claims().to_string());
        let verifier = builder_for(&key).build().unwrap();
        assert_eq!(outcome(verifier.verify(&token)), "ok", "{algorithm}");

        let other = SigningKey::generate(algorithm).unwrap();
        let forged = forge(&other, &header, &good_claims().to_string());
        assert_eq!(
            outcome(verifier.verify(&forged)),
            "bad_signature",
            "{algorithm}"
        );
    }
    let rsa = KeySet::from_json(RSA).unwrap();
    let verifier = JwsVerifier::new(rsa, Algorithm::Rs256).unwrap();
    assert!(verifier.verify(RSA_TOKEN).is_ok());
}

#[test]
fn every_changed_character_is_noticed() {
    let token = token(&good_claims().to_string());
    let verifier = builder().build().unwrap();
    assert!(verifier.verify(&token).is_ok());
    for (at, byte) in token.bytes().enumerate() {
        for other in [b'A', b'B', b'_', b'.', b'=', b' '] {
            if byte == other {
                continue;
            }
            let mut changed = token.clone().into_bytes();
            changed[at] = other;
            let changed = String::from_utf8(changed).unwrap();
            assert!(verifier.verify(&changed).is_err(), "{at} {other}");
        }
    }
    for end in 0..token.len() {
        assert!(verifier.verify(&token[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn forms_that_are_no_compact_tokens() {
    let good = token(&good_claims().to_string());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        unreachable!()
    };
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({
        "payload": payload,
        "signatures": [{"protected": header, "signature": signature}],
    });
    // The last character of a tag of 32 bytes carries two bits that are not used.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet
        .chars()
        .nth(alphabet.find(last).unwrap() + 1)
        .unwrap();
    let loose = format!("{}{next}", &good[..good.len() - 1]);
    let cases = [
        ("good", good.clone(), "ok"),
        ("empty", String::new(), "not_compact"),
        ("two segments", format!("{header}.{payload}"), "not_compact"),
        ("four segments", format!("{good}."), "not_compact"),
        (
            "five segments",
            format!("{header}..{payload}.{signature}."),
            "encrypted",
        ),
        (
            "flattened JSON",
            flattened.to_string(),
            "json_serialization",
        ),
        ("general JSON", format!(" {general}"), "json_serialization"),
        (
            "no signature",
            format!("{header}.{payload}."),
            "bad_signature",
        ),
        (
            "detached payload",
            format!("{header}..{signature}"),
            "bad_signature",
        ),
        (
            "no header",
            format!(".{payload}.{signature}"),
            "malformed_header json_syntax",
        ),
        ("padding", format!("{good}="), "not_base64url"),
        ("line feed at the end", format!("{good}\n"), "not_base64url"),
        ("space before", format!(" {good}"), "not_base64url"),
        (
            "line feed inside",
            format!("{header}.{payload}.\n{signature}"),
            "not_base64url",
        ),
        ("unused bits", loose, "not_base64url"),
        ("zero byte", format!("{good}\0"), "not_base64url"),
        ("not ASCII", format!("{good}é"), "not_base64url"),
        (
            "16 kB",
            format!("{header}.{}.{signature}", "A".repeat(16 * 1024)),
            "too_long",
        ),
        (
            "a header of 4 kB",
            format!("{}.{payload}.{signature}", "A".repeat(5000)),
            "too_long",
        ),
    ];
    let verifier = builder().build().unwrap();
    for (name, token, expected) in cases {
        assert_eq!(outcome(verifier.verify(&token)), expected, "{name}");
    }
}

#[test]
fn segments_that_are_loose_base64_are_refused_though_they_are_signed() {
    let header = encode(HEADER);
    let payload = encode(good_claims().to_string());
    let verifier = builder().build().unwrap();
    let cases = [
        ("padded header", format!("{header}="), payload.clone()),
        ("padded payload", header.clone(), format!("{payload}=")),
        (
            "space in the payload",
            header.clone(),
            format!("{payload} "),
        ),
        (
            "line feed in the header",
            format!("{header}\r\n"),
            payload.clone(),
        ),
        ("other alphabet", header.clone(), format!("{payload}+/+/")),
        ("question mark", header.clone(), format!("?{payload}")),
    ];
    for (name, header, payload) in cases {
        let token = sign_segments(&hs256(), &header, &payload);
        assert_eq!(outcome(verifier.verify(&token)), "not_base64url", "{name}");
    }
}

#[test]
fn headers_that_are_refused_though_they_are_signed() {
    let cases = [
        (
            "unknown critical",
            r#"{"alg":"HS256","crit":["x"],"x":1}"#,
            "critical_header",
        ),
        (
            "critical and known",
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            "critical_header",
        ),
        (
            "critical b64",
            r#"{"alg":"HS256","crit":["b64"],"b64":true}"#,
            "critical_header",
        ),
        (
            "no list",
            r#"{"alg":"HS256","crit":"exp"}"#,
            "critical_header",
        ),
        ("b64", r#"{"alg":"HS256","b64":false}"#, "unencoded_payload"),
        (
            "alg twice",
            r#"{"alg":"none","alg":"HS256"}"#,
            "malformed_header json_duplicate_member",
        ),
        (
            "kid twice",
            r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
            "malformed_header json_duplicate_member",
        ),
        (
            "escaped twice",
            r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
            "malformed_header json_duplicate_member",
        ),
        (
            "nested twice",
            r#"{"alg":"HS256","jwk":{"k":1,"k":2}}"#,
            "malformed_header json_duplicate_member",
        ),
        (
            "lone surrogate",
            r#"{"alg":"HS256","x":"\ud800"}"#,
            "malformed_header json_lone_surrogate",
        ),
        (
            "byte order mark",
            "\u{feff}{\"alg\":\"HS256\"}",
            "malformed_header json_syntax",
        ),
        (
            "something after",
            r#"{"alg":"HS256"}{}"#,
            "malformed_header json_syntax",
        ),
        (
            "null kid",
            r#"{"alg":"HS256","kid":null}"#,
            "malformed_header kid",
        ),
        (
            "kid of an object",
            r#"{"alg":"HS256","kid":{"$ne":""}}"#,
            "malformed_header kid",
        ),
        ("no alg", r#"{"typ":"JWT"}"#, "malformed_header alg"),
        ("none", r#"{"alg":"none"}"#, "algorithm_none"),
        ("NONE", r#"{"alg":"NONE"}"#, "algorithm_none"),
        ("other hash", r#"{"alg":"HS384"}"#, "algorithm_not_allowed"),
        ("public key", r#"{"alg":"RS256"}"#, "algorithm_not_allowed"),
        (
            "trailing space",
            r#"{"alg":"HS256 "}"#,
            "algorithm_unsupported",
        ),
        ("dpop", r#"{"alg":"HS256","typ":"dpop+jwt"}"#, "wrong_type"),
        (
            "logout",
            r#"{"alg":"HS256","typ":"logout+jwt"}"#,
            "wrong_type",
        ),
        (
            "type with parameters",
            r#"{"alg":"HS256","typ":"JWT; x=1"}"#,
            "wrong_type",
        ),
        // And what is fine.
        ("spaces", " {\"alg\" :\t\"HS256\"\r\n} ", "ok"),
        ("lower-case type", r#"{"alg":"HS256","typ":"jwt"}"#, "ok"),
        (
            "access token",
            r#"{"alg":"HS256","typ":"application/at+jwt"}"#,
            "ok",
        ),
        (
            "unknown member",
            r#"{"alg":"HS256","x5t":"abc","foo":[1,{"a":null}]}"#,
            "ok",
        ),
        (
            "unknown kid, key without a name",
            r#"{"alg":"HS256","kid":"../../dev/null"}"#,
            "ok",
        ),
    ];
    let verifier = builder().build().unwrap();
    for (name, header, expected) in cases {
        let token = forge(&hs256(), header, &good_claims().to_string());
        assert_eq!(outcome(verifier.verify(&token)), expected, "{name}");
    }
}

#[test]
fn keys_in_the_header_are_not_believed() {
    let attacker = SigningKey::generate(Algorithm::Es256).unwrap();
    let ours = SigningKey::generate(Algorithm::Es256).unwrap();
    let verifier = builder_for(&ours).build().unwrap();
    let jwk = attacker.verifying_key().to_public_jwk().unwrap();
    for extra in [
        json!({"jwk": jwk}),
        json!({"jwk": jwk, "kid": ours.key_id()}),
        json!({"jku": "https://attacker.example/jwks.json"}),
        json!({"x5u": "https://attacker.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
    ] {
        let mut header = extra.clone();
        header["alg"] = "ES256".into();
        let token = forge(&attacker, &header.to_string(), &good_claims().to_string());
        assert_eq!(outcome(verifier.verify(&token)), "bad_signature", "{extra}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let rsa = KeySet::from_json(RSA).unwrap();
    let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithms::RSA, rsa)
        .build()
        .unwrap();
    let pem = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n";
    let padded = format!("\n  {pem}");
    let modulus = serde_json::from_str::<Value>(RSA).unwrap()["n"].to_string();
    for public in [RSA, pem, modulus.trim_matches('"')] {
        let token = signed_with_text(public);
        assert_eq!(outcome(verifier.verify(&token)), "algorithm_not_allowed");
    }
    for text in [
        pem,
        &padded,
        RSA,
        "  { \"kty\": \"OKP\", \"crv\": \"Ed25519\" }",
    ] {
        let secret = SecretBytes::from(text.as_bytes());
        let error = VerifyingKey::from_secret(Algorithm::Hs256, &secret).unwrap_err();
        assert_eq!(error.code(), "key_hmac_is_key_text");
        let jwk = json!({"kty": "oct", "k": encode(text)}).to_string();
        let error = KeySet::from_json(&jwk).unwrap_err();
        assert_eq!(error.code(), "key_hmac_is_key_text");
    }
}

/// A token of HS256 whose secret is this text, made without our types, which refuse it.
fn signed_with_text(secret: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let signed = format!("{}.{}", encode(HEADER), encode(good_claims().to_string()));
    let tag = ring::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(tag))
}

#[test]
fn ecdsa_signatures_that_prove_nothing() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let verifier = builder_for(&key).build().unwrap();
    let good = forge(&key, r#"{"alg":"ES256"}"#, &good_claims().to_string());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let der = [&[0x30, 0x44, 0x02, 0x20], r, &[0x02, 0x20], s].concat();
    let cases: [(&str, Vec<u8>); 9] = [
        ("all zero", vec![0; 64]),
        ("r zero", [&[0; 32], s].concat()),
        ("s zero", [r, &[0; 32]].concat()),
        ("r is the order", [&order, s].concat()),
        ("s is the order", [r, &order].concat()),
        ("DER", der),
        ("a zero before each", [&[0], r, &[0], s].concat()),
        ("a zero after", [r, s, &[0]].concat()),
        ("r alone", r.to_vec()),
    ];
    for (name, forged) in cases {
        let token = format!("{signed}.{}", encode(forged));
        assert_eq!(outcome(verifier.verify(&token)), "bad_signature", "{name}");
    }
}

#[test]
fn the_key_is_chosen_by_its_name() {
    let make = |name: &str| {
        SigningKey::generate(Algorithm::EdDsa)
            .unwrap()
            .with_key_id(name)
    };
    let (a, b, stranger) = (make("a"), make("b"), make("a"));
    let keys = KeySet::new([a.verifying_key(), b.verifying_key()]).unwrap();
    let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithm::EdDsa, keys)
        .clock(FakeClock::at_unix_seconds(NOW).clock())
        .build()
        .unwrap();
    let cases = [
        ("its own name", &a, r#"{"alg":"EdDSA","kid":"a"}"#, "ok"),
        ("no name", &b, r#"{"alg":"EdDSA"}"#, "ok"),
        (
            "another's name",
            &b,
            r#"{"alg":"EdDSA","kid":"a"}"#,
            "bad_signature",
        ),
        (
            "an unknown name",
            &a,
            r#"{"alg":"EdDSA","kid":"c"}"#,
            "unknown_key",
        ),
        (
            "case matters",
            &a,
            r#"{"alg":"EdDSA","kid":"A"}"#,
            "unknown_key",
        ),
        (
            "an empty name",
            &a,
            r#"{"alg":"EdDSA","kid":""}"#,
            "unknown_key",
        ),
        (
            "a stranger",
            &stranger,
            r#"{"alg":"EdDSA","kid":"a"}"#,
            "bad_signature",
        ),
        (
            "a stranger without a name",
            &stranger,
            r#"{"alg":"EdDSA"}"#,
            "bad_signature",
        ),
    ];
    for (name, key, header, expected) in cases {
        let token = forge(key, header, &good_claims().to_string());
        assert_eq!(outcome(verifier.verify(&token)), expected, "{name}");
    }
}

#[test]
fn a_token_without_a_name_is_tried_with_few_keys() {
    let keys: Vec<SigningKey> = (0..5)
        .map(|_| SigningKey::generate(Algorithm::EdDsa).unwrap())
        .collect();
    let verify = |count: usize| {
        let set = KeySet::new(keys.iter().take(count).map(SigningKey::verifying_key)).unwrap();
        let verifier = JwsVerifier::new(set, Algorithm::EdDsa).unwrap();
        let token = forge(&keys[count - 1], r#"{"alg":"EdDSA"}"#, "{}");
        verifier.verify(&token).err().map(|error| error.kind())
    };
    assert_eq!(verify(1), None);
    assert_eq!(verify(4), None);
    assert_eq!(verify(5), Some(JwtErrorKind::AmbiguousKey));
}
