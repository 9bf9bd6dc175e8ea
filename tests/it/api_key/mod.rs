//! API keys over a real stack: made, used, rotated, revoked; stolen, guessed, mistyped.

mod limits;
mod races;

use crate::support::Spy;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use portcullis::authn::api_key::{ApiKeyError, ApiKeys, ConfigError, CreatedApiKey, NewApiKey};
use portcullis::authn::authenticate::{AuthenticateLayer, Authenticator};
use portcullis::authn::step_up::{RequireRecent, Unmet};
use portcullis::clock::{Clock, FakeClock};
use portcullis::event::{Emitter, EventKind, RecentEvents, SecurityEvent};
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::monitor::MonitorLayer;
use portcullis::principal::{Authentication, Principal};
use portcullis::store::{
    Change, Collection, MemoryRecords, Record, Records, RecordsBackend, StoreError, StoreErrorKind,
    StoreFuture, Version,
};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::{ServiceBuilder, ServiceExt};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KEYS: Collection = Collection::new("api-key");

/// Records in memory that fail when told, and remember what was written.
#[derive(Clone, Debug, Default)]
struct Backend {
    memory: MemoryRecords,
    fails: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    written: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Backend {
    fn answer<T>(&self, answer: impl FnOnce() -> StoreFuture<T>) -> StoreFuture<T> {
        if self.fails.load(Ordering::SeqCst) {
            return StoreError::new(StoreErrorKind::Unavailable, "as it was told").into();
        }
        answer()
    }
}

impl RecordsBackend for Backend {
    fn get(&self, collection: Collection, id: &[u8]) -> StoreFuture<Option<Record>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.answer(|| self.memory.get(collection, id))
    }

