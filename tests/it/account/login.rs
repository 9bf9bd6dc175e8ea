//! Logging in: the same bytes and the same work for everybody who is refused.

use super::*;
use portcullis::authn::account::Parts;
use portcullis::authn::password::foreign::Bcrypt;
use portcullis::event::SecurityEvent;
use std::num::NonZeroUsize;

/// A hash that another program made of `FOREIGN_PASSWORD`.
const FOREIGN: &str = "$2b$04$hv82QC3rhmxu3eVWb90zQebslWUPmmCCX0RRIK0G0eTSzbDeg9ctK";
const FOREIGN_PASSWORD: &str = "correct horse battery staple";

struct Watched {
    house: House,
    own: Counted<Argon2id>,
    foreign: Counted<Bcrypt>,
}

fn watched() -> Watched {
    let (own, foreign) = (
        Counted::of(fast()),
        Counted::of(Bcrypt::up_to_cost(4).unwrap()),
    );
    let scheme = PasswordScheme::new(own.clone()).also_verifying(foreign.clone());
    let house = House::with(scheme, |outbox| outbox);
    Watched {
        house,
        own,
        foreign,
    }
}

impl Watched {
    fn hash(&self) -> PasswordHash {
        PasswordScheme::new(fast()).hash(&secret(PASSWORD)).unwrap()
    }

    /// One account of each kind.
    async fn populate(&self) {
        let house = &self.house;
        let open = |account: Account| account.with_password(self.hash()).with_verified_email();
        house.put(ANN, open).await;
        house.put("locked@example.com", open).await;
        let disabled = house.put("disabled@example.com", open).await;
        house.life.disable(disabled.id()).await.unwrap();
        let unverified = |account: Account| account.with_password(self.hash());
        house.put("unverified@example.com", unverified).await;
        house
            .put("password-less@example.com", Account::with_verified_email)
            .await;
        for (email, hash) in [
            ("foreign@example.com", FOREIGN),
            ("broken@example.com", "$argon2id$broken"),
            ("unknown-format@example.com", "plain text"),
        ] {
            let with = |account: Account| {
                account
                    .with_password(PasswordHash::from(hash))
                    .with_verified_email()
            };
            house.put(email, with).await;
        }
        for number in 100..200 {
            let (email, wrong) = ("locked@example.com", secret(WRONG));
            let attempt = house.login.check(email, &wrong, client(number), None);
            if let Err(AccountError::Throttled(_)) = attempt.await {
                house.time.advance(Duration::from_secs(31));
            }
        }
        let _settled = house.post.take().await;
        self.own.work();
        self.foreign.work();
    }
}

#[tokio::test]
async fn who_is_refused_learns_nothing_and_it_takes_the_same_work() {
    let watched = watched();
    watched.populate().await;
    let house = &watched.house;
    let known = house.check(ANN, WRONG).await.unwrap_err();
    let (bytes, code) = (seen(known), "wrong_password");
    assert!(
        bytes.starts_with("401 Unauthorized wrong_credentials"),
        "{bytes}"
    );
    let work = (watched.own.work(), watched.foreign.work());
    assert_eq!(work, (1, 1), "one hash of each format");
    for (name, email, password, expected) in [
        ("known", ANN, WRONG, code),
        ("known, by capitals", " ANN@example.com ", WRONG, code),
        ("unknown", "nobody@example.com", WRONG, "unknown_account"),
        ("no address", "nobody", WRONG, "unknown_account"),
        ("nothing", "", "", "unknown_account"),
        ("locked", "locked@example.com", WRONG, "locked"),
        ("locked, right", "locked@example.com", PASSWORD, "locked"),
        (
            "disabled",
            "disabled@example.com",
            WRONG,
            "disabled_account",
        ),
        (
            "disabled, right",
            "disabled@example.com",
            PASSWORD,
            "disabled_account",
        ),
        (
            "unverified",
            "unverified@example.com",
            WRONG,
            "unverified_account",
        ),
        (
            "unverified, right",
            "unverified@example.com",
            PASSWORD,
            "unverified_account",
        ),
        (
            "password-less",
            "password-less@example.com",
            PASSWORD,
            "no_hash",
        ),
        ("foreign", "foreign@example.com", WRONG, code),
        ("broken", "broken@example.com", PASSWORD, "malformed_hash"),
        (
            "unknown format",
            "unknown-format@example.com",
            PASSWORD,
            "unknown_format",
        ),
        ("too long", ANN, &"x".repeat(10_000), "password_too_long"),
    ] {
        let error = house
            .login
            .check(email, &secret(password), client(2), None)
            .await
            .unwrap_err();
        let AccountError::Refused(refused) = &error else {
            panic!("{name}: {error:?}");
        };
        assert_eq!(refused.code(), expected, "{name}");
        assert_eq!(seen(error), bytes, "{name}");
        let work = (watched.own.work(), watched.foreign.work());
        assert_eq!(work, (1, 1), "{name}");
    }
}

