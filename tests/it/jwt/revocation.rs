//! Tokens that are good and were revoked.

use super::*;
use crate::support::{CountedStore, Spy};
use http::{Request, StatusCode, header};
use portcullis::authn::authenticate::{Attempt, Authenticator};
use portcullis::authn::jwt::{Issuer, JwtBearer, RevocationError, Revocations};
use portcullis::authn::{AuthenticateLayer, Epochs};
use portcullis::event::EventKind;
use portcullis::guard::{Rejection, RequestHead};
use portcullis::store::{MemoryStore, Store};
use std::time::Duration;
use tower::{Layer, ServiceExt};

struct House {
    time: FakeClock,
    issuer: Issuer,
    verifier: Verifier,
    revocations: Revocations,
    epochs: Epochs,
}

impl House {
    fn new() -> Self {
        let time = FakeClock::at_unix_seconds(NOW);
        let store = MemoryStore::builder().clock(time.clock()).build();
        Self::on(Store::new(store), time)
    }

    fn on(store: Store, time: FakeClock) -> Self {
        let issuer = Issuer::new(hs256(), ISSUER, AUDIENCE).unwrap();
        let verifier = builder().clock(time.clock()).build().unwrap();
        Self {
            issuer: issuer.clock(time.clock()),
            verifier,
            revocations: Revocations::new(store.clone(), ISSUER).clock(time.clock()),
            epochs: Epochs::new(store),
            time,
        }
    }

    fn token(&self, user: &str) -> VerifiedToken {
        let token = self.issuer.token(user).sign().unwrap();
        self.verifier.verify(&token).unwrap()
    }

