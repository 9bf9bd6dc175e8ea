//! Codes and links that are sent: on the store in memory, behind a network, and on Redis.

use crate::support::{CountedStore, race};
use base64ct::{Base64UrlUnpadded, Encoding};
use portcullis::authn::Refusal;
use portcullis::authn::one_time_code::{
    Challenge, CodeError, CodeSender, Content, LinkTokens, Message, OneTimeCodes, Outbox, Purpose,
    Recipient, SendError, Sending,
};
use portcullis::clock::{Clock, FakeClock};
use portcullis::event::{Emitter, EventKind, RecentEvents};
use portcullis::guard::Rejection;
use portcullis::secret::SecretBytes;
use portcullis::store::{MemoryStore, Store};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LOGIN: Purpose = Purpose::new("login");
const RESET: Purpose = Purpose::new("password-reset");
const PAUSE: Duration = Duration::from_secs(30);
const ANN: Recipient<'static> = Recipient::new("user-17", "ann@example.com");
const BOB: Recipient<'static> = Recipient::new("user-18", "bob@example.com");

/// Keeps what it should send.
#[derive(Clone, Debug, Default)]
struct Postbox(Arc<Mutex<Vec<(String, String)>>>);

impl CodeSender for Postbox {
    fn send(&self, message: Message) -> Sending {
        let (Content::Code(secret) | Content::LinkToken(secret)) = message.content() else {
            panic!("nothing known");
        };
        let sent = (message.address().to_owned(), secret.expose().to_owned());
        self.0.lock().unwrap().push(sent);
        Box::pin(async { Ok(()) })
    }
}

impl Postbox {
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The next thing that is sent, to this address.
    async fn next(&self, address: &str) -> String {
        loop {
            let found = {
                let mut sent = self.0.lock().unwrap();
                let place = sent.iter().position(|(to, _)| to == address);
                place.map(|place| sent.remove(place).1)
            };
            match found {
                Some(secret) => return secret,
                None => tokio::task::yield_now().await,
            }
        }
    }
}

/// Lets what runs in the background run.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn key() -> SecretBytes {
    SecretBytes::from(vec![7; 32])
}

struct World {
    codes: OneTimeCodes,
    links: LinkTokens,
    post: Postbox,
    time: FakeClock,
    store: CountedStore,
}

fn world() -> World {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let store = CountedStore::from(MemoryStore::builder().clock(time.clock()).build());
    let post = Postbox::default();
    let (shared, outbox) = (Store::new(store.clone()), Outbox::new(post.clone()));
    let codes = OneTimeCodes::builder(shared.clone(), &key(), outbox.clone());
    World {
        codes: codes.clock(time.clock()).build().unwrap(),
        links: LinkTokens::builder(shared, &key(), outbox).build().unwrap(),
        post,
        time,
        store,
    }
}

