//! Any answer of a provider: no panic, a set holds no secret, a document is of its issuer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::authn::jwt::ProviderMetadata;
use portcullis::authn::password::breached::BreachSet;
use portcullis::crypto::keys::KeySet;

const ISSUER: &str = "https://id.example.com";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(set) = KeySet::from_published_json(text) {
        assert!(!set.keys().is_empty());
        assert!(set.keys().iter().all(|key| !key.is_symmetric()));
        // What is read strictly is read here but for what should not have been published.
        if let Ok(strict) = KeySet::from_json(text) {
            assert!(set.keys().len() <= strict.keys().len());
        }
    }
    if let Ok(metadata) = ProviderMetadata::parse(text, ISSUER) {
        assert_eq!(metadata.text("issuer").as_deref(), Some(ISSUER));
        let _ = metadata.list("response_types_supported");
    }
    if let Ok(set) = BreachSet::of_hashes(text) {
        assert!(set.len() <= text.len() / 40);
    }
});