#[tokio::test]
async fn who_is_refused_takes_the_same_trips() {
    let house = House::new();
    house.registered(ANN).await;
    let mut trips = Vec::new();
    for email in [ANN, "nobody@example.com", "no address", ""] {
        house.records.trips();
        house.store.trips();
        let _refused = house.check(email, WRONG).await.unwrap_err();
        trips.push((house.records.trips(), house.store.trips()));
    }
    assert!(trips.windows(2).all(|two| two[0] == two[1]), "{trips:?}");
}

#[tokio::test]
async fn who_has_to_wait_is_told_whether_there_is_an_account_or_not() {
    let watched = watched();
    watched.populate().await;
    let house = &watched.house;
    let mut answers = Vec::new();
    for email in [ANN, "nobody@example.com"] {
        for _ in 0..3 {
            assert!(!house.logs_in(email, WRONG).await);
        }
        watched.own.work();
        let error = house.check(email, PASSWORD).await.unwrap_err();
        assert_eq!(watched.own.work(), 0, "no hash");
        answers.push(seen(error));
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].starts_with("429 "), "{}", answers[0]);
    assert!(answers[0].contains("retry-after"), "{}", answers[0]);
}

#[tokio::test]
async fn strangers_lock_nobody_out_of_a_known_device() {
    let house = House::new();
    house.registered(ANN).await;
    let first = house.check(ANN, PASSWORD).await.unwrap();
    let mut headers = http::HeaderMap::new();
    let set = first.device().set_cookie();
    let pair = set.to_str().unwrap().split(';').next().unwrap();
    headers.insert(header::COOKIE, pair.parse().unwrap());

    for number in 100..400 {
        let wrong = secret(WRONG);
        let attempt = house.login.check(ANN, &wrong, client(number), None);
        if let Err(AccountError::Throttled(_)) = attempt.await {
            house.time.advance(Duration::from_secs(31));
        }
    }
    assert!(!house.logs_in(ANN, PASSWORD).await, "locked for strangers");
    assert!(house.told(EventKind::AuthnLoginLock, "too_many_attempts") > 0);

    let device = house.login.device_in(&headers, " Ann@Example.com");
    assert_eq!(device, Some(first.device().as_str()));
    let right = secret(PASSWORD);
    let again = house.login.check(ANN, &right, client(9), device);
    assert!(again.await.is_ok());
}

#[tokio::test]
async fn a_foreign_or_weak_hash_is_replaced_by_the_next_login() {
    let watched = watched();
    watched.populate().await;
    let house = &watched.house;
    let email = Email::parse("foreign@example.com").unwrap();
    let hash = async || {
        let account = house.accounts.find(&email).await.unwrap().unwrap();
        account.parts().password.clone().unwrap()
    };
    assert_eq!(hash().await.as_str(), FOREIGN);
    let logged_in = house.check(email.as_str(), FOREIGN_PASSWORD).await.unwrap();
    let new = hash().await;
    assert!(new.as_str().starts_with("$argon2id$"));
    let found = house.accounts.find(&email).await.unwrap().unwrap();
    assert_eq!(logged_in.account().version(), found.version());
    assert!(house.logs_in(email.as_str(), FOREIGN_PASSWORD).await);
    assert_eq!(hash().await, new, "once");
}

