//! What is kept up beside logins: the provider's metadata, and its tokens.

use super::logout::Forger;
use super::rp::Place;
use crate::support::CountedStore;
use bytes::Bytes;
use portcullis::authn::oauth2::{Logins, Provider};
use portcullis::clock::FakeClock;
use portcullis::crypto::field::FieldCipher;
use portcullis::crypto::keyring::Keyring;
use portcullis::net::client::{FakeAnswer, FakeTransport, HttpClient, RetryPolicy};
use portcullis::store::{MemoryStore, Store};
use serde_json::json;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const ISSUER: &str = "https://id.example.com";
/// For so long metadata are fresh of which the provider does not say it, and for so long they
/// are gone by at most.
const FRESH: Duration = Duration::from_secs(60 * 60);
const USABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// What the provider does with a call for its metadata.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// It names its endpoints under this path.
    Answers(&'static str),
    Fails,
    /// It takes the call and says nothing.
    Hangs,
}

struct World {
    provider: Provider,
    transport: FakeTransport,
    mood: Arc<Mutex<Mood>>,
    time: FakeClock,
}

impl World {
    async fn new() -> Self {
        let mood = Arc::new(Mutex::new(Mood::Answers("one")));
        let known = Arc::clone(&mood);
        let transport = FakeTransport::answering(move |_| {
            let path = match *known.lock().unwrap() {
                Mood::Answers(path) => path,
                Mood::Fails => return FakeAnswer::status(500),
                Mood::Hangs => return FakeAnswer::never(),
            };
            let body = json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/{path}/auth"),
                "token_endpoint": format!("{ISSUER}/{path}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
            });
            let answer = ::http::Response::builder().header("content-type", "application/json");
            FakeAnswer::response(answer.body(Bytes::from(body.to_string())).unwrap())
        });
        let client = HttpClient::builder().retry(RetryPolicy::none());
        let client = client.build_over(transport.clone()).unwrap();
        let time = FakeClock::at_unix_seconds(1_700_000_000);
        let place = Place::take().await;
        let provider = place.provider("oidc", ISSUER).clock(time.clock());
        Self {
            provider: provider.build(client).unwrap(),
            transport,
            mood,
            time,
        }
    }

    fn is_now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Where tokens are asked for, as far as can be said without waiting.
    fn now(&self) -> Option<String> {
        let asked = pin!(self.provider.endpoints());
        match asked.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => Some(found.unwrap().token_url().to_owned()),
            Poll::Pending => None,
        }
    }

    /// Lets what runs in the background come to its end.
    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

fn token_url(path: &str) -> Option<String> {
    Some(format!("{ISSUER}/{path}/token"))
}

#[tokio::test]
async fn no_login_waits_for_metadata_while_there_are_some() {
    let world = World::new().await;
    world.provider.endpoints().await.unwrap();
    let calls = world.transport.calls();
    assert_eq!(world.now(), token_url("one"));
    world.settle().await;
    assert_eq!(world.transport.calls(), calls, "they are new");

    // Old, and the provider is slow: all go by what there is, and one asks for more.
    world.time.advance(FRESH);
    world.is_now(Mood::Hangs);
    for _ in 0..3 {
        assert_eq!(world.now(), token_url("one"));
        world.settle().await;
    }
    assert_eq!(world.transport.calls(), calls + 1);
}

#[tokio::test]
async fn metadata_are_renewed_in_the_background() {
    let world = World::new().await;
    world.provider.endpoints().await.unwrap();
    // Shortly before they are old.
    world.time.advance(FRESH / 5 * 4);
    world.is_now(Mood::Answers("two"));
    assert_eq!(world.now(), token_url("one"));
    world.settle().await;
    assert_eq!(world.now(), token_url("two"));

    // While the provider is down, for a day, and not asked all the time.
    world.is_now(Mood::Fails);
    world.time.advance(FRESH);
    let calls = world.transport.calls();
    for _ in 0..5 {
        assert_eq!(world.now(), token_url("two"));
        world.settle().await;
    }
    assert_eq!(world.transport.calls(), calls + 1);
    world.time.advance(USABLE - FRESH - Duration::from_secs(1));
    assert_eq!(world.now(), token_url("two"));
    world.settle().await;
    world.time.advance(Duration::from_secs(61));
    assert!(world.provider.endpoints().await.is_err(), "too old");
    world.time.advance(Duration::from_secs(61));
    world.is_now(Mood::Answers("three"));
    world.provider.endpoints().await.unwrap();
    assert_eq!(world.now(), token_url("three"));
}

/// Two find that a token is over; the one gets the lease when the other has given it back. The
/// refresh token that it has seen is used up by then.
#[tokio::test]
async fn who_gets_the_lease_late_looks_again() {
    let forger = Forger::new().await;
    forger.log_in("alice", "s1").await;
    let login = forger.rp.seen.lock().unwrap().pop().unwrap();
    let counted = CountedStore::from(MemoryStore::default());
    let fields = FieldCipher::new(Keyring::generate(), "test");
    let logins = Logins::new(
        Store::new(counted.clone()),
        fields.column("logins", "tokens").unwrap(),
    );
    let logins = logins.clock(forger.rp.time.clock());
    let name = logins.name(&login);
    logins.keep(&name, "1", &login).await.unwrap();
    let relying_party = &forger.rp.relying_party;

    // Of a token that is good nobody asks for more.
    let token = logins.access_token(relying_party, &name).await.unwrap();
    assert_eq!((token.expose(), forger.renewals()), ("t0ken", 0));
    forger.rp.time.advance(Duration::from_secs(250));
    counted.trips();
    let mut late = pin!(logins.access_token(relying_party, &name));
    let polled = late.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    assert_eq!(counted.trips(), ["get"], "it has seen the old tokens");

    let first = logins.access_token(relying_party, &name).await.unwrap();
    assert_eq!((first.expose(), forger.renewals()), ("renewed-1", 1));
    let late = late.await.unwrap();
    assert_eq!((late.expose(), forger.renewals()), ("renewed-1", 1));
    // And the next refresh token is the right one.
    forger.rp.time.advance(Duration::from_secs(250));
    let next = logins.access_token(relying_party, &name).await.unwrap();
    assert_eq!((next.expose(), forger.renewals()), ("renewed-2", 2));
}
