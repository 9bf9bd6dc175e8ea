//! Throttling of guesses: nobody gets more than may fail, nobody is locked out by strangers,
//! and nothing tells who has an account.

use crate::support::{CountedStore, race};
use portcullis::authn::throttle::{
    Attempt, DeviceToken, Door, Steps, Throttle, ThrottleBuilder, ThrottleError,
};
use portcullis::clock::{Clock, FakeClock};
use portcullis::event::{Emitter, EventKind, Level, RecentEvents};
use portcullis::guard::Rejection;
use portcullis::secret::{SecretBytes, SecretString};
use portcullis::store::{MemoryStore, Store};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

const ANN: &str = "ann@example.com";

struct Fixture {
    time: FakeClock,
    events: Arc<RecentEvents>,
    throttle: Throttle,
}

fn key() -> SecretBytes {
    SecretBytes::from(vec![7; 32])
}

fn fixture(set: impl FnOnce(ThrottleBuilder) -> ThrottleBuilder) -> Fixture {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let store = Store::new(MemoryStore::builder().clock(time.clock()).build());
    let events = Arc::new(RecentEvents::new(1_000));
    let emitter = Emitter::new(events.clone(), time.clock());
    let builder = set(Throttle::builder(store, &key())
        .clock(time.clock())
        .places(u32::MAX));
    let throttle = builder.build().unwrap().telling(emitter);
    Fixture {
        time,
        events,
        throttle,
    }
}

fn client(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from(0xc000_0200 + number).into()
}

fn at(account: &str, number: u32) -> Attempt<'_> {
    Attempt::new(Door::PASSWORD, account, client(number))
}

/// What came of asking for a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Open,
    Delayed(u64),
    Locked(u64),
}

fn refused(error: ThrottleError) -> Found {
    match error {
        ThrottleError::Delayed { retry_after } => Found::Delayed(retry_after.as_secs()),
        ThrottleError::Locked { retry_after } => Found::Locked(retry_after.as_secs()),
        error => panic!("{error:?}"),
    }
}

impl Fixture {
    /// Fails, if there is a try.
    async fn fail(&self, attempt: &Attempt<'_>) -> Found {
        match self.throttle.begin(attempt).await {
            Ok(permit) => {
                permit.failed(None).await.unwrap();
                Found::Open
            }
            Err(error) => refused(error),
        }
    }

    async fn succeed(&self, attempt: &Attempt<'_>) -> DeviceToken {
        let permit = self.throttle.begin(attempt).await.unwrap();
        permit.succeeded().await.unwrap()
    }

    /// Locks an account by strangers of many addresses.
    async fn lock_by_strangers(&self, account: &str) {
        for number in 100..200 {
            match self.fail(&at(account, number)).await {
                Found::Locked(_) => return,
                Found::Open => {}
                Found::Delayed(wait) => self.time.advance(Duration::from_secs(wait)),
            }
        }
        panic!("never locked");
    }

    fn told(&self, kind: EventKind, code: &str) -> usize {
        let events = self.events.snapshot();
        let is_meant = |event: &&portcullis::event::SecurityEvent| {
            event.kind() == kind && event.code() == Some(code)
        };
        events.iter().filter(is_meant).count()
    }
}

#[tokio::test]
async fn delays_grow_then_comes_a_lock_which_ends() {
    let it = fixture(|builder| builder);
    let attempt = at(ANN, 1).about("user-17");
    let (mut open, mut waits) = (0, Vec::new());
    loop {
        match it.fail(&attempt).await {
            Found::Open => open += 1,
            Found::Locked(lock) => break waits.push(("locked", lock)),
            Found::Delayed(wait) => {
                waits.push(("delayed", wait));
                it.time.advance(Duration::from_secs(wait));
            }
        }
    }
    assert_eq!(open, 10);
    let delays = [1, 2, 4, 8, 16, 30, 30].map(|wait| ("delayed", wait));
    assert_eq!(waits, [&delays[..], &[("locked", 900)]].concat());
    assert_eq!(it.told(EventKind::AuthnLoginLock, "too_many_attempts"), 1);
    let event = it.events.snapshot().pop().unwrap();
    assert_eq!(event.subject(), Some("user-17"));

    it.time.advance(Duration::from_secs(899));
    assert_eq!(it.fail(&attempt).await, Found::Locked(1));
    it.time.advance(Duration::from_secs(1));
    let _device = it.succeed(&attempt).await;
    assert_eq!(it.fail(&attempt).await, Found::Open, "begun anew");
}

