//! A cache of verified tokens changes how long an answer takes, and no answer.

use super::*;
use crate::support::race;
use portcullis::authn::jwt::{ConfigError, IdTokenRules, Issuer};
use portcullis::crypto::keys::{
    KeyFeed, KeyState, LiveKeys, RotatingKeys, WantedKeys, WhenFetched,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn es256() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn issuer(key: impl Into<portcullis::crypto::keys::LiveSigningKey>, time: &FakeClock) -> Issuer {
    let issuer = Issuer::new(key, ISSUER, AUDIENCE).unwrap();
    issuer.clock(time.clock())
}

fn verifier(keys: impl Into<LiveKeys>, time: &FakeClock) -> VerifierBuilder {
    Verifier::builder(ISSUER, AUDIENCE, Algorithm::Es256, keys)
        .clock(time.clock())
        .cache(1000)
}

#[test]
fn the_second_answer_is_the_first() {
    let (key, time) = (es256(), FakeClock::at_unix_seconds(NOW));
    let issuer = issuer(key.clone(), &time);
    let cached = verifier(issuer.public_keys(), &time).build().unwrap();
    let plain = builder_for(&key).build().unwrap();
    let good = issuer.token("ann").sign().unwrap();
    let bobs = issuer.token("bob").sign().unwrap();
    let (head, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = bobs.rsplit_once('.').unwrap();
    let other = forge(&es256(), r#"{"alg":"ES256"}"#, &good_claims().to_string());
    let cases = [
        ("good", good.clone()),
        ("another's", bobs.clone()),
        ("with another's signature", format!("{head}.{signature}")),
        ("cut", good[..good.len() - 1].to_owned()),
        ("longer", format!("{good}A")),
        ("with a space", format!("{good} ")),
        ("another key", other),
        (
            "of another audience",
            forge(&key, r#"{"alg":"ES256"}"#, &claims_with("aud", json!("x"))),
        ),
        (
            "expired",
            forge(
                &key,
                r#"{"alg":"ES256"}"#,
                &claims_with("exp", json!(NOW - 600)),
            ),
        ),
        (
            "not yet",
            forge(
                &key,
                r#"{"alg":"ES256"}"#,
                &claims_with("nbf", json!(NOW + 600)),
            ),
        ),
        ("empty", String::new()),
        ("huge", "A".repeat(1 << 20)),
    ];
    for _ in 0..3 {
        for (name, token) in &cases {
            let expected = outcome(plain.verify(token));
            assert_eq!(outcome(cached.verify(token)), expected, "{name}");
        }
        let subject = |token| {
            cached
                .verify(token)
                .unwrap()
                .claims()
                .subject()
                .map(str::to_owned)
        };
        assert_eq!(subject(&good).as_deref(), Some("ann"));
        assert_eq!(subject(&bobs).as_deref(), Some("bob"));
    }
}

#[test]
fn what_may_change_is_looked_at_each_time() {
    let time = FakeClock::at_unix_seconds(NOW);
    let issuer = issuer(es256(), &time);
    let is_revoked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_revoked);
    let verifier = verifier(issuer.public_keys(), &time)
        .revoked_if(move |_| asked.load(Ordering::SeqCst))
        .build()
        .unwrap();
    let token = issuer.token("ann").sign().unwrap();
    assert_eq!(outcome(verifier.verify(&token)), "ok");
    is_revoked.store(true, Ordering::SeqCst);
    assert_eq!(outcome(verifier.verify(&token)), "revoked");
    is_revoked.store(false, Ordering::SeqCst);
    assert_eq!(outcome(verifier.verify(&token)), "ok");
    time.advance(Duration::from_secs(659));
    assert_eq!(outcome(verifier.verify(&token)), "ok", "in the leeway");
    time.advance(Duration::from_secs(1));
    assert_eq!(outcome(verifier.verify(&token)), "expired");

    // An access token is no ID token because it was seen before.
    let time = FakeClock::at_unix_seconds(NOW);
    let issuer = self::issuer(es256(), &time).token_type("at+jwt");
    let verifier = self::verifier(issuer.public_keys(), &time).build().unwrap();
    let token = issuer.token("ann").sign().unwrap();
    assert_eq!(outcome(verifier.verify(&token)), "ok");
    let as_id_token = verifier.verify_id_token(&token, &IdTokenRules::new("app", "nonce"));
    assert_eq!(outcome(as_id_token), "wrong_type");
}

#[tokio::test]
async fn a_removed_key_takes_its_tokens_with_it() {
    let time = FakeClock::at_unix_seconds(NOW);
    let keys = RotatingKeys::in_memory(Algorithm::Es256).clock(time.clock());
    let keys = keys.build().await.unwrap();
    let issuer = issuer(keys.signer(), &time);
    let verifier = verifier(keys.public(), &time).build().unwrap();
    let token = issuer.token("ann").sign().unwrap();
    for _ in 0..3 {
        assert_eq!(outcome(verifier.verify(&token)), "ok");
    }
    let leaked = keys.signer().current().key_id().unwrap().to_owned();
    keys.withdraw(&leaked).await.unwrap();
    assert_eq!(outcome(verifier.verify(&token)), "unknown_key");

    // The old set again, as a new one: the token is good again, and the cache knows it anew.
    let key = es256();
    let live = LiveKeys::new(key.verifying_key().into());
    let issuer = self::issuer(key.clone(), &time);
    let verifier = self::verifier(live.clone(), &time).build().unwrap();
    let token = issuer.token("ann").sign().unwrap();
    for _ in 0..2 {
        assert_eq!(outcome(verifier.verify(&token)), "ok");
        live.replace(KeySet::default());
        assert_eq!(outcome(verifier.verify(&token)), "unknown_key");
        live.replace(key.verifying_key().into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_token_outlives_its_key_in_a_race() {
    let time = FakeClock::at_unix_seconds(NOW);
    let (one, two) = (es256(), es256());
    let live = LiveKeys::new(one.verifying_key().into());
    let verifier = verifier(live.clone(), &time).build().unwrap();
    let [by_one, by_two] =
        [&one, &two].map(|key| issuer(key.clone(), &time).token("ann").sign().unwrap());
    for round in 0..200 {
        let (next, good, gone) = match round % 2 {
            0 => (&two, &by_two, &by_one),
            _ => (&one, &by_one, &by_two),
        };
        race(8, |runner| {
            let (verifier, live, next) = (verifier.clone(), live.clone(), next.clone());
            let gone = gone.clone();
            async move {
                if runner == 0 {
                    live.replace(next.verifying_key().into());
                    assert_eq!(outcome(verifier.verify(&gone)), "unknown_key");
                } else {
                    let _either = verifier.verify(&gone);
                }
            }
        })
        .await;
        assert_eq!(
            outcome(verifier.verify(gone)),
            "unknown_key",
            "round {round}"
        );
        assert_eq!(outcome(verifier.verify(good)), "ok", "round {round}");
    }
}

#[test]
fn a_cache_has_a_size() {
    let key = es256();
    for (capacity, is_ok) in [
        (0, false),
        (63, false),
        (64, true),
        (1 << 20, true),
        ((1 << 20) + 1, false),
    ] {
        let built = builder_for(&key).cache(capacity).build();
        match built {
            Ok(_) => assert!(is_ok, "{capacity}"),
            Err(error) => {
                assert_eq!(error, ConfigError::CacheCapacity(capacity));
                assert!(!is_ok, "{capacity}");
            }
        }
    }
}

/// Keys from elsewhere, which can become too old.
#[derive(Clone, Debug, Default)]
struct Feed(Arc<AtomicBool>);

impl KeyFeed for Feed {
    fn state(&self) -> KeyState {
        match self.0.load(Ordering::SeqCst) {
            true => KeyState::Missing,
            false => KeyState::Ready,
        }
    }

    fn fetch(&self, _: WantedKeys) -> Option<WhenFetched> {
        None
    }
}

#[test]
fn keys_too_old_to_be_believed_verify_nothing_that_is_kept() {
    let (key, time, feed) = (es256(), FakeClock::at_unix_seconds(NOW), Feed::default());
    let keys = LiveKeys::new(key.verifying_key().into()).fed_by(feed.clone());
    let verifier = verifier(keys, &time).build().unwrap();
    let token = issuer(key, &time).token("ann").sign().unwrap();
    for is_too_old in [false, false, true, true, false] {
        feed.0.store(is_too_old, Ordering::SeqCst);
        let expected = if is_too_old { "keys_unavailable" } else { "ok" };
        assert_eq!(outcome(verifier.verify(&token)), expected);
    }
}
