//! The script that charges quotas computes what `store::gcra` computes, to the nanosecond.

use super::{QUOTAS, slow_rate};
use crate::support::redis::Server;
use portcullis::clock::FakeClock;
use portcullis::store::gcra::{Rate, Status, step};
use portcullis::store::{Charge, Key, MemoryStore, Owner, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::time::Duration;

/// The script as the store sends it, except for the time, which comes with the call, and for
/// the expiry, which is that of the real clock.
fn script() -> redis::Script {
    let source = include_str!("../../../../src/store/redis/scripts.rs");
    let (_, text) = source.split_once("CHARGE = r\"").unwrap();
    let (text, _) = text.split_once("\";").unwrap();
    let replaced = |text: String, from: &str, to: &str| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    };
    let text = replaced(text.to_owned(), "call('TIME')", "{ARGV[2], ARGV[3]}");
    let text = replaced(text, "floor(ahead / 500) + 1", "1000000");
    redis::Script::new(&text)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn rates() -> impl Strategy<Value = Rate> {
    let period = prop_oneof![
        1u64..10_000,
        1_000_000u64..10_000_000_000,
        1u64..8_640_000_000_000_000
    ];
    (1u64..2_000, period, 1u64..2_000).prop_filter_map("a rate", |(count, period, burst)| {
        let rate = Rate::new(count, Duration::from_nanos(period)).ok()?;
        rate.with_burst(burst).ok()
    })
}

#[tokio::test]
async fn the_script_computes_to_the_nanosecond() {
    let server = Server::start().await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let script = script();
    let mut runner = TestRunner::deterministic();
    let calls = prop::collection::vec(
        (
            prop_oneof![0u64..3, 0u64..100_000_000_000],
            0u64..50,
            any::<bool>(),
        ),
        1..40,
    );
    for case in 0..200u32 {
        let rate = rates().new_tree(&mut runner).unwrap().current();
        let calls = calls.new_tree(&mut runner).unwrap().current();
        // In 2026, or at the end of what doubles hold.
        let mut now_micros: u64 = if case % 2 == 0 {
            1_790_000_000_000_000
        } else {
            8_900_000_000_000_000
        };
        // The model counts nanoseconds from a moment of its own.
        let start = now_micros;
        let mut arrival = 0;
        for (number, (pause, cost, back)) in calls.into_iter().enumerate() {
            // Now and then the clock of the server is set back.
            now_micros = if back && number % 7 == 6 {
                now_micros - (now_micros - start) / 2
            } else {
                now_micros + pause / 1_000
            };
            let now = DAY.as_nanos() as u64 + (now_micros - start) * 1_000;
            let before = rate.backlog(arrival, now);
            let expected = step(arrival, now, rate, cost);
            // A refused charge, and a look, change nothing.
            if expected.allowed && cost > 0 {
                arrival = expected.arrival;
            }

            let interval = u64::try_from(rate.interval().as_nanos()).unwrap();
            let capacity = rate.capacity_nanos();
            let need = interval.saturating_mul(cost).min(capacity + 1);
            let mut charge = vec![1, 1, 0];
            charge.extend((need as f64).to_le_bytes());
            charge.extend((capacity as f64).to_le_bytes());
            let mut call = script.key(format!("{{{case}}}"));
            call.arg(charge)
                .arg(now_micros / 1_000_000)
                .arg(now_micros % 1_000_000);
            let answer: Vec<u8> = call.invoke_async(&mut connection).await.unwrap();
            let found = f64::from_le_bytes(answer.try_into().unwrap()) as u64;
            assert_eq!(
                found, before,
                "case {case}, call {number}, {rate:?}, cost {cost}"
            );
        }
    }
}

/// What is kept, and decided upon, is that of the store in memory, over many batches at once.
#[tokio::test]
async fn batches_are_decided_as_in_memory() {
    let server = Server::start().await;
    let redis = server.store().await;
    let clock = FakeClock::at_unix_seconds(1_700_000_000);
    let memory = Store::new(MemoryStore::builder().clock(clock.clock()).build());
    let mut runner = TestRunner::deterministic();
    let batch = prop::collection::vec((0u8..6, 0u64..9), 0..=8);
    for round in 0..500 {
        let batch = batch.new_tree(&mut runner).unwrap().current();
        let mut used = Vec::new();
        let owner = Owner::new(QUOTAS, "client");
        let ids: Vec<[u8; 1]> = (0u8..6).map(|id| [id]).collect();
        let mut charges = Vec::new();
        for (id, cost) in batch {
            if !used.contains(&id) {
                used.push(id);
                let id = usize::from(id);
                // Half of them are under an owner.
                let key = match id % 2 {
                    0 => owner.key(&ids[id]),
                    _ => Key::new(QUOTAS, &ids[id]),
                };
                let rate = slow_rate(20 * (id as u64 + 1));
                charges.push(Charge::new(key, rate).with_cost(cost));
            }
        }
        let (found, expected) = (redis.charge(&charges).await, memory.charge(&charges).await);
        let (found, expected) = (found.unwrap(), expected.unwrap());
        assert_eq!(found.allowed(), expected.allowed(), "round {round}");
        let left = |statuses: &[Status]| -> Vec<_> {
            let each = statuses.iter();
            each.map(|status| (status.limit(), status.remaining()))
                .collect()
        };
        assert_eq!(
            left(found.statuses()),
            left(expected.statuses()),
            "round {round}"
        );
        if round % 50 == 49 {
            for id in &ids {
                for key in [owner.key(id), Key::new(QUOTAS, id)] {
                    let (a, b) = (redis.delete(key).await, memory.delete(key).await);
                    assert_eq!(a.unwrap(), b.unwrap());
                }
            }
        }
    }
}

/// Many that come together are put into one call, and each is decided as if alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn charges_that_come_together_are_decided_alone() {
    let server = Server::start().await;
    let store = server.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..2_000u64 {
        let store = store.clone();
        tasks.spawn(async move {
            let shared = Charge::new(Key::new(QUOTAS, "shared"), slow_rate(700));
            let own = number.to_be_bytes();
            let own = Charge::new(Key::new(QUOTAS, &own), slow_rate(number % 2 + 1));
            // The odd ones ask for two of their own, so half of them are never refused by it.
            let batch = [own.with_cost(2), shared];
            let decision = store.charge(&batch).await.unwrap();
            (number % 2 == 1, decision.allowed())
        });
    }
    let found = tasks.join_all().await;
    let admitted = found.iter().filter(|(_, allowed)| *allowed);
    assert_eq!(admitted.clone().count(), 700);
    assert!(
        admitted.clone().all(|(fits, _)| *fits),
        "what never fits is refused"
    );
    let look = Charge::new(Key::new(QUOTAS, "shared"), slow_rate(700)).with_cost(0);
    assert_eq!(
        store.charge(&[look]).await.unwrap().statuses()[0].remaining(),
        0
    );
    let calls = server.command(&["INFO", "commandstats"]);
    let calls = calls.split("cmdstat_evalsha:calls=").nth(1).unwrap();
    let calls: u32 = calls.split(',').next().unwrap().parse().unwrap();
    assert!(calls < 1_900, "{calls} calls for 2000 charges");
}