#[tokio::test]
async fn a_refusal_is_429_and_says_how_long_to_wait() {
    let it = fixture(|builder| builder);
    for account in [ANN, "nobody@example.com"] {
        let attempt = at(account, 1);
        for _ in 0..3 {
            it.fail(&attempt).await;
        }
        it.time.advance(Duration::from_millis(1));
        let error = it.throttle.begin(&attempt).await.unwrap_err();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), 429);
        assert_eq!(rejection.code(), "too_many_attempts");
        assert_eq!(rejection.headers()["retry-after"], "1", "rounded up");
        assert_eq!(rejection.event(), Some(EventKind::AuthnLoginFailMax));
    }
}

#[tokio::test]
async fn strangers_lock_an_account_for_strangers_and_not_for_a_known_device() {
    let it = fixture(|builder| builder);
    let device = it.succeed(&at(ANN, 1)).await;
    it.lock_by_strangers(ANN).await;
    assert!(matches!(it.fail(&at(ANN, 250)).await, Found::Locked(_)));
    assert!(matches!(it.fail(&at(ANN, 1)).await, Found::Locked(_)));

    let known = at(ANN, 1).with_device(device.as_str());
    let permit = it.throttle.begin(&known).await.unwrap();
    assert!(permit.is_from_known_device());
    let renewed = permit.succeeded().await.unwrap();
    let roaming = at(ANN, 99).with_device(renewed.as_str());
    assert_eq!(it.fail(&roaming).await, Found::Open, "from elsewhere too");

    // One that is made up is none, and hers is none for another account.
    let made_up = "A".repeat(75);
    let made_up = at(ANN, 1).with_device(made_up.as_str());
    assert!(matches!(it.fail(&made_up).await, Found::Locked(_)));
    it.lock_by_strangers("bob@example.com").await;
    let other = at("bob@example.com", 1).with_device(device.as_str());
    assert!(matches!(it.fail(&other).await, Found::Locked(_)));
}

#[tokio::test]
async fn a_client_that_is_locked_holds_up_no_known_device_behind_it() {
    let it = fixture(|builder| builder.per_client(Steps::new(2, 2)).accounts_per_client(1));
    let device = it.succeed(&at(ANN, 1)).await;
    for _ in 0..2 {
        it.fail(&at("bob@example.com", 1)).await;
    }
    assert!(matches!(it.fail(&at(ANN, 1)).await, Found::Delayed(_)));
    let known = at(ANN, 1).with_device(device.as_str());
    assert_eq!(it.fail(&known).await, Found::Open);
}

#[tokio::test]
async fn a_stolen_device_token_is_worth_a_few_guesses() {
    let it = fixture(|builder| builder);
    let device = it.succeed(&at(ANN, 1)).await;
    it.lock_by_strangers(ANN).await;
    let mut guesses = 0;
    for number in 0..100 {
        let thief = at(ANN, number).with_device(device.as_str());
        match it.fail(&thief).await {
            Found::Open => guesses += 1,
            Found::Delayed(wait) => it.time.advance(Duration::from_secs(wait)),
            Found::Locked(_) => break,
        }
    }
    assert_eq!(guesses, 10);
}

