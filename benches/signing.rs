//! What signing and verifying a request costs beside the bare primitives of `ring`, with their
//! keys prepared and nothing else done: a POST with 1 kB.
//!
//! Bars: HMAC at most 1.5 of the bare HMAC and SHA-256, Ed25519 at most 1.1 of the bare
//! signature and SHA-256. Of signing, the copy of the request that is signed is taken away: it
//! is timed beside, as `clone`.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

mod common;

use common::Race;
use http::Request;
use portcullis::crypto::keys::{Algorithm, KnownKey, SigningKey, StaticKeys};
use portcullis::guard::RequestHead;
use portcullis::secret::SecretBytes;
use portcullis::signing::api::{ApiSigner, ApiVerifier};
use portcullis::signing::{Message, Policy, ReceivedSignature, Signer, Verifier};
use portcullis::store::Store;
use ring::digest::{SHA256, digest};
use std::hint::black_box;

const BODY: [u8; 1024] = [b'x'; 1024];

fn order() -> Request<()> {
    Request::post("https://api.example.com/orders?dry=1")
        .header("content-type", "application/json")
        .body(())
        .expect("it is a request")
}

fn secret() -> SecretBytes {
    [7; 32].as_slice().into()
}

fn main() {
    let hmac = SigningKey::from_secret(Algorithm::Hs256, &secret()).expect("the secret is good");
    http_signatures("hmac", &hmac.with_key_id("partner-1"));
    let ed25519 = SigningKey::generate(Algorithm::EdDsa).expect("it is made here");
    http_signatures("ed25519", &ed25519.with_key_id("partner-1"));
    api();
}

/// The bytes that are signed, and their signature.
fn signed(request: &Request<()>) -> (Vec<u8>, ReceivedSignature) {
    let message = Message::from(request);
    let mut all = ReceivedSignature::all_of(&message).expect("it was signed");
    let signature = all.pop().expect("there is one");
    (signature.base(&message).expect("it is covered"), signature)
}

fn http_signatures(name: &'static str, key: &SigningKey) {
    let signer = Signer::new(key.clone()).expect("the key is good");
    let mut request = order();
    signer.sign_request(&mut request, &BODY).expect("it signs");
    let known = KnownKey::new(key.verifying_key()).expect("it is for one algorithm");
    let keys = StaticKeys::new().with("partner-1", known.clone());
    // A nonce that is told again is refused: the look into the store is timed elsewhere.
    let policy = Policy::request();
    let verifier = Verifier::insecure_without_replay_control(policy, keys);
    let (base, _) = signed(&request);
    let signature = key.sign(&base).expect("it signs");
    let bare_key = key.verifying_key();

    let title: &'static str = match name {
        "hmac" => "signing/verify/hmac",
        _ => "signing/verify/ed25519",
    };
    let times = Race::new(title)
        .operation("bare", || {
            let verified = bare_key.verify(key.algorithm(), black_box(&base), &signature);
            (verified.is_ok(), digest(&SHA256, black_box(&BODY)))
        })
        .asynchronous("ours", async || {
            let message = Message::from(black_box(&request));
            let verified = verifier.verify(&message, black_box(&BODY)).await;
            verified.expect("it is good")
        })
        .run();
    times.ratio(title, "ours", "bare");
    times.added(title, "ours", "bare");

    let title: &'static str = match name {
        "hmac" => "signing/sign/hmac",
        _ => "signing/sign/ed25519",
    };
    let unsigned = order();
    let times = Race::new(title)
        .operation("bare", || {
            (
                key.sign(black_box(&base)),
                digest(&SHA256, black_box(&BODY)),
            )
        })
        .operation("clone", || black_box(&unsigned).clone())
        .operation("ours", || {
            let mut request = black_box(&unsigned).clone();
            signer
                .sign_request(&mut request, black_box(&BODY))
                .expect("it signs");
            request
        })
        .run();
    // Each round signs a request of its own; whoever sends one does not copy it.
    times.ratio_without(title, "ours", "clone", "bare");
    times.added(title, "ours", "bare");
}

fn api() {
    let signer = ApiSigner::new("partner-1", &secret()).expect("the secret is good");
    let (mut parts, ()) = order().into_parts();
    signer.sign(&mut parts, &BODY).expect("it signs");
    let request = Request::from_parts(parts, ());
    let known = KnownKey::shared_secret(&secret()).expect("the secret is good");
    let keys = StaticKeys::new().with("partner-1", known.clone());
    let verifier = ApiVerifier::new(keys, Store::memory());
    let form = [b'x'; 190];
    let tag = SigningKey::from_secret(Algorithm::Hs256, &secret()).expect("the secret is good");
    let tag = tag.sign(&form).expect("it signs");
    let title = "signing/verify/api";
    let times = Race::new(title)
        .operation("bare", || {
            let verified = known.key().verify(Algorithm::Hs256, black_box(&form), &tag);
            (verified.is_ok(), digest(&SHA256, black_box(&BODY)))
        })
        .asynchronous("ours", async || {
            // All but the first are refused as copies, by the very last step.
            let head = RequestHead::of(black_box(&request));
            verifier.verify(&head, black_box(&BODY)).await.is_ok()
        })
        .run();
    times.ratio(title, "ours", "bare");
    times.added(title, "ours", "bare");
}
