//! Proofs that come again, nonces, stores that fail, races and settings.

use super::*;
#[cfg(feature = "redis")]
use crate::support::redis::Server;
use crate::support::{CountedStore, race};
use portcullis::authn::dpop::{DpopConfigError, DpopErrorKind, DpopNonces, Proof, ProofUse};
use portcullis::crypto::keys::Algorithms;
use portcullis::event::EventKind;
use portcullis::secret::SecretBytes;
use std::time::Duration;

#[tokio::test]
async fn a_proof_is_good_once() {
    let world = World::new();
    let client = world.client();
    assert_eq!(world.try_client(&client).await, "ok");
    let credential = format!("DPoP {}", client.token);
    let response = world.send(&[&credential], &[&client.proof()]).await;
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.event(), Some(EventKind::AuthnTokenReuse));
    // Signed anew, it is the same proof; so it is for as long as it is in time.
    let ahead = world.client().claim("iat", json!(NOW + 60));
    assert_eq!(world.try_client(&ahead).await, "ok");
    for seconds in [1, 58, 60, 1] {
        world.time.advance(Duration::from_secs(seconds));
        assert!(world.try_client(&ahead).await.contains("came before"));
    }
    world.time.advance(Duration::from_secs(1));
    assert!(world.try_client(&ahead).await.contains("not of this time"));
}

#[tokio::test]
async fn nobody_uses_up_anothers_proof() {
    let world = World::new();
    let victim = world.client();
    let id = victim.payload["jti"].clone();
    // Another client, by the same name.
    let thief = world.client().claim("jti", id);
    assert_eq!(world.try_client(&thief).await, "ok");
    // Proofs that are refused, by the victim's key.
    for spoiled in [
        victim.clone().claim("htm", json!("GET")),
        victim.clone().claim("ath", json!(hash("x"))),
    ] {
        assert!(world.try_client(&spoiled).await.starts_with("401"));
    }
    let forged = format!("{}AAAA", &victim.proof()[..victim.proof().len() - 4]);
    let credential = format!("DPoP {}", victim.token);
    assert!(
        world
            .outcome(&[&credential], &[&forged])
            .await
            .starts_with("401")
    );
    assert_eq!(world.try_client(&victim).await, "ok");
}