#[tokio::test]
async fn a_success_takes_back_what_was_ones_own_and_no_more() {
    let it = fixture(|builder| {
        builder
            .per_account(Steps::new(6, 50))
            .per_client(Steps::new(4, 50))
    });
    for number in 10..14 {
        it.fail(&at(ANN, number)).await;
    }
    // Two wrong, then right: forgotten, but for what the strangers did.
    for _ in 0..2 {
        it.fail(&at(ANN, 1)).await;
    }
    it.time.advance(Duration::from_secs(1));
    let _device = it.succeed(&at(ANN, 1)).await;
    assert_eq!(it.fail(&at(ANN, 2)).await, Found::Open, "the fifth");
    assert_eq!(it.fail(&at(ANN, 3)).await, Found::Open, "the sixth");
    assert_eq!(it.fail(&at(ANN, 4)).await, Found::Delayed(1));

    // With an account of one's own in between, no more guesses at others.
    let own = "mallory@example.com";
    let mut open = 0;
    for round in 0..10 {
        let victim = format!("victim-{}", round % 5);
        if it.fail(&at(&victim, 50)).await == Found::Open {
            open += 1;
        }
        if let Ok(permit) = it.throttle.begin(&at(own, 50)).await {
            let _device = permit.succeeded().await.unwrap();
        }
    }
    assert!(open <= 4, "{open}");
}

#[tokio::test]
async fn a_success_at_one_door_gives_no_guesses_at_another() {
    let it = fixture(|builder| builder.per_client(Steps::new(500, 500)));
    let mut open = 0;
    for _ in 0..50 {
        // The password is right each time, the code is guessed.
        let _device = it.succeed(&at(ANN, 1)).await;
        let code = Attempt::new(Door::TOTP, ANN, client(1));
        open += u32::from(it.fail(&code).await == Found::Open);
        let recovery = Attempt::new(Door::RECOVERY_CODE, ANN, client(1));
        open += u32::from(it.fail(&recovery).await == Found::Open);
    }
    assert_eq!(open, 6, "three at each");
}

#[tokio::test]
async fn a_try_that_nothing_is_said_of_has_failed() {
    let it = fixture(|builder| builder);
    for _ in 0..3 {
        drop(it.throttle.begin(&at(ANN, 1)).await.unwrap());
    }
    assert_eq!(it.fail(&at(ANN, 1)).await, Found::Delayed(1));
}

#[tokio::test]
async fn one_client_has_so_many_failures_at_all_accounts() {
    let it = fixture(|builder| builder.accounts_per_client(128));
    let mut open = 0;
    for number in 0..60 {
        let account = format!("user-{number}");
        open += u32::from(it.fail(&at(&account, 1)).await == Found::Open);
    }
    assert_eq!(open, 30);
    assert_eq!(it.fail(&at("another", 2)).await, Found::Open);

    // A /64 is one client.
    let it = fixture(|builder| builder.accounts_per_client(128));
    let mut open = 0;
    for number in 0..60_u16 {
        let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 2, number, 0, 0, number);
        let account = format!("user-{number}");
        let attempt = Attempt::new(Door::PASSWORD, &account, address.into());
        open += u32::from(it.fail(&attempt).await == Found::Open);
    }
    assert_eq!(open, 30);
}

#[tokio::test]
async fn a_client_that_fails_at_many_accounts_is_held_up_and_told_of() {
    let it = fixture(|builder| builder);
    for number in 0..20 {
        let account = format!("user-{number}");
        assert_eq!(it.fail(&at(&account, 1)).await, Found::Open);
        it.time.advance(Duration::from_secs(60));
    }
    for _ in 0..5 {
        assert_eq!(it.fail(&at("one-more", 1)).await, Found::Delayed(2_400));
    }
    assert_eq!(
        it.told(EventKind::AuthnLoginFailMax, "password_spray"),
        1,
        "told once"
    );
    assert_eq!(it.events.snapshot()[0].level(), Level::Critical);
    assert_eq!(it.fail(&at("one-more", 2)).await, Found::Open, "others may");

    it.time.advance(Duration::from_secs(2_401));
    assert_eq!(it.fail(&at("one-more", 1)).await, Found::Open);

    // Colleagues behind one address who get in are no spray.
    for number in 0..100 {
        let _device = it.succeed(&at(&format!("colleague-{number}"), 3)).await;
    }
    assert_eq!(it.told(EventKind::AuthnLoginFailMax, "password_spray"), 1);
}