    fn list(
        &self,
        collection: Collection,
        owner: Option<&[u8]>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>> {
        self.answer(|| self.memory.list(collection, owner, after, limit))
    }

    fn commit(&self, changes: &[Change<'_>]) -> StoreFuture<Version> {
        use portcullis::store::Action;
        for change in changes {
            if let Action::Insert { value, .. } | Action::Update { value, .. } = change.action() {
                let mut written = self.written.lock().unwrap();
                written.push([change.id(), value].concat());
            }
        }
        self.answer(|| self.memory.commit(changes))
    }
}

struct House {
    time: FakeClock,
    backend: Backend,
    keys: ApiKeys,
    events: Arc<RecentEvents>,
}

impl House {
    fn new() -> Self {
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let backend = Backend::default();
        let events = Arc::new(RecentEvents::new(10_000));
        let keys = ApiKeys::new(Records::new(backend.clone()), "acme_live").unwrap();
        let emitter = Emitter::new(events.clone(), Clock::system());
        Self {
            keys: keys.clock(time.clock()).telling(emitter),
            time,
            backend,
            events,
        }
    }

    /// Somebody who has logged in.
    fn person(&self, id: &str) -> Principal {
        Principal::new(id, Authentication::new(self.time.clock().now()))
    }

    async fn create(&self, owner: &str, scopes: &[&str]) -> CreatedApiKey {
        let asked = NewApiKey::new("ci").scopes(scopes.iter().copied());
        self.keys.create(&self.person(owner), &asked).await.unwrap()
    }

    async fn rotate(
        &self,
        owner: &str,
        id: &str,
        overlap: Duration,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let owner = self.person(owner);
        self.keys.rotate(&owner, id, overlap).await
    }

    async fn send(&self, headers: &[(&str, &[u8])]) -> Answer {
        self.send_to(self.keys.clone(), headers).await
    }

    async fn send_to(&self, keys: impl Authenticator, headers: &[(&str, &[u8])]) -> Answer {
        let spy = Spy::default();
        let seen = spy.clone();
        let service = ServiceBuilder::new()
            .layer(MonitorLayer::only(self.events.clone()))
            .layer(AuthenticateLayer::new(keys))
            .service_fn(move |request: Request<()>| {
                let seen = seen.clone();
                async {
                    let principal = request.extensions().get::<Principal>().cloned();
                    let mut response = seen.oneshot(request).await?;
                    response.extensions_mut().insert(Arc::new(principal));
                    Ok::<_, Infallible>(response)
                }
            });
        let mut request = Request::new(());
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().append(name, value);
        }
        let response = service.oneshot(request).await.unwrap();
        let extensions = response.extensions();
        let principal = extensions.get::<Arc<Option<Principal>>>();
        Answer {
            status: response.status(),
            calls: spy.calls(),
            code: extensions
                .get::<Rejection>()
                .map(|rejection| rejection.code().to_owned()),
            principal: principal.and_then(|principal| (**principal).clone()),
            headers: response.headers().clone(),
        }
    }

    /// The principal that a request with this key has, or the code of its refusal.
    async fn use_key(&self, text: &str) -> Result<Principal, String> {
        let answer = self.send(&[("x-api-key", text.as_bytes())]).await;
        assert_eq!(answer.calls, usize::from(answer.status == StatusCode::OK));
        answer.principal.ok_or(answer.code.unwrap_or_default())
    }

    /// Whoever came by a key did not log in, however new the key is.
    fn is_never_recent(&self, principal: &Principal) {
        let required = RequireRecent::within(366 * DAY).clock(self.time.clock());
        assert_eq!(required.met_by(principal), Err(Unmet::Age));
    }

    fn heard(&self, kind: EventKind) -> Vec<SecurityEvent> {
        let events = self.events.snapshot().into_iter();
        events.filter(|event| event.kind() == kind).collect()
    }
}

struct Answer {
    status: StatusCode,
    calls: usize,
    code: Option<String>,
    principal: Option<Principal>,
    headers: HeaderMap,
}

#[tokio::test]
async fn a_key_is_made_and_used() {
    let house = House::new();
    let ann = house.person("ann").with_tenant("acme").with_role("admin");
    let asked = NewApiKey::new("nightly build")
        .scopes(["builds:read", "builds:start"])
        .expires_in(30 * DAY);
    let created = house.keys.create(&ann, &asked).await.unwrap();
    let text = created.text().expose();
    assert!(text.starts_with("acme_live_") && text.len() == 77, "{text}");
    assert!(text.contains(created.key().id()));

    house.time.advance(DAY);
    let principal = house.use_key(text).await.unwrap();
    assert_eq!(principal.id(), "ann");
    assert_eq!(principal.tenant(), Some("acme"));
    assert_eq!(principal.roles().len(), 0, "roles are for principal_by");
    let scopes: Vec<_> = principal.scopes().unwrap().collect();
    assert_eq!(scopes, ["builds:read", "builds:start"]);
    let proof = principal.authentication();
    assert_eq!(proof.credential(), Some(created.key().id()));
    house.is_never_recent(&principal);
    assert!(proof.methods().is_empty() && proof.assurance().is_none());

    let bearer = format!("bearer  {text}");
    let answer = house.send(&[("authorization", bearer.as_bytes())]).await;
    assert_eq!(answer.principal.unwrap().id(), "ann");

    let listed = house.keys.list("ann").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name(), "nightly build");
    assert_eq!(listed[0].last_used(), Some(house.time.clock().now()));
    assert_eq!(listed[0].expires().since(listed[0].created()), 30 * DAY);
    let shown = format!("{created:?} {listed:?} {:?}", house.keys);
    let shown = shown + &serde_json::to_string(&listed).unwrap();
    let secret = text.split('_').nth(3).unwrap();
    assert!(!shown.contains(secret));
    let told = house.heard(EventKind::AuthnTokenCreated);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject(), Some("ann"));
}

#[tokio::test]
async fn the_records_hold_nothing_that_a_key_could_be_made_of() {
    let house = House::new();
    let created = house.create("ann", &["a"]).await;
    house.use_key(created.text().expose()).await.unwrap();
    let secret = created.text().expose().split('_').nth(3).unwrap();
    let written = house.backend.written.lock().unwrap();
    assert!(written.len() >= 3);
    for value in written.iter() {
        assert!(!String::from_utf8_lossy(value).contains(secret));
    }
}

