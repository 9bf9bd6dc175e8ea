//! One-time passwords of apps: over records in memory and behind a network, by many at once.

use crate::support::{CountedRecords, race};
use http::header::WWW_AUTHENTICATE;
use portcullis::authn::totp::{Algorithm, ConfigError, Enrollment, Status, Totp, TotpError};
use portcullis::authn::{LockOut, Refusal};
use portcullis::clock::FakeClock;
use portcullis::crypto::field::{FieldCipher, FieldColumn};
use portcullis::crypto::keyring::{Key, Keyring, LiveKeyring};
use portcullis::event::EventKind;
use portcullis::guard::Rejection;
use portcullis::store::{Collection, Records};
use std::time::Duration;

const RECORDS: Collection = Collection::new("totp");
const STEP: Duration = Duration::from_secs(30);
const ANN: &str = "user-17";

fn sealer() -> FieldColumn {
    let fields = FieldCipher::new(Keyring::generate(), "test");
    fields.column("authenticators", "secret").unwrap()
}

/// The service, its time and its records.
struct World {
    totp: Totp,
    time: FakeClock,
    counted: CountedRecords,
    records: Records,
}

impl World {
    fn new() -> Self {
        Self::with(sealer())
    }

    fn with(sealer: FieldColumn) -> Self {
        let time = FakeClock::at_unix_seconds(1_700_000_010);
        let counted = CountedRecords::default();
        let records = Records::new(counted.clone());
        let builder = Totp::builder("Shop", records.clone(), sealer);
        let totp = builder.clock(time.clock()).build().unwrap();
        Self {
            totp,
            time,
            counted,
            records,
        }
    }

    /// What the app shows now, or so many steps from now.
    fn code(&self, enrollment: &Enrollment, steps: i64) -> String {
        let secret = totp_rs::Secret::try_from_base32(enrollment.secret().expose()).unwrap();
        let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        let now = self.time.clock().now().unix_seconds();
        app.generate(now.saturating_add_signed(30 * steps))
            .to_string()
    }

    /// A code that the app shows at no time near.
    fn wrong(&self, enrollment: &Enrollment) -> String {
        let near: Vec<_> = (-80..80)
            .map(|steps| self.code(enrollment, steps))
            .collect();
        let mut all = (0..1_000_000).map(|number| format!("{number:06}"));
        all.find(|code| !near.contains(code)).unwrap()
    }

    /// A user whose authenticator is confirmed, a step ago.
    async fn enrolled(&self, user: &str) -> Enrollment {
        let enrollment = self.totp.enroll(user, "ann@example.com").await.unwrap();
        let code = self.code(&enrollment, 0);
        self.totp.confirm(user, &code).await.unwrap();
        self.time.advance(STEP);
        enrollment
    }

    async fn verify(&self, user: &str, code: &str) -> Result<(), Refusal> {
        refusal(self.totp.verify(user, code).await)
    }

    async fn confirm(&self, user: &str, code: &str) -> Result<(), Refusal> {
        refusal(self.totp.confirm(user, code).await)
    }

    async fn status(&self, user: &str) -> Status {
        self.totp.status(user).await.unwrap()
    }
}

