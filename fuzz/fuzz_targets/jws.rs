//! Any text, signed or not: nothing but what was signed is ever accepted.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use portcullis::authn::jwt::JwsVerifier;
use portcullis::crypto::keys::{Algorithm, Algorithms, KeySet, SigningKey};
use portcullis::secret::SecretBytes;
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let secret = SecretBytes::from([7; 64].as_slice());
    SigningKey::from_secret(Algorithm::Hs256, &secret).expect("the secret is long enough")
});

static VERIFIER: LazyLock<JwsVerifier> = LazyLock::new(|| {
    let keys = KeySet::from(KEY.verifying_key());
    JwsVerifier::new(keys, Algorithms::SYMMETRIC).expect("the key fits")
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Nobody finds a signature by chance.
    assert!(VERIFIER.verify(text).is_err());

    // With a signature that is good, header and payload get all the way through.
    let Ok(signature) = KEY.sign(data) else {
        return;
    };
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(&signature));
    if let Ok(verified) = VERIFIER.verify(&token) {
        assert_eq!(verified.header().algorithm(), Algorithm::Hs256);
        let payload = text.split('.').nth(1).unwrap_or_default();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(verified.payload()),
            payload,
            "one payload, one spelling"
        );
    }
});
