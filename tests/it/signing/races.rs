//! Of one request that comes many times at once, one passes: 200 rounds, on every store.

use super::*;
use crate::support::race;
use crate::support::redis::Server;

const ROUNDS: usize = 200;
const RUNNERS: usize = 8;

async fn one_passes(store: Store) {
    let time = time();
    let verifier = Verifier::new(Policy::request(), keys(), store).with_clock(time.clock());
    for round in 0..ROUNDS {
        let request = signed(&time);
        let found = race(RUNNERS, |_| {
            let (verifier, request) = (verifier.clone(), request.clone());
            async move {
                let result = verifier.verify(&Message::from(&request), BODY).await;
                code(&result)
            }
        })
        .await;
        let passed = found.iter().filter(|code| **code == "ok").count();
        let replayed = found.iter().filter(|code| **code == "replayed").count();
        assert_eq!((passed, replayed), (1, RUNNERS - 1), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_copies_passes_in_memory() {
    one_passes(Store::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_copies_passes_on_redis() {
    let server = Server::start().await;
    one_passes(server.store().await).await;
}

/// The same request 200 times at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_two_hundred_passes() {
    let server = Server::start().await;
    for store in [Store::memory(), server.store().await] {
        let time = time();
        let verifier = Verifier::new(Policy::request(), keys(), store).with_clock(time.clock());
        let request = signed(&time);
        let found = race(200, |_| {
            let (verifier, request) = (verifier.clone(), request.clone());
            async move {
                verifier
                    .verify(&Message::from(&request), BODY)
                    .await
                    .is_ok()
            }
        });
        assert_eq!(found.await.into_iter().filter(|passed| *passed).count(), 1);
    }
}