fn refusal(found: Result<(), CodeError>) -> Result<(), Refusal> {
    match found {
        Ok(()) => Ok(()),
        Err(CodeError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

impl World {
    async fn start(&self) -> (Challenge, String) {
        let challenge = self.codes.start(LOGIN, &ANN).await.unwrap();
        (challenge, self.post.next("ann@example.com").await)
    }

    async fn verify(&self, challenge: &Challenge, code: &str) -> Result<(), Refusal> {
        let user = Some("user-17");
        refusal(
            self.codes
                .verify(LOGIN, user, challenge.as_str(), code)
                .await,
        )
    }
}

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_code_is_for_its_user_purpose_and_request_and_good_once() {
    let world = world();
    let (challenge, code) = world.start().await;
    assert_eq!(code.len(), 6);
    let bobs = world.codes.start(LOGIN, &BOB).await.unwrap();
    let bobs_code = world.post.next("bob@example.com").await;
    let attempt = |purpose, user, challenge: &Challenge, code: &str| {
        let (codes, challenge, code) = (world.codes.clone(), challenge.clone(), code.to_owned());
        async move { refusal(codes.verify(purpose, user, challenge.as_str(), &code).await) }
    };
    for (name, purpose, user, challenge, code) in [
        ("another's request", LOGIN, Some("user-17"), &bobs, &code),
        (
            "another's request and code",
            LOGIN,
            Some("user-17"),
            &bobs,
            &bobs_code,
        ),
        ("another user", LOGIN, Some("user-18"), &challenge, &code),
        ("another purpose", RESET, Some("user-17"), &challenge, &code),
        ("nobody", LOGIN, None, &challenge, &code),
    ] {
        let found = attempt(purpose, user, challenge, code).await;
        assert!(found.is_err(), "{name}");
    }
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    assert_eq!(world.verify(&challenge, &spaced).await, Ok(()));
    assert_eq!(world.verify(&challenge, &code).await, Err(Refusal::Absent));
    assert_eq!(
        attempt(LOGIN, Some("user-18"), &bobs, &bobs_code).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_code_lives_five_minutes_and_a_new_one_voids_it() {
    let world = world();
    let (challenge, code) = world.start().await;
    world.time.advance(Duration::from_secs(300));
    assert_eq!(world.verify(&challenge, &code).await, Err(Refusal::Expired));
    let (old, old_code) = world.start().await;
    world.time.advance(PAUSE);
    let (new, new_code) = world.start().await;
    assert_eq!(world.verify(&old, &old_code).await, Err(Refusal::Absent));
    world.time.advance(Duration::from_secs(299));
    assert_eq!(world.verify(&new, &new_code).await, Ok(()));
}

#[tokio::test]
async fn guesses_are_counted_across_challenges() {
    let world = world();
    for expected in [
        Refusal::Wrong,
        Refusal::Wrong,
        Refusal::Wrong,
        Refusal::Wrong,
        Refusal::LockedNow,
    ] {
        let (challenge, code) = world.start().await;
        assert_eq!(world.verify(&challenge, &wrong(&code)).await, Err(expected));
        world.time.advance(PAUSE);
    }
    let Err(CodeError::TooMany { retry_after }) = world.codes.start(LOGIN, &ANN).await else {
        panic!("sent while locked");
    };
    assert_eq!(retry_after, PAUSE);
    world.codes.unlock(LOGIN, "user-17").await.unwrap();
    let (challenge, code) = world.start().await;
    assert_eq!(world.verify(&challenge, &code).await, Ok(()));
}

/// NIST SP 800-63B-4 section 3.2.2; ASVS 5.0 6.1.1.
#[tokio::test]
async fn strangers_do_not_lock_the_codes_of_a_known_client() {
    const KNOWN: Recipient<'static> = ANN.asked_by_known_client();
    let world = world();
    // Strangers ask and guess until their way in is locked.
    let mut last = Ok(());
    while last != Err(Refusal::LockedNow) {
        let (challenge, code) = world.start().await;
        last = world.verify(&challenge, &wrong(&code)).await;
        world.time.advance(PAUSE);
    }
    assert!(world.codes.start(LOGIN, &ANN).await.is_err());
    // The owner, from where the owner logged in before.
    let owner = async || {
        let challenge = world.codes.start(LOGIN, &KNOWN).await.unwrap();
        (challenge, world.post.next("ann@example.com").await)
    };
    let (challenge, code) = owner().await;
    assert_eq!(world.verify(&challenge, &code).await, Ok(()));
    assert_eq!(
        world.verify(&challenge, &code).await,
        Err(Refusal::Absent),
        "once"
    );

    // Nor void the owner's code, by asking for another or by guessing.
    world.time.advance(Duration::from_secs(60 * 60));
    let (challenge, code) = owner().await;
    let (strangers, _) = world.start().await;
    assert_eq!(
        world.verify(&strangers, &code).await,
        Err(Refusal::LockedNow)
    );
    assert_eq!(world.verify(&challenge, &code).await, Ok(()));

    // A stranger gets no allowance more by saying to be known.
    let bent = |challenge: &Challenge| {
        let mut bytes = Base64UrlUnpadded::decode_vec(challenge.as_str()).unwrap();
        bytes[0] ^= 0x80;
        Base64UrlUnpadded::encode_string(&bytes)
    };
    let verify = async |challenge: &str, code: &str| {
        refusal(world.codes.verify(LOGIN, "user-17", challenge, code).await)
    };
    assert_eq!(verify(&bent(&strangers), &code).await, Err(Refusal::Absent));
    world.time.advance(PAUSE);
    world.codes.start(LOGIN, &KNOWN).await.unwrap();
    let code = world.post.next("ann@example.com").await;
    assert_eq!(verify(&bent(&strangers), &code).await, Err(Refusal::Absent));
}

#[tokio::test]
async fn all_together_have_a_hundred_guesses() {
    const KNOWN: Recipient<'static> = ANN.asked_by_known_client();
    let world = world();
    let mut guesses = 0;
    for to in [ANN, KNOWN] {
        let mut waited = Duration::ZERO;
        while waited < Duration::from_secs(24 * 60 * 60) {
            match world.codes.start(LOGIN, &to).await {
                Ok(challenge) => {
                    let code = world.post.next("ann@example.com").await;
                    world.verify(&challenge, &wrong(&code)).await.unwrap_err();
                    guesses += 1;
                    waited = Duration::ZERO;
                }
                Err(CodeError::TooMany { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            world.time.advance(Duration::from_secs(15 * 60));
            waited += Duration::from_secs(15 * 60);
        }
    }
    assert_eq!(guesses, 100);
    world.codes.unlock(LOGIN, "user-17").await.unwrap();
    for to in [ANN, KNOWN] {
        assert!(world.codes.start(LOGIN, &to).await.is_ok());
    }
}

/// ASVS 5.0 6.3.6.
#[tokio::test]
async fn no_code_goes_by_mail_where_that_is_ruled_out() {
    let world = world();
    let outbox = Outbox::new(world.post.clone());
    let store = Store::new(world.store.clone());
    let codes = OneTimeCodes::builder(store, &key(), outbox).never_by_mail();
    let codes = codes.clock(world.time.clock()).build().unwrap();
    for (name, address) in [
        ("mail", "ann@example.com"),
        ("mail by a name", "Ann <ann@example.com>"),
        ("a link to it", "mailto:ann@example.com"),
        ("to a telephone", "15550100@sms.example.com"),
        ("a wide sign", "ann\u{ff20}example.com"),
    ] {
        let to = Recipient::new("user-17", address);
        let refused = codes.start(LOGIN, &to).await.unwrap_err();
        assert!(matches!(refused, CodeError::Mail), "{name}: {refused:?}");
        // Nobody learns by this what address a user has.
        let challenge = codes.start_quietly(LOGIN, Some(&to)).await.unwrap();
        let refused = codes
            .verify(LOGIN, "user-17", challenge.as_str(), "000000")
            .await;
        assert_eq!(refusal(refused), Err(Refusal::Absent), "{name}");
    }
    settle().await;
    assert_eq!(world.post.len(), 0);
    let number = Recipient::new("user-17", "+1 555 0100");
    let challenge = codes.start(LOGIN, &number).await.unwrap();
    let code = world.post.next("+1 555 0100").await;
    codes
        .verify(LOGIN, "user-17", challenge.as_str(), &code)
        .await
        .unwrap();
}

#[tokio::test]
async fn messages_are_limited_and_the_client_is_told_how_long() {
    let world = world();
    for _ in 0..5 {
        world.start().await;
        world.time.advance(PAUSE);
    }
    let error = world.codes.start(LOGIN, &ANN).await.unwrap_err();
    let rejection = Rejection::from(error);
    assert_eq!(rejection.status(), 429);
    assert_eq!(rejection.headers()["retry-after"], "3450");
    settle().await;
    assert_eq!(world.post.len(), 0);
    // Another purpose has its own.
    world.codes.start(RESET, &ANN).await.unwrap();
}

#[tokio::test]
async fn nobody_learns_who_is_there() {
    let world = world();
    let mut seen = Vec::new();
    // Seven times, so that the limit is reached for those who are there.
    for (name, to) in [("there", Some(&ANN)), ("not there", None)] {
        for round in 0..7 {
            world.store.trips();
            let challenge = world.codes.start_quietly(RESET, to).await.unwrap();
            assert_eq!(
                world.store.trips(),
                ["get", "compare_and_swap"],
                "{name} {round}"
            );
            assert_eq!(challenge.as_str().len(), 22, "{name} {round}");
            assert!(!seen.contains(&challenge));
            let user = to.map(|_| "user-17");
            let found = world
                .codes
                .verify(RESET, user, challenge.as_str(), "x")
                .await;
            assert_eq!(
                world.store.trips(),
                ["get", "compare_and_swap"],
                "{name} {round}"
            );
            let rejection = Rejection::from(found.unwrap_err());
            assert_eq!(
                (rejection.status().as_u16(), rejection.code()),
                (401, "wrong_code")
            );
            seen.push(challenge);
            world.time.advance(PAUSE);
        }
    }
    settle().await;
    // Five codes for Ann, before the fifth wrong one locked; nothing for nobody.
    assert_eq!(world.post.len(), 5);
}

#[tokio::test]
async fn nobody_has_no_code_whoever_guesses_it() {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let random = portcullis::random::Random::insecure_seeded(7);
    let outbox = Outbox::new(Postbox::default());
    let codes = OneTimeCodes::builder(Store::memory(), &key(), outbox)
        .clock(time.clock())
        .random(random)
        .build()
        .unwrap();
    let challenge = codes.start_quietly(RESET, None).await.unwrap();
    // The same seed tells which code was drawn.
    let twin = portcullis::random::Random::insecure_seeded(7);
    let _challenge: [u8; 16] = twin.bytes();
    let drawn = u64::from_be_bytes(twin.bytes()) % 1_000_000;
    let found = codes
        .verify(RESET, None, challenge.as_str(), &format!("{drawn:06}"))
        .await;
    assert_eq!(refusal(found), Err(Refusal::Wrong));
}

#[tokio::test]
async fn text_that_is_no_challenge_or_code_is_refused() {
    let world = world();
    let (challenge, code) = world.start().await;
    let long = "A".repeat(10_000);
    for text in [
        "",
        "A",
        "AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "é",
        "!",
        &long,
    ] {
        let found = world.codes.verify(LOGIN, "user-17", text, &code).await;
        assert_eq!(refusal(found), Err(Refusal::Absent), "{text:.30}");
    }
    for text in [
        "",
        "12345",
        &format!("{code}0"),
        &format!("{code}\n"),
        "１２３４５６",
    ] {
        let found = world.verify(&challenge, text).await;
        assert!(found.is_err(), "{text}");
        world.codes.unlock(RESET, "user-17").await.unwrap();
    }
}

async fn one_code_one_gets_in(store: Store, clock: Clock, prefix: &str) {
    let post = Postbox::default();
    let outbox = Outbox::new(post.clone());
    let codes = OneTimeCodes::builder(store, &key(), outbox)
        .clock(clock)
        .build()
        .unwrap();
    for round in 0..200 {
        let user = format!("{prefix}-{round}");
        let address = format!("{user}@example.com");
        let to = Recipient::new(&user, &address);
        let challenge = codes.start(LOGIN, &to).await.unwrap();
        let code = post.next(&address).await;
        let found = race(16, |_| {
            let (codes, user) = (codes.clone(), user.clone());
            let (challenge, code) = (challenge.clone(), code.clone());
            async move { refusal(codes.verify(LOGIN, &*user, challenge.as_str(), &code).await) }
        })
        .await;
        let winners = found.iter().filter(|found| found.is_ok()).count();
        assert_eq!(winners, 1, "round {round}: {found:?}");
    }
}

async fn one_link_one_gets_in(store: Store, prefix: &str) {
    let post = Postbox::default();
    let links = LinkTokens::builder(store, &key(), Outbox::new(post.clone()))
        .build()
        .unwrap();
    for round in 0..200 {
        let user = format!("{prefix}-{round}");
        let address = format!("{user}@example.com");
        links
            .issue(RESET, &Recipient::new(&user, &address))
            .await
            .unwrap();
        let token = post.next(&address).await;
        let found = race(16, |_| {
            let (links, token) = (links.clone(), token.clone());
            async move { links.redeem(RESET, &token).await }
        })
        .await;
        let winners: Vec<_> = found
            .iter()
            .filter_map(|found| found.as_ref().ok())
            .collect();
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(
            (winners[0].user(), winners[0].address()),
            (&*user, &*address)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_code_one_gets_in() {
    one_code_one_gets_in(Store::memory(), Clock::system(), "memory").await;
    let slow = CountedStore::from(MemoryStore::default());
    one_code_one_gets_in(Store::new(slow), Clock::system(), "slow").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_link_one_gets_in() {
    one_link_one_gets_in(Store::memory(), "memory").await;
    one_link_one_gets_in(
        Store::new(CountedStore::from(MemoryStore::default())),
        "slow",
    )
    .await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_with_one_code_or_link_one_gets_in_on_redis() {
    let server = crate::support::redis::Server::start().await;
    let store = server.store().await;
    one_code_one_gets_in(store.clone(), Clock::system(), "redis").await;
    one_link_one_gets_in(store, "redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_are_no_more_than_guesses_in_a_row() {
    for round in 0..50 {
        let world = world();
        let (challenge, code) = world.start().await;
        let found = race(40, |_| {
            let (codes, challenge, code) = (world.codes.clone(), challenge.clone(), wrong(&code));
            async move {
                refusal(
                    codes
                        .verify(LOGIN, "user-17", challenge.as_str(), &code)
                        .await,
                )
            }
        })
        .await;
        let count = |refusal| found.iter().filter(|found| **found == Err(refusal)).count();
        let guesses = count(Refusal::Wrong) + count(Refusal::LockedNow);
        assert_eq!((guesses, count(Refusal::Locked)), (5, 35), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_ask_at_once_get_one_message() {
    for round in 0..50 {
        let world = world();
        let found = race(16, |_| {
            let codes = world.codes.clone();
            async move { codes.start(LOGIN, &ANN).await.is_ok() }
        })
        .await;
        assert_eq!(
            found.iter().filter(|sent| **sent).count(),
            1,
            "round {round}"
        );
    }
}

#[tokio::test]
async fn a_link_is_for_its_purpose_good_once_and_voided_by_the_next() {
    let world = world();
    world.links.issue(RESET, &ANN).await.unwrap();
    let old = world.post.next("ann@example.com").await;
    assert_eq!(old.len(), 64);
    world.links.issue_quietly(RESET, Some(&ANN)).await.unwrap();
    let new = world.post.next("ann@example.com").await;
    assert!(world.links.redeem(RESET, &old).await.is_err(), "voided");
    assert!(
        world.links.redeem(LOGIN, &new).await.is_err(),
        "another purpose"
    );
    let redeemed = world.links.redeem(RESET, &new).await.unwrap();
    assert_eq!(
        (redeemed.user(), redeemed.address()),
        ("user-17", "ann@example.com")
    );
    assert!(world.links.redeem(RESET, &new).await.is_err(), "used");

    world.links.issue(RESET, &ANN).await.unwrap();
    let token = world.post.next("ann@example.com").await;
    world.links.void(RESET, "user-17").await.unwrap();
    assert!(
        world.links.redeem(RESET, &token).await.is_err(),
        "voided by hand"
    );

    world.links.issue(RESET, &BOB).await.unwrap();
    let token = world.post.next("bob@example.com").await;
    for broken in [
        "",
        "A",
        &token[1..],
        &format!("{token}A"),
        &format!("{token}="),
        &"A".repeat(64),
        &"A".repeat(9999),
        "é",
    ] {
        let rejection = Rejection::from(world.links.redeem(RESET, broken).await.unwrap_err());
        assert_eq!(
            (rejection.status().as_u16(), rejection.code()),
            (401, "wrong_code")
        );
    }
    world.time.advance(Duration::from_secs(60 * 60));
    assert!(world.links.redeem(RESET, &token).await.is_err(), "expired");
}

#[tokio::test]
async fn links_are_limited_aloud_or_quietly() {
    let world = world();
    for (name, to) in [("there", Some(&ANN)), ("not there", None)] {
        for round in 0..8 {
            world.store.trips();
            world.links.issue_quietly(RESET, to).await.unwrap();
            assert_eq!(
                world.store.trips(),
                ["increment", "put_owned"],
                "{name} {round}"
            );
        }
    }
    settle().await;
    assert_eq!(world.post.len(), 5);
    let error = world.links.issue(RESET, &ANN).await.unwrap_err();
    let rejection = Rejection::from(error);
    assert_eq!(rejection.status(), 429);
    assert_eq!(rejection.headers()["retry-after"], "3600");
    // What was sent last is still good: nobody voids it by asking too often.
    let mut last = String::new();
    while world.post.len() > 0 {
        last = world.post.next("ann@example.com").await;
    }
    assert!(world.links.redeem(RESET, &last).await.is_ok());
}

#[tokio::test]
async fn without_the_store_nothing_is_sent_or_accepted() {
    let world = world();
    let (challenge, code) = world.start().await;
    world.store.set_down(true);
    let errors = [
        world.codes.start(LOGIN, &ANN).await.unwrap_err(),
        world.codes.start_quietly(RESET, None).await.unwrap_err(),
        world
            .codes
            .verify(LOGIN, "user-17", challenge.as_str(), &code)
            .await
            .unwrap_err(),
        world.links.issue(RESET, &ANN).await.unwrap_err(),
        world.links.issue_quietly(RESET, None).await.unwrap_err(),
        world
            .links
            .redeem(RESET, &"A".repeat(64))
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(Rejection::from(error).status(), 503);
    }
    settle().await;
    assert_eq!(world.post.len(), 0);
}

/// Never ends.
#[derive(Debug)]
struct Stuck;

impl CodeSender for Stuck {
    fn send(&self, _message: Message) -> Sending {
        Box::pin(std::future::pending())
    }
}

/// Fails.
#[derive(Debug)]
struct Broken;

impl CodeSender for Broken {
    fn send(&self, _message: Message) -> Sending {
        Box::pin(async { Err(SendError::new("the gateway says no")) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_sent_is_told_and_holds_nobody_up() {
    let heard = Arc::new(RecentEvents::new(8));
    let emitter = Emitter::new(heard.clone(), Clock::system());
    let start = async |outbox: Outbox, to: Recipient<'static>| {
        let outbox = outbox.emitter(emitter.clone());
        let codes = OneTimeCodes::builder(Store::memory(), &key(), outbox)
            .build()
            .unwrap();
        codes.start(LOGIN, &to).await.unwrap();
    };
    start(Outbox::new(Broken), ANN).await;
    start(Outbox::new(Stuck).deadline(Duration::from_secs(5)), ANN).await;
    start(
        Outbox::new(Postbox::default()),
        Recipient::new("x", "a@b.c\r\nBcc: d@e.f"),
    )
    .await;
    settle().await;
    tokio::time::advance(Duration::from_secs(6)).await;
    settle().await;
    let events = heard.snapshot();
    let mut reasons: Vec<_> = events.iter().filter_map(|event| event.reason()).collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            "a code or link could not be sent: the address is empty or has control characters",
            "a code or link could not be sent: the deadline passed",
            "a code or link could not be sent: the gateway says no",
        ]
    );
    for event in &events {
        assert_eq!(event.kind(), EventKind::SysControlDegraded);
        assert_eq!(event.code(), Some("code_not_sent"));
    }
}

#[tokio::test]
async fn a_full_outbox_answers_alike_for_all() {
    let outbox = Outbox::new(Stuck).places(1);
    let codes = OneTimeCodes::builder(Store::memory(), &key(), outbox)
        .build()
        .unwrap();
    codes.start(LOGIN, &ANN).await.unwrap();
    for to in [Some(&BOB), None] {
        let error = codes.start_quietly(RESET, to).await.unwrap_err();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), 503);
        assert_eq!(rejection.headers()["retry-after"], "2");
    }
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let world = world();
    let found = futures_now(world.codes.start(LOGIN, &ANN));
    assert!(matches!(found, Err(CodeError::NoRuntime)));
}

/// The answer of a future that does not wait.
fn futures_now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn misconfiguration_is_told_at_the_start() {
    let codes = || OneTimeCodes::builder(Store::memory(), &key(), Outbox::new(Broken));
    let links = || LinkTokens::builder(Store::memory(), &key(), Outbox::new(Broken));
    let short = SecretBytes::from(vec![7; 31]);
    let short = OneTimeCodes::builder(Store::memory(), &short, Outbox::new(Broken));
    let (zero, hour) = (Duration::ZERO, Duration::from_secs(60 * 60));
    for (name, found, expected) in [
        (
            "short key",
            short.digits(5).build().err(),
            "31 bytes is too short",
        ),
        (
            "few digits",
            codes().digits(5).build().err(),
            "6 to 8 digits, not 5",
        ),
        (
            "many digits",
            codes().digits(20).build().err(),
            "6 to 8 digits, not 20",
        ),
        (
            "no life",
            codes().lifetime(zero).build().err(),
            "use 1 second to 600s",
        ),
        (
            "long life",
            codes().lifetime(hour).build().err(),
            "3600s is out of range",
        ),
        (
            "no messages",
            codes().send_limit(0, zero).build().err(),
            "use at least 1",
        ),
        (
            "no life of links",
            links().lifetime(zero).build().err(),
            "use 1 second to 86400s",
        ),
        (
            "long life of links",
            links().lifetime(hour * 25).build().err(),
            "90000s is out of range",
        ),
        (
            "no links",
            links().send_limit(0).build().err(),
            "use at least 1",
        ),
    ] {
        let error = found.unwrap().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert!(
        codes()
            .digits(8)
            .lifetime(Duration::from_secs(600))
            .build()
            .is_ok()
    );
}

#[tokio::test]
async fn debug_shows_nothing() {
    let world = world();
    let (challenge, code) = world.start().await;
    world.links.issue(RESET, &ANN).await.unwrap();
    let token = world.post.next("ann@example.com").await;
    let shown = format!("{:?} {:?} {:?}", world.codes, world.links, ANN);
    for secret in [&*code, &token, challenge.as_str(), "ann@example.com"] {
        assert!(!shown.contains(secret));
    }
}