    async fn check(&self, token: &VerifiedToken) -> &'static str {
        match self.revocations.check(token.claims()).await {
            Ok(()) => "ok",
            Err(RevocationError::Token(error)) => error.code(),
            Err(_) => "failed",
        }
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_until_it_expires() {
    let house = House::new();
    let (token, other) = (house.token("ann"), house.token("ann"));
    assert_eq!(house.check(&token).await, "ok");
    house.revocations.revoke(token.claims()).await.unwrap();
    house.revocations.revoke(token.claims()).await.unwrap();
    assert_eq!(house.check(&token).await, "revoked");
    assert_eq!(house.check(&other).await, "ok");

    // With the most leeway there is, it is still refused at the last moment it could be taken.
    house.time.advance(Duration::from_secs(600 + 299));
    assert_eq!(house.check(&token).await, "revoked");
    house.time.advance(Duration::from_secs(2));
    assert_eq!(
        house.check(&token).await,
        "ok",
        "forgotten: verifiers refuse it by now"
    );
}

#[tokio::test]
async fn the_epoch_of_a_user_ends_tokens_from_before_within_the_same_second() {
    let house = House::new();
    let micro = Duration::from_micros(1);
    let (old, bobs) = (house.token("ann"), house.token("bob"));
    let proved = house.time.clock().now();
    house.time.advance(micro);
    house.revocations.revoke_all("ann").await.unwrap();
    let new = house.token("ann");
    assert_eq!(
        old.claims().issued_at(),
        new.claims().issued_at(),
        "one second"
    );
    assert_eq!(house.check(&old).await, "revoked");
    assert_eq!(house.check(&new).await, "ok");
    assert_eq!(house.check(&bobs).await, "ok");

    // Made after it, for a login from before it.
    house.time.advance(micro);
    let late = house.issuer.token("ann").as_of(proved).sign().unwrap();
    let late = house.verifier.verify(&late).unwrap();
    assert_eq!(house.check(&late).await, "revoked");
}

#[tokio::test]
async fn tokens_of_others_go_by_their_second() {
    let house = House::new();
    let end = |seconds| portcullis::clock::Timestamp::from_unix_seconds(seconds);
    let verify = |iat: Value| {
        let mut claims = good_claims();
        claims["jti"] = "t-1".into();
        claims["iat"] = iat;
        house.verifier.verify(&token(&claims.to_string())).unwrap()
    };
    house
        .epochs
        .end_before("user-17", end(NOW - 60))
        .await
        .unwrap();
    for (name, iat, expected) in [
        ("before", json!(NOW - 61), "revoked"),
        ("in that second", json!(NOW - 60), "ok"),
        ("after", json!(NOW - 59), "ok"),
    ] {
        assert_eq!(house.check(&verify(iat)).await, expected, "{name}");
    }
    // What others mean by our claim changes nothing.
    for (name, granted) in [
        ("the far future", json!(u64::MAX)),
        ("a text", json!("now")),
    ] {
        let mut claims = good_claims();
        claims["jti"] = "t-1".into();
        claims["granted"] = granted;
        claims["iat"] = json!(NOW - 70);
        let found = house.verifier.verify(&token(&claims.to_string())).unwrap();
        assert_eq!(house.check(&found).await, "revoked", "{name}");
    }
    let house = House::new();
    house.epochs.end_before("user-17", end(1)).await.unwrap();
    let undated = house
        .verifier
        .verify(&token(&claims_with("iat", Value::Null)))
        .unwrap();
    assert_eq!(
        house.check(&undated).await,
        "missing_claim",
        "no jti either"
    );
    let mut claims = good_claims();
    claims["jti"] = "t-1".into();
    claims.as_object_mut().unwrap().remove("iat");
    let undated = house.verifier.verify(&token(&claims.to_string())).unwrap();
    assert_eq!(
        house.check(&undated).await,
        "revoked",
        "nobody knows how old it is"
    );
}

#[tokio::test]
async fn what_could_not_be_revoked_is_refused() {
    let house = House::new();
    for (name, jti) in [("none", Value::Null), ("empty", json!(""))] {
        let found = house
            .verifier
            .verify(&token(&claims_with("jti", jti)))
            .unwrap();
        assert_eq!(house.check(&found).await, "missing_claim", "{name}");
        assert!(
            house.revocations.revoke(found.claims()).await.is_err(),
            "{name}"
        );
    }
    // A long name is one like others, and names of two issuers are two.
    let long = "x".repeat(2000);
    let mut claims = good_claims();
    claims["jti"] = long.into();
    let found = house.verifier.verify(&token(&claims.to_string())).unwrap();
    house.revocations.revoke(found.claims()).await.unwrap();
    assert_eq!(house.check(&found).await, "revoked");
    let other = builder()
        .or_issuer("https://other.example")
        .build()
        .unwrap();
    claims["iss"] = "https://other.example".into();
    let others = other.verify(&token(&claims.to_string())).unwrap();
    assert_eq!(house.check(&others).await, "ok");
}

#[tokio::test]
async fn a_revoked_token_never_reaches_the_service() {
    let counted = CountedStore::from(MemoryStore::default());
    let house = House::on(Store::new(counted.clone()), FakeClock::at_unix_seconds(NOW));
    let bearer = JwtBearer::new(house.verifier.clone()).revocations(house.revocations.clone());
    let send = async |token: &str| {
        let spy = Spy::default();
        let service = AuthenticateLayer::new(bearer.clone()).layer(spy.clone());
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(
            spy.calls(),
            usize::from(response.status() == StatusCode::OK)
        );
        let challenge = response.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge)
    };
    let token = house.issuer.token("ann").sign().unwrap();
    assert_eq!(send(&token).await, (200, None));
    counted.trips();
    let invalid = Some(r#"Bearer error="invalid_token""#.to_owned());
    assert_eq!(send("a.b.c").await, (401, invalid.clone()));
    assert!(
        counted.trips().is_empty(),
        "what is forged costs the store nothing"
    );

    let verified = house.verifier.verify(&token).unwrap();
    house.revocations.revoke(verified.claims()).await.unwrap();
    assert_eq!(send(&token).await, (401, invalid));

    let good = house.issuer.token("ann").sign().unwrap();
    counted.set_down(true);
    assert_eq!(send(&good).await, (503, None));
    counted.set_down(false);
    assert_eq!(send(&good).await, (200, None));
}

#[tokio::test]
async fn nothing_waits_that_need_not() {
    let house = House::new();
    let token = house.issuer.token("ann").sign().unwrap();
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    let request = request.body(()).unwrap();
    let plain = JwtBearer::new(house.verifier.clone());
    let asking = plain.clone().revocations(house.revocations.clone());
    // The store in memory answers at once, one behind a network later.
    for bearer in [plain.clone(), asking] {
        let attempt = bearer.authenticate(&RequestHead::of(&request));
        assert!(matches!(attempt, Attempt::Authenticated(_)), "{attempt:?}");
    }
    let counted = Store::new(CountedStore::from(MemoryStore::default()));
    let later = plain.revocations(Revocations::new(counted, ISSUER));
    let attempt = later.authenticate(&RequestHead::of(&request));
    assert!(matches!(attempt, Attempt::Later(_)), "{attempt:?}");
}

#[test]
fn the_operator_learns_why() {
    let error = RevocationError::from(portcullis::store::StoreError::new(
        portcullis::store::StoreErrorKind::Timeout,
        "the deadline passed",
    ));
    let rejection = Rejection::from(error);
    assert_eq!(rejection.event(), Some(EventKind::SysControlDegraded));
    assert!(rejection.reason().unwrap().contains("the deadline passed"));
}

#[tokio::test]
async fn all_tokens_of_a_login_end_together() {
    let house = House::new();
    let of_login = |sid: &str| {
        let token = house.issuer.token("ann").claim("sid", sid).unwrap();
        house.verifier.verify(&token.sign().unwrap()).unwrap()
    };
    let (phone, laptop, plain) = (of_login("phone"), of_login("laptop"), house.token("ann"));
    let longest = Duration::from_secs(600);
    let revoked = house.revocations.revoke_login(ISSUER, "phone", longest);
    revoked.await.unwrap();
    let elsewhere = "https://other.example.com";
    let revoked = house.revocations.revoke_login(elsewhere, "laptop", longest);
    revoked.await.unwrap();
    for (name, token, expected) in [
        ("the one that ended", &phone, "revoked"),
        ("made after that", &of_login("phone"), "revoked"),
        ("another login", &laptop, "ok"),
        ("of no login", &plain, "ok"),
    ] {
        assert_eq!(house.check(token).await, expected, "{name}");
    }
}

/// Two providers may call two people by one name.
#[tokio::test]
async fn a_subject_of_another_issuer_is_somebody_else() {
    const OTHER: &str = "https://other.example";
    let house = House::new();
    let other = builder().clock(house.time.clock()).or_issuer(OTHER);
    let other = other.build().unwrap();
    let by = |issuer: &str| {
        let mut claims = good_claims();
        claims["jti"] = "t-1".into();
        claims["iss"] = issuer.into();
        other.verify(&token(&claims.to_string())).unwrap()
    };
    let (ours, theirs) = (by(ISSUER), by(OTHER));
    let subject = ours.claims().subject().unwrap().to_owned();
    house.time.advance(Duration::from_secs(60));

    house
        .revocations
        .revoke_all_by(OTHER, &subject)
        .await
        .unwrap();
    assert_eq!(house.check(&theirs).await, "revoked");
    assert_eq!(house.check(&ours).await, "ok");

    let house = House::new();
    house.time.advance(Duration::from_secs(60));
    house
        .revocations
        .revoke_all_by(ISSUER, &subject)
        .await
        .unwrap();
    assert_eq!(house.check(&ours).await, "revoked");
    assert_eq!(house.check(&theirs).await, "ok");
    let now = house.time.clock().now();
    let just_before = now.saturating_sub(Duration::from_secs(1));
    assert!(house.epochs.is_ended(&subject, just_before).await.unwrap());
    // No user of ours is named so as to stand for one of theirs.
    for user in [
        format!("{}:{OTHER}{subject}", OTHER.len()),
        format!("{OTHER}{subject}"),
    ] {
        house.revocations.revoke_all(&user).await.unwrap();
    }
    assert_eq!(house.check(&theirs).await, "ok");
}
