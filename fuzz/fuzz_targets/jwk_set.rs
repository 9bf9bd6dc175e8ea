//! Any key set: no panic, and what is read can be published and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::crypto::keys::{KeySet, SigningKey};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = SigningKey::from_jwk(text);
    let Ok(set) = KeySet::from_json(text) else {
        return;
    };
    for key in set.keys() {
        for algorithm in key.algorithms().iter() {
            assert!(key.verify(algorithm, b"message", b"signature").is_err());
        }
    }
    if set.keys().iter().all(|key| !key.is_symmetric()) {
        let again = KeySet::from_json(&set.to_public_json()).expect("what is published is good");
        let thumbprints =
            |set: &KeySet| -> Vec<_> { set.keys().iter().map(|key| key.thumbprint()).collect() };
        assert_eq!(thumbprints(&again), thumbprints(&set));
    }
});
