//! What others are told of our tokens, and how they give them back.

use crate::support::CountedStore;
use bytes::Bytes;
use http::{Response, StatusCode};
use portcullis::authn::introspection::{Introspection, IntrospectionError, OwnTokens};
use portcullis::authn::jwt::{Issuer, RemoteKeys, Revocations, Verifier};
use portcullis::authn::refresh_token::{Grant, NewRefreshToken, Presented, RefreshTokens};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, KeySet, SigningKey};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient, RetryPolicy};
use portcullis::principal::{Assurance, Authentication, Method, Principal};
use portcullis::store::{MemoryStore, Store};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://api.example.com";

struct House {
    time: FakeClock,
    key: SigningKey,
    issuer: Issuer,
    refresh: RefreshTokens,
    revocations: Revocations,
    tokens: OwnTokens,
}

impl House {
    fn new() -> Self {
        let time = FakeClock::at_unix_seconds(NOW);
        let store = MemoryStore::builder().clock(time.clock()).build();
        Self::on(Store::new(store), time)
    }

    fn on(store: Store, time: FakeClock) -> Self {
        let key = SigningKey::generate(Algorithm::Es256)
            .unwrap()
            .with_key_id("1");
        let issuer = Issuer::new(key.clone(), ISSUER, AUDIENCE)
            .unwrap()
            .rfc9068();
        let issuer = issuer.clock(time.clock());
        let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithm::Es256, issuer.public_keys());
        let verifier = verifier.clock(time.clock()).leeway(Duration::ZERO);
        let refresh = RefreshTokens::builder(store.clone()).clock(time.clock());
        let refresh = refresh.build().unwrap();
        let revocations = Revocations::new(store, ISSUER).clock(time.clock());
        let tokens = OwnTokens::new(verifier.build().unwrap(), revocations.clone());
        Self {
            tokens: tokens.refresh_tokens(refresh.clone()),
            time,
            key,
            issuer,
            refresh,
            revocations,
        }
    }

    /// Tokens of somebody who has just logged in.
    async fn log_in(&self) -> (String, NewRefreshToken) {
        let proof = Authentication::new(self.time.clock().now())
            .with_method(Method::Password)
            .with_assurance(Assurance::Aal1);
        let grant = Grant::of(&Principal::new("ann", proof)).client("app");
        let refresh = self.refresh.issue(grant.scopes(["a", "b"])).await.unwrap();
        let access = self
            .issuer
            .token_with(&refresh)
            .claim("email", "ann@example.com");
        (access.unwrap().sign().unwrap(), refresh)
    }

    async fn ask(&self, token: &str) -> Value {
        let answer = self.tokens.introspect(token).await.unwrap();
        serde_json::to_value(answer).unwrap()
    }
}

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn a_good_token_tells_what_it_is() {
    let house = House::new();
    let (access, refresh) = house.log_in().await;
    let mut answer = house.ask(&access).await;
    let id = answer.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 22);
    let expected = json!({
        "active": true,
        "token_type": "Bearer",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "client_id": "app",
        "scope": "a b",
        "iat": NOW,
        "exp": NOW + 600,
        "auth_time": NOW,
        "amr": ["pwd"],
        "acr": "aal1",
    });
    assert_eq!(answer, expected, "and nothing that was not asked for");

    house.time.advance(Duration::from_secs(60));
    let expected = json!({
        "active": true,
        "sub": "ann",
        "client_id": "app",
        "scope": "a b",
        "iat": NOW,
        "exp": NOW + 7 * 24 * 60 * 60,
        "auth_time": NOW,
    });
    assert_eq!(house.ask(refresh.token().expose()).await, expected);
    let presented = Presented::new(refresh.token().expose()).client("app");
    assert!(
        house.refresh.refresh(presented).await.is_ok(),
        "asking uses nothing up"
    );

    let bound = house
        .issuer
        .token("ann")
        .client("app")
        .bound_to_key("thumb");
    let answer = house.ask(&bound.sign().unwrap()).await;
    assert_eq!(answer["token_type"], "DPoP");
    assert_eq!(answer["cnf"], json!({"jkt": "thumb"}));
}

