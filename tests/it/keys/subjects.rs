//! Keys of single subjects, made, found, and destroyed for good.

use portcullis::clock::FakeClock;
use portcullis::crypto::field::{Encrypted, FieldCipher};
use portcullis::crypto::kek::{KekErrorKind, LocalKek, ScriptedKek};
use portcullis::crypto::keyring::{Key, Keyring, LiveKeyring};
use portcullis::crypto::subject::{SubjectErrorKind, SubjectKeys};
use portcullis::store::{Collection, Records};
use std::time::Duration;
use tokio::task::JoinSet;

const KEYS: Collection = Collection::new("subject-key");

fn subjects() -> (SubjectKeys, Records, ScriptedKek) {
    let (records, kek) = (Records::memory(), ScriptedKek::new());
    let subjects = SubjectKeys::new(records.clone(), kek.clone());
    (subjects, records, kek)
}

fn seal(ring: Keyring) -> Encrypted<String> {
    let notes = FieldCipher::new(ring, "clinic").column("notes", "text");
    notes.unwrap().seal("allergic to penicillin", 7).unwrap()
}

fn opens(ring: Keyring, sealed: &Encrypted<String>) -> bool {
    let notes = FieldCipher::new(ring, "clinic").column("notes", "text");
    notes.unwrap().open(sealed, 7).is_ok()
}

#[tokio::test]
async fn each_has_one_key() {
    let (subjects, records, kek) = subjects();
    let unknown = subjects.get("ann").await.unwrap_err();
    assert_eq!(unknown.kind(), SubjectErrorKind::Unknown);
    let ann = subjects.get_or_create("ann").await.unwrap();
    assert_eq!(subjects.get_or_create("ann").await.unwrap(), ann);
    assert_eq!(subjects.get("ann").await.unwrap(), ann);
    let bob = subjects.get_or_create("bob").await.unwrap();
    assert_ne!(bob.primary().id(), ann.primary().id());
    assert!(opens(ann.clone(), &seal(ann.clone())) && !opens(bob, &seal(ann.clone())));
    assert_eq!(
        (kek.wraps(), kek.unwraps()),
        (2, 2),
        "the rest came from the cache"
    );
    // Another process finds the same.
    let other = SubjectKeys::new(records, kek);
    assert_eq!(other.get("ann").await.unwrap(), ann);
}

#[tokio::test]
async fn who_is_erased_stays_erased() {
    let (subjects, records, kek) = subjects();
    let other = SubjectKeys::new(records.clone(), kek);
    let sealed = seal(subjects.get_or_create("ann").await.unwrap());
    assert!(subjects.destroy("ann").await.unwrap());
    assert!(!subjects.destroy("ann").await.unwrap(), "again");
    assert!(!subjects.destroy("nobody").await.unwrap(), "had none");
    for subjects in [&subjects, &other] {
        for subject in ["ann", "nobody"] {
            for gone in [
                subjects.get(subject).await,
                subjects.get_or_create(subject).await,
            ] {
                assert_eq!(gone.unwrap_err().kind(), SubjectErrorKind::Erased);
            }
        }
    }
    // Nothing of the key is left in the record.
    let record = records.get(KEYS, "ann").await.unwrap().unwrap();
    assert_eq!(record.value().len(), 10);
    let bob = subjects.get_or_create("bob").await.unwrap();
    assert!(!opens(bob, &sealed));
}

