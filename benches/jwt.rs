//! What verifying and signing a token costs on top of the bare primitive of `ring`, with its
//! keys prepared and nothing else done.
//!
//! Bar: verifying with a public key at most 1.05 of the bare primitive, and with keys that are
//! fetched and replaced under way at most 1.05 of the same with fixed ones. (HS256 has its bar
//! against another crate, in `benches/peers`.) With a cache, verifying a token again should cost
//! a tenth at most where the key is public.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::Race;
use portcullis::authn::jwt::{Issuer, Verifier};
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::secret::SecretBytes;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey,
};
use ring::{hmac, rand, signature};
use std::hint::black_box;

const SECRET: [u8; 32] = [7; 32];
/// RFC 7515 appendix A.2.
const RSA: &str = include_str!("common/rfc7515_a2.jwk.json");

fn main() {
    let secret = SecretBytes::from(SECRET.as_slice());
    let key = SigningKey::from_secret(Algorithm::Hs256, &secret).expect("the secret is good");
    let bare = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let bare_signer = bare.clone();
    verify("jwt/verify/hs256", &key, |signed, signature| {
        hmac::verify(&bare, signed, signature).is_ok()
    });
    sign("jwt/sign/hs256", &key, |signed| {
        hmac::sign(&bare_signer, signed)
    });

    let random = rand::SystemRandom::new();
    let key = SigningKey::generate(Algorithm::Es256).expect("ES256 keys are made here");
    let pair = EcdsaKeyPair::from_pkcs8(
        &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        key.to_pkcs8().expect("it was made here").expose(),
        &random,
    )
    .expect("the key is good");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
    verify("jwt/verify/es256", &key, |signed, signature| {
        public.verify(signed, signature).is_ok()
    });
    sign("jwt/sign/es256", &key, |signed| pair.sign(&random, signed));

    let key = SigningKey::generate(Algorithm::EdDsa).expect("EdDSA keys are made here");
    let pkcs8 = key.to_pkcs8().expect("it was made here");
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.expose()).expect("the key is good");
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
    verify("jwt/verify/eddsa", &key, |signed, signature| {
        public.verify(signed, signature).is_ok()
    });
    sign("jwt/sign/eddsa", &key, |signed| pair.sign(signed));

    #[cfg(feature = "client")]
    under_rotation();

    let key = SigningKey::from_jwk(RSA).expect("the key is good");
    let pair = rsa_pair();
    let public: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
    verify("jwt/verify/rs256", &key, |signed, signature| {
        public
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            .is_ok()
    });
    sign("jwt/sign/rs256", &key, |signed| {
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(
            &signature::RSA_PKCS1_SHA256,
            &random,
            signed,
            &mut signature,
        )
        .map(|()| signature)
    });
}

/// Tokens verified by keys from afar, which the issuer replaces all the time but for the one
/// that signs, against the same with keys that never change. Every thousand tokens the keys
/// are due and fetched anew.
#[cfg(feature = "client")]
fn under_rotation() {
    use portcullis::authn::jwt::RemoteKeys;
    use portcullis::clock::FakeClock;
    use portcullis::crypto::keys::KeySet;
    use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient};
    use std::time::Duration;

    let made = |name: &str| {
        let key = SigningKey::generate(Algorithm::Es256).expect("ES256 keys are made here");
        key.with_key_id(name)
    };
    let key = made("2026-11");
    let public = key.verifying_key();
    let issuer = issuer(&key);
    let token = issuer.token("user-17").sign().expect("it can be signed");
    let other = made("other").verifying_key();
    let provider = FakeTransport::answering(move |_| {
        let set = KeySet::new([public.clone(), other.clone()]).expect("the names differ");
        FakeAnswer::body(set.to_public_json())
    });
    let client = HttpClient::builder()
        .build_over(provider.clone())
        .expect("it is set up");
    let time = FakeClock::at_unix_seconds(0);
    let keys = RemoteKeys::at("https://id.example.com/keys", client).clock(time.clock());
    let keys = keys.build().expect("it is set up");
    let verifier = |keys: portcullis::crypto::keys::LiveKeys| {
        let (id, api) = ("https://id.example.com", "https://api.example.com");
        let verifier = Verifier::builder(id, api, Algorithm::Es256, keys).build();
        verifier.expect("the configuration is good")
    };
    let [fixed, remote] = [issuer.public_keys().into(), keys.live()].map(verifier);
    let mut count = 0_u32;
    let times = Race::new("jwt/rotation/es256")
        .asynchronous("fixed", async || {
            assert!(fixed.verify_waiting(black_box(&token)).await.is_ok());
        })
        .asynchronous("remote", async || {
            count += 1;
            if count.is_multiple_of(1000) {
                time.advance(Duration::from_secs(3600));
            }
            assert!(remote.verify_waiting(black_box(&token)).await.is_ok());
        })
        .run();
    times.ratio("jwt/rotation/es256", "remote", "fixed");
    println!("fetches {} for {count} tokens", provider.calls());
}

