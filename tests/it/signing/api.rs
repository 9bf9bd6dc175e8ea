//! Signed API requests over a real stack.

use super::*;
use crate::support::redis::Server;
use crate::support::{CountedStore, Spy, race};
use portcullis::guard::{Rejection, RequestHead};
use portcullis::random::Random;
use portcullis::signing::SignLayer;
use portcullis::signing::api::{ApiSignatureLayer, ApiSigner, ApiVerifier, VerifiedApiRequest};
use portcullis::store::MemoryStore;
use tower::{ServiceBuilder, ServiceExt};

const ROUNDS: usize = 200;
const RUNNERS: usize = 8;

fn api_signer(time: &FakeClock) -> ApiSigner {
    ApiSigner::new("partner-1", &secret())
        .unwrap()
        .with_clock(time.clock())
}

fn api_verifier(time: &FakeClock, store: Store) -> ApiVerifier {
    ApiVerifier::new(keys(), store).with_clock(time.clock())
}

fn signed_order(time: &FakeClock) -> Request<()> {
    let (mut parts, ()) = order().into_parts();
    api_signer(time).sign(&mut parts, BODY).unwrap();
    Request::from_parts(parts, ())
}

async fn check(verifier: &ApiVerifier, request: &Request<()>, body: &[u8]) -> &'static str {
    let result = verifier.verify(&RequestHead::of(request), body).await;
    result.as_ref().map_or_else(Fault::code, |_| "ok")
}

/// What a client in any language does, by the documentation alone.
#[tokio::test]
async fn the_documented_bytes_are_signed() {
    let time = time();
    let (mut parts, ()) = order().into_parts();
    let signer = api_signer(&time).with_random(Random::insecure_seeded(1));
    signer.sign(&mut parts, BODY).unwrap();
    let field = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
    assert_eq!(
        (field("x-api-key"), field("x-timestamp")),
        ("partner-1".into(), NOW.to_string())
    );
    let nonce = field("x-nonce");
    assert_eq!(nonce.len(), 22);
    let form = [
        "PORTCULLIS-HMAC-SHA256",
        "partner-1",
        "1700000000",
        &nonce,
        "POST",
        "/orders?dry=1",
        &hex(ring::digest::digest(&ring::digest::SHA256, BODY).as_ref()),
    ];
    let form: String = form
        .iter()
        .map(|part| format!("{}:{part}\n", part.len()))
        .collect();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 32]);
    let mac = ring::hmac::sign(&key, form.as_bytes());
    assert_eq!(field("x-signature"), hex(mac.as_ref()));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Change = fn(&mut Request<()>);

#[tokio::test]
async fn attacks() {
    fn set(request: &mut Request<()>, name: &'static str, value: &str) {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    fn again(request: &mut Request<()>, name: &'static str) {
        let value = request.headers()[name].clone();
        request.headers_mut().append(name, value);
    }
    fn upper(request: &mut Request<()>) {
        let value = request.headers()["x-signature"]
            .to_str()
            .unwrap()
            .to_uppercase();
        set(request, "x-signature", &value);
    }
    let cases: [(&str, Change, &str); 27] = [
        ("as it was signed", |_| {}, "ok"),
        (
            "another host, which is not covered",
            |it| *it.uri_mut() = "/orders?dry=1".parse().unwrap(),
            "ok",
        ),
        (
            "another method",
            |it| *it.method_mut() = Method::PUT,
            "bad_signature",
        ),
        (
            "another path",
            |it| *it.uri_mut() = "/order?dry=1".parse().unwrap(),
            "bad_signature",
        ),
        (
            "the path encoded otherwise",
            |it| *it.uri_mut() = "/%6frders?dry=1".parse().unwrap(),
            "bad_signature",
        ),
        (
            "another query",
            |it| *it.uri_mut() = "/orders?dry=0".parse().unwrap(),
            "bad_signature",
        ),
        (
            "no query",
            |it| *it.uri_mut() = "/orders".parse().unwrap(),
            "bad_signature",
        ),
        (
            "the query in the path",
            |it| *it.uri_mut() = "/orders%3Fdry=1".parse().unwrap(),
            "bad_signature",
        ),
        (
            "a second later",
            |it| set(it, "x-timestamp", "1700000001"),
            "bad_signature",
        ),
        (
            "another nonce",
            |it| set(it, "x-nonce", "0123456789abcdef"),
            "bad_signature",
        ),
        (
            "a short nonce",
            |it| set(it, "x-nonce", "0123456789abcde"),
            "malformed",
        ),
        (
            "a nonce with a line",
            |it| set(it, "x-nonce", "0123456789abcdef, x"),
            "malformed",
        ),
        (
            "no nonce",
            |it| {
                it.headers_mut().remove("x-nonce");
            },
            "missing_component",
        ),
        ("two nonces", |it| again(it, "x-nonce"), "duplicate"),
        (
            "no time",
            |it| {
                it.headers_mut().remove("x-timestamp");
            },
            "missing_component",
        ),
        ("two times", |it| again(it, "x-timestamp"), "duplicate"),
        (
            "a time before the epoch",
            |it| set(it, "x-timestamp", "-1"),
            "malformed",
        ),
        (
            "a time with a zero",
            |it| set(it, "x-timestamp", "01700000000"),
            "malformed",
        ),
        (
            "too old",
            |it| set(it, "x-timestamp", "1699999699"),
            "stale",
        ),
        (
            "too new",
            |it| set(it, "x-timestamp", "1700000301"),
            "from_future",
        ),
        (
            "somebody else",
            |it| set(it, "x-api-key", "partner-2"),
            "unknown_key",
        ),
        (
            "nobody",
            |it| {
                it.headers_mut().remove("x-api-key");
            },
            "missing_component",
        ),
        ("two keys", |it| again(it, "x-api-key"), "duplicate"),
        (
            "zeros",
            |it| {
                set(
                    it,
                    "x-signature",
                    "0000000000000000000000000000000000000000000000000000000000000000",
                );
            },
            "bad_signature",
        ),
        ("upper case", upper, "malformed"),
        ("two signatures", |it| again(it, "x-signature"), "duplicate"),
        (
            "unsigned",
            |it| {
                it.headers_mut().remove("x-signature");
            },
            "absent",
        ),
    ];
    for (name, change, expected) in cases {
        let time = time();
        let verifier = api_verifier(&time, Store::memory());
        let mut request = signed_order(&time);
        change(&mut request);
        assert_eq!(check(&verifier, &request, BODY).await, expected, "{name}");
        if expected != "ok" {
            let good = signed_order(&time);
            assert_eq!(
                check(&verifier, &good, b"{}").await,
                "bad_signature",
                "{name}"
            );
            assert_eq!(check(&verifier, &good, BODY).await, "ok", "{name}");
            assert_eq!(check(&verifier, &good, BODY).await, "replayed", "{name}");
        }
    }
}

