//! Signing keys that rotate: over time, by hand, on several machines at once, and in an
//! emergency.

use super::*;
use crate::support::{CountedRecords, race};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use portcullis::authn::jwt::{ConfigError, IssueError, Issuer, PublishedKeys};
use portcullis::crypto::keys::rotating::{RotatingKeysBuilder, RotationError, Stage};
use portcullis::crypto::keys::{KeyError, KeyProvider, RotatingKeys};
use portcullis::crypto::{Reason, Refused, SecretSealer};
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::Rejection;
use portcullis::store::{Collection, Records, StoreErrorKind};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const SETS: Collection = Collection::new("signing-keys");
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Seals by adding the place: enough to see who opens what.
#[derive(Clone, Debug)]
struct Lock(&'static str);

impl SecretSealer for Lock {
    fn seal_secret(&self, purpose: &str, owner: &str, secret: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut sealed = format!("{} {purpose} {owner}\n", self.0).into_bytes();
        sealed.extend(secret.iter().map(|byte| byte ^ 0x55));
        Ok(sealed)
    }

    fn open_secret(
        &self,
        purpose: &str,
        owner: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, Refused> {
        let place = format!("{} {purpose} {owner}\n", self.0);
        let secret = sealed.strip_prefix(place.as_bytes());
        let secret = secret.ok_or(Refused::new(Reason::NotAuthentic))?;
        let secret: Vec<_> = secret.iter().map(|byte| byte ^ 0x55).collect();
        Ok(secret.into())
    }
}

fn at_now() -> FakeClock {
    FakeClock::at_unix_seconds(NOW)
}

fn builder_on(records: &Records, time: &FakeClock) -> RotatingKeysBuilder {
    RotatingKeys::builder(Algorithm::Es256, records.clone(), Lock("a"))
        .clock(time.clock())
        .token_lifetime(HOUR)
}

/// One machine: keys, and what signs and verifies by them.
struct Machine {
    keys: RotatingKeys,
    issuer: Issuer,
    verifier: Verifier,
}

impl Machine {
    async fn on(records: &Records, time: &FakeClock) -> Self {
        Self::with(builder_on(records, time), time).await
    }

    async fn with(builder: RotatingKeysBuilder, time: &FakeClock) -> Self {
        let keys = builder.build().await.unwrap();
        let issuer = Issuer::new(keys.signer(), ISSUER, AUDIENCE).unwrap();
        let verifier = Verifier::builder(ISSUER, AUDIENCE, Algorithm::Es256, keys.public());
        Self {
            issuer: issuer.clock(time.clock()).lifetime(HOUR).unwrap(),
            verifier: verifier.clock(time.clock()).build().unwrap(),
            keys,
        }
    }

    fn token(&self) -> String {
        self.issuer.token("user-17").sign().unwrap()
    }

    fn takes(&self, token: &str) -> String {
        outcome(self.verifier.verify(token))
    }

    fn id(&self, stage: Stage) -> String {
        let list = self.keys.list();
        let mut at = list.into_iter().filter(|key| key.stage == stage);
        let found = at.next().unwrap();
        assert!(at.next().is_none() || stage == Stage::Retired);
        found.id
    }

    fn ids(&self) -> Vec<String> {
        self.keys.list().into_iter().map(|key| key.id).collect()
    }
}

#[tokio::test]
async fn keys_are_published_before_they_sign_and_kept_until_their_tokens_expire() {
    let (records, time) = (Records::memory(), at_now());
    let machine = Machine::on(&records, &time).await;
    let (first, second) = (machine.id(Stage::Current), machine.id(Stage::Next));
    let published = |machine: &Machine| -> Value {
        let keys = PublishedKeys::new(machine.keys.public()).unwrap();
        serde_json::from_str(&keys.json()).unwrap()
    };
    let kids = |set: &Value| -> HashSet<String> {
        let keys = set["keys"].as_array().unwrap();
        keys.iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        kids(&published(&machine)),
        HashSet::from([first.clone(), second.clone()])
    );

    time.advance(30 * DAY - Duration::from_secs(1));
    machine.keys.refresh().await.unwrap();
    assert_eq!(machine.id(Stage::Current), first, "its period is not over");
    let last = machine.token();

    time.advance(Duration::from_secs(1));
    machine.keys.refresh().await.unwrap();
    assert_eq!(machine.id(Stage::Current), second);
    assert_eq!(machine.id(Stage::Retired), first);
    let new = machine.token();
    assert_eq!(
        (machine.takes(&last), machine.takes(&new)),
        ("ok".into(), "ok".into())
    );

    // The last token of the first key has a leeway of a minute, too.
    time.advance(HOUR + Duration::from_secs(57));
    machine.keys.refresh().await.unwrap();
    assert_eq!(
        machine.takes(&last),
        "ok",
        "its key is there as long as it is good"
    );
    time.advance(Duration::from_secs(400));
    machine.keys.refresh().await.unwrap();
    assert_eq!(machine.takes(&last), "unknown_key");
    assert!(!kids(&published(&machine)).contains(&first));
    assert_eq!(machine.ids().len(), 2);
}

#[tokio::test]
async fn several_machines_share_one_set() {
    let (records, time) = (Records::memory(), at_now());
    let (one, two) = (
        Machine::on(&records, &time).await,
        Machine::on(&records, &time).await,
    );
    assert_eq!(one.ids(), two.ids());
    assert_eq!(two.takes(&one.token()), "ok");

    // The one rotates; the other knows the key before it hears of it.
    time.advance(2 * DAY);
    two.keys.refresh().await.unwrap();
    one.keys.rotate().await.unwrap();
    assert_eq!(two.takes(&one.token()), "ok");
    assert_eq!(one.takes(&two.token()), "ok");
    two.keys.refresh().await.unwrap();
    assert_eq!(one.ids(), two.ids());
    assert_eq!(one.id(Stage::Current), two.id(Stage::Current));

    // A third starts later, and takes what is there.
    let three = Machine::on(&records, &time).await;
    assert_eq!(three.ids(), one.ids());

    // Another name is another set.
    let other = Machine::with(builder_on(&records, &time).name("other"), &time).await;
    assert_eq!(other.takes(&one.token()), "unknown_key");
}

#[tokio::test]
async fn a_withdrawn_key_is_gone_at_once() {
    let (records, time) = (Records::memory(), at_now());
    let events = Arc::new(RecentEvents::new(10));
    let emitter = Emitter::new(events.clone(), time.clock());
    let one = Machine::with(builder_on(&records, &time).emitter(emitter), &time).await;
    let two = Machine::on(&records, &time).await;
    let (token, next) = (one.token(), one.id(Stage::Next));
    let leaked = one.id(Stage::Current);

    assert!(one.keys.withdraw(&leaked).await.unwrap());
    assert_eq!(one.takes(&token), "unknown_key");
    assert_eq!(
        one.id(Stage::Current),
        next,
        "also one that was published just now"
    );
    assert_eq!(one.takes(&one.token()), "ok");
    assert!(!one.ids().contains(&leaked));
    let told = events.snapshot();
    assert_eq!(told[0].kind(), EventKind::AuthzAdmin);
    assert_eq!(told[0].code(), Some("signing_key_withdrawn"));

    // Elsewhere with the next look.
    assert_eq!(two.takes(&token), "ok");
    two.keys.refresh().await.unwrap();
    assert_eq!(two.takes(&token), "unknown_key");
    assert_eq!(two.takes(&one.token()), "ok");

    assert!(!one.keys.withdraw(&leaked).await.unwrap(), "once");
    let next = one.id(Stage::Next);
    assert!(
        two.keys.withdraw(&next).await.unwrap(),
        "the next one as well"
    );
    assert_ne!(two.id(Stage::Next), next);
}

#[tokio::test]
async fn rotation_by_hand_waits_until_others_know_the_key() {
    let (records, time) = (Records::memory(), at_now());
    let machine = Machine::on(&records, &time).await;
    time.advance(DAY - Duration::from_millis(1500));
    let error = machine.keys.rotate().await.unwrap_err();
    assert!(
        matches!(error, RotationError::TooSoon { wait } if wait == Duration::from_millis(1500))
    );
    assert!(error.to_string().contains("withdraw"), "{error}");
    time.advance(Duration::from_millis(1500));
    let next = machine.id(Stage::Next);
    machine.keys.rotate().await.unwrap();
    assert_eq!(machine.id(Stage::Current), next);

    // Over and over: bounded by what is kept.
    let long = builder_on(&records, &time)
        .name("long")
        .token_lifetime(100 * DAY);
    let machine = Machine::with(long, &time).await;
    let error = loop {
        time.advance(DAY);
        if let Err(error) = machine.keys.rotate().await {
            break error;
        }
    };
    assert!(matches!(error, RotationError::TooMany(16)), "{error}");
    machine.keys.refresh().await.unwrap();
    assert_eq!(machine.takes(&machine.token()), "ok");
}

async fn one_new_key(records: Records, rotate_by_hand: bool) {
    const MACHINES: usize = 6;
    let time = at_now();
    let mut machines = Vec::new();
    for _ in 0..MACHINES {
        machines.push(Arc::new(Machine::on(&records, &time).await));
    }
    for round in 0..200 {
        let before = machines[0].id(Stage::Next);
        time.advance(30 * DAY);
        race(MACHINES, |number| {
            let machine = Arc::clone(&machines[number]);
            async move {
                if rotate_by_hand && number % 2 == 0 {
                    machine.keys.rotate().await.unwrap();
                } else {
                    machine.keys.refresh().await.unwrap();
                }
            }
        })
        .await;
        for machine in &machines {
            machine.keys.refresh().await.unwrap();
            assert_eq!(machine.id(Stage::Current), before, "round {round}");
            assert_eq!(machine.ids(), machines[0].ids(), "round {round}");
        }
        assert_eq!(machines[0].ids().len(), 3, "round {round}: one was made");
        let token = machines[round % MACHINES].token();
        assert!(machines.iter().all(|it| it.takes(&token) == "ok"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn machines_that_rotate_at_once_make_one_new_key() {
    one_new_key(Records::memory(), false).await;
    one_new_key(Records::new(CountedRecords::default()), false).await;
    one_new_key(Records::new(CountedRecords::default()), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn machines_that_start_at_once_have_one_set() {
    for round in 0..200 {
        let (records, time) = (Records::new(CountedRecords::default()), at_now());
        let found = race(6, |_| {
            let (records, time) = (records.clone(), time.clone());
            async move { Machine::on(&records, &time).await.ids() }
        })
        .await;
        assert!(found.iter().all(|ids| *ids == found[0]), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_withdrawn_does_not_come_back() {
    let (records, time) = (Records::new(CountedRecords::default()), at_now());
    let machine = Arc::new(Machine::on(&records, &time).await);
    for round in 0..200 {
        time.advance(DAY);
        machine.keys.refresh().await.unwrap();
        let (token, leaked) = (machine.token(), machine.id(Stage::Current));
        race(8, |number| {
            let (machine, leaked) = (Arc::clone(&machine), leaked.clone());
            async move {
                match number {
                    0 => assert!(machine.keys.withdraw(&leaked).await.unwrap()),
                    _ => machine.keys.refresh().await.unwrap(),
                }
            }
        })
        .await;
        assert_eq!(machine.takes(&token), "unknown_key", "round {round}");
        assert_eq!(machine.takes(&machine.token()), "ok", "round {round}");
    }
}

#[tokio::test]
async fn keys_are_sealed_for_their_place() {
    let (records, time) = (Records::memory(), at_now());
    let machine = Machine::on(&records, &time).await;
    let record = records.get(SETS, "access-token").await.unwrap().unwrap();
    let text = str::from_utf8(record.value()).unwrap();
    let stored: Value = serde_json::from_str(text).unwrap();
    let sealed = stored["keys"][0]["sealed"].as_str().unwrap();
    let opened = URL_SAFE_NO_PAD.decode(sealed).unwrap();
    let id = machine.id(Stage::Current);
    let place = format!("a signing-key access-token ES256 {id}\n");
    assert!(opened.starts_with(place.as_bytes()));

    // Copied to another set, or with its algorithm changed, it does not open.
    records.insert(SETS, "other", record.value()).await.unwrap();
    let moved = builder_on(&records, &time).name("other").build().await;
    assert!(matches!(moved, Err(RotationError::Sealed(_))));
    let changed = text.replace("ES256", "HS256");
    records
        .insert(SETS, "changed", changed.as_bytes())
        .await
        .unwrap();
    let changed = builder_on(&records, &time).name("changed").build().await;
    assert!(matches!(changed, Err(RotationError::Sealed(_))));
    // Nor with another sealer.
    let other = RotatingKeys::builder(Algorithm::Es256, records.clone(), Lock("b"));
    assert!(matches!(other.build().await, Err(RotationError::Sealed(_))));

    let all = ["", "{}", "[]", r#"{"keys":[{"id":1}]}"#, "\u{0}"];
    for (number, broken) in all.into_iter().enumerate() {
        let name = format!("broken-{number}");
        records
            .insert(SETS, &name, broken.as_bytes())
            .await
            .unwrap();
        let built = builder_on(&records, &time).name(name).build().await;
        assert!(matches!(built, Err(RotationError::Corrupt)), "{broken:?}");
    }
}

#[tokio::test]
async fn while_the_records_are_down_the_known_keys_are_used() {
    let (counted, time) = (CountedRecords::default(), at_now());
    let machine = Machine::on(&Records::new(counted.clone()), &time).await;
    counted.set_down(true);
    time.advance(HOUR);
    assert!(matches!(
        machine.keys.refresh().await,
        Err(RotationError::Store(_))
    ));
    let id = machine.id(Stage::Current);
    assert!(
        machine.keys.withdraw(&id).await.is_err(),
        "nobody is told that it is gone"
    );
    assert_eq!(machine.takes(&machine.token()), "ok");
    counted.set_down(false);
    assert!(machine.keys.withdraw(&id).await.unwrap());
}

#[tokio::test]
async fn keys_that_were_not_seen_for_too_long_are_not_used() {
    let (counted, time) = (CountedRecords::default(), at_now());
    let machine = Machine::on(&Records::new(counted.clone()), &time).await;
    let published = PublishedKeys::new(machine.keys.public()).unwrap();
    let publish = async || {
        let request = Request::get("/").body(()).unwrap();
        let (head, body) = published
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    };
    let token = machine.token();
    counted.set_down(true);
    time.advance(HOUR + Duration::from_millis(1));
    for _ in 0..2 {
        assert!(!machine.keys.are_usable());
        let refused = machine.issuer.token("user-17").sign().unwrap_err();
        assert!(matches!(refused, IssueError::StaleKeys), "{refused}");
        let rejection = Rejection::from(refused);
        assert_eq!(rejection.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(rejection.headers()["retry-after"], "5");
        assert_eq!(machine.takes(&token), "keys_unavailable");
        assert!(machine.issuer.can_sign().is_err());
        let asked_for_one = machine.keys.public().find("any").await.unwrap_err();
        assert_eq!(asked_for_one.kind(), StoreErrorKind::Unavailable);
        let (head, body) = publish().await;
        assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(head.headers["cache-control"], "no-store");
        assert_eq!(head.headers["retry-after"], "5");
        assert!(body.is_empty());
        // A look that fails is none.
        machine.keys.refresh().await.unwrap_err();
    }
    counted.set_down(false);
    machine.keys.refresh().await.unwrap();
    assert!(machine.keys.are_usable());
    assert_eq!(machine.takes(&token), "ok");
    assert_eq!(machine.takes(&machine.token()), "ok");
    assert_eq!(publish().await.0.status, StatusCode::OK);

    // Keys of one process are changed by nobody else, and nobody has to look.
    let alone = RotatingKeys::in_memory(Algorithm::Es256).clock(time.clock());
    let alone = alone.build().await.unwrap();
    time.advance(40 * DAY);
    assert!(alone.are_usable());
}

#[tokio::test(start_paused = true)]
async fn keys_are_kept_fresh_in_the_background() {
    let (counted, time) = (CountedRecords::default(), at_now());
    let records = Records::new(counted.clone());
    let events = Arc::new(RecentEvents::new(10));
    let emitter = Emitter::new(events.clone(), time.clock());
    let one = Machine::with(builder_on(&records, &time).emitter(emitter), &time).await;
    let two = Machine::on(&records, &time).await;
    let task = tokio::spawn(one.keys.clone().keep_fresh());
    two.keys.withdraw(&two.id(Stage::Current)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(one.ids(), two.ids());

    counted.set_down(true);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let told = events.snapshot();
    assert_eq!(told[0].code(), Some("signing_keys_not_refreshed"));
    counted.set_down(false);
    two.keys.withdraw(&two.id(Stage::Current)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(one.ids(), two.ids(), "it goes on");
    task.abort();
}

#[tokio::test]
async fn algorithms_can_be_changed() {
    let (records, time) = (Records::memory(), at_now());
    let old = Machine::on(&records, &time).await;
    let token = old.token();
    let keys = RotatingKeys::builder(Algorithm::EdDsa, records.clone(), Lock("a"));
    let keys = keys.clock(time.clock()).token_lifetime(HOUR);
    let keys = keys.build().await.unwrap();
    for _ in 0..2 {
        time.advance(DAY);
        keys.rotate().await.unwrap();
    }
    assert_eq!(keys.signer().current().algorithm(), Algorithm::EdDsa);
    let both = Verifier::builder(
        ISSUER,
        AUDIENCE,
        [Algorithm::Es256, Algorithm::EdDsa],
        keys.public(),
    );
    let both = both.clock(at_now().clock()).build().unwrap();
    assert_eq!(
        outcome(both.verify(&token)),
        "unknown_key",
        "two days later"
    );
    let issuer = Issuer::new(keys.signer(), ISSUER, AUDIENCE).unwrap();
    let new = issuer
        .clock(at_now().clock())
        .token("user-17")
        .sign()
        .unwrap();
    assert_eq!(outcome(both.verify(&new)), "ok");

    // Symmetric and asymmetric keys never share a set.
    let mixed = RotatingKeys::builder(Algorithm::Hs256, records.clone(), Lock("a"));
    let mixed = mixed.clock(time.clock()).build().await.unwrap();
    time.advance(DAY);
    let error = mixed.rotate().await.unwrap_err();
    assert!(
        matches!(error, RotationError::Key(KeyError::MixedSet)),
        "{error}"
    );
}

#[tokio::test]
async fn keys_of_any_algorithm_rotate() {
    let time = at_now();
    let rsa = include_str!("../../../benches/common/rfc7515_a2.jwk.json");
    let from_jwk = RotatingKeys::in_memory(Algorithm::Rs256)
        .generate_with(move || SigningKey::from_jwk(rsa))
        .build();
    assert!(matches!(from_jwk.await, Err(RotationError::NotKept)));
    let twice = SigningKey::generate(Algorithm::Es256).unwrap();
    let same = RotatingKeys::in_memory(Algorithm::Es256)
        .generate_with(move || Ok(twice.clone()))
        .build();
    let error = same.await.unwrap_err();
    assert!(
        matches!(error, RotationError::Key(KeyError::DuplicateKeyId(_))),
        "{error}"
    );

    for algorithm in [
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
        Algorithm::Hs256,
        Algorithm::Hs512,
    ] {
        let keys = RotatingKeys::in_memory(algorithm).clock(time.clock());
        let keys = keys.build().await.unwrap();
        let issuer = Issuer::new(keys.signer(), ISSUER, AUDIENCE).unwrap();
        let verifier = Verifier::builder(ISSUER, AUDIENCE, algorithm, keys.public());
        let verifier = verifier.build().unwrap();
        let old = issuer.token("user-17").sign().unwrap();
        time.advance(DAY);
        keys.rotate().await.unwrap();
        let new = issuer.token("user-17").sign().unwrap();
        assert_ne!(old.split('.').next(), new.split('.').next(), "another kid");
        assert_eq!(outcome(verifier.verify(&old)), "ok", "{algorithm:?}");
        assert_eq!(outcome(verifier.verify(&new)), "ok", "{algorithm:?}");
        assert!(!keys.public().current().to_public_json().contains("\"k\""));
    }
}

#[tokio::test]
async fn tokens_that_outlive_their_keys_are_refused_at_the_start() {
    let keys = RotatingKeys::in_memory(Algorithm::Es256).token_lifetime(Duration::from_secs(60));
    let keys = keys.build().await.unwrap();
    let error = Issuer::new(keys.signer(), ISSUER, AUDIENCE).unwrap_err();
    let expected = ConfigError::LongerThanKeys {
        lifetime: 600,
        kept: 60,
    };
    assert_eq!(error, expected);
    let keys = RotatingKeys::in_memory(Algorithm::Es256)
        .build()
        .await
        .unwrap();
    let issuer = Issuer::new(keys.signer(), ISSUER, AUDIENCE).unwrap();
    let longer = issuer.insecure_long_lifetime(2 * DAY);
    assert!(matches!(longer, Err(ConfigError::LongerThanKeys { .. })));
}

#[tokio::test]
async fn the_published_set_can_be_kept_and_asked_for_again() {
    let time = at_now();
    let keys = RotatingKeys::in_memory(Algorithm::Es256).clock(time.clock());
    let keys = keys.build().await.unwrap();
    let service = PublishedKeys::new(keys.public()).unwrap();
    let send = async |method: Method, known: Option<&str>| {
        let mut request = Request::builder().method(method);
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        let request = request.body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    };
    let (head, body) = send(Method::GET, None).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.headers["content-type"], "application/jwk-set+json");
    assert_eq!(head.headers["cache-control"], "public, max-age=300");
    assert_eq!(head.headers["content-length"], body.len().to_string());
    let set: Value = serde_json::from_slice(&body).unwrap();
    for key in set["keys"].as_array().unwrap() {
        let members: HashSet<_> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let public = HashSet::from(["kty", "crv", "x", "y", "kid", "alg", "use"]);
        assert!(members.is_subset(&public), "{members:?}");
    }
    KeySet::from_json(str::from_utf8(&body).unwrap()).unwrap();

    let tag = head.headers["etag"].to_str().unwrap().to_owned();
    let (head, length) = send(Method::HEAD, None).await;
    assert_eq!((head.status, length.len()), (StatusCode::OK, 0));
    assert_eq!(head.headers["content-length"], body.len().to_string());
    for (name, known, status) in [
        ("the same", tag.clone(), StatusCode::NOT_MODIFIED),
        ("weakly", format!("W/{tag}"), StatusCode::NOT_MODIFIED),
        (
            "of several",
            format!("\"x\", {tag}"),
            StatusCode::NOT_MODIFIED,
        ),
        ("any", "*".to_owned(), StatusCode::NOT_MODIFIED),
        ("another", "\"x\"".to_owned(), StatusCode::OK),
    ] {
        let (head, body) = send(Method::GET, Some(&known)).await;
        assert_eq!(head.status, status, "{name}");
        assert_eq!(
            body.is_empty(),
            status == StatusCode::NOT_MODIFIED,
            "{name}"
        );
        assert_eq!(head.headers["etag"], tag, "{name}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let (head, body) = send(method, None).await;
        assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(head.headers["allow"], "GET, HEAD");
        assert!(body.is_empty());
    }
    time.advance(DAY);
    keys.rotate().await.unwrap();
    let (head, _) = send(Method::GET, Some(&tag)).await;
    assert_eq!(head.status, StatusCode::OK, "another set has another tag");
}

#[test]
fn what_nobody_publishes_is_refused_at_the_start() {
    let secret = KeySet::from(hs256().verifying_key());
    assert_eq!(
        PublishedKeys::new(secret).unwrap_err(),
        ConfigError::NothingToPublish
    );
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = PublishedKeys::new(KeySet::from(key.verifying_key())).unwrap();
    for (seconds, is_ok) in [(0, false), (1, true), (86_400, true), (86_401, false)] {
        let set = keys.clone().max_age(Duration::from_secs(seconds));
        assert_eq!(set.is_ok(), is_ok, "{seconds}");
    }
}
