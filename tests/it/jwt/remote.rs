//! Keys that an issuer publishes elsewhere, over providers that answer by a script. Time is the
//! runtime's for who waits, and a fake clock's for how old keys are.

use super::*;
use crate::support::Spy;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::jwt::{
    FetchError, JwtBearer, JwtErrorKind, MetadataError, RemoteConfigError, RemoteKeys,
    RemoteKeysBuilder,
};
use portcullis::clock::Clock;
use portcullis::event::{Emitter, RecentEvents};
use portcullis::net::client::{BreakerPolicy, FakeAnswer, FakeTransport, HttpClient, RetryPolicy};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tower::{Layer, ServiceExt};

const URL: &str = "https://id.example.com/keys";
const HOUR: u64 = 3600;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn key(key_id: &str) -> SigningKey {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    key.with_key_id(key_id)
}

fn published(keys: &[&SigningKey]) -> String {
    let keys = keys.iter().map(|key| key.verifying_key());
    KeySet::new(keys).unwrap().to_public_json()
}

fn signed(key: &SigningKey, key_id: &str) -> String {
    let header = json!({"alg": "EdDSA", "kid": key_id}).to_string();
    forge(key, &header, &good_claims().to_string())
}

/// A provider that answers what it is told to, after as long as it is told to.
#[derive(Clone)]
struct Provider {
    answer: Arc<Mutex<Response<Bytes>>>,
    delay: Arc<Mutex<Duration>>,
    transport: FakeTransport,
    time: FakeClock,
    heard: Arc<RecentEvents>,
}

impl Provider {
    fn with(body: &str) -> Self {
        let answer = Arc::new(Mutex::new(Response::new(Bytes::from(body.to_owned()))));
        let delay = Arc::new(Mutex::new(Duration::ZERO));
        let (said, late) = (Arc::clone(&answer), Arc::clone(&delay));
        let transport = FakeTransport::answering(move |_| {
            FakeAnswer::response(said.lock().unwrap().clone()).after(*late.lock().unwrap())
        });
        Self {
            answer,
            delay,
            transport,
            time: FakeClock::at_unix_seconds(NOW),
            heard: Arc::new(RecentEvents::new(99)),
        }
    }

    fn publishes(&self, body: &str) {
        *self.answer.lock().unwrap() = Response::new(Bytes::from(body.to_owned()));
    }

    fn fails(&self) {
        *self.answer.lock().unwrap().status_mut() = StatusCode::BAD_GATEWAY;
    }

