//! Tokens that their provider is asked about: what gets in, how often it is asked, and what
//! happens when it does not answer.

use super::{ISSUER, NOW, SERVICE, Seen, answer, bad_answers, endpoint, json_answer};
use crate::support::Spy;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, header};
use portcullis::authn::AuthenticateLayer;
use portcullis::authn::authenticate::Authenticator;
use portcullis::authn::dpop::{DpopBearer, DpopRules};
use portcullis::authn::jwt::Revocations;
use portcullis::authn::oauth2::introspection::{
    IntrospectedTokens, IntrospectedTokensBuilder, IntrospectionConfigError,
};
use portcullis::authn::oauth2::{ClientAuthentication, Endpoint};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, SigningKey};
use portcullis::guard::Rejection;
use portcullis::net::client::{FakeAnswer, FakeTransport};
use portcullis::net::peer_certificate::PeerCertificate;
use portcullis::store::{MemoryStore, Store};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::{Layer, ServiceExt};

/// A provider that knows these tokens.
struct World {
    time: FakeClock,
    known: Arc<Mutex<HashMap<String, Value>>>,
    transport: FakeTransport,
    seen: Seen,
    spy: Spy,
}

impl World {
    fn new() -> Self {
        Self::answering_after(Duration::ZERO)
    }

    fn answering_after(lag: Duration) -> Self {
        let known: Arc<Mutex<HashMap<String, Value>>> = Arc::default();
        let seen = Seen::default();
        let (looked_at, noted) = (Arc::clone(&known), seen.clone());
        let transport = FakeTransport::answering(move |request| {
            let token = noted.note(request).form["token"].clone();
            let found = looked_at.lock().unwrap().get(&token).cloned();
            json_answer(200, &found.unwrap_or(json!({"active": false}))).after(lag)
        });
        Self {
            time: FakeClock::at_unix_seconds(NOW),
            known,
            transport,
            seen,
            spy: Spy::default(),
        }
    }

    fn tokens(&self) -> IntrospectedTokensBuilder {
        IntrospectedTokens::builder(ISSUER, SERVICE, endpoint(&self.transport))
            .clock(self.time.clock())
    }

    /// Lets the provider know a token with these members beside what it has to have.
    fn knows(&self, token: &str, members: Value) {
        let mut all = json!({
            "active": true, "token_type": "Bearer", "sub": "ann", "aud": SERVICE, "iss": ISSUER,
            "exp": NOW + 3600, "iat": NOW,
        });
        let Value::Object(members) = members else {
            panic!("members of an object");
        };
        for (name, value) in members {
            all[name] = value;
        }
        self.known.lock().unwrap().insert(token.to_owned(), all);
    }

    async fn send(&self, by: &(impl Authenticator + Clone), token: &str) -> Answer {
        self.send_request(by, request(token)).await
    }