fn rsa_pair() -> RsaKeyPair {
    let jwk: serde_json::Value = serde_json::from_str(RSA).expect("it is JSON");
    let number = |name: &str| {
        let text = jwk.get(name).and_then(|it| it.as_str());
        let text = text.expect("the member is there");
        URL_SAFE_NO_PAD.decode(text).expect("it is base64url")
    };
    let components = ring::rsa::KeyPairComponents {
        public_key: RsaPublicKeyComponents {
            n: number("n"),
            e: number("e"),
        },
        d: number("d"),
        p: number("p"),
        q: number("q"),
        dP: number("dp"),
        dQ: number("dq"),
        qInv: number("qi"),
    };
    RsaKeyPair::from_components(&components).expect("the key is good")
}

fn issuer(key: &SigningKey) -> Issuer {
    let key = key.clone().with_key_id("2026-11");
    let issuer = Issuer::new(key, "https://id.example.com", "https://api.example.com");
    issuer.expect("it is named")
}

/// A whole token with its claims checked, against its signature alone.
fn verify(title: &'static str, key: &SigningKey, bare: impl Fn(&[u8], &[u8]) -> bool) {
    let issuer = issuer(key);
    let token = issuer.token("user-17").sign().expect("it can be signed");
    let (signed, signature) = token.rsplit_once('.').expect("it has dots");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("it is base64url");
    let builder = Verifier::builder(
        "https://id.example.com",
        "https://api.example.com",
        key.algorithm(),
        issuer.public_keys(),
    );
    let cached = builder.clone().cache(10_000).build();
    let cached = cached.expect("the configuration is good");
    let verifier = builder.build().expect("the configuration is good");
    assert!(verifier.verify(&token).is_ok() && bare(signed.as_bytes(), &signature));

    let times = Race::new(title)
        .operation("bare", || {
            bare(black_box(signed.as_bytes()), black_box(&signature))
        })
        .operation("ours", || verifier.verify(black_box(&token)))
        .operation("cached", || cached.verify(black_box(&token)))
        .run();
    times.ratio(title, "ours", "bare");
    times.ratio(&format!("{title}/cached"), "cached", "ours");
    times.added(title, "ours", "bare");
}

/// A whole token with its claims, time and id, against a signature over the same bytes.
fn sign<S>(title: &'static str, key: &SigningKey, bare: impl Fn(&[u8]) -> S) {
    let issuer = issuer(key);
    let token = issuer.token("user-17").sign().expect("it can be signed");
    let (signed, _) = token.rsplit_once('.').expect("it has dots");
    let times = Race::new(title)
        .operation("bare", || bare(black_box(signed.as_bytes())))
        .operation("ours", || issuer.token(black_box("user-17")).sign())
        .run();
    times.ratio(title, "ours", "bare");
    times.added(title, "ours", "bare");
}
