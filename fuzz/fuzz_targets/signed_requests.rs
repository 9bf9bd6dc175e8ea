//! Any headers of a signed API request, a webhook or AWS Signature Version 4: nothing but what
//! was signed is ever accepted.
#![no_main]

use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{KnownKey, StaticKeys};
use portcullis::guard::RequestHead;
use portcullis::signing::Fault;
use portcullis::signing::api::ApiVerifier;
use portcullis::signing::sigv4::SigV4Verifier;
use portcullis::signing::webhook::{WebhookScheme, WebhookSecret, WebhookVerifier};
use portcullis::store::Store;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

const NAMES: [&str; 14] = [
    "x-api-key",
    "x-timestamp",
    "x-nonce",
    "x-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "stripe-signature",
    "x-hub-signature-256",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "authorization",
    "x-amz-date",
    "host",
];

/// 2015-08-30T12:36:00Z.
const NOW: u64 = 1_440_938_160;

static API: LazyLock<ApiVerifier> = LazyLock::new(|| {
    let secret = [7; 32].as_slice().into();
    let key = KnownKey::shared_secret(&secret).expect("the secret is long enough");
    let keys = StaticKeys::new().with("k", key);
    ApiVerifier::new(keys, Store::memory()).with_clock(FakeClock::at_unix_seconds(NOW).clock())
});

static WEBHOOKS: LazyLock<Vec<WebhookVerifier>> = LazyLock::new(|| {
    let verifier = |scheme: &WebhookScheme| {
        let text = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let secret = WebhookSecret::new(*scheme, &text).expect("the secret is good");
        WebhookVerifier::new([secret], Store::memory())
            .expect("there is one")
            .with_clock(FakeClock::at_unix_seconds(NOW).clock())
    };
    WebhookScheme::ALL.iter().map(verifier).collect()
});

static SIGV4: LazyLock<SigV4Verifier> = LazyLock::new(|| {
    SigV4Verifier::new("us-east-1", "service", Store::memory())
        .credential("AKIDEXAMPLE", &"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into())
        .expect("the secret is good")
        .with_clock(FakeClock::at_unix_seconds(NOW).clock())
});

fn at_once<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => unreachable!("the store is in memory"),
    }
}

fuzz_target!(|data: &[u8]| {
    let mut request = Request::post("/a/b?c=d&e").body(()).expect("it is a request");
    let mut lines = data.split(|byte| *byte == b'\n');
    for line in lines.by_ref().take(16) {
        let Some((first, value)) = line.split_first() else {
            continue;
        };
        let Some(name) = NAMES.get(usize::from(first % 16)) else {
            continue;
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().append(*name, value);
        }
    }
    let body = lines.next().unwrap_or_default();
    let head = RequestHead::of(&request);
    assert!(at_once(API.verify(&head, body)).is_err());
    assert!(at_once(SIGV4.verify(&head, body)).is_err());
    for verifier in WEBHOOKS.iter() {
        assert!(at_once(verifier.verify(request.headers(), body)).is_err());
    }
});