#[tokio::test]
async fn of_a_bad_token_nothing_is_told() {
    let house = House::new();
    let (access, refresh) = house.log_in().await;
    let presented = Presented::new(refresh.token().expose()).client("app");
    let next = house.refresh.refresh(presented).await.unwrap();
    let elsewhere = House::new().log_in().await;
    let revoked = house.log_in().await;
    house.tokens.revoke(&revoked.0, Some("app")).await.unwrap();
    house
        .refresh
        .revoke("ann", revoked.1.family())
        .await
        .unwrap();
    for (name, token) in [
        ("none", ""),
        ("nonsense", "nonsense"),
        ("cut", &access[1..]),
        ("used up", refresh.token().expose()),
        ("somebody else's", &elsewhere.0),
        ("somebody else's to refresh", elsewhere.1.token().expose()),
        ("revoked", &revoked.0),
        ("of an ended family", revoked.1.token().expose()),
        ("huge", &"A".repeat(1 << 20)),
    ] {
        assert_eq!(house.ask(token).await, inactive(), "{name}");
    }
    assert_eq!(house.ask(next.token().expose()).await["active"], true);
    house.time.advance(Duration::from_secs(600));
    assert_eq!(house.ask(&access).await, inactive(), "expired");

    let (access, refresh) = house.log_in().await;
    house.time.advance(Duration::from_micros(1));
    house.revocations.revoke_all("ann").await.unwrap();
    assert_eq!(house.ask(&access).await, inactive(), "the epoch");
    assert_eq!(
        house.ask(refresh.token().expose()).await,
        inactive(),
        "the epoch"
    );
    assert_eq!(
        house.ask(next.token().expose()).await,
        inactive(),
        "the epoch"
    );
    assert!(!Introspection::inactive().is_active());
}

#[tokio::test]
async fn clients_give_back_their_own_tokens_only() {
    let house = House::new();
    let (access, refresh) = house.log_in().await;
    for token in [&*access, refresh.token().expose()] {
        for client in [Some("other"), None] {
            let error = house.tokens.revoke(token, client).await.unwrap_err();
            assert!(matches!(error, IntrospectionError::WrongClient));
            let rejection = Rejection::from(error);
            assert_eq!(rejection.kind(), RejectionKind::Malformed);
            assert_eq!(rejection.code(), "unauthorized_client");
        }
        assert_eq!(house.ask(token).await["active"], true);
        for _ in 0..2 {
            house.tokens.revoke(token, Some("app")).await.unwrap();
            assert_eq!(house.ask(token).await, inactive());
        }
    }
    // What is no good is given back already (RFC 7009 section 2.2).
    for token in ["", "nonsense", "a.b.c"] {
        house.tokens.revoke(token, Some("app")).await.unwrap();
    }
    let anybodys = house.issuer.clone().token_type("JWT");
    let anybodys = anybodys.token("ann").client("app").sign().unwrap();
    house.tokens.revoke(&anybodys, Some("app")).await.unwrap();
    assert_eq!(house.ask(&anybodys).await, inactive());
}

/// Who asks for a token to be revoked must not be told that it was when nobody looked at it.
#[tokio::test]
async fn without_the_keys_of_the_issuer_there_is_no_answer() {
    let house = House::new();
    let (access, refresh) = house.log_in().await;
    let keys = KeySet::new([house.key.verifying_key()]).unwrap();
    let keys = Bytes::from(keys.to_public_json());
    let is_up = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_up);
    let provider = FakeTransport::answering(move |_| {
        let mut answer = Response::new(keys.clone());
        if !seen.load(Ordering::SeqCst) {
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
        }
        FakeAnswer::response(answer)
    });
    let client = HttpClient::builder().retry(RetryPolicy::none());
    let client = client.build_over(provider).unwrap();
    let keys = RemoteKeys::at("https://id.example.com/keys", client);
    let keys = keys.clock(house.time.clock()).build().unwrap();
    let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithm::Es256, &keys);
    let verifier = verifier.clock(house.time.clock()).build().unwrap();
    let tokens = OwnTokens::new(verifier, house.revocations.clone());
    let tokens = tokens.refresh_tokens(house.refresh.clone());

    let asked = tokens.introspect(&access).await.map(drop);
    let revoked = tokens.revoke(&access, Some("app")).await;
    for error in [asked.unwrap_err(), revoked.unwrap_err()] {
        assert!(matches!(error, IntrospectionError::Keys(_)), "{error:?}");
        assert_eq!(Rejection::from(error).status(), 503);
    }
    // What is no access token needs no keys.
    let answer = tokens.introspect(refresh.token().expose()).await.unwrap();
    assert!(answer.is_active());

    // The first token waits for the keys.
    is_up.store(true, Ordering::SeqCst);
    house.time.advance(Duration::from_secs(60));
    assert!(tokens.introspect(&access).await.unwrap().is_active());
    tokens.revoke(&access, Some("app")).await.unwrap();
    assert!(!tokens.introspect(&access).await.unwrap().is_active());
}

#[tokio::test]
async fn when_the_store_fails_there_is_no_answer() {
    let counted = CountedStore::from(MemoryStore::default());
    let house = House::on(Store::new(counted.clone()), FakeClock::at_unix_seconds(NOW));
    let (access, refresh) = house.log_in().await;
    counted.set_down(true);
    for token in [&*access, refresh.token().expose()] {
        let asked = house.tokens.introspect(token).await.unwrap_err();
        assert_eq!(Rejection::from(asked).kind(), RejectionKind::Unavailable);
        let given = house.tokens.revoke(token, Some("app")).await.unwrap_err();
        assert_eq!(Rejection::from(given).kind(), RejectionKind::Unavailable);
    }
    assert_eq!(
        house.ask("nonsense").await,
        inactive(),
        "which nobody has to look up"
    );
}