#[tokio::test]
async fn hostile_keys_reach_nobody() {
    let house = House::new();
    let key = house.create("ann", &["a"]).await.text().expose().to_owned();
    let other = house
        .create("mallory", &["a"])
        .await
        .text()
        .expose()
        .to_owned();
    let parts: Vec<_> = key.split('_').collect();
    let with_checksum = |id: &str, secret: &str| {
        let covered = format!("acme_live_{id}_{secret}");
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(covered.as_bytes());
        format!("{covered}_{}", base62(crc))
    };
    assert_eq!(with_checksum(parts[2], parts[3]), key, "the form is public");
    let others: Vec<_> = other.split('_').collect();
    let unknown = with_checksum(&"0".repeat(16), parts[3]);
    let wrong = with_checksum(parts[2], &"0".repeat(43));
    let mixed = with_checksum(parts[2], others[3]);
    let typo = key.replacen(
        &parts[3][..1],
        if parts[3].starts_with('x') { "y" } else { "x" },
        1,
    );
    let bearer = |text: &str| format!("Bearer {text}").into_bytes();
    let plain = |text: &str| vec![("x-api-key", text.as_bytes().to_vec())];
    let (invalid, malformed) = (Some("invalid_api_key"), Some("malformed_api_key"));
    let duplicate = Some("duplicate_api_key");
    let cases: Vec<(&str, Vec<(&str, Vec<u8>)>, u16, Option<&str>)> = vec![
        ("the honest one", plain(&key), 200, None),
        (
            "as bearer",
            vec![("authorization", bearer(&key))],
            200,
            None,
        ),
        ("none", vec![], 401, Some("unauthenticated")),
        ("unknown id", plain(&unknown), 401, invalid),
        ("wrong secret", plain(&wrong), 401, invalid),
        ("the secret of another", plain(&mixed), 401, invalid),
        ("a slip of the pen", plain(&typo), 401, malformed),
        ("empty", plain(""), 401, malformed),
        (
            "another prefix",
            plain(&key.replace("live", "test")),
            401,
            malformed,
        ),
        ("cut", plain(&key[..76]), 401, malformed),
        ("not ASCII", plain("acme_live_ä"), 401, malformed),
        (
            "not text",
            vec![("x-api-key", b"\xff".to_vec())],
            401,
            malformed,
        ),
        ("oversize", plain(&"a".repeat(1 << 20)), 401, malformed),
        (
            "two headers",
            vec![plain(&key).remove(0), plain(&key).remove(0)],
            400,
            duplicate,
        ),
        (
            "two ways",
            vec![plain(&key).remove(0), ("authorization", bearer(&key))],
            400,
            duplicate,
        ),
        (
            "two bearers",
            vec![
                ("authorization", bearer(&key)),
                ("authorization", bearer(&other)),
            ],
            400,
            duplicate,
        ),
        (
            "a bearer token of others is none of ours",
            vec![("authorization", bearer("eyJhbGciOiJub25lIn0.e30."))],
            401,
            Some("unauthenticated"),
        ),
        (
            "another scheme",
            vec![("authorization", format!("Basic {key}").into_bytes())],
            401,
            Some("unauthenticated"),
        ),
        (
            "beside a signature it names the key of that",
            vec![plain(&key).remove(0), ("x-signature", b"x".to_vec())],
            401,
            Some("unauthenticated"),
        ),
        (
            "a bad one beside it is not looked at",
            vec![
                plain("acme-key-id").remove(0),
                ("x-signature", b"x".to_vec()),
            ],
            401,
            Some("unauthenticated"),
        ),
    ];
    for (name, headers, status, code) in cases {
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, &v[..])).collect();
        let answer = house.send(&headers).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        assert_eq!(answer.code.as_deref(), code, "{name}");
        assert_eq!(answer.calls, usize::from(status == 200), "{name}");
        let challenged = answer.headers.contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(challenged, status == 401, "{name}");
    }
}

/// Six digits, the highest first.
fn base62(mut number: u32) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [0u8; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}

