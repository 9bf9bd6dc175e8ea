//! Calls to other services that are slow, down or hostile, and to addresses nobody may call.

mod network;
mod patience;

use bytes::Bytes;
use http::{Request, Response};
use portcullis::clock::FakeClock;
use portcullis::net::client::{
    BreakerPolicy, ClientBuilder, ClientErrorKind, FakeAnswer, FakeTransport, HttpClient,
    RetryPolicy,
};
use portcullis::random::Random;
use std::time::Duration;

const URL: &str = "https://id.example.com/keys?token=canary";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Tries once, and never gives up on an origin.
fn plain() -> ClientBuilder {
    HttpClient::builder()
        .retry(RetryPolicy::none())
        .breaker(BreakerPolicy::never())
        .random(Random::insecure_seeded(7))
}

fn kind<T>(outcome: Result<T, portcullis::net::client::ClientError>) -> Option<ClientErrorKind> {
    outcome.err().map(|error| error.kind())
}
