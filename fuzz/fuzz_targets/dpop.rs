//! Any proof, and any header and payload that are signed as they say: no panic, and what is
//! accepted is for this method, this URL and this time.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use portcullis::authn::dpop::{DpopNonces, DpopRules, ProofUse};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::store::Store;
use std::sync::LazyLock;

const NOW: u64 = 1_800_000_000;

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::EdDsa).expect("a key is made"));
static RULES: LazyLock<DpopRules> = LazyLock::new(|| {
    let rules = DpopRules::new("https://api.example.com/v1", Store::memory());
    rules.expect("it is a URL").clock(FakeClock::at_unix_seconds(NOW).clock())
});
static NONCES: LazyLock<DpopNonces> = LazyLock::new(DpopNonces::new);

fn check(proof: &str) {
    let wanted = ProofUse::without_token(&http::Method::POST, "/a");
    if let Ok(proof) = RULES.check(proof, wanted) {
        assert!(!proof.id().is_empty());
        assert!(proof.issued_at().unix_seconds().abs_diff(NOW) <= 60);
        assert_eq!(proof.key_thumbprint().len(), 43);
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    check(text);
    assert!(!NONCES.is_good(text, FakeClock::at_unix_seconds(NOW).clock().now()));

    // The members of the header and of the payload are the input's; the signature is right.
    let (header, payload) = text.split_once('\n').unwrap_or((text, ""));
    let jwk = KEY.verifying_key().to_public_jwk().expect("it has a public half");
    let header = format!("{{\"typ\":\"dpop+jwt\",\"alg\":\"EdDSA\",\"jwk\":{jwk}{header}}}");
    let payload = format!("{{\"jti\":\"1\",\"htm\":\"POST\",\"iat\":{NOW},\"htu\":{payload}}}");
    let [header, payload] = [header, payload].map(|it| URL_SAFE_NO_PAD.encode(it));
    let signed = format!("{header}.{payload}");
    let signature = KEY.sign(signed.as_bytes()).expect("it signs");
    check(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)));
});
