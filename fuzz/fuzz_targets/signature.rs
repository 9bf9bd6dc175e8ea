//! Any two fields of RFC 9421: nothing but what was signed is ever accepted, and what is read is
//! written in one way.
#![no_main]

use http::{HeaderMap, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use portcullis::crypto::keys::KnownKey;
use portcullis::signing::digest::Digests;
use portcullis::signing::{Component, Message, ReceivedSignature, RequestedSignature};
use std::sync::LazyLock;

static KEY: LazyLock<KnownKey> = LazyLock::new(|| {
    let secret = [7; 32].as_slice().into();
    KnownKey::shared_secret(&secret).expect("the secret is long enough")
});

fuzz_target!(|data: &[u8]| {
    let _not_panicking = Digests::parse(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(component) = text.parse::<Component>()
    {
        let again: Component = component.to_string().parse().expect("it was written by us");
        assert_eq!(component.to_string(), again.to_string());
    }

    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in ["signature-input", "signature", "accept-signature"] {
        let value = parts.next().unwrap_or_default();
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return;
        };
        headers.insert(name, value);
    }
    let uri = Uri::from_static("https://example.com/a?b=c&d=%20");
    let message = Message::of_request(&Method::POST, &uri, &headers);
    let _not_panicking = RequestedSignature::all_of(&message);
    let Ok(all) = ReceivedSignature::all_of(&message) else {
        return;
    };
    for signature in all {
        let verified = signature.dangerous_verify_without_policy(&message, &KEY);
        assert!(verified.is_err(), "nobody finds a signature by chance");
        if let Ok(base) = signature.base(&message) {
            assert!(base.is_ascii(), "what is signed is text");
            let lines = base.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(lines, signature.components().len(), "a line for each");
        }
        for component in signature.components() {
            let component: Component = component.parse().expect("it was read");
            assert!(signature.covers(&component));
        }
    }
});
