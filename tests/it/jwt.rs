//! Tokens that must be taken, and the many that must not.

mod bearer;
mod cache;
mod certificate;
mod claims;
mod configuration;
mod forgery;
mod openid;
#[cfg(feature = "client")]
mod remote;
mod revocation;
mod rotation;
mod vectors;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis::authn::jwt::{JwtError, VerifiedToken, Verifier, VerifierBuilder};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, KeySet, SigningKey};
use portcullis::secret::SecretBytes;
use serde_json::{Value, json};

/// The time of all these tests.
const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://api.example.com";

/// The secret that signs most tokens here.
fn secret() -> SecretBytes {
    SecretBytes::from([7; 64].as_slice())
}

fn hs256() -> SigningKey {
    SigningKey::from_secret(Algorithm::Hs256, &secret()).unwrap()
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// Signs any header and payload, however wrong they are.
fn forge(key: &SigningKey, header: &str, payload: &str) -> String {
    sign_segments(key, &encode(header), &encode(payload))
}

fn sign_segments(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    let signature = encode(key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

/// The claims of a token that nothing is wrong with.
fn good_claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-17",
        "iat": NOW - 60,
        "exp": NOW + 600,
    })
}

/// The good claims with one changed, or taken out by null.
fn claims_with(name: &str, value: Value) -> String {
    let mut claims = good_claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims.to_string()
}

/// A token of HS256 with these claims.
fn token(claims: &str) -> String {
    forge(&hs256(), r#"{"alg":"HS256","typ":"JWT"}"#, claims)
}

fn builder_for(key: &SigningKey) -> VerifierBuilder {
    let keys = KeySet::from(key.verifying_key());
    Verifier::builder(ISSUER, AUDIENCE, key.algorithm(), keys)
        .clock(FakeClock::at_unix_seconds(NOW).clock())
}

fn builder() -> VerifierBuilder {
    builder_for(&hs256())
}

/// `ok`, or the code of the refusal and what it is about.
fn outcome(result: Result<VerifiedToken, JwtError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => match error.detail() {
            Some(detail) => format!("{} {detail}", error.code()),
            None => error.code().to_owned(),
        },
    }
}