#[tokio::test]
async fn an_accepted_login_says_who_and_since_when() {
    let house = House::new();
    let id = house.registered(ANN).await;
    let before = house.time.clock().now();
    let logged_in = house.check("ANN@example.com", PASSWORD).await.unwrap();
    assert_eq!(logged_in.account().id(), id);
    assert_eq!(logged_in.account().email().as_str(), ANN);
    assert_eq!(logged_in.begun(), before);
    let principal = logged_in.principal();
    assert_eq!(principal.id(), id);
    let data: std::collections::BTreeMap<String, String> = logged_in.account().data_as().unwrap();
    assert_eq!(data["name"], ANN);
}

#[tokio::test]
async fn what_fails_lets_nobody_in_and_tells_nothing() {
    let house = House::new();
    house.registered(ANN).await;
    for part in ["store", "records"] {
        let mut answers = Vec::new();
        for (email, password) in [(ANN, PASSWORD), (ANN, WRONG), ("nobody@example.com", WRONG)] {
            house.store.set_down(part == "store");
            house.records.set_down(part == "records");
            answers.push(seen(house.check(email, password).await.unwrap_err()));
        }
        assert!(answers[0].starts_with("503 "), "{part}: {}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{part}");
        house.store.set_down(false);
        house.records.set_down(false);
    }
    assert!(house.logs_in(ANN, PASSWORD).await);
}

#[tokio::test]
async fn a_password_that_nobody_looked_at_is_no_failure() {
    // No thread ever gets to what waits, for the queue takes nothing.
    let scheme = PasswordScheme::new(fast());
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let key = SecretBytes::from(vec![7; 32]);
    let throttle = Throttle::builder(store, &key).clock(time.clock());
    let passwords = Passwords::builder()
        .scheme(scheme)
        .workers(NonZeroUsize::MIN);
    let passwords = passwords.build().unwrap();
    let accounts = Accounts::new(Records::memory());
    let login = Login::new(accounts, passwords.clone(), throttle.build().unwrap());
    passwords.shut_down();
    for _ in 0..20 {
        let error = login.check(ANN, &secret(PASSWORD), client(1), None).await;
        let rejection = Rejection::from(error.unwrap_err());
        assert_eq!(rejection.status(), 503);
    }
}

#[tokio::test]
async fn events_name_the_account_and_never_what_was_typed() {
    let house = House::new();
    let id = house.registered(ANN).await;
    let refused = house.check(ANN, WRONG).await.unwrap_err();
    let rejection = Rejection::from(refused);
    assert_eq!(rejection.event(), Some(EventKind::AuthnLoginFail));
    assert_eq!(rejection.subject(), Some(&*id));
    assert_eq!(rejection.reason(), Some("wrong_password"));
    let error = house.check("my secret password", WRONG).await.unwrap_err();
    let shown = format!("{error:?}");
    assert!(
        !shown.contains("my secret") && !shown.contains(WRONG),
        "{shown}"
    );
    let events: Vec<SecurityEvent> = house.events.snapshot();
    let told = serde_json::to_string(&events).unwrap();
    for typed in [ANN, "my secret", WRONG, PASSWORD] {
        assert!(!told.contains(typed), "{told}");
    }
}

#[tokio::test]
async fn a_row_of_another_table_is_read_by_its_parts() {
    let text = r#"{"password": "$2b$04$x", "is_verified": true, "data": {"a": 1}}"#;
    let parts: Parts = serde_json::from_str(text).unwrap();
    let email = Email::parse(ANN).unwrap();
    let account = Account::from_parts("17", email, parts, None);
    assert!(account.is_verified() && !account.is_disabled());
    assert_eq!(account.data()["a"], 1);
}
