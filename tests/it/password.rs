//! Passwords: the same work for everybody, bounded threads and memory, and the policy.

use portcullis::authn::password::{
    Argon2id, Cost, HashError, Mismatch, Parameters, PasswordError, PasswordHash, PasswordHasher,
    PasswordPolicy, PasswordScheme, PasswordVerifier, Passwords, Violation,
};
use portcullis::guard::Rejection;
use portcullis::secret::SecretString;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

const PASSWORD: &str = "nine purple lanterns drift";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn workers(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn fast() -> Argon2id {
    Argon2id::new(Parameters::insecure_fast_for_tests())
}

/// Counts hashing, holds it at a gate, and notes how much of it ran at one time.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Watch>);

#[derive(Debug)]
struct Watch {
    hasher: Argon2id,
    hashes: AtomicUsize,
    work_kib: AtomicU64,
    running: AtomicUsize,
    most_running: AtomicUsize,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            hasher: fast(),
            hashes: AtomicUsize::default(),
            work_kib: AtomicU64::default(),
            running: AtomicUsize::default(),
            most_running: AtomicUsize::default(),
            is_open: Mutex::new(true),
            opened: Condvar::new(),
        }
    }
}

impl Watched {
    fn with(hasher: Argon2id) -> Self {
        Self(Arc::new(Watch {
            hasher,
            ..Watch::default()
        }))
    }

    fn close(&self) {
        *self.0.is_open.lock().unwrap() = false;
    }

    fn open(&self) {
        *self.0.is_open.lock().unwrap() = true;
        self.0.opened.notify_all();
    }

    fn hashes(&self) -> usize {
        self.0.hashes.load(Ordering::SeqCst)
    }

    fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    fn watch<T>(&self, work_kib: u64, hash: impl FnOnce(&Argon2id) -> T) -> T {
        let watch = &self.0;
        watch.hashes.fetch_add(1, Ordering::SeqCst);
        watch.work_kib.fetch_add(work_kib, Ordering::SeqCst);
        let running = watch.running.fetch_add(1, Ordering::SeqCst) + 1;
        watch.most_running.fetch_max(running, Ordering::SeqCst);
        let gate = watch.is_open.lock().unwrap();
        drop(watch.opened.wait_while(gate, |is_open| !*is_open).unwrap());
        let answer = hash(&watch.hasher);
        watch.running.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

impl PasswordVerifier for Watched {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        self.0.hasher.cost(hash)
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let work = self.cost(hash).unwrap()?.work_kib();
        self.watch(work, |hasher| hasher.verify(hash, password))
    }
}

impl PasswordHasher for Watched {
    fn hash_cost(&self) -> Cost {
        self.0.hasher.hash_cost()
    }

    fn hash(&self, password: &[u8]) -> Result<PasswordHash, HashError> {
        let work = self.hash_cost().work_kib();
        self.watch(work, |hasher| hasher.hash(password))
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        PasswordHasher::is_current(&self.0.hasher, hash)
    }