    fn takes(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    fn fetches(&self) -> usize {
        self.transport.calls()
    }

    fn builder(&self) -> RemoteKeysBuilder {
        let emitter = Emitter::new(self.heard.clone(), Clock::system());
        let keys = RemoteKeys::at(URL, client(&self.transport));
        keys.clock(self.time.clock()).emitter(emitter)
    }

    fn keys(&self) -> RemoteKeys {
        self.builder().build().unwrap()
    }

    /// The codes of what was told, the oldest first.
    fn events(&self) -> Vec<String> {
        let events = self.heard.snapshot();
        let codes = events.iter().map(|event| event.code().unwrap().to_owned());
        codes.rev().collect()
    }
}

/// Every call is one that counts.
fn client(transport: &FakeTransport) -> HttpClient {
    HttpClient::builder()
        .retry(RetryPolicy::none())
        .breaker(BreakerPolicy::never())
        .build_over(transport.clone())
        .unwrap()
}

fn verifier(keys: &RemoteKeys) -> Verifier {
    Verifier::builder(ISSUER, AUDIENCE, Algorithm::EdDsa, keys)
        .clock(FakeClock::at_unix_seconds(NOW).clock())
        .build()
        .unwrap()
}

async fn judged(verifier: &Verifier, token: &str) -> String {
    outcome(verifier.verify_waiting(token).await)
}

/// Verifies all of these at once.
async fn together(verifier: &Verifier, tokens: Vec<String>) -> Vec<String> {
    let judge = |token: String| {
        let verifier = verifier.clone();
        async move { judged(&verifier, &token).await }
    };
    let running: JoinSet<_> = tokens.into_iter().map(judge).collect();
    running.join_all().await
}

#[tokio::test(start_paused = true)]
async fn many_cold_requests_make_one_fetch() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    provider.takes(seconds(1));
    let verifier = verifier(&provider.keys());
    let outcomes = together(&verifier, vec![signed(&one, "1"); 500]).await;
    assert!(outcomes.iter().all(|outcome| outcome == "ok"));
    assert_eq!(provider.fetches(), 1);
    assert_eq!(outcome(verifier.verify(&signed(&one, "1"))), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_cold_requests_on_several_threads_make_one_fetch() {
    for _ in 0..20 {
        let one = key("1");
        let provider = Provider::with(&published(&[&one]));
        let verifier = verifier(&provider.keys());
        let outcomes = together(&verifier, vec![signed(&one, "1"); 500]).await;
        assert!(outcomes.iter().all(|outcome| outcome == "ok"));
        assert_eq!(provider.fetches(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn names_made_up_make_one_fetch_a_cool_down() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    let verifier = verifier(&provider.keys());
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    provider.time.advance(seconds(30));

    let random = |round: u32| -> Vec<_> {
        let names = (0..1000).map(|number| format!("{round}-{number}"));
        names.map(|name| signed(&one, &name)).collect()
    };
    for token in random(0) {
        assert_eq!(judged(&verifier, &token).await, "unknown_key");
    }
    assert_eq!(provider.fetches(), 2, "one after the other");
    provider.time.advance(seconds(30));
    provider.takes(seconds(1));
    let outcomes = together(&verifier, random(1)).await;
    assert!(outcomes.iter().all(|outcome| outcome == "unknown_key"));
    assert_eq!(provider.fetches(), 3, "all at once");
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn names_made_up_on_several_threads_make_one_fetch() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    let verifier = verifier(&provider.keys());
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    for round in 1..=20 {
        provider.time.advance(seconds(30));
        let tokens = (0..200).map(|number| signed(&one, &format!("{number}")));
        // Among them is "1", which is there.
        together(&verifier, tokens.collect()).await;
        assert_eq!(provider.fetches(), 1 + round);
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_let_go() {
    let (one, two) = (key("1"), key("2"));
    let provider = Provider::with(&published(&[&one]));
    let verifier = verifier(&provider.keys());
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    provider.publishes(&published(&[&two]));
    // Within the cool-down nobody asks.
    assert_eq!(judged(&verifier, &signed(&two, "2")).await, "unknown_key");
    assert_eq!(provider.fetches(), 1);
    provider.time.advance(seconds(30));
    assert_eq!(judged(&verifier, &signed(&two, "2")).await, "ok");
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "unknown_key");
    // One key under the name of another.
    assert_eq!(judged(&verifier, &signed(&one, "2")).await, "bad_signature");
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_are_renewed_in_the_background_before_they_are_old() {
    let (one, two) = (key("1"), key("2"));
    let provider = Provider::with(&published(&[&one]));
    let verifier = verifier(&provider.keys());
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    provider.time.advance(seconds(HOUR * 4 / 5 - 1));
    assert_eq!(outcome(verifier.verify(&signed(&one, "1"))), "ok");
    assert_eq!(provider.fetches(), 1);

    provider.time.advance(seconds(1));
    provider.publishes(&published(&[&two]));
    provider.takes(seconds(5));
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits");
    tokio::time::sleep(seconds(6)).await;
    assert_eq!(provider.fetches(), 2);
    assert_eq!(outcome(verifier.verify(&signed(&two, "2"))), "ok");
}

#[tokio::test(start_paused = true)]
async fn old_keys_serve_while_the_provider_is_down_and_then_no_more() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    let keys = provider.builder().max_stale(seconds(24 * HOUR)).build();
    let verifier = verifier(&keys.unwrap());
    let token = signed(&one, "1");
    assert_eq!(judged(&verifier, &token).await, "ok");

    provider.fails();
    provider.time.advance(seconds(HOUR));
    assert_eq!(
        judged(&verifier, &token).await,
        "ok",
        "old, for want of better"
    );
    assert_eq!(provider.fetches(), 2, "it was asked first");
    provider
        .time
        .advance(seconds(23 * HOUR) - Duration::from_nanos(1));
    assert_eq!(judged(&verifier, &token).await, "ok");
    provider.time.advance(Duration::from_nanos(1));
    assert_eq!(judged(&verifier, &token).await, "keys_unavailable");
    assert_eq!(outcome(verifier.verify(&token)), "keys_unavailable");

    provider.publishes(&published(&[&one]));
    provider.time.advance(seconds(60));
    assert_eq!(judged(&verifier, &token).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_is_not_hammered() {
    let one = key("1");
    let provider = Provider::with("");
    provider.fails();
    let verifier = verifier(&provider.keys());
    let mut fetches = 0;
    for pause in [2, 4, 8, 16, 32, 60, 60] {
        fetches += 1;
        let outcomes = together(&verifier, vec![signed(&one, "1"); 100]).await;
        assert!(outcomes.iter().all(|outcome| outcome == "keys_unavailable"));
        assert_eq!(provider.fetches(), fetches);
        provider
            .time
            .advance(seconds(pause) - Duration::from_nanos(1));
        assert_eq!(
            judged(&verifier, &signed(&one, "1")).await,
            "keys_unavailable"
        );
        assert_eq!(provider.fetches(), fetches, "{pause}");
        provider.time.advance(Duration::from_nanos(1));
    }
    assert_eq!(provider.events(), vec!["keys_fetch_failed"; fetches]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_outlives_who_began_it() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    provider.takes(seconds(5));
    let verifier = verifier(&provider.keys());
    let token = signed(&one, "1");
    assert!(
        timeout(seconds(1), verifier.verify_waiting(&token))
            .await
            .is_err()
    );
    assert_eq!(judged(&verifier, &token).await, "ok");
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_costs_a_bounded_wait() {
    let silent = FakeTransport::answering(|_| FakeAnswer::never());
    let keys = RemoteKeys::at(URL, client(&silent)).build().unwrap();
    let verifier = verifier(&keys);
    let start = Instant::now();
    let outcomes = together(&verifier, vec![signed(&key("1"), "1"); 500]).await;
    assert!(outcomes.iter().all(|outcome| outcome == "keys_unavailable"));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(silent.calls(), 1);
    let failure = keys.last_failure().unwrap();
    assert_eq!(failure.code(), "client_timeout");
}

#[tokio::test]
async fn tokens_that_no_key_could_help_cause_no_fetch() {
    let provider = Provider::with("");
    let verifier = verifier(&provider.keys());
    let none = forge(&key("1"), r#"{"alg":"none"}"#, "{}");
    for (name, token, expected) in [
        ("no token", "x", "not_compact"),
        ("not signed", &none, "algorithm_none"),
        ("another algorithm", &token("{}"), "algorithm_not_allowed"),
    ] {
        assert_eq!(judged(&verifier, token).await, expected, "{name}");
    }
    assert_eq!(provider.fetches(), 0);
}

#[tokio::test]
async fn bad_keys_are_passed_over_and_told_of() {
    let one = key("1");
    let mut set: Value = serde_json::from_str(&published(&[&one])).unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.push(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak"}));
    keys.push(json!({"kty": "oct", "k": "A".repeat(64), "kid": "secret"}));
    keys.push(json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "not ours"}));
    keys.push(json!(7));
    let provider = Provider::with(&set.to_string());
    let keys = provider.keys();
    keys.fetch().await.unwrap();
    assert_eq!(judged(&verifier(&keys), &signed(&one, "1")).await, "ok");
    assert_eq!(
        provider.events(),
        ["key_rsa_size", "key_published_secret", "json_not_an_object"]
    );
    let live = keys.live().current();
    assert_eq!((live.keys().len(), live.ignored().len()), (1, 4));
}

#[tokio::test]
async fn answers_that_hold_no_keys() {
    let many = format!("{{\"keys\": [{}]}}", vec!["{}"; 65].join(","));
    let large = format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(300_000));
    let huge = "x".repeat(2 << 20);
    for (name, status, body, expected) in [
        ("not found", 404, "{}", "keys_fetch_status"),
        ("a redirect", 302, "", "keys_fetch_status"),
        ("nothing", 204, "", "keys_fetch_status"),
        ("a page", 200, "<html>", "json_syntax"),
        ("no set", 200, "{}", "key_member_missing"),
        (
            "an empty set",
            200,
            r#"{"keys": []}"#,
            "key_set_no_usable_key",
        ),
        ("too many keys", 200, &many, "key_set_too_many_keys"),
        ("too long", 200, &large, "key_text_too_long"),
        ("far too long", 200, &huge, "client_too_large"),
    ] {
        let provider = Provider::with(body);
        *provider.answer.lock().unwrap().status_mut() = StatusCode::from_u16(status).unwrap();
        let error = provider.keys().fetch().await.unwrap_err();
        assert_eq!(error.code(), expected, "{name}");
    }
    let binary = Provider::with("");
    *binary.answer.lock().unwrap().body_mut() = Bytes::from_static(&[0xff, 0xfe]);
    let error = binary.keys().fetch().await.unwrap_err();
    assert_eq!(error.code(), "keys_fetch_not_text");
}

#[tokio::test]
async fn how_long_keys_are_fresh_is_said_by_the_provider() {
    for (name, said, fresh) in [
        ("said", "max-age=1000", 1000),
        ("too short", "no-store", 300),
        ("too long", "max-age=9999999", 24 * HOUR),
    ] {
        let one = key("1");
        let provider = Provider::with(&published(&[&one]));
        let said = header::HeaderValue::from_static(said);
        let headers = |answer: &mut Response<Bytes>| {
            answer.headers_mut().insert(header::CACHE_CONTROL, said);
        };
        headers(&mut provider.answer.lock().unwrap());
        let verifier = verifier(
            &provider
                .builder()
                .max_stale(seconds(48 * HOUR))
                .build()
                .unwrap(),
        );
        let token = signed(&one, "1");
        assert_eq!(judged(&verifier, &token).await, "ok");
        provider.time.advance(seconds(fresh * 4 / 5 - 1));
        assert_eq!(judged(&verifier, &token).await, "ok");
        assert_eq!(provider.fetches(), 1, "{name}");
        provider.time.advance(seconds(fresh / 5 + 1));
        assert_eq!(judged(&verifier, &token).await, "ok");
        assert_eq!(provider.fetches(), 2, "{name}");
    }
}

/// A provider with a discovery document, which counts what is asked of both.
fn discovering(
    document: impl Fn(usize) -> String + Send + Sync + 'static,
    keys: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> (FakeTransport, Arc<AtomicUsize>) {
    let documents = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&documents);
    let transport = FakeTransport::answering(move |request| {
        if request.uri() == "https://id.example.com/.well-known/openid-configuration" {
            return FakeAnswer::body(document(counted.fetch_add(1, Ordering::SeqCst)));
        }
        keys(&request.uri().to_string()).map_or_else(|| FakeAnswer::status(404), FakeAnswer::body)
    });
    (transport, documents)
}

fn document(issuer: &str, url: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": url}).to_string()
}

#[tokio::test]
async fn the_keys_are_where_the_issuer_says() {
    let (one, two) = (key("1"), key("2"));
    let (first, second) = (published(&[&one]), published(&[&two]));
    let moved = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&moved);
    let (transport, documents) = discovering(
        |asked| document(ISSUER, &format!("https://keys.example.net/{asked}")),
        move |url| match (url, now.load(Ordering::SeqCst)) {
            ("https://keys.example.net/0", 0) => Some(first.clone()),
            ("https://keys.example.net/1", 1) => Some(second.clone()),
            _ => None,
        },
    );
    let time = FakeClock::at_unix_seconds(NOW);
    let keys = RemoteKeys::discovered(ISSUER, client(&transport)).clock(time.clock());
    let verifier = verifier(&keys.build().unwrap());
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    assert_eq!(
        (transport.calls(), documents.load(Ordering::SeqCst)),
        (2, 1)
    );
    // The document is known, as long as the keys are where it said.
    time.advance(seconds(HOUR));
    assert_eq!(judged(&verifier, &signed(&one, "1")).await, "ok");
    assert_eq!(
        (transport.calls(), documents.load(Ordering::SeqCst)),
        (3, 1)
    );
    moved.store(1, Ordering::SeqCst);
    time.advance(seconds(HOUR));
    assert_eq!(judged(&verifier, &signed(&two, "2")).await, "unknown_key");
    time.advance(seconds(30));
    assert_eq!(judged(&verifier, &signed(&two, "2")).await, "ok");
    assert_eq!(documents.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn documents_that_are_not_believed() {
    let set = published(&[&key("1")]);
    for (name, text, expected) in [
        (
            "another issuer's",
            document("https://evil.example", "https://id.example.com/keys"),
            "keys_fetch_metadata",
        ),
        (
            "the issuer with a slash",
            document("https://id.example.com/", "https://id.example.com/keys"),
            "keys_fetch_metadata",
        ),
        ("no document", "<html>".to_owned(), "keys_fetch_metadata"),
        (
            "no keys",
            json!({"issuer": ISSUER}).to_string(),
            "keys_fetch_metadata",
        ),
        (
            "keys over plain http",
            document(ISSUER, "http://id.example.com/keys"),
            "client_plain_http",
        ),
        (
            "keys in a file",
            document(ISSUER, "file:///etc/passwd"),
            "client_invalid_url",
        ),
        (
            "keys behind credentials",
            document(ISSUER, "https://id.example.com@evil.example/keys"),
            "client_invalid_url",
        ),
        (
            "no URL",
            document(ISSUER, "https://a b"),
            "client_invalid_url",
        ),
    ] {
        let set = set.clone();
        let (transport, _) = discovering(move |_| text.clone(), move |_| Some(set.clone()));
        let keys = RemoteKeys::discovered(ISSUER, client(&transport))
            .build()
            .unwrap();
        let error = keys.fetch().await.unwrap_err();
        assert_eq!(error.code(), expected, "{name}");
        assert_eq!(transport.calls(), 1, "{name}");
    }
    let error = FetchError::from(MetadataError::OtherIssuer);
    assert_eq!(
        error.to_string(),
        "the discovery document is of another issuer"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_keys_and_are_refused_with_503_when_none_come() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    provider.fails();
    provider.takes(seconds(1));
    let spy = Spy::default();
    let layer = AuthenticateLayer::new(JwtBearer::new(verifier(&provider.keys())));
    let service = layer.layer(spy.clone());
    let call = |token: String| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        service.clone().oneshot(request.body(()).unwrap())
    };
    let response = call(signed(&one, "1")).await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert!(!response.headers().contains_key("www-authenticate"));
    assert_eq!(spy.calls(), 0);

    provider.publishes(&published(&[&one]));
    provider.time.advance(seconds(2));
    let response = call(signed(&one, "1")).await.unwrap();
    assert_eq!((response.status(), spy.calls()), (StatusCode::OK, 1));
    let response = call(signed(&key("1"), "1")).await.unwrap();
    assert_eq!(response.status(), 401);
    let response = call(signed(&one, "2")).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!((provider.fetches(), spy.calls()), (2, 1));
    assert_eq!(spy.unready_calls(), 0);
}

#[tokio::test]
async fn id_tokens_wait_for_keys_too() {
    let one = key("1");
    let provider = Provider::with(&published(&[&one]));
    let verifier = verifier(&provider.keys());
    let token = signed(&one, "1");
    assert_eq!(
        verifier.verify(&token).unwrap_err().kind(),
        JwtErrorKind::KeysUnavailable
    );
    verifier.wait_for_keys(&token).await;
    assert!(verifier.verify(&token).is_ok());
}

#[test]
fn without_a_runtime_nothing_is_fetched_and_nothing_breaks() {
    let provider = Provider::with(&published(&[&key("1")]));
    let verifier = verifier(&provider.keys());
    let token = signed(&key("1"), "1");
    assert_eq!(outcome(verifier.verify(&token)), "keys_unavailable");
    assert_eq!(provider.fetches(), 0);
}

#[test]
fn settings_that_make_no_sense_are_told_at_once() {
    let transport = FakeTransport::answering(|_| FakeAnswer::status(200));
    let at = |url: &str| RemoteKeys::at(url, client(&transport));
    let of = |issuer: &str| RemoteKeys::discovered(issuer, client(&transport));
    let invalid = RemoteConfigError::InvalidUrl;
    for (builder, expected) in [
        (at("http://id.example.com/keys"), invalid("URL")),
        (at("https://user:secret@id.example.com/"), invalid("URL")),
        (at("keys"), invalid("URL")),
        (of("http://id.example.com"), invalid("issuer")),
        (of("https://id.example.com/?tenant=1"), invalid("issuer")),
        (of("https://id.example.com/#a"), invalid("issuer")),
        (of("id.example.com"), invalid("issuer")),
        (
            at(URL).freshness(seconds(1), seconds(60)),
            RemoteConfigError::Freshness { least: 1, most: 60 },
        ),
        (
            at(URL).max_stale(seconds(60)),
            RemoteConfigError::MaxStale(60),
        ),
        (
            at(URL).cool_down(seconds(0)),
            RemoteConfigError::CoolDown(0),
        ),
    ] {
        assert_eq!(builder.build().unwrap_err(), expected);
    }
    for fine in [
        "http://127.0.0.1:3000/keys",
        "https://id.example.com/keys?v=1",
    ] {
        assert!(at(fine).build().is_ok(), "{fine}");
    }
}