/// A mail program with an old password that asks again and again, behind the address of an office.
#[tokio::test]
async fn tries_that_are_refused_count_nowhere() {
    let it = fixture(|builder| builder);
    let mut looked_at = 0;
    for _ in 0..1_000 {
        looked_at += u32::from(it.fail(&at(ANN, 1)).await == Found::Open);
        it.time.advance(Duration::from_millis(100));
    }
    assert!((6..=10).contains(&looked_at), "{looked_at}");
    let colleague = at("colleague@example.com", 1);
    let _device = it.succeed(&colleague).await;
    assert_eq!(it.told(EventKind::AuthnLoginFailMax, "password_spray"), 0);

    // Strangers keep an account delayed; its owner, who is refused with the right password, is
    // not locked out beyond that.
    let it = fixture(|builder| builder.per_account(Steps::new(2, 50)));
    for number in 100..102 {
        it.fail(&at(ANN, number)).await;
    }
    for _ in 0..100 {
        assert_eq!(it.fail(&at(ANN, 1)).await, Found::Delayed(1));
    }
    it.time.advance(Duration::from_secs(1));
    let _device = it.succeed(&at(ANN, 1)).await;

    // Nor is a client that has tried enough accounts held up at those that it is at home at.
    let it = fixture(|builder| builder.accounts_per_client(2).per_pair(Steps::new(9, 9)));
    for account in ["one", "two"] {
        it.fail(&at(account, 1)).await;
    }
    for number in 0..200 {
        let account = format!("user-{number}");
        assert!(matches!(it.fail(&at(&account, 1)).await, Found::Delayed(_)));
    }
    assert_eq!(it.fail(&at("one", 1)).await, Found::Open);
}

/// An overloaded server looks at no password, so nobody has guessed.
#[tokio::test]
async fn a_try_that_is_abandoned_was_none() {
    let it = fixture(|builder| {
        builder
            .accounts_per_client(1)
            .per_client(Steps::new(2, 50))
            .per_pair(Steps::new(2, 50))
            .per_account(Steps::new(2, 50))
    });
    for number in 0..50 {
        let account = format!("colleague-{}", number % 7);
        let permit = it.throttle.begin(&at(&account, 1)).await.unwrap();
        permit.abandoned().await.unwrap();
    }
    assert_eq!(it.told(EventKind::AuthnLoginFailMax, "password_spray"), 0);
    let _device = it.succeed(&at(ANN, 1)).await;

    // What was guessed before stays: nobody forgets by way of an overload.
    assert_eq!(it.fail(&at("victim", 1)).await, Found::Open);
    let permit = it.throttle.begin(&at("victim", 1)).await.unwrap();
    permit.abandoned().await.unwrap();
    assert!(matches!(it.fail(&at(ANN, 1)).await, Found::Delayed(3_600)));
    assert_eq!(it.told(EventKind::AuthnLoginFailMax, "password_spray"), 1);
}

/// A lock looks like a wrong password, which costs whoever answers a hash.
#[tokio::test]
async fn what_is_locked_is_not_answered_by_hashes_without_end() {
    let it = fixture(|builder| builder);
    it.lock_by_strangers(ANN).await;
    let mut hashes = 0;
    for _ in 0..1_000 {
        match it.fail(&at(ANN, 1)).await {
            Found::Locked(_) => hashes += 1,
            Found::Delayed(_) => {}
            Found::Open => panic!("it is locked"),
        }
        it.time.advance(Duration::from_millis(100));
    }
    assert!((30..=38).contains(&hashes), "{hashes}");
    assert!(matches!(it.fail(&at(ANN, 2)).await, Found::Locked(_)));
}