    fn burn(&self, password: &[u8], work_kib: u64) -> Result<(), HashError> {
        self.watch(work_kib, |hasher| hasher.burn(password, work_kib))
    }
}

/// A hash of weaker parameters than `Parameters::OWASP`.
fn weak_hash() -> PasswordHash {
    fast().hash(PASSWORD.as_bytes()).unwrap()
}

#[test]
fn every_refusal_takes_the_same_work() {
    let parameters = Parameters::new(19_456, 2, 1).unwrap();
    let watched = Watched::with(Argon2id::new(parameters));
    let scheme = PasswordScheme::new(watched.clone());
    let current = PasswordScheme::new(Argon2id::new(parameters))
        .hash(&secret(PASSWORD))
        .unwrap();
    let tail = "$c29tZXNhbHRzb21lc2FsdA$Sr6N/nCmohWCvF7EZislLIdwA8ojCXux0K30ccqFS30";
    let costly = PasswordHash::from(format!("$argon2id$v=19$m=4194304,t=9,p=1{tail}"));
    let peppered = PasswordHash::from(format!("$argon2id$v=19$m=64,t=2,p=1,keyid=azE{tail}"));
    let weak = weak_hash();
    let too_long = "x".repeat(5000);
    let whole = parameters.memory_kib() * parameters.iterations();
    for (name, stored, password, mismatch, hashes) in [
        (
            "a wrong password",
            Some(&current),
            "wrong",
            Mismatch::WrongPassword,
            1,
        ),
        ("an unknown user", None, "wrong", Mismatch::NoHash, 1),
        (
            "an unknown user, decomposed",
            None,
            "e\u{301}",
            Mismatch::NoHash,
            2,
        ),
        (
            "a wrong password, decomposed",
            Some(&current),
            "e\u{301}",
            Mismatch::WrongPassword,
            2,
        ),
        (
            "no password",
            Some(&current),
            "",
            Mismatch::WrongPassword,
            1,
        ),
        (
            "a long one",
            Some(&current),
            &too_long,
            Mismatch::PasswordTooLong,
            1,
        ),
        (
            "a long one, unknown user",
            None,
            &too_long,
            Mismatch::PasswordTooLong,
            1,
        ),
        (
            "a weaker hash",
            Some(&weak),
            "wrong",
            Mismatch::WrongPassword,
            2,
        ),
        (
            "a broken hash",
            Some(&"$argon2id$x".into()),
            PASSWORD,
            Mismatch::MalformedHash,
            1,
        ),
        (
            "a foreign hash",
            Some(&"$2b$10$x".into()),
            PASSWORD,
            Mismatch::UnknownFormat,
            1,
        ),
        (
            "an empty hash",
            Some(&"".into()),
            "",
            Mismatch::UnknownFormat,
            1,
        ),
        (
            "a costly hash",
            Some(&costly),
            PASSWORD,
            Mismatch::HashTooCostly,
            1,
        ),
        (
            "a lost pepper",
            Some(&peppered),
            PASSWORD,
            Mismatch::PepperMismatch,
            1,
        ),
    ] {
        let before = (watched.hashes(), watched.0.work_kib.load(Ordering::SeqCst));
        let verification = scheme.verify(stored, &secret(password)).unwrap();
        assert_eq!(verification.outcome(), Err(mismatch), "{name}");
        assert!(
            !verification.is_accepted() && !verification.needs_rehash(),
            "{name}"
        );
        assert_eq!(watched.hashes() - before.0, hashes, "{name}");
        let candidates = if password == "e\u{301}" { 2 } else { 1 };
        let work = watched.0.work_kib.load(Ordering::SeqCst) - before.1;
        assert_eq!(work, u64::from(whole) * candidates, "{name}");
    }
}

#[test]
fn a_right_password_is_accepted_and_its_weak_hash_replaced() {
    let scheme = PasswordScheme::new(Argon2id::default());
    let verification = scheme
        .verify(Some(&weak_hash()), &secret(PASSWORD))
        .unwrap();
    assert!(verification.is_accepted() && verification.needs_rehash());
    let renewed = scheme.hash(&secret(PASSWORD)).unwrap();
    let verification = scheme.verify(Some(&renewed), &secret(PASSWORD)).unwrap();
    assert!(verification.is_accepted() && !verification.needs_rehash());
    assert_eq!(
        scheme.hash(&secret(&"x".repeat(4097))),
        Err(PasswordError::TooLong)
    );
}

#[test]
fn passwords_are_compared_in_normal_form_and_never_cut() {
    let scheme = PasswordScheme::new(fast());
    let composed = scheme.hash(&secret("pa\u{E9}sswords of ours")).unwrap();
    for (name, typed, expected) in [
        ("composed", "pa\u{E9}sswords of ours", true),
        ("decomposed", "pae\u{301}sswords of ours", true),
        ("without the accent", "paesswords of ours", false),
        ("another case", "Pa\u{E9}sswords of ours", false),
        ("a space more", "pa\u{E9}sswords of ours ", false),
    ] {
        let verification = scheme.verify(Some(&composed), &secret(typed)).unwrap();
        assert_eq!(verification.is_accepted(), expected, "{name}");
        assert!(!verification.needs_rehash(), "{name}");
    }
    // 72 bytes and NUL are where bcrypt ends.
    let long = format!("{}a\0b", "x".repeat(72));
    let hash = scheme.hash(&secret(&long)).unwrap();
    for other in [&long[..long.len() - 1], &format!("{}a", "x".repeat(72))] {
        assert!(
            !scheme
                .verify(Some(&hash), &secret(other))
                .unwrap()
                .is_accepted()
        );
    }
}

/// ASVS 5.0 6.2.8.
#[test]
fn a_password_is_verified_exactly_as_received_where_told() {
    let scheme = PasswordScheme::new(fast()).exactly_as_received();
    let long = format!("{}a\0b", "x".repeat(72));
    let all = [
        "pa\u{E9}sswords of ours",
        "pae\u{301}sswords of ours",
        "Pa\u{E9}sswords of ours",
        "paesswords of ours",
        "pa\u{E9}sswords of ours ",
        " pa\u{E9}sswords of ours",
        "pa\u{E9}sswords of ours\n",
        "\u{FB01}sh",
        "fish",
        &long,
        &long[..long.len() - 1],
        &long[..72],
    ];
    for stored in all {
        let hash = scheme.hash(&secret(stored)).unwrap();
        for typed in all {
            let verification = scheme.verify(Some(&hash), &secret(typed)).unwrap();
            let name = format!("{stored:?} and {typed:?}");
            assert_eq!(verification.is_accepted(), stored == typed, "{name}");
        }
    }
    let too_long = secret(&"x".repeat(4097));
    assert_eq!(scheme.hash(&too_long), Err(PasswordError::TooLong));
    assert!(!scheme.verify(None, &too_long).unwrap().is_accepted());
}

/// ASVS 5.0 6.2.4. The commonest of a length that the policy lets pass: of the lists that
/// `common.md` names, all that have it.
#[test]
fn the_3000_commonest_that_match_the_policy_are_refused() {
    let list = include_str!("../../src/authn/password/common.txt");
    let policy = PasswordPolicy::with_second_factor();
    let mut refused = 0;
    for common in list.lines().filter(|it| it.chars().count() >= 8) {
        for spelled in [common.to_owned(), common.to_uppercase()] {
            let found = policy.check(&secret(&spelled), []).unwrap_err();
            assert!(found.iter().any(|it| it == Violation::Common), "{spelled}");
        }
        refused += 1;
    }
    assert!(refused >= 3_000, "{refused}");
}

#[test]
fn a_hash_made_without_normalizing_is_accepted_once_more() {
    let raw = fast().hash("pae\u{301}sswords".as_bytes()).unwrap();
    let scheme = PasswordScheme::new(fast());
    let typed = secret("pae\u{301}sswords");
    let verification = scheme.verify(Some(&raw), &typed).unwrap();
    assert!(verification.is_accepted() && verification.needs_rehash());
}

/// Hashes that are a number of rounds and the password: `rounds:8:password`.
#[derive(Debug, Default)]
struct Rounds(AtomicU64);

impl Rounds {
    const USUAL: u64 = 8;