fn refusal(found: Result<(), TotpError>) -> Result<(), Refusal> {
    match found {
        Ok(()) => Ok(()),
        Err(TotpError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn the_life_of_an_authenticator() {
    let world = World::new();
    assert_eq!(world.status(ANN).await, Status::Absent);
    let enrollment = world.totp.enroll(ANN, "ann@example.com").await.unwrap();
    assert_eq!(world.status(ANN).await, Status::Pending);
    let code = world.code(&enrollment, 0);
    assert_eq!(
        world.verify(ANN, &code).await,
        Err(Refusal::Absent),
        "not confirmed"
    );
    let wrong = world.wrong(&enrollment);
    assert_eq!(world.confirm(ANN, &wrong).await, Err(Refusal::Wrong));
    assert_eq!(world.confirm(ANN, &code).await, Ok(()));
    assert_eq!(world.status(ANN).await, Status::Active);
    assert_eq!(
        world.verify(ANN, &code).await,
        Err(Refusal::Used),
        "by the confirmation"
    );
    assert_eq!(
        world.confirm(ANN, &code).await,
        Err(Refusal::Absent),
        "nothing waits"
    );

    world.time.advance(STEP);
    let spaced = world.code(&enrollment, 0);
    let spaced = format!(" {} {}", &spaced[..3], &spaced[3..]);
    assert_eq!(world.verify(ANN, &spaced).await, Ok(()));
    assert_eq!(world.verify(ANN, &spaced).await, Err(Refusal::Used));
    assert_eq!(
        world.verify(ANN, &code).await,
        Err(Refusal::Used),
        "and the older one"
    );

    assert!(world.totp.remove(ANN).await.unwrap());
    assert!(!world.totp.remove(ANN).await.unwrap());
    world.time.advance(STEP);
    let code = world.code(&enrollment, 0);
    assert_eq!(world.verify(ANN, &code).await, Err(Refusal::Absent));
}

#[tokio::test]
async fn a_new_authenticator_replaces_the_old_one_when_it_is_confirmed() {
    let world = World::new();
    let old = world.enrolled(ANN).await;
    let lost = world.totp.enroll(ANN, "").await.unwrap();
    let new = world.totp.enroll(ANN, "").await.unwrap();
    assert_eq!(
        world.verify(ANN, &world.code(&new, 0)).await,
        Err(Refusal::Wrong)
    );
    assert_eq!(world.verify(ANN, &world.code(&old, 0)).await, Ok(()));
    assert_eq!(
        world.confirm(ANN, &world.code(&lost, 0)).await,
        Err(Refusal::Wrong)
    );
    assert_eq!(world.confirm(ANN, &world.code(&new, 0)).await, Ok(()));
    world.time.advance(STEP);
    assert_eq!(
        world.verify(ANN, &world.code(&old, 0)).await,
        Err(Refusal::Wrong)
    );
    assert_eq!(world.verify(ANN, &world.code(&new, 0)).await, Ok(()));
}

#[tokio::test]
async fn an_enrollment_does_not_wait_forever() {
    let world = World::new();
    let enrollment = world.totp.enroll(ANN, "ann").await.unwrap();
    world.time.advance(Duration::from_secs(15 * 60));
    assert_eq!(world.status(ANN).await, Status::Absent);
    let code = world.code(&enrollment, 0);
    assert_eq!(world.confirm(ANN, &code).await, Err(Refusal::Absent));
}

/// 200 rounds: 16 bring one code, and one gets in.
async fn one_gets_in(confirms: bool, records: Records) {
    let time = FakeClock::at_unix_seconds(1_700_000_010);
    let counted = CountedRecords::default();
    let builder = Totp::builder("Shop", records.clone(), sealer());
    let totp = builder.clock(time.clock()).build().unwrap();
    let world = World {
        totp,
        time,
        counted,
        records,
    };
    for round in 0..200 {
        let user = format!("user-{round}");
        let enrollment = if confirms {
            world.totp.enroll(&user, "").await.unwrap()
        } else {
            world.enrolled(&user).await
        };
        let code = world.code(&enrollment, 0);
        let found = race(16, |_| {
            let (totp, user, code) = (world.totp.clone(), user.clone(), code.clone());
            async move {
                refusal(if confirms {
                    totp.confirm(&user, &code).await
                } else {
                    totp.verify(&user, &code).await
                })
            }
        })
        .await;
        let winners = found.iter().filter(|found| found.is_ok()).count();
        assert_eq!(winners, 1, "round {round}: {found:?}");
        let loser = if confirms {
            Refusal::Absent
        } else {
            Refusal::Used
        };
        let losers = found.iter().filter(|found| **found == Err(loser)).count();
        assert_eq!(losers, 15, "round {round}: {found:?}");
        // None of them counts as a guess.
        world.time.advance(STEP);
        let next = world.code(&enrollment, 0);
        assert_eq!(world.verify(&user, &next).await, Ok(()), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_code_one_gets_in() {
    one_gets_in(false, Records::memory()).await;
    one_gets_in(false, Records::new(CountedRecords::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_code_one_confirms() {
    one_gets_in(true, Records::memory()).await;
    one_gets_in(true, Records::new(CountedRecords::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_good_codes_each_gets_in_at_most_once() {
    let world = World::new();
    for round in 0..200 {
        let user = format!("user-{round}");
        let enrollment = world.enrolled(&user).await;
        world.time.advance(STEP);
        let codes: Vec<_> = (-1..=1)
            .map(|steps| world.code(&enrollment, steps))
            .collect();
        let found = race(15, |runner| {
            let (totp, user) = (world.totp.clone(), user.clone());
            let code = codes[runner % 3].clone();
            async move { (runner % 3, totp.verify(&user, &code).await.is_ok()) }
        })
        .await;
        for which in 0..3 {
            let entered = found
                .iter()
                .filter(|found| **found == (which, true))
                .count();
            assert!(
                entered <= 1,
                "round {round}: code {which} got in {entered} times"
            );
        }
        assert!(found.iter().any(|(_, entered)| *entered), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_are_no_more_than_guesses_in_a_row() {
    let world = World::new();
    for round in 0..50 {
        let user = format!("user-{round}");
        let enrollment = world.enrolled(&user).await;
        let wrong = world.wrong(&enrollment);
        let found = race(40, |_| {
            let (totp, user, wrong) = (world.totp.clone(), user.clone(), wrong.clone());
            async move { refusal(totp.verify(&user, &wrong).await) }
        })
        .await;
        for (refusal, expected) in [
            (Refusal::Wrong, 4),
            (Refusal::LockedNow, 1),
            (Refusal::Locked, 35),
        ] {
            let count = found.iter().filter(|found| **found == Err(refusal)).count();
            assert_eq!(count, expected, "round {round}: {refusal:?}");
        }
    }
}

#[tokio::test]
async fn a_lock_survives_everything_but_its_time_and_an_administrator() {
    let world = World::new();
    let enrollment = world.enrolled(ANN).await;
    let wrong = world.wrong(&enrollment);
    for expected in [Refusal::Wrong; 4] {
        assert_eq!(world.verify(ANN, &wrong).await, Err(expected));
    }
    assert_eq!(world.verify(ANN, &wrong).await, Err(Refusal::LockedNow));
    let right = world.code(&enrollment, 0);
    assert_eq!(
        world.verify(ANN, &right).await,
        Err(Refusal::Locked),
        "also the right one"
    );
    let _another = world.totp.enroll(ANN, "").await.unwrap();
    assert_eq!(
        world.verify(ANN, &right).await,
        Err(Refusal::Locked),
        "enrolling unlocks nothing"
    );

    world.time.advance(Duration::from_secs(60));
    assert_eq!(
        world.verify(ANN, &wrong).await,
        Err(Refusal::LockedNow),
        "one try, two minutes"
    );
    world.time.advance(Duration::from_secs(119));
    let right = world.code(&enrollment, 0);
    assert_eq!(world.verify(ANN, &right).await, Err(Refusal::Locked));
    world.time.advance(Duration::from_secs(1));
    let right = world.code(&enrollment, 0);
    assert_eq!(world.verify(ANN, &right).await, Ok(()));
    assert_eq!(
        world.verify(ANN, &wrong).await,
        Err(Refusal::Wrong),
        "it begins anew"
    );

    // 99 more, each as soon as may be, and then no time helps.
    for _ in 0..99 {
        world.time.advance(Duration::from_secs(24 * 60 * 60));
        let _counted = world.verify(ANN, &world.wrong(&enrollment)).await;
    }
    world
        .time
        .advance(Duration::from_secs(10 * 365 * 24 * 60 * 60));
    let right = world.code(&enrollment, 0);
    assert_eq!(world.verify(ANN, &right).await, Err(Refusal::Locked));
    world.totp.unlock(ANN).await.unwrap();
    assert_eq!(world.verify(ANN, &right).await, Ok(()));
    world.totp.unlock("nobody").await.unwrap();
}

#[tokio::test]
async fn a_device_far_off_gets_in_by_two_codes_in_a_row() {
    let world = World::new();
    let enrollment = world.enrolled(ANN).await;
    assert_eq!(
        world.verify(ANN, &world.code(&enrollment, 7)).await,
        Err(Refusal::Wrong)
    );
    world.time.advance(STEP);
    assert_eq!(world.verify(ANN, &world.code(&enrollment, 7)).await, Ok(()));
    world.time.advance(STEP);
    assert_eq!(
        world.verify(ANN, &world.code(&enrollment, 7)).await,
        Ok(()),
        "from now on"
    );
}

#[tokio::test]
async fn nobody_learns_who_has_a_second_factor() {
    let world = World::new();
    let enrollment = world.enrolled(ANN).await;
    let _waiting = world.totp.enroll("waiting", "").await.unwrap();
    let wrong = world.wrong(&enrollment);
    world.counted.trips();
    for user in [ANN, "waiting", "nobody", "", "x\0y"] {
        let error = world.totp.verify(user, &wrong).await.unwrap_err();
        assert_eq!(world.counted.trips(), ["get", "commit"], "{user:?}");
        assert_eq!(error.to_string(), "the code was refused");
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), 401, "{user:?}");
        assert_eq!(rejection.code(), "wrong_code", "{user:?}");
        assert_eq!(rejection.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(rejection.event(), Some(EventKind::AuthnLoginFail));
    }
    // Neither does a replay, a lock, or text that is no code, show by the trips.
    world
        .verify(ANN, &world.code(&enrollment, 0))
        .await
        .unwrap();
    world.counted.trips();
    let replay = world.code(&enrollment, 0);
    let codes = [
        &*replay,
        "",
        "12345",
        "1234567",
        "abcdef",
        "+12345",
        "١٢٣٤٥٦",
        &"9".repeat(99),
    ];
    for code in codes.iter().chain(&codes) {
        assert!(world.verify(ANN, code).await.is_err(), "{code}");
        assert_eq!(world.counted.trips(), ["get", "commit"], "{code}");
    }
}

#[tokio::test]
async fn an_id_that_no_store_takes_is_our_mistake() {
    let world = World::new();
    let long = "x".repeat(513);
    let error = world.totp.verify(&long, "123456").await.unwrap_err();
    assert_eq!(Rejection::from(error).status(), 500);
}

#[test]
fn what_happened_is_told_to_the_operator() {
    for (refusal, event) in [
        (Refusal::Wrong, EventKind::AuthnLoginFail),
        (Refusal::Used, EventKind::AuthnTokenReuse),
        (Refusal::Locked, EventKind::AuthnLoginFailMax),
        (Refusal::LockedNow, EventKind::AuthnLoginLock),
    ] {
        let rejection = Rejection::from(TotpError::Refused(refusal));
        assert_eq!(rejection.event(), Some(event), "{refusal:?}");
    }
}

#[tokio::test]
async fn without_the_records_nobody_gets_in() {
    let world = World::new();
    let enrollment = world.enrolled(ANN).await;
    let code = world.code(&enrollment, 0);
    world.counted.set_down(true);
    let error = world.totp.verify(ANN, &code).await.unwrap_err();
    assert_eq!(Rejection::from(error).status(), 503);
    assert!(world.totp.enroll(ANN, "").await.is_err());
    world.counted.set_down(false);
    assert_eq!(world.verify(ANN, &code).await, Ok(()));
}

#[tokio::test]
async fn a_record_is_of_one_user_and_shows_no_secret() {
    let world = World::new();
    let enrollment = world.enrolled(ANN).await;
    let record = world.records.get(RECORDS, ANN).await.unwrap().unwrap();
    let text = String::from_utf8(record.value().to_vec()).unwrap();
    assert!(!text.contains(enrollment.secret().expose()), "{text}");

    // Who can write records cannot give his authenticator to another.
    world
        .records
        .insert(RECORDS, "victim", record.value())
        .await
        .unwrap();
    let code = world.code(&enrollment, 0);
    let error = world.totp.verify("victim", &code).await.unwrap_err();
    assert!(matches!(error, TotpError::Sealed(_)), "{error:?}");
    let rejection = Rejection::from(error);
    assert_eq!(rejection.status(), 500);
    assert_eq!(rejection.event(), Some(EventKind::CryptDecryptFail));

    for broken in [
        "",
        "{",
        "[1]",
        r#"{"active":{}}"#,
        r#"{"attempts":{"failed":-1}}"#,
    ] {
        let version = world
            .records
            .get(RECORDS, "victim")
            .await
            .unwrap()
            .unwrap()
            .version();
        let update = world
            .records
            .update(RECORDS, "victim", version, broken.as_bytes());
        update.await.unwrap();
        let error = world.totp.verify("victim", &code).await.unwrap_err();
        assert!(matches!(error, TotpError::Corrupt), "{broken}: {error:?}");
        assert_eq!(Rejection::from(error).status(), 500);
    }
}

#[tokio::test]
async fn secrets_move_to_a_new_key() {
    let (old, new) = (Key::generate(), Key::generate());
    let keyring = LiveKeyring::new(Keyring::new(old.clone()));
    let fields = FieldCipher::new(keyring.clone(), "test");
    let world = World::with(fields.column("authenticators", "secret").unwrap());
    let enrollment = world.enrolled(ANN).await;
    let both = Keyring::new(old).with_key(new.clone()).unwrap();
    keyring.replace(both.promote(new.id()).unwrap());
    world.totp.reseal(ANN).await.unwrap();
    world.totp.reseal("nobody").await.unwrap();
    keyring.replace(Keyring::new(new));
    assert_eq!(world.verify(ANN, &world.code(&enrollment, 0)).await, Ok(()));
    assert_eq!(world.verify("nobody", "123456").await, Err(Refusal::Absent));
}

#[tokio::test]
async fn other_parameters_stay_with_the_authenticator() {
    let (time, records, sealer) = (
        FakeClock::at_unix_seconds(1_700_000_000),
        Records::memory(),
        sealer(),
    );
    let builder = || Totp::builder("Shop", records.clone(), sealer.clone()).clock(time.clock());
    let strong = builder()
        .algorithm(Algorithm::Sha256)
        .digits(8)
        .period(20)
        .build()
        .unwrap();
    let enrollment = strong.enroll(ANN, "ann").await.unwrap();
    let uri = enrollment.uri().expose();
    assert!(
        uri.ends_with("&algorithm=SHA256&digits=8&period=20"),
        "{uri}"
    );
    let app = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA256)
        .with_digits(8)
        .with_step_duration(20)
        .with_secret(totp_rs::Secret::try_from_base32(enrollment.secret().expose()).unwrap())
        .build()
        .unwrap();
    strong
        .confirm(ANN, &app.generate(1_700_000_000).to_string())
        .await
        .unwrap();
    time.advance(Duration::from_secs(20));
    let code = app.generate(1_700_000_020).to_string();
    let usual = builder().build().unwrap();
    usual.verify(ANN, &code).await.unwrap();
    assert!(
        strong.verify(ANN, &code).await.is_err(),
        "both know that it was used"
    );
}

#[test]
fn misconfiguration_is_told_at_the_start() {
    let builder = |issuer: &str| Totp::builder(issuer, Records::memory(), sealer());
    for (name, found, expected) in [
        (
            "no issuer",
            builder(" ").build(),
            "must be 1 to 64 bytes long",
        ),
        ("a colon", builder("a:b").build(), "without colons"),
        ("a line", builder("a\nb").build(), "control characters"),
        (
            "long",
            builder(&"x".repeat(65)).build(),
            "must be 1 to 64 bytes long",
        ),
        (
            "few digits",
            builder("a").digits(5).build(),
            "6 to 8 digits, not 5",
        ),
        (
            "many digits",
            builder("a").digits(10).build(),
            "6 to 8 digits, not 10",
        ),
        (
            "no step",
            builder("a").period(0).build(),
            "15 to 30 seconds, not 0",
        ),
        (
            "long steps",
            builder("a").period(60).build(),
            "15 to 30 seconds, not 60",
        ),
        ("wide", builder("a").window(3).build(), "at most 2 steps"),
        ("far", builder("a").drift(61).build(), "at most 60 steps"),
    ] {
        let error: ConfigError = found.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    let policy = LockOut::standard().at(3);
    assert!(
        builder("a")
            .lock_out(policy)
            .window(0)
            .drift(0)
            .build()
            .is_ok()
    );
}