#[tokio::test]
async fn a_mistyped_key_costs_no_look_up_and_an_unknown_one_the_same_as_a_known_one() {
    let house = House::new();
    let key = house.create("ann", &["a"]).await.text().expose().to_owned();
    let reads = || house.backend.reads.swap(0, Ordering::SeqCst);
    reads();
    let typo = if key.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{typo}", &key[..76]);
    assert_eq!(house.use_key(&typo).await.unwrap_err(), "malformed_api_key");
    assert_eq!(reads(), 0);
    house.use_key(&key).await.unwrap();
    assert_eq!(reads(), 1);
    let id = key.split('_').nth(2).unwrap().to_owned();
    house.keys.revoke("ann", &id).await.unwrap();
    reads();
    assert_eq!(house.use_key(&key).await.unwrap_err(), "invalid_api_key");
    assert_eq!(reads(), 1);
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once() {
    let house = House::new();
    let key = house.create("ann", &["a"]).await;
    let (text, id) = (key.text().expose(), key.key().id());
    house.use_key(text).await.unwrap();
    assert!(
        !house.keys.revoke("bob", id).await.unwrap(),
        "somebody else's"
    );
    assert!(!house.keys.revoke("ann", "x").await.unwrap());
    assert!(!house.keys.revoke("ann", &"x".repeat(10_000)).await.unwrap());
    house.use_key(text).await.unwrap();
    assert!(house.keys.revoke("ann", id).await.unwrap());
    assert_eq!(house.use_key(text).await.unwrap_err(), "invalid_api_key");
    assert!(!house.keys.revoke("ann", id).await.unwrap(), "once");
    assert_eq!(house.heard(EventKind::AuthnTokenRevoked).len(), 1);

    let mut texts = Vec::new();
    for _ in 0..30 {
        texts.push(house.create("ann", &[]).await.text().expose().to_owned());
    }
    let bob = house.create("bob", &[]).await;
    assert_eq!(house.keys.revoke_all("ann").await.unwrap(), 30);
    for text in texts {
        assert!(house.use_key(&text).await.is_err());
    }
    house.use_key(bob.text().expose()).await.unwrap();
}

#[tokio::test]
async fn a_key_expires() {
    let house = House::new();
    let key = house.create("ann", &["a"]).await;
    house.time.advance(90 * DAY - Duration::from_secs(1));
    house.use_key(key.text().expose()).await.unwrap();
    house.time.advance(Duration::from_secs(1));
    let code = house.use_key(key.text().expose()).await.unwrap_err();
    assert_eq!(code, "expired_api_key");
    let told = house.heard(EventKind::AuthnTokenFail);
    assert_eq!(told.last().unwrap().subject(), Some("ann"));
}

#[tokio::test]
async fn a_rotated_key_lives_on_for_the_overlap() {
    let house = House::new();
    let old = house.create("ann", &["a", "b"]).await;
    let id = old.key().id();
    house.time.advance(10 * DAY);
    let new = house.rotate("ann", id, 2 * DAY).await.unwrap();
    assert_ne!(new.key().id(), id);
    assert_eq!(new.key().name(), "ci");
    assert_eq!(new.key().scopes().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(new.key().expires().since(new.key().created()), 90 * DAY);
    for key in [&old, &new] {
        house.use_key(key.text().expose()).await.unwrap();
    }
    let again = house.rotate("ann", id, DAY).await;
    assert!(
        matches!(again.unwrap_err(), ApiKeyError::NotRotatable),
        "once"
    );
    let listed = house.keys.list("ann").await.unwrap();
    let replaced = listed.iter().find(|key| key.id() == id).unwrap();
    assert_eq!(replaced.replaced_by(), Some(new.key().id()));
    house.time.advance(2 * DAY);
    let code = house.use_key(old.text().expose()).await.unwrap_err();
    assert_eq!(code, "expired_api_key");
    house.use_key(new.text().expose()).await.unwrap();

    // Zero ends it at once; nobody rotates what is not theirs, or is over.
    let bob = house.rotate("bob", new.key().id(), DAY).await;
    assert!(matches!(bob.unwrap_err(), ApiKeyError::NotFound));
    let next = house.rotate("ann", new.key().id(), Duration::ZERO);
    let next = next.await.unwrap();
    assert!(house.use_key(new.text().expose()).await.is_err());
    let long = house.rotate("ann", next.key().id(), 31 * DAY).await;
    assert!(matches!(long.unwrap_err(), ApiKeyError::OverlapTooLong(_)));
    house.time.advance(365 * DAY);
    let late = house.rotate("ann", next.key().id(), DAY).await;
    assert!(matches!(late.unwrap_err(), ApiKeyError::NotRotatable));
}

#[tokio::test]
async fn an_overlap_prolongs_nothing() {
    let house = House::new();
    let old = house.create("ann", &[]).await;
    house.time.advance(89 * DAY);
    let rotated = house.rotate("ann", old.key().id(), 30 * DAY);
    let _new = rotated.await.unwrap();
    house.time.advance(DAY);
    assert!(house.use_key(old.text().expose()).await.is_err());
}

#[tokio::test]
async fn nobody_gives_away_what_they_do_not_have() {
    let house = House::new();
    let status = |error: ApiKeyError| Rejection::from(error).status();
    // An OAuth client of Ann's, limited to reading.
    let limited = house.person("ann").with_scopes(["builds:read"]);
    let asked = |scopes: &[&str]| NewApiKey::new("x").scopes(scopes.iter().copied());
    let granted = house.keys.create(&limited, &asked(&["builds:read"])).await;
    let key = granted.unwrap();
    let both = asked(&["builds:read", "builds:start"]);
    let more = house.keys.create(&limited, &both).await;
    assert_eq!(status(more.unwrap_err()), StatusCode::FORBIDDEN);
    let wide = house.create("ann", &["builds:start"]).await;
    let rotated = house.keys.rotate(&limited, wide.key().id(), DAY).await;
    assert_eq!(status(rotated.unwrap_err()), StatusCode::FORBIDDEN);

    // A key that leaked makes no others, and replaces none but itself.
    let by_key = house.use_key(key.text().expose()).await.unwrap();
    let made = house.keys.create(&by_key, &asked(&["builds:read"])).await;
    assert_eq!(status(made.unwrap_err()), StatusCode::FORBIDDEN);
    let wide = house.keys.rotate(&by_key, wide.key().id(), DAY).await;
    assert_eq!(status(wide.unwrap_err()), StatusCode::FORBIDDEN);
    assert!(
        house
            .keys
            .rotate(&by_key, key.key().id(), DAY)
            .await
            .is_ok()
    );
    // Its owner is the principal, whatever else was asked.
    assert!(house.keys.list("bob").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_field_by_field() {
    let house = House::new();
    let asked = NewApiKey::new("").scopes(["a b"]).expires_in(1_000 * DAY);
    let error = house
        .keys
        .create(&house.person("ann"), &asked)
        .await
        .unwrap_err();
    let rejection = Rejection::from(error);
    assert_eq!(rejection.kind(), RejectionKind::Invalid);
    let pointers: Vec<_> = rejection
        .errors()
        .iter()
        .map(|e| e.pointer.to_string())
        .collect();
    assert_eq!(pointers, ["/name", "/scopes", "/expires_in"]);
}

#[tokio::test]
async fn the_keys_of_an_owner_are_bounded_and_expired_ones_give_way() {
    let house = House::new();
    let keys = house.keys.clone().max_per_owner(3).unwrap();
    let ann = house.person("ann");
    let short = NewApiKey::new("short").expires_in(DAY);
    let long = NewApiKey::new("long").expires_in(30 * DAY);
    for asked in [&short, &short, &long] {
        let _created = keys.create(&ann, asked).await.unwrap();
    }
    let refused = keys.create(&ann, &long).await.unwrap_err();
    assert!(matches!(refused, ApiKeyError::LimitReached(3)));
    assert_eq!(Rejection::from(refused).status(), StatusCode::CONFLICT);
    let _others = keys.create(&house.person("bob"), &long).await.unwrap();
    let kept = keys.list("ann").await.unwrap();
    let kept = kept.iter().find(|key| key.name() == "long").unwrap();
    let rotated = keys.rotate(&ann, kept.id(), DAY).await.unwrap_err();
    assert!(
        matches!(rotated, ApiKeyError::LimitReached(3)),
        "no way around it"
    );
    house.time.advance(DAY);
    let _third = keys.create(&ann, &long).await.unwrap();
    let names = keys.list("ann").await.unwrap();
    assert!(names.iter().all(|key| key.name() == "long"));
    assert_eq!(names.len(), 2, "both expired ones went");
}

#[tokio::test]
async fn use_is_written_down_now_and_then_and_revives_nothing() {
    let house = House::new();
    let key = house.create("ann", &[]).await;
    let written = || house.backend.written.lock().unwrap().len();
    let before = written();
    for _ in 0..4 {
        house.use_key(key.text().expose()).await.unwrap();
        house.time.advance(MINUTE);
    }
    assert_eq!(written(), before + 1);
    house.time.advance(MINUTE);
    house.use_key(key.text().expose()).await.unwrap();
    assert_eq!(written(), before + 2);
}

#[tokio::test]
async fn the_principal_is_completed_by_the_application() {
    let house = House::new();
    let keys = house
        .keys
        .clone()
        .principal_by(async |principal: Principal, key| {
            tokio::task::yield_now().await;
            match principal.id() {
                "disabled" => Err(Rejection::new(RejectionKind::Unauthenticated)),
                // Roles of today; and somebody forgot the scopes.
                "careless" => Ok(Principal::new(
                    "careless",
                    principal.authentication().clone(),
                )),
                _ => Ok(principal
                    .with_role("editor")
                    .with_attribute("key", key.name())),
            }
        });
    let used = async |owner: &str| {
        let key = house.create(owner, &["a"]).await;
        let header = key.text().expose().as_bytes();
        house.send_to(keys.clone(), &[("x-api-key", header)]).await
    };
    let ann = used("ann").await.principal.unwrap();
    assert!(ann.has_role("editor"));
    assert_eq!(ann.attribute("key").unwrap(), "ci");
    let careless = used("careless").await.principal.unwrap();
    assert_eq!(careless.scopes().unwrap().collect::<Vec<_>>(), ["a"]);
    let disabled = used("disabled").await;
    assert_eq!(
        (disabled.status, disabled.calls),
        (StatusCode::UNAUTHORIZED, 0)
    );
}

#[tokio::test]
async fn when_the_records_fail_the_answer_is_503() {
    let house = House::new();
    let key = house.create("ann", &[]).await;
    house.backend.fails.store(true, Ordering::SeqCst);
    let header = key.text().expose().as_bytes();
    let answer = house.send(&[("x-api-key", header)]).await;
    assert_eq!(
        (answer.status, answer.calls),
        (StatusCode::SERVICE_UNAVAILABLE, 0)
    );
    let ann = house.person("ann");
    let asked = NewApiKey::new("x");
    let failed = [
        house.keys.create(&ann, &asked).await.map(drop),
        house.keys.rotate(&ann, key.key().id(), DAY).await.map(drop),
        house.keys.list("ann").await.map(drop),
        house.keys.revoke("ann", key.key().id()).await.map(drop),
        house.keys.revoke_all("ann").await.map(drop),
    ];
    for failed in failed {
        let status = Rejection::from(failed.unwrap_err()).status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    house.backend.fails.store(false, Ordering::SeqCst);
    house.use_key(key.text().expose()).await.unwrap();
}

#[tokio::test]
async fn a_key_of_another_kind_and_a_record_that_was_tampered_with_let_nobody_in() {
    let house = House::new();
    let key = house.create("ann", &["a"]).await;
    let id = key.key().id();
    let records = Records::new(house.backend.clone());
    let text = key.text().expose();
    for (name, change, status) in [
        ("a signing key", ("\"bearer\"", "\"signing\""), 401),
        ("no kind", ("\"kind\":\"bearer\",", ""), 503),
        ("no hash", ("\"hash\"", "\"hush\""), 503),
        (
            "another owner is another record",
            ("\"ann\"", "\"admin\""),
            200,
        ),
    ] {
        let record = records.get(KEYS, id).await.unwrap().unwrap();
        let honest = String::from_utf8(record.value().to_vec()).unwrap();
        let changed = honest.replace(change.0, change.1);
        assert_ne!(honest, changed, "{name}");
        let version = records
            .update(KEYS, id, record.version(), changed.as_bytes())
            .await
            .unwrap();
        let answer = house.send(&[("x-api-key", text.as_bytes())]).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        let version = match records.get(KEYS, id).await.unwrap() {
            Some(record) => record.version(),
            None => version,
        };
        records
            .update(KEYS, id, version, honest.as_bytes())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_key_for_tests_is_none_for_live() {
    let house = House::new();
    let records = Records::new(house.backend.clone());
    let tests = ApiKeys::new(records, "acme_test").unwrap();
    let tests = tests.clock(house.time.clock());
    let asked = NewApiKey::new("x");
    let key = tests.create(&house.person("ann"), &asked).await.unwrap();
    let covered = key.text().expose().replace("test", "live");
    let covered = &covered[..covered.len() - 7];
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(covered.as_bytes());
    let forged = format!("{covered}_{}", base62(crc));
    assert_eq!(house.use_key(&forged).await.unwrap_err(), "invalid_api_key");
}

#[test]
fn mistakes_are_told() {
    let keys = |prefix: &str| ApiKeys::new(Records::memory(), prefix);
    let error = keys("Acme Live").unwrap_err();
    assert_eq!(error, ConfigError::Prefix("Acme Live".to_owned()));
    assert!(error.to_string().contains("acme_live"));
    let acme = || keys("acme").unwrap();
    assert_eq!(
        acme().max_per_owner(0).unwrap_err(),
        ConfigError::LimitOutOfRange(0)
    );
    assert_eq!(
        acme().max_per_owner(501).unwrap_err(),
        ConfigError::LimitOutOfRange(501)
    );
    assert_eq!(
        acme().max_lifetime(Duration::ZERO).unwrap_err(),
        ConfigError::LifetimeZero
    );
}