/// A request cannot pass again, whenever it comes, and whatever the clock of the machine.
#[tokio::test]
async fn a_nonce_is_remembered_for_as_long_as_its_time_is_good() {
    let time = time();
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let early = api_verifier(&FakeClock::at_unix_seconds(NOW - 300), store.clone());
    let request = signed_order(&time);
    // Seen first by a machine whose clock is 300 s behind.
    assert_eq!(check(&early, &request, BODY).await, "ok");
    for seconds in 0..=600 {
        let now = FakeClock::at_unix_seconds(NOW - 300 + seconds);
        let verifier = api_verifier(&now, store.clone());
        assert_eq!(
            check(&verifier, &request, BODY).await,
            "replayed",
            "{seconds}"
        );
        time.advance(Duration::from_secs(1));
    }
    let late = api_verifier(&FakeClock::at_unix_seconds(NOW + 301), store);
    assert_eq!(check(&late, &request, BODY).await, "stale");
}

#[tokio::test]
async fn over_a_stack_both_ways() {
    async fn create(
        request: Request<portcullis::signing::SignedBody<Full<Bytes>>>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let proof = request.extensions().get::<VerifiedApiRequest>().unwrap();
        let name = proof.key_id().to_owned();
        Ok(Response::new(Full::new(Bytes::from(name))))
    }
    let time = time();
    let store = CountedStore::from(MemoryStore::default());
    let verifier = api_verifier(&time, Store::new(store.clone()));
    let server = ServiceBuilder::new()
        .layer(ApiSignatureLayer::new(verifier.clone()))
        .service(tower::service_fn(create));
    let client = ServiceBuilder::new()
        .layer(SignLayer::new(api_signer(&time)))
        .map_request(
            |request: Request<portcullis::signing::SignedBody<Full<Bytes>>>| {
                let (parts, _) = request.into_parts();
                Request::from_parts(parts, Full::from(BODY))
            },
        )
        .service(server);
    let send = || {
        client
            .clone()
            .oneshot(order().map(|()| Full::<Bytes>::from(BODY)))
    };
    let response = send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(text(response.into_body()).await, "partner-1");
    assert_eq!(store.trips(), ["put_if_absent"]);
    store.set_down(true);
    assert_eq!(send().await.unwrap().status(), 503);

    let spy = Spy::default();
    let service = ServiceBuilder::new()
        .layer(ApiSignatureLayer::new(verifier).body_limit(4))
        .service(spy.clone());
    for (name, request, status) in [
        ("unsigned", order(), 401),
        ("too large", signed_order(&time), 413),
    ] {
        let request = request.map(|()| Full::<Bytes>::from(BODY));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{name}");
        assert!(response.extensions().get::<Rejection>().is_some(), "{name}");
    }
    assert_eq!(spy.calls(), 0);
}

#[tokio::test]
async fn keys_of_other_algorithms_are_none() {
    let time = time();
    let ed = SigningKey::generate(Algorithm::EdDsa)
        .unwrap()
        .verifying_key();
    let keys = StaticKeys::new().with("partner-1", KnownKey::new(ed).unwrap());
    let verifier = ApiVerifier::new(keys, Store::memory()).with_clock(time.clock());
    assert_eq!(
        check(&verifier, &signed_order(&time), BODY).await,
        "wrong_algorithm"
    );
    assert!(ApiSigner::new("a b", &secret()).is_err());
    assert!(ApiSigner::new("a", &[1; 31].as_slice().into()).is_err());
    assert!(verifier.clone().window(Duration::ZERO).is_err());
    assert!(
        verifier
            .window(ApiVerifier::MAX_WINDOW + Duration::from_secs(1))
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_copies_passes() {
    let server = Server::start().await;
    for store in [Store::memory(), server.store().await] {
        let time = time();
        let verifier = api_verifier(&time, store);
        for round in 0..ROUNDS {
            let request = signed_order(&time);
            let found = race(RUNNERS, |_| {
                let (verifier, request) = (verifier.clone(), request.clone());
                async move { check(&verifier, &request, BODY).await }
            });
            let found = found.await;
            let passed = found.iter().filter(|code| **code == "ok").count();
            assert_eq!(passed, 1, "round {round}: {found:?}");
        }
    }
}