#[tokio::test]
async fn another_process_notices_within_the_age_of_its_cache() {
    let (records, kek) = (Records::memory(), ScriptedKek::new());
    let time = FakeClock::at_unix_seconds(1_790_000_000);
    let minute = Duration::from_secs(60);
    let process = || {
        let subjects = SubjectKeys::new(records.clone(), kek.clone());
        subjects.max_age(minute).clock(time.clock())
    };
    let (one, other) = (process(), process());
    one.get_or_create("ann").await.unwrap();
    other.get("ann").await.unwrap();
    one.destroy("ann").await.unwrap();
    assert!(one.get("ann").await.is_err(), "at once");
    assert!(other.get("ann").await.is_ok(), "from its cache");
    time.advance(minute);
    let gone = other.get("ann").await.unwrap_err();
    assert_eq!(gone.kind(), SubjectErrorKind::Erased);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_make_one_key() {
    for _ in 0..50 {
        let (records, kek) = (Records::memory(), ScriptedKek::new());
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            // Each a process of its own.
            let subjects = SubjectKeys::new(records.clone(), kek.clone());
            asking.spawn(async move { subjects.get_or_create("ann").await.unwrap() });
        }
        let keys = asking.join_all().await;
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn destroying_beats_making() {
    for _ in 0..50 {
        let (subjects, ..) = subjects();
        let mut racing = JoinSet::new();
        for at in 0..8 {
            let subjects = subjects.clone();
            racing.spawn(async move {
                if at % 4 == 0 {
                    subjects
                        .destroy("ann")
                        .await
                        .map(drop)
                        .map_err(|error| error.kind())
                } else {
                    let made = subjects.get_or_create("ann").await;
                    made.map(drop).map_err(|error| error.kind())
                }
            });
        }
        for outcome in racing.join_all().await {
            assert!(
                matches!(outcome, Ok(()) | Err(SubjectErrorKind::Erased)),
                "{outcome:?}"
            );
        }
        let end = subjects.get_or_create("ann").await.unwrap_err();
        assert_eq!(end.kind(), SubjectErrorKind::Erased);
    }
}

#[tokio::test]
async fn one_subjects_key_is_of_no_use_in_anothers_place() {
    let (subjects, records, _) = subjects();
    for subject in ["ann", "bob"] {
        subjects.get_or_create(subject).await.unwrap();
    }
    let ann = records.get(KEYS, "ann").await.unwrap().unwrap();
    let bob = records.get(KEYS, "bob").await.unwrap().unwrap();
    let update = records.update(KEYS, "bob", bob.version(), ann.value());
    update.await.unwrap();
    // Without what was cached.
    let (fresh, kind) = (subjects.clone(), SubjectErrorKind::Refused);
    let time = FakeClock::at_unix_seconds(0);
    let fresh = fresh.clock(time.clock()).max_age(Duration::ZERO);
    assert_eq!(fresh.get("bob").await.unwrap_err().kind(), kind);
    let bob = records.get(KEYS, "bob").await.unwrap().unwrap();
    records
        .update(KEYS, "bob", bob.version(), b"nonsense")
        .await
        .unwrap();
    assert_eq!(fresh.get("bob").await.unwrap_err().kind(), kind);
}

#[tokio::test]
async fn a_kek_out_of_reach_is_told_and_tried_again() {
    let (subjects, _, kek) = subjects();
    kek.fail_next([KekErrorKind::Unavailable]);
    let error = subjects.get_or_create("ann").await.unwrap_err();
    assert_eq!(error.kind(), SubjectErrorKind::Unavailable);
    assert!(subjects.get_or_create("ann").await.is_ok());
    let long = "x".repeat(513);
    let error = subjects.get_or_create(&long).await.unwrap_err();
    assert_eq!(error.kind(), SubjectErrorKind::Refused);
}

#[tokio::test]
async fn keys_are_wrapped_anew_page_by_page() {
    let records = Records::memory();
    let ring = LiveKeyring::new(Keyring::generate());
    let subjects = SubjectKeys::new(records.clone(), LocalKek::new(ring.clone()));
    let names: Vec<_> = (0..7).map(|at| format!("subject-{at}")).collect();
    let mut keys = Vec::new();
    for name in &names {
        keys.push(subjects.get_or_create(name).await.unwrap());
    }
    subjects.destroy(&names[3]).await.unwrap();
    let (old, new) = (ring.current().primary().id(), Key::generate());
    let id = new.id();
    ring.replace(ring.current().with_key(new).unwrap().promote(id).unwrap());

    let mut after = None;
    let (mut rewrapped, mut tombstones) = (0, 0);
    loop {
        let page = subjects.rewrap(after.as_deref(), 3).await.unwrap();
        assert!(page.problems.is_empty());
        rewrapped += page.rewrapped;
        tombstones += page.tombstones;
        match page.last {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    assert_eq!((rewrapped, tombstones), (6, 1));
    ring.replace(ring.current().destroy(old).unwrap());
    let fresh = SubjectKeys::new(records, LocalKek::new(ring));
    for (at, name) in names.iter().enumerate() {
        match fresh.get(name).await {
            Ok(key) => assert_eq!(key, keys[at]),
            Err(error) => assert_eq!((at, error.kind()), (3, SubjectErrorKind::Erased)),
        }
    }
}

#[tokio::test]
async fn one_bad_record_does_not_hold_up_the_others() {
    let records = Records::memory();
    let ring = LiveKeyring::new(Keyring::generate());
    let subjects = SubjectKeys::new(records.clone(), LocalKek::new(ring.clone()));
    for name in ["ann", "bob", "cat", "dan", "eve"] {
        subjects.get_or_create(name).await.unwrap();
    }
    let version = async |name| records.get(KEYS, name).await.unwrap().unwrap().version();
    let ann = records.get(KEYS, "ann").await.unwrap().unwrap();
    // Another's key, nonsense, and a name that is no text.
    let moved = records.update(KEYS, "bob", version("bob").await, ann.value());
    moved.await.unwrap();
    let nonsense = records.update(KEYS, "cat", version("cat").await, b"nonsense");
    nonsense.await.unwrap();
    records.insert(KEYS, b"\xFF", ann.value()).await.unwrap();
    let (old, new) = (ring.current().primary().id(), Key::generate());
    let id = new.id();
    ring.replace(ring.current().with_key(new).unwrap().promote(id).unwrap());

    let done = subjects.rewrap(None, 100).await.unwrap();
    assert_eq!((done.rewrapped, done.contended), (3, 0));
    assert_eq!(done.last.as_deref(), Some(&b"\xFF"[..]));
    let bad: Vec<_> = done.problems.iter().map(|it| &it.id[..]).collect();
    assert_eq!(bad, [&b"bob"[..], b"cat", b"\xFF"]);
    for problem in &done.problems {
        assert_eq!(problem.error.kind(), SubjectErrorKind::Refused);
    }
    ring.replace(ring.current().destroy(old).unwrap());
    let fresh = SubjectKeys::new(records.clone(), LocalKek::new(ring));
    for name in ["ann", "dan", "eve"] {
        assert!(fresh.get(name).await.is_ok(), "{name}");
    }
    assert!(
        subjects
            .rewrap(done.last.as_deref(), 9)
            .await
            .unwrap()
            .last
            .is_none()
    );
}

#[tokio::test]
async fn a_kek_out_of_reach_stops_a_rewrap_and_is_no_problem_of_a_record() {
    let (subjects, _, kek) = subjects();
    for name in ["ann", "bob"] {
        subjects.get_or_create(name).await.unwrap();
    }
    kek.fail_next([KekErrorKind::Unavailable]);
    let error = subjects.rewrap(None, 9).await.unwrap_err();
    assert_eq!(error.kind(), SubjectErrorKind::Unavailable);
    kek.fail_next([KekErrorKind::Refused]);
    let done = subjects.rewrap(None, 9).await.unwrap();
    assert_eq!((done.rewrapped, done.problems.len()), (1, 1));
}
