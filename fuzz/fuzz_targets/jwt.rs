//! Any header and claims under a good signature: no panic, and what is accepted reads the
//! same to another reader of JSON.
#![no_main]

use arbitrary::Arbitrary;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use portcullis::authn::jwt::{IdTokenRules, Profile, Verifier, principal_of};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, KeySet, SigningKey};
use portcullis::secret::SecretBytes;
use std::sync::LazyLock;

const NOW: u64 = 1_800_000_000;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// After `{"alg":"HS256"`, or instead of it.
    header: &'a str,
    whole_header: bool,
    /// After claims that are good, or instead of them.
    claims: &'a str,
    whole_claims: bool,
    strict: bool,
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let secret = SecretBytes::from([7; 64].as_slice());
    SigningKey::from_secret(Algorithm::Hs256, &secret).expect("the secret is long enough")
});

static VERIFIERS: LazyLock<[Verifier; 2]> = LazyLock::new(|| {
    [Profile::Default, Profile::Strict].map(|profile| {
        let keys = KeySet::from(KEY.verifying_key());
        Verifier::builder("i", "a", Algorithm::Hs256, keys)
            .clock(FakeClock::at_unix_seconds(NOW).clock())
            .profile(profile)
            .build()
            .expect("the configuration is good")
    })
});

fuzz_target!(|input: Input<'_>| {
    let header = match input.whole_header {
        true => input.header.to_owned(),
        false => format!("{{\"alg\":\"HS256\"{}}}", input.header),
    };
    let claims = match input.whole_claims {
        true => input.claims.to_owned(),
        false => format!(
            "{{\"iss\":\"i\",\"aud\":\"a\",\"exp\":{},\"sub\":\"s\"{}}}",
            NOW + 60,
            input.claims
        ),
    };
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.as_bytes()),
        URL_SAFE_NO_PAD.encode(claims.as_bytes())
    );
    let Ok(signature) = KEY.sign(signed.as_bytes()) else {
        return;
    };
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature));
    let verifier = &VERIFIERS[usize::from(input.strict)];
    let _ = verifier.verify_id_token(&token, &IdTokenRules::without_nonce("a"));
    let _ = verifier.verify_logout_token(&token);
    let Ok(verified) = verifier.verify(&token) else {
        return;
    };
    let claims = verified.claims();
    let theirs: serde_json::Value = claims.deserialize().expect("it is JSON");
    assert_eq!(theirs["iss"], "i");
    assert_eq!(claims.subject(), theirs["sub"].as_str());
    assert!(theirs["exp"].as_f64() > Some((NOW - 60) as f64));
    let _ = principal_of(claims);
});