#[tokio::test]
async fn one_password_tried_at_many_accounts_is_told_of_whatever_the_clients() {
    let spray = SecretString::from("Summer2026!Summer2026!");
    for (name, told, one_guess) in [("one password", 1, true), ("many passwords", 0, false)] {
        let it = fixture(|builder| builder);
        for number in 0..100 {
            let account = format!("user-{number}");
            let permit = it.throttle.begin(&at(&account, number)).await.unwrap();
            let other = SecretString::from(format!("password of user {number}"));
            let guess = if one_guess { &spray } else { &other };
            permit.failed(Some(guess)).await.unwrap();
        }
        let found = it.told(EventKind::AuthnLoginFailMax, "password_spray");
        assert_eq!(found, told, "{name}");
    }
    // The same one, tried again and again at one account, is somebody's forgotten program.
    let it = fixture(|builder| builder);
    for number in 0..50 {
        if let Ok(permit) = it.throttle.begin(&at(ANN, number)).await {
            permit.failed(Some(&spray)).await.unwrap();
        }
    }
    assert_eq!(it.told(EventKind::AuthnLoginFailMax, "password_spray"), 0);
}

#[tokio::test]
async fn strangers_cannot_fill_the_store() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let memory = MemoryStore::builder().clock(time.clock()).build();
    let throttle = Throttle::builder(Store::new(memory.clone()), &key())
        .clock(time.clock())
        .places(1_024)
        .build()
        .unwrap();
    for number in 0..20_000 {
        let account = format!("user-{number}");
        if let Ok(permit) = throttle.begin(&at(&account, number)).await {
            permit.failed(None).await.unwrap();
        }
    }
    // Clients, accounts, pairs twice, and up to 20 accounts for each client.
    let entries = memory.usage().entries();
    assert!(entries <= 1_024 * (4 + 20), "{entries}");
    time.advance(Duration::from_secs(60 * 24 * 60 * 60));
    throttle
        .begin(&at(ANN, 1))
        .await
        .unwrap()
        .failed(None)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_refused_takes_no_room() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let memory = MemoryStore::builder().clock(time.clock()).build();
    let builder = Throttle::builder(Store::new(memory.clone()), &key()).clock(time.clock());
    let builder = builder.per_account(Steps::new(2, 50));
    let throttle = builder.build().unwrap();
    for number in 0..2 {
        drop(throttle.begin(&at(ANN, number)).await.unwrap());
    }
    let before = memory.usage().entries();
    for number in 0..10_000 {
        throttle.begin(&at(ANN, number)).await.unwrap_err();
    }
    assert_eq!(memory.usage().entries(), before);
}

#[tokio::test]
async fn without_the_store_nobody_gets_in() {
    let store = CountedStore::from(MemoryStore::default());
    let throttle = Throttle::builder(Store::new(store.clone()), &key());
    let throttle = throttle.build().unwrap();
    let (right, wrong) = (at(ANN, 1), at(ANN, 2));
    let device = throttle
        .begin(&right)
        .await
        .unwrap()
        .succeeded()
        .await
        .unwrap();
    let (right, wrong) = (
        throttle.begin(&right).await.unwrap(),
        throttle.begin(&wrong).await.unwrap(),
    );
    store.set_down(true);
    let guess = SecretString::from("guess");
    let errors = [
        throttle.begin(&at(ANN, 3)).await.unwrap_err(),
        throttle
            .begin(&at(ANN, 3).with_device(device.as_str()))
            .await
            .unwrap_err(),
        right.succeeded().await.unwrap_err(),
        wrong.failed(Some(&guess)).await.unwrap_err(),
        throttle
            .forget(Door::PASSWORD, ANN, None)
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(Rejection::from(error).status(), 503);
    }
}