    async fn send_request(
        &self,
        by: &(impl Authenticator + Clone),
        request: Request<()>,
    ) -> Answer {
        let before = self.spy.calls();
        let service = AuthenticateLayer::new(by.clone()).layer(self.spy.clone());
        let response = service.oneshot(request).await.unwrap();
        let rejection = response.extensions().get::<Rejection>();
        let is_in = response.status() == 200;
        assert_eq!(self.spy.calls() - before, usize::from(is_in));
        Answer {
            status: response.status().as_u16(),
            code: rejection.map(|it| it.code().to_owned()).unwrap_or_default(),
            reason: rejection
                .and_then(|it| it.reason())
                .unwrap_or_default()
                .to_owned(),
            waits: response.headers().contains_key(header::RETRY_AFTER),
        }
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    code: String,
    reason: String,
    waits: bool,
}

fn request(token: &str) -> Request<()> {
    let value = format!("Bearer {token}");
    Request::get("/")
        .header(header::AUTHORIZATION, value)
        .body(())
        .unwrap()
}

#[tokio::test]
async fn what_the_provider_calls_active_gets_in_and_no_more() {
    let world = World::new();
    let tokens = world.tokens().build().unwrap();
    for (name, members, status) in [
        ("good", json!({}), 200),
        ("of no issuer in particular", json!({"iss": ISSUER}), 200),
        (
            "of another issuer",
            json!({"iss": "https://id.example.net"}),
            401,
        ),
        ("not active", json!({"active": false}), 401),
        ("active in words", json!({"active": "true"}), 503),
        (
            "for two",
            json!({"aud": ["https://other.example.com", SERVICE]}),
            200,
        ),
        ("a refresh token", json!({"token_type": null}), 401),
        ("expired", json!({"exp": NOW}), 401),
        ("not yet good", json!({"nbf": NOW + 61}), 401),
        ("of nobody", json!({"sub": ""}), 401),
        ("bound to a key", json!({"cnf": {"jkt": "x"}}), 401),
        ("said to be bound", json!({"token_type": "DPoP"}), 401),
        ("bound in an unknown way", json!({"cnf": {"kid": "x"}}), 401),
    ] {
        let token = name.replace(' ', "-");
        world.knows(&token, members);
        let answer = world.send(&tokens, &token).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
    }
    assert_eq!(world.send(&tokens, "made-up").await.status, 401);
    let calls = world.transport.calls();
    assert_eq!(world.send(&tokens, "no token").await.status, 400);
    assert_eq!(world.send(&tokens, &"a".repeat(20_000)).await.status, 401);
    assert_eq!(
        world.transport.calls(),
        calls,
        "nobody is asked about those"
    );

    let sent = &world.seen.all()[0];
    assert_eq!(sent.form["token_type_hint"], "access_token");
    assert!(sent.authorization.as_ref().unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn a_token_for_another_service_is_refused() {
    let world = World::new();
    let tokens = world.tokens().build().unwrap();
    let any = world.tokens().insecure_any_audience().build().unwrap();
    for (name, audience) in [
        ("another", json!("https://other.example.com")),
        ("a-longer-name", json!("https://api.example.com/")),
        ("nobody", Value::Null),
    ] {
        let mut members = json!({});
        if audience.is_null() {
            world.knows(name, members);
            let mut known = world.known.lock().unwrap();
            known
                .get_mut(name)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove("aud");
        } else {
            members["aud"] = audience;
            world.knows(name, members);
        }
        assert_eq!(world.send(&tokens, name).await.status, 401, "{name}");
        assert_eq!(world.send(&any, name).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn answers_are_gone_by_for_a_moment() {
    let world = World::new();
    let tokens = world.tokens().build().unwrap();
    world.knows("long", json!({}));
    world.knows("short", json!({"exp": NOW + 10}));
    let calls_of = async |token: &str, seconds: u64| {
        let before = world.transport.calls();
        let passed = world.time.clock().now().unix_seconds() - NOW;
        world.time.advance(Duration::from_secs(seconds - passed));
        let status = world.send(&tokens, token).await.status;
        (status, world.transport.calls() - before)
    };
    for (token, seconds, expected) in [
        ("long", 0, (200, 1)),
        ("short", 0, (200, 1)),
        ("none", 0, (401, 1)),
        ("none", 4, (401, 0)),
        ("none", 5, (401, 1)),
        ("short", 9, (200, 0)),
        ("short", 10, (401, 1)),
        ("long", 29, (200, 0)),
        ("long", 30, (200, 1)),
    ] {
        assert_eq!(
            calls_of(token, seconds).await,
            expected,
            "{token} after {seconds}"
        );
    }
    // Taken back at the provider, it is good for as long as the answer is gone by.
    world.knows("long", json!({"active": false}));
    assert_eq!(calls_of("long", 59).await, (200, 0));
    assert_eq!(calls_of("long", 60).await, (401, 1));
    // The machine's clock is set beyond the end of a token that is remembered.
    world.knows("end", json!({"exp": NOW + 90}));
    assert_eq!(calls_of("end", 80).await, (200, 1));
    world.time.set_unix_seconds(NOW + 90);
    assert_eq!(world.send(&tokens, "end").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn however_many_bring_a_token_one_call_is_made() {
    let world = World::answering_after(Duration::from_millis(50));
    let tokens = world.tokens().build().unwrap();
    world.knows("good", json!({}));
    for (token, status) in [("good", 200), ("made-up", 401)] {
        let before = world.transport.calls();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..500 {
            let service = AuthenticateLayer::new(tokens.clone()).layer(world.spy.clone());
            running.spawn(service.oneshot(request(token)));
        }
        for response in running.join_all().await {
            assert_eq!(response.unwrap().status(), status);
        }
        assert_eq!(world.transport.calls() - before, 1, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_takes_no_call_along() {
    let world = World::answering_after(Duration::from_secs(1));
    let tokens = world.tokens().build().unwrap();
    world.knows("good", json!({}));
    let gone = tokio::time::timeout(Duration::from_millis(10), world.send(&tokens, "good"));
    assert!(gone.await.is_err());
    assert_eq!(world.send(&tokens, "good").await.status, 200);
    assert_eq!(world.transport.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn bad_answers_let_nobody_in_and_tell_nothing() {
    for (name, bad) in bad_answers() {
        let transport = FakeTransport::answering(move |_| bad());
        let world = World {
            transport,
            ..World::new()
        };
        let tokens = world.tokens().build().unwrap();
        let answer = world.send(&tokens, "token").await;
        assert_eq!(
            (answer.status, &*answer.code),
            (503, "introspection_unavailable"),
            "{name}"
        );
        assert!(answer.waits, "{name}");
        assert!(
            !answer.reason.contains("canary"),
            "{name}: {}",
            answer.reason
        );
        world.send(&tokens, "token").await;
        assert_eq!(
            world.transport.calls(),
            2,
            "{name}: what is not known is not remembered"
        );
    }
    let twice = r#"{"active":false,"sub":"ann","active":true}"#;
    let transport = FakeTransport::answering(move |_| answer(200, "application/json", twice));
    let world = World {
        transport,
        ..World::new()
    };
    let tokens = world.tokens().build().unwrap();
    assert_eq!(world.send(&tokens, "token").await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn calls_do_not_pile_up() {
    let transport = FakeTransport::answering(|_| FakeAnswer::never());
    let world = World {
        transport,
        ..World::new()
    };
    let tokens = world.tokens().max_calls(2).build().unwrap();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..100 {
        let token = format!("token-{number}");
        let service = AuthenticateLayer::new(tokens.clone()).layer(world.spy.clone());
        running.spawn(service.oneshot(request(&token)));
    }
    for response in running.join_all().await {
        assert_eq!(response.unwrap().status(), 503);
    }
    assert_eq!(world.transport.calls(), 2);
    assert_eq!(world.spy.calls(), 0);
}

#[tokio::test]
async fn a_login_that_was_ended_here_is_over_at_once() {
    let world = World::new();
    let store = Store::new(MemoryStore::builder().clock(world.time.clock()).build());
    let revocations = Revocations::new(store, ISSUER).clock(world.time.clock());
    let tokens = world
        .tokens()
        .build()
        .unwrap()
        .revocations(revocations.clone());
    world.knows("one", json!({"sid": "s-1"}));
    world.knows("two", json!({"sid": "s-2"}));
    world.knows("bob", json!({"sub": "bob"}));
    for token in ["one", "two", "bob"] {
        assert_eq!(world.send(&tokens, token).await.status, 200, "{token}");
    }
    let hour = Duration::from_secs(3600);
    revocations
        .revoke_login("https://id.example.net", "s-2", hour)
        .await
        .unwrap();
    revocations.revoke_login(ISSUER, "s-1", hour).await.unwrap();
    assert_eq!(world.send(&tokens, "one").await.status, 401);
    assert_eq!(world.send(&tokens, "two").await.status, 200);
    world.time.advance(Duration::from_secs(1));
    revocations.revoke_all("ann").await.unwrap();
    assert_eq!(world.send(&tokens, "two").await.status, 401);
    assert_eq!(world.send(&tokens, "bob").await.status, 200);
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_needs_it() {
    let world = World::new();
    let tokens = world.tokens().build().unwrap();
    let strict = world.tokens().build().unwrap().require_certificate();
    let certificate = PeerCertificate::new(b"certificate".to_vec());
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der()));
    world.knows("bound", json!({"cnf": {"x5t#S256": thumbprint}}));
    world.knows("plain", json!({}));
    let with = |token: &str, certificate: &PeerCertificate| {
        let mut request = request(token);
        request.extensions_mut().insert(certificate.clone());
        request
    };
    let other = PeerCertificate::new(b"other".to_vec());
    assert_eq!(
        world
            .send_request(&tokens, with("bound", &certificate))
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .send_request(&tokens, with("bound", &other))
            .await
            .status,
        401
    );
    assert_eq!(world.send(&tokens, "bound").await.status, 401);
    assert_eq!(
        world
            .send_request(&strict, with("plain", &certificate))
            .await
            .status,
        401
    );
    assert_eq!(
        world
            .send_request(&strict, with("bound", &certificate))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_token_bound_to_a_key_needs_a_proof() {
    let world = World::new();
    let store = Store::new(MemoryStore::builder().clock(world.time.clock()).build());
    let rules = DpopRules::new(SERVICE, store)
        .unwrap()
        .clock(world.time.clock());
    let tokens = world.tokens().build().unwrap();
    let by_proof = DpopBearer::introspecting(tokens.clone(), rules);
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let thumbprint = key.verifying_key().thumbprint().unwrap();
    world.knows(
        "bound",
        json!({"token_type": "DPoP", "cnf": {"jkt": thumbprint}}),
    );
    world.knows("others", json!({"token_type": "DPoP", "cnf": {"jkt": "x"}}));
    world.knows("plain", json!({}));
    let with_proof = |token: &str| {
        let mut jwk = key.verifying_key().to_public_jwk().unwrap();
        jwk.as_object_mut().unwrap().remove("use");
        let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let payload = json!({
            "htm": "GET", "htu": "https://api.example.com/", "iat": NOW, "jti": token,
            "ath": URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())),
        });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&head), encode(&payload));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).unwrap());
        Request::get("/")
            .header(header::AUTHORIZATION, format!("DPoP {token}"))
            .header("dpop", format!("{signed}.{signature}"))
            .body(())
            .unwrap()
    };
    assert_eq!(
        world
            .send_request(&by_proof, with_proof("bound"))
            .await
            .status,
        200
    );
    let again = world.send_request(&by_proof, with_proof("bound")).await;
    assert_eq!(
        (again.status, &*again.code),
        (401, "invalid_dpop_proof"),
        "replayed"
    );
    for token in ["others", "plain", "made-up"] {
        let answer = world.send_request(&by_proof, with_proof(token)).await;
        assert_eq!(
            (answer.status, &*answer.code),
            (401, "invalid_token"),
            "{token}"
        );
    }
    assert_eq!(
        world.send(&tokens, "bound").await.status,
        401,
        "as a plain token"
    );
}

#[test]
fn what_makes_no_sense_is_told_at_the_start() {
    let transport = FakeTransport::answering(|_| FakeAnswer::never());
    let builder = || IntrospectedTokens::builder(ISSUER, SERVICE, endpoint(&transport));
    let second = Duration::from_secs(1);
    let public = ClientAuthentication::none("app").unwrap();
    let public =
        Endpoint::new("https://id.example.com/i", super::http(&transport), public).unwrap();
    for (name, builder, expected) in [
        (
            "for too long",
            builder().remember(second * 301, second),
            IntrospectionConfigError::Remembered { good: 301, bad: 1 },
        ),
        (
            "bad ones for longer",
            builder().remember(second, second * 2),
            IntrospectionConfigError::Remembered { good: 1, bad: 2 },
        ),
        (
            "none",
            builder().capacity(1),
            IntrospectionConfigError::Capacity(1),
        ),
        (
            "no calls",
            builder().max_calls(0),
            IntrospectionConfigError::Calls(0),
        ),
        (
            "no issuer",
            IntrospectedTokens::builder("", SERVICE, endpoint(&transport)),
            IntrospectionConfigError::Empty("issuer"),
        ),
        (
            "no audience",
            IntrospectedTokens::builder(ISSUER, "", endpoint(&transport)),
            IntrospectionConfigError::Empty("audience"),
        ),
        (
            "anybody",
            IntrospectedTokens::builder(ISSUER, SERVICE, public.clone()),
            IntrospectionConfigError::PublicClient,
        ),
    ] {
        assert_eq!(builder.build().unwrap_err(), expected, "{name}");
    }
    let by_tls = IntrospectedTokens::builder(ISSUER, SERVICE, public).insecure_public_client();
    assert!(
        by_tls
            .remember(Duration::ZERO, Duration::ZERO)
            .build()
            .is_ok()
    );
}