    fn read(hash: &PasswordHash) -> Option<(u64, &str)> {
        let (rounds, password) = hash.as_str().strip_prefix("rounds:")?.split_once(':')?;
        Some((rounds.parse().unwrap(), password))
    }
}

/// Shared with a test that counts.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<Rounds>);

impl PasswordVerifier for Counted {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        Rounds::read(hash).map(|_| Ok(Cost::new(1, 1)))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        let (rounds, expected) = Rounds::read(hash).unwrap();
        self.0.0.fetch_add(rounds, Ordering::SeqCst);
        Ok(expected.as_bytes() == password)
    }

    fn usual_cost(&self) -> Option<Cost> {
        Some(Cost::new(1 << 16, 1))
    }

    fn level(&self, _password: &[u8], spent: Option<&PasswordHash>) -> Result<(), HashError> {
        let spent = spent.and_then(Rounds::read).map_or(0, |(rounds, _)| rounds);
        self.0.0.fetch_add(Rounds::USUAL - spent, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn every_refusal_takes_the_work_of_all_formats() {
    let watched = Watched::with(fast());
    let counted = [Counted::default(), Counted::default()];
    let scheme = PasswordScheme::new(watched.clone())
        .also_verifying(counted[0].clone())
        .also_verifying(counted[1].clone());
    let current = scheme.hash(&secret(PASSWORD)).unwrap();
    let whole = fast().hash_cost().work_kib();
    for (name, stored, password, candidates) in [
        ("an unknown user", None, "wrong", 1),
        ("a new hash", Some(current), "wrong", 1),
        ("an old hash", Some("rounds:8:x".into()), "wrong", 1),
        ("a cheaper one", Some("rounds:3:x".into()), "wrong", 1),
        (
            "an old hash, decomposed",
            Some("rounds:3:x".into()),
            "e\u{301}",
            2,
        ),
        ("a broken hash", Some("$argon2id$x".into()), "wrong", 1),
        ("nobody's format", Some("x".into()), "wrong", 1),
    ] {
        let work = || {
            let own = watched.0.work_kib.load(Ordering::SeqCst);
            let [first, second] = [0, 1].map(|n: usize| counted[n].0.0.load(Ordering::SeqCst));
            [own, first, second]
        };
        let before = work();
        let stored: Option<PasswordHash> = stored;
        let verification = scheme.verify(stored.as_ref(), &secret(password)).unwrap();
        assert!(!verification.is_accepted(), "{name}");
        let after = work();
        let done = [0, 1, 2].map(|n| after[n] - before[n]);
        let expected = [whole, Rounds::USUAL, Rounds::USUAL].map(|work| work * candidates);
        assert_eq!(done, expected, "{name}");
    }
}

/// Stands for a format that an application brings with it.
#[derive(Debug)]
struct Reversed;

impl PasswordVerifier for Reversed {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        hash.as_str()
            .starts_with("reversed:")
            .then_some(Ok(Cost::new(8, 1)))
    }

    fn verify(&self, hash: &PasswordHash, password: &[u8]) -> Result<bool, HashError> {
        Ok(hash
            .as_str()
            .bytes()
            .skip(9)
            .eq(password.iter().rev().copied()))
    }
}

#[test]
fn another_format_is_verified_and_replaced() {
    let scheme = PasswordScheme::new(fast()).also_verifying(Reversed);
    let stored = PasswordHash::from("reversed:cba");
    let verification = scheme.verify(Some(&stored), &secret("abc")).unwrap();
    assert!(verification.is_accepted() && verification.needs_rehash());
    assert!(
        !scheme
            .verify(Some(&stored), &secret("abd"))
            .unwrap()
            .is_accepted()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_run_two_at_a_time() {
    let watched = Watched::default();
    let passwords = Passwords::builder()
        .scheme(PasswordScheme::new(watched.clone()))
        .workers(workers(2))
        .queue(98)
        .build()
        .unwrap();
    let stored = weak_hash();
    watched.close();
    let logins: Vec<_> = (0..100)
        .map(|number| {
            let (passwords, stored) = (passwords.clone(), stored.clone());
            let password = if number % 2 == 0 { PASSWORD } else { "wrong" };
            tokio::spawn(async move { passwords.verify(Some(&stored), &secret(password)).await })
        })
        .collect();
    until(|| watched.running() == 2).await;
    watched.open();
    for (number, login) in logins.into_iter().enumerate() {
        let verification = login.await.unwrap().unwrap();
        assert_eq!(verification.is_accepted(), number % 2 == 0, "{number}");
    }
    assert_eq!(watched.0.most_running.load(Ordering::SeqCst), 2);
    assert_eq!(watched.hashes(), 100);
}

/// Lets other tasks and threads go on until it is so.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// A pool of one thread, which is held at the gate with one caller, and a queue of one.
async fn held() -> (
    Passwords,
    Watched,
    tokio::task::JoinHandle<Result<PasswordHash, PasswordError>>,
) {
    let watched = Watched::default();
    let passwords = Passwords::builder()
        .scheme(PasswordScheme::new(watched.clone()))
        .workers(workers(1))
        .queue(1)
        .build()
        .unwrap();
    watched.close();
    let first = tokio::spawn({
        let passwords = passwords.clone();
        async move { passwords.hash(&secret("one")).await }
    });
    until(|| watched.running() == 1).await;
    (passwords, watched, first)
}

#[tokio::test]
async fn beyond_the_queue_it_is_503_at_once() {
    let (passwords, watched, first) = held().await;
    let (two, three) = (secret("two"), secret("three"));
    let mut second = Box::pin(passwords.hash(&two));
    assert!(futures_now(second.as_mut()).is_none());
    let refused = futures_now(std::pin::pin!(passwords.verify(None, &three)));
    assert_eq!(refused, Some(Err(PasswordError::Busy)));
    let rejection = Rejection::from(PasswordError::Busy);
    assert_eq!(rejection.status(), 503);
    assert_eq!(rejection.code(), "password_queue_full");
    assert_eq!(rejection.headers()["retry-after"], "2");

    // A caller who leaves makes room, and costs no hash.
    drop(second);
    let last = passwords.verify(None, &three);
    let mut last = Box::pin(last);
    assert!(futures_now(last.as_mut()).is_none());
    watched.open();
    assert!(first.await.unwrap().is_ok());
    assert!(!last.await.unwrap().is_accepted());
    assert_eq!(watched.hashes(), 2);
}

/// Polls once.
fn futures_now<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn shutting_down_ends_what_runs_and_gives_up_what_waits() {
    let (passwords, watched, first) = held().await;
    let waiting = tokio::spawn({
        let passwords = passwords.clone();
        async move { passwords.hash(&secret("two")).await }
    });
    let refused = |passwords: Passwords| async move { passwords.hash(&secret("x")).await };
    until(|| format!("{passwords:?}").contains("waiting: 1")).await;
    let ending = std::thread::spawn({
        let passwords = passwords.clone();
        move || passwords.shut_down()
    });
    assert_eq!(waiting.await.unwrap(), Err(PasswordError::ShutDown));
    assert_eq!(
        refused(passwords.clone()).await,
        Err(PasswordError::ShutDown)
    );
    watched.open();
    ending.join().unwrap();
    assert!(first.await.unwrap().is_ok());
    assert_eq!((watched.hashes(), watched.running()), (1, 0));
    // Twice does no harm.
    passwords.shut_down();
}

#[tokio::test]
async fn dropping_the_last_one_ends_the_threads() {
    let (passwords, watched, first) = held().await;
    first.abort();
    let _aborted = first.await;
    drop(passwords);
    watched.open();
    // Each thread holds the scheme's hasher as long as a task runs on it; then only we do.
    until(|| Arc::strong_count(&watched.0) == 1).await;
}

#[derive(Debug)]
struct Panics;

impl PasswordVerifier for Panics {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        hash.as_str()
            .starts_with("panic")
            .then_some(Ok(Cost::new(8, 1)))
    }

    fn verify(&self, _hash: &PasswordHash, _password: &[u8]) -> Result<bool, HashError> {
        panic!("a verifier with a fault")
    }
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_no_thread() {
    let passwords = Passwords::builder()
        .scheme(PasswordScheme::new(fast()).also_verifying(Panics))
        .workers(workers(1))
        .build()
        .unwrap();
    let stored = PasswordHash::from("panic");
    for _ in 0..3 {
        let failed = passwords.verify(Some(&stored), &secret("x")).await;
        assert_eq!(failed, Err(PasswordError::Failed));
    }
    assert!(passwords.hash(&secret("x")).await.is_ok());
    assert_eq!(Rejection::from(PasswordError::Failed).status(), 503);
}

/// Claims to need far more memory than two hashes.
#[derive(Clone, Debug)]
struct Hungry(Watched);

impl PasswordVerifier for Hungry {
    fn cost(&self, hash: &PasswordHash) -> Option<Result<Cost, HashError>> {
        hash.as_str()
            .starts_with("hungry")
            .then_some(Ok(Cost::new(1 << 20, 1)))
    }

    fn verify(&self, _hash: &PasswordHash, _password: &[u8]) -> Result<bool, HashError> {
        self.0.watch(0, |_| Ok(true))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_needs_more_memory_than_all_runs_alone() {
    let hungry = Hungry(Watched::default());
    let passwords = Passwords::builder()
        .scheme(PasswordScheme::new(fast()).also_verifying(hungry.clone()))
        .workers(workers(4))
        .build()
        .unwrap();
    let logins: Vec<_> = (0..20)
        .map(|_| {
            let passwords = passwords.clone();
            let stored = PasswordHash::from("hungry");
            tokio::spawn(async move { passwords.verify(Some(&stored), &secret("x")).await })
        })
        .collect();
    for login in logins {
        assert!(login.await.unwrap().unwrap().is_accepted());
    }
    assert_eq!(hungry.0.0.most_running.load(Ordering::SeqCst), 1);
}

#[test]
fn the_pool_needs_no_runtime_of_its_own() {
    let passwords = Passwords::builder()
        .scheme(PasswordScheme::new(fast()))
        .build()
        .unwrap();
    let password = secret(PASSWORD);
    let mut hashing = Box::pin(passwords.hash(&password));
    let hash = loop {
        match futures_now(hashing.as_mut()) {
            Some(hash) => break hash.unwrap(),
            None => std::thread::yield_now(),
        }
    };
    assert!(hash.as_str().starts_with("$argon2id$"));
}

#[test]
fn the_policy_is_that_of_nist() {
    let alone = PasswordPolicy::only_factor().about(["Portcullis"]);
    let beside = PasswordPolicy::with_second_factor().about(["Portcullis"]);
    let emoji = "👍🎈🌲🎻🧭🪁".repeat(3);
    let about = ["ann.smith@example.com", "Ann Smith"];
    use Violation::{
        Common, ContextWord, Repetitive, Sequential, TooLong, TooShort, UnassignedCharacter,
    };
    for (name, policy, password, expected) in [
        ("empty", &alone, "", &[TooShort(15)][..]),
        ("14 characters", &alone, "nine purple la", &[TooShort(15)]),
        ("15 characters", &alone, "nine purple lan", &[]),
        ("8 beside a second factor", &beside, "nine pur", &[]),
        (
            "7 beside a second factor",
            &beside,
            "nine pu",
            &[TooShort(8)],
        ),
        (
            "no kinds of characters asked for",
            &alone,
            "correcthorsebatterystaple",
            &[],
        ),
        ("spaces alone count", &alone, "a b c d e f g hi", &[]),
        (
            "code points count, not bytes",
            &beside,
            "🎈🌲🎻🧭",
            &[TooShort(8)],
        ),
        (
            "decomposed counts as composed",
            &beside,
            "e\u{301}a\u{301}i\u{301}o\u{301}u\u{301}",
            &[TooShort(8)],
        ),
        ("emoji over and over", &alone, &emoji, &[Repetitive]),
        ("common", &beside, "password", &[Common]),
        ("common in another case", &beside, "PassWord1", &[Common]),
        ("common twice", &beside, "passwordpassword", &[Common]),
        (
            "common twice, alone",
            &alone,
            "passwordpassword",
            &[Common, Repetitive],
        ),
        ("common and long", &alone, "manchesterunited", &[Common]),
        (
            "common, a walk over the keyboard",
            &alone,
            "1qaz2wsx3edc4rfv",
            &[Common, Sequential],
        ),
        ("a walk alone", &alone, "ujmnhytgbvfredcx", &[Sequential]),
        (
            "common and a year",
            &alone,
            "manchesterunited 1999",
            &[Common],
        ),
        ("two common ones", &alone, "iloveyou-princess", &[Common]),
        ("three", &alone, "iloveyou my princess", &[]),
        ("the service", &alone, "portcullis-2026", &[ContextWord]),
        ("the user", &alone, "AnnSmith-smith-9", &[ContextWord]),
        (
            "the address",
            &alone,
            "ann.smith@example.com",
            &[ContextWord],
        ),
        ("one character", &beside, "aaaaaaaa", &[Common, Repetitive]),
        ("digits", &beside, "12345678", &[Common, Sequential]),
        ("letters", &beside, "abcdefgh", &[Common, Sequential]),
        ("backward", &alone, "zyxwvutsrqponmlk", &[Sequential]),
        (
            "a character without a meaning",
            &beside,
            "lanterns\u{378}",
            &[UnassignedCharacter],
        ),
        ("64 characters", &alone, &LONG[..64], &[]),
        ("256 characters", &alone, &LONG[..256], &[]),
        ("257 characters", &alone, &LONG[..257], &[TooLong(256)]),
        (
            "a whole book",
            &alone,
            &"long ".repeat(1_000_000),
            &[TooLong(256)],
        ),
    ] {
        let found = policy.check(&secret(password), about);
        let found = found.err().map(|found| found.iter().collect::<Vec<_>>());
        assert_eq!(found.unwrap_or_default(), expected, "{name}");
    }
}

/// 260 characters that are no pattern.
const LONG: &str = "the lantern keeper walked along a quiet shore while gulls argued over bread, \
    and nobody in town could say which of them had started it; by noon a barrel had rolled off \
    the pier, a dog had claimed it, and the baker swore he would move inland before next winter, or so";

#[test]
fn violations_become_field_errors() {
    let found = PasswordPolicy::default()
        .check(&secret("aaaaaaaa"), [])
        .unwrap_err();
    let rejection = Rejection::invalid(found.at("/password"));
    let shown: Vec<_> = rejection
        .errors()
        .iter()
        .map(|e| (&*e.pointer, &*e.code))
        .collect();
    let expected = [
        ("/password", "password_too_short"),
        ("/password", "password_common"),
        ("/password", "password_repetitive"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(rejection.errors()[0].message, "use at least 15 characters");
}

#[test]
fn a_policy_is_never_weaker_than_the_standard() {
    let policy = PasswordPolicy::only_factor().at_least(3);
    assert!(policy.check(&secret("nine purple la"), []).is_err());
    assert!(PasswordPolicy::only_factor().at_most(63).is_err());
    assert!(PasswordPolicy::only_factor().at_most(1025).is_err());
    let roomy = PasswordPolicy::only_factor().at_most(1024).unwrap();
    assert!(roomy.check(&secret(&LONG[..260]), []).is_ok());
}