#[tokio::test]
async fn whoever_asks_does_the_same_work() {
    let store = CountedStore::from(MemoryStore::default());
    let throttle = Throttle::builder(Store::new(store.clone()), &key());
    let throttle = throttle.build().unwrap();
    let mut trips = Vec::new();
    for account in [ANN, "nobody@example.com", "", &"x".repeat(10_000)] {
        let permit = throttle.begin(&at(account, 1)).await.unwrap();
        permit
            .failed(Some(&SecretString::from("guess")))
            .await
            .unwrap();
        trips.push(store.trips());
    }
    assert!(trips.windows(2).all(|two| two[0] == two[1]), "{trips:?}");
}

/// Of many tries at once no more get through than are free: of one client, of many clients at
/// one account, and of a device.
async fn no_more_than_are_free(store: Store) {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let throttle = Throttle::builder(store, &key())
        .clock(time.clock())
        .places(u32::MAX)
        .per_account(Steps::new(5, 50))
        .build()
        .unwrap();
    for round in 0..200_u32 {
        let account = format!("user-{round}");
        let device = throttle.known_from_now(&account);
        let device = device.as_str().to_owned();
        let runner = |kind: usize| {
            let (throttle, account, device) = (throttle.clone(), account.clone(), device.clone());
            move |number: usize| {
                let (throttle, account) = (throttle.clone(), account.clone());
                let device = (kind == 2).then(|| device.clone());
                async move {
                    let from = match kind {
                        0 => 10_000 + round,
                        _ => 20_000 + 16 * round + u32::try_from(number).unwrap(),
                    };
                    let attempt = at(&account, from).with_device(device.as_deref());
                    let permit = throttle.begin(&attempt).await;
                    permit.map(drop).map_err(refused).is_ok()
                }
            }
        };
        let mut open = Vec::new();
        for kind in 0..3 {
            let found = race(16, runner(kind)).await;
            open.push(found.into_iter().filter(|is_open| *is_open).count());
        }
        // Three of the first client; with those, five at the account; three of the device.
        assert_eq!(open, [3, 2, 3], "round {round}");
    }
}

/// What several right tries at once take back is what they counted.
async fn nothing_is_taken_back_twice(store: Store) {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let throttle = Throttle::builder(store, &key())
        .clock(time.clock())
        .places(u32::MAX)
        .per_account(Steps::new(6, 50))
        .build()
        .unwrap();
    for round in 0..200_u32 {
        let account = format!("member-{round}");
        let first = 100_000 + 16 * round;
        for number in 0..2 {
            drop(throttle.begin(&at(&account, first + number)).await.unwrap());
        }
        let found = race(3, |_| {
            let (throttle, account) = (throttle.clone(), account.clone());
            async move {
                let permit = throttle.begin(&at(&account, first + 9)).await;
                match permit {
                    Ok(permit) => permit.succeeded().await.map(drop).is_ok(),
                    Err(_) => false,
                }
            }
        })
        .await;
        assert!(found.contains(&true), "round {round}");
        let mut open = 0;
        for number in 2..9 {
            let attempt = at(&account, first + number);
            open += u32::from(throttle.begin(&attempt).await.is_ok());
        }
        assert_eq!(open, 4, "round {round}: two were the strangers'");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_tries_do_not_slip_through() {
    for store in [
        Store::memory(),
        Store::new(CountedStore::from(MemoryStore::default())),
    ] {
        no_more_than_are_free(store.clone()).await;
        nothing_is_taken_back_twice(store).await;
    }
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_tries_do_not_slip_through_on_redis() {
    let server = crate::support::redis::Server::start().await;
    let store = server.store().await;
    no_more_than_are_free(store.clone()).await;
    nothing_is_taken_back_twice(store).await;
}

#[tokio::test]
async fn counts_hold_on_all_machines() {
    let store = Store::memory();
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let machine = |clock: Clock| {
        let builder = Throttle::builder(store.clone(), &key()).clock(clock);
        builder.build().unwrap()
    };
    let machines = [machine(time.clock()), machine(time.clock())];
    let mut open = 0;
    for number in 0..20 {
        let permit = machines[number % 2].begin(&at(ANN, 1)).await;
        open += u32::from(permit.is_ok());
    }
    assert_eq!(open, 3);
}