#[tokio::test]
async fn nonces_are_asked_for_and_given() {
    let mut world = World::new();
    let secret = SecretBytes::from(vec![7; 32]);
    world.rules = world
        .rules
        .nonces(DpopNonces::with_secret(&secret).unwrap());
    let client = world.client();
    let credential = format!("DPoP {}", client.token);
    let response = world.send(&[&credential], &[&client.proof()]).await;
    assert_eq!(response.status(), 401);
    let challenge = response.headers()[header::WWW_AUTHENTICATE]
        .to_str()
        .unwrap();
    assert!(
        challenge.ends_with(r#"error="use_dpop_nonce""#),
        "{challenge}"
    );
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let nonce = response.headers()["dpop-nonce"]
        .to_str()
        .unwrap()
        .to_owned();

    // The proof may come again, for it was not taken.
    let with_nonce = client.claim("nonce", json!(nonce));
    assert_eq!(world.try_client(&with_nonce).await, "ok");
    let next = world.client().claim("nonce", json!(nonce));
    assert_eq!(
        world.try_client(&next).await,
        "ok",
        "a nonce is for several proofs"
    );
    for (name, nonce) in [("made up", json!("x")), ("no text", json!(1))] {
        let outcome = world
            .try_client(&world.client().claim("nonce", nonce))
            .await;
        assert!(
            outcome.starts_with("401 use_dpop_nonce"),
            "{name}: {outcome}"
        );
    }
    // Another machine with the same secret takes it, and after five minutes nobody.
    let mut other = World::new();
    other.rules = other
        .rules
        .nonces(DpopNonces::with_secret(&secret).unwrap());
    let there = other.client().claim("nonce", json!(nonce));
    assert_eq!(other.try_client(&there).await, "ok");
    other.time.advance(Duration::from_secs(301));
    let late = other
        .client()
        .claim("nonce", json!(nonce))
        .claim("iat", json!(NOW + 301));
    let outcome = other.try_client(&late).await;
    assert!(outcome.starts_with("401 use_dpop_nonce"), "{outcome}");
}

/// RFC 9449 section 8.2.
#[tokio::test]
async fn who_gets_in_is_given_the_next_nonce_in_time() {
    let mut world = World::new();
    let nonces = DpopNonces::new()
        .lifetime(Duration::from_secs(100))
        .unwrap();
    world.rules = world.rules.nonces(nonces.clone());
    let mut nonce = nonces.issue(world.time.clock().now());
    let first = nonce.clone();
    let send = async |world: &World, nonce: &str| {
        let now = world.time.clock().now().unix_seconds();
        let client = world.client();
        let client = client.claim("nonce", json!(nonce)).claim("iat", json!(now));
        let credential = format!("DPoP {}", client.token);
        let response = world.send(&[&credential], &[&client.proof()]).await;
        let next = response.headers().get("dpop-nonce");
        let is_kept_by_none = response
            .headers()
            .get(header::CACHE_CONTROL)
            .is_some_and(|value| value == "no-store");
        assert_eq!(next.is_some(), is_kept_by_none);
        let next = next.map(|it| it.to_str().unwrap().to_owned());
        (response.status().as_u16(), next)
    };
    assert_eq!(send(&world, &nonce).await, (200, None), "it is new");
    // Who goes by the answers is never sent back for a nonce.
    for round in 0..5 {
        world.time.advance(Duration::from_secs(60));
        let (status, next) = send(&world, &nonce).await;
        assert_eq!(status, 200, "round {round}");
        nonce = next.unwrap_or_else(|| panic!("round {round}: there is none"));
    }
    let (status, next) = send(&world, &first).await;
    assert_eq!((status, next.is_some()), (401, true));

    // Without nonces none is given.
    let plain = World::new();
    assert_eq!(send(&plain, &nonce).await, (200, None));
}

/// A world whose store answers later, and logs what is asked of it.
fn counted() -> (World, CountedStore) {
    let counted = CountedStore::from(MemoryStore::default());
    let time = FakeClock::at_unix_seconds(NOW);
    (World::on(Store::new(counted.clone()), time), counted)
}

#[tokio::test]
async fn a_token_that_was_revoked_is_of_no_use_with_its_key_either() {
    let mut world = World::new();
    let revocations = Revocations::new(Store::memory(), "https://id.example.com");
    let revocations = revocations.clock(world.time.clock());
    world.revocations = Some(revocations.clone());
    let client = world.client();
    assert_eq!(world.try_client(&client).await, "ok");
    let verified = world.verifier().verify(&client.token).unwrap();
    revocations.revoke(verified.claims()).await.unwrap();
    let outcome = world.try_client(&client.claim("jti", json!(name()))).await;
    assert!(outcome.starts_with("401 invalid_token"), "{outcome}");
}

#[tokio::test]
async fn when_the_store_is_down_nobody_gets_in() {
    let (world, counted) = counted();
    counted.set_down(true);
    let outcome = world.try_client(&world.client()).await;
    assert!(outcome.starts_with("503 unavailable"), "{outcome}");
}

#[tokio::test]
async fn who_is_refused_costs_the_store_nothing() {
    let (world, counted) = counted();
    for client in [
        world.client().claim("htm", json!("GET")),
        world.client().claim("iat", json!(NOW - 100)),
        world.client().header("typ", json!("JWT")),
    ] {
        assert!(world.try_client(&client).await.starts_with("401"));
    }
    let forged = Client {
        token: "a.b.c".to_owned(),
        ..world.client()
    };
    assert!(
        world
            .try_client(&forged)
            .await
            .starts_with("401 invalid_token")
    );
    assert_eq!(counted.trips(), Vec::<&str>::new());
    assert_eq!(world.try_client(&world.client()).await, "ok");
    assert_eq!(counted.trips(), ["put_if_absent"]);
}

/// Of many that send one proof at one moment, one gets in, 200 times.
async fn one_of_many_gets_in(stores: [Store; 2]) {
    let time = FakeClock::at_unix_seconds(NOW);
    let worlds = stores.map(|store| World::on(store, time.clone()));
    for round in 0..200 {
        let client = worlds[0].client();
        let proof = client.proof();
        let rules = [&worlds[0], &worlds[1]].map(|world| world.rules.clone());
        let accepted = race(8, |runner| {
            let (rules, proof, token) = (
                rules[runner % 2].clone(),
                proof.clone(),
                client.token.clone(),
            );
            async move {
                let wanted = ProofUse::with_token(&Method::POST, "/notes", &token);
                let proof: Proof = rules.check(&proof, wanted).unwrap();
                match rules.use_once(&proof).await {
                    Ok(()) => 1,
                    Err(error) => {
                        assert_eq!(error.kind(), DpopErrorKind::Replayed);
                        0
                    }
                }
            }
        })
        .await;
        assert_eq!(accepted.into_iter().sum::<usize>(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_in_memory_lets_one_in() {
    let store = Store::memory();
    one_of_many_gets_in([store.clone(), store]).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_on_redis_lets_one_in() {
    let server = Server::start().await;
    let connect = async || {
        let builder = server.builder().deadline(crate::support::redis::DEADLINE);
        Store::new(builder.connect().await.unwrap())
    };
    one_of_many_gets_in([connect().await, connect().await]).await;
}

#[test]
fn where_tokens_are_issued_no_hash_is_asked_for() {
    let world = World::new();
    let client = world.client().claim("ath", Value::Null);
    let wanted = ProofUse::without_token(&Method::POST, "/notes");
    let proof = world.rules.check(&client.proof(), wanted).unwrap();
    let thumbprint = client.key.verifying_key().thumbprint().unwrap();
    assert_eq!(proof.key_thumbprint(), thumbprint);
    assert_eq!(proof.issued_at().unix_seconds(), NOW);
}

#[test]
fn settings_that_make_no_sense_are_told_at_once() {
    let rules = || DpopRules::new(SERVICE, Store::memory()).unwrap();
    let error = DpopRules::new("http://api.example.com", Store::memory()).unwrap_err();
    assert!(matches!(error, DpopConfigError::InvalidUrl(_)));
    assert!(rules().or_url("api.example.com").is_err());
    let error = rules().algorithms(Algorithms::default()).unwrap_err();
    assert_eq!(error, DpopConfigError::NoAlgorithm);
    let error = rules()
        .algorithms([Algorithm::Es256, Algorithm::Hs256])
        .unwrap_err();
    assert_eq!(error, DpopConfigError::SymmetricAlgorithm);
    let error = rules().window(Duration::from_secs(301)).unwrap_err();
    assert_eq!(error, DpopConfigError::Window(301));
    assert!(rules().window(Duration::ZERO).is_err());
}

#[tokio::test]
async fn algorithms_that_are_not_wanted_are_refused() {
    let mut world = World::new();
    world.rules = world.rules.algorithms(Algorithm::EdDsa).unwrap();
    let outcome = world.try_client(&world.client()).await;
    assert!(outcome.contains("not allowed"), "{outcome}");
}
