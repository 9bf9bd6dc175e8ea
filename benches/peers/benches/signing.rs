//! RFC 9421 with HMAC and Ed25519 beside the crate `httpsig`: one request, its body aside.
//!
//! `httpsig` is given the lines of the components as text, for it does not look at requests;
//! ours takes them from the request.
#![allow(
    clippy::expect_used,
    reason = "a bench that cannot run has to say so, loudly"
)]

#[path = "../../common/mod.rs"]
mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::Race;
use http::Request;
use httpsig::prelude as peer;
use httpsig::prelude::message_component::{HttpMessageComponent, HttpMessageComponentId};
use portcullis::crypto::keys::{Algorithm, KnownKey, SigningKey};
use portcullis::signing::{Message, ReceivedSignature, Signer};
use std::hint::black_box;

const SECRET: [u8; 32] = [7; 32];
const LINES: [&str; 4] = [
    "\"@method\": POST",
    "\"@target-uri\": https://api.example.com/orders?dry=1",
    "\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    "\"content-type\": application/json",
];

fn order() -> Request<()> {
    Request::post("https://api.example.com/orders?dry=1")
        .header("content-type", "application/json")
        .header(
            "content-digest",
            "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        )
        .body(())
        .expect("it is a request")
}

fn main() {
    let key = SigningKey::from_secret(Algorithm::Hs256, &SECRET.as_slice().into());
    let key = key.expect("the secret is good");
    let theirs =
        peer::SharedKey::from_base64(&peer::AlgorithmName::HmacSha256, &STANDARD.encode(SECRET));
    let theirs = theirs.expect("the secret is good");
    race(
        ["peers/verify/hmac", "peers/sign/hmac"],
        key,
        &theirs,
        &theirs,
    );

    let key = SigningKey::generate(Algorithm::EdDsa).expect("it is made here");
    let secret = peer::SecretKey::from_bytes(&peer::AlgorithmName::Ed25519, &SECRET);
    let secret = secret.expect("it is a key");
    let public = secret.public_key();
    race(
        ["peers/verify/ed25519", "peers/sign/ed25519"],
        key,
        &secret,
        &public,
    );
}

fn race(
    [verify, sign]: [&'static str; 2],
    key: SigningKey,
    their_key: &impl peer::SigningKey,
    their_public_key: &impl peer::VerifyingKey,
) {
    let known = KnownKey::new(key.verifying_key()).expect("it is for one algorithm");
    let signer = Signer::new(key.with_key_id("partner-1")).expect("the key is good");
    let mut request = order();
    let fields = signer
        .sign(&Message::from(&request))
        .expect("it signs what is there");
    request
        .headers_mut()
        .insert("signature-input", fields.input);
    request.headers_mut().insert("signature", fields.signature);

    let theirs = their_signature(their_key);
    let (input, signature) = (
        theirs.signature_input_header_value(),
        theirs.signature_header_value(),
    );
    let times = Race::new(verify)
        .operation("ours", || {
            let message = Message::from(black_box(&request));
            let all = ReceivedSignature::all_of(&message).expect("there is one");
            let verified = all
                .iter()
                .map(|it| it.dangerous_verify_without_policy(&message, &known));
            assert!(verified.into_iter().all(|verified| verified.is_ok()));
        })
        .operation("httpsig", || {
            let all = peer::HttpSignatureHeaders::try_parse(
                black_box(&signature),
                black_box(&input),
            )
            .expect("there is one");
            for (_, one) in &all {
                let base = peer::HttpSignatureBase::try_new(&lines(), one.signature_params());
                let verified = base
                    .expect("it is covered")
                    .verify_signature_headers(their_public_key, one);
                assert!(verified.is_ok());
            }
        })
        .run();
    times.ratio(verify, "ours", "httpsig");

    let unsigned = order();
    let times = Race::new(sign)
        .operation("ours", || signer.sign(&Message::from(black_box(&unsigned))))
        .operation("httpsig", || {
            let signed = their_signature(black_box(their_key));
            (
                signed.signature_input_header_value(),
                signed.signature_header_value(),
            )
        })
        .run();
    times.ratio(sign, "ours", "httpsig");
}

fn lines() -> Vec<HttpMessageComponent> {
    let line = |line: &str| HttpMessageComponent::try_from(line).expect("it is a line");
    black_box(LINES).into_iter().map(line).collect()
}

fn their_signature(key: &impl peer::SigningKey) -> peer::HttpSignatureHeaders {
    let lines = lines();
    let ids: Vec<HttpMessageComponentId> = lines.iter().map(|line| line.id.clone()).collect();
    let mut parameters = peer::HttpSignatureParams::try_new(&ids).expect("none comes twice");
    parameters.set_keyid("partner-1").set_random_nonce();
    let base = peer::HttpSignatureBase::try_new(&lines, &parameters).expect("it is covered");
    base.build_signature_headers(key, None).expect("it signs")
}
