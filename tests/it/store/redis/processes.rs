//! Several processes share one server: none of their counts and charges is lost, none is
//! admitted twice.

use super::{COUNTERS, HOUR, QUOTAS, VALUES, slow_rate};
use crate::support::redis::{Cluster, DEADLINE, Server};
use portcullis::store::redis::RedisStore;
use portcullis::store::{Charge, Key, Store};
use std::process::{Command, Stdio};
use tokio::task::JoinSet;

/// Where a process finds the server. Not set in the one that runs the tests.
const URL: &str = "PORTCULLIS_TEST_REDIS_URL";

const PROCESSES: u64 = 4;
const TASKS: u64 = 16;
const ROUNDS: u64 = 50;

/// What the quota admits in all: about half of what is asked.
const BURST: u64 = PROCESSES * TASKS * ROUNDS / 2 + 1;

/// Not a test of its own: it does the work of one process when the tests below start it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_processes() {
    let Ok(url) = std::env::var(URL) else { return };
    let builder = RedisStore::builder(&url).deadline(DEADLINE);
    let store = Store::new(builder.connect().await.unwrap());
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            let charge = Charge::new(Key::new(QUOTAS, "shared"), slow_rate(BURST));
            let (mut admitted, mut first) = (0, 0);
            for round in 0..ROUNDS {
                store
                    .increment(Key::new(COUNTERS, "shared"), 1, HOUR)
                    .await
                    .unwrap();
                admitted += u64::from(store.charge(&[charge]).await.unwrap().allowed());
                let id = round.to_be_bytes();
                let put = store.put_if_absent(Key::new(VALUES, &id), b"", HOUR);
                first += u64::from(put.await.unwrap());
            }
            (admitted, first)
        });
    }
    let found = tasks.join_all().await;
    let admitted: u64 = found.iter().map(|(admitted, _)| admitted).sum();
    let first: u64 = found.iter().map(|(_, first)| first).sum();
    println!("\nfound {admitted} {first}");
}

/// Lets the processes work, and adds up what they found.
async fn check(url: &str, store: &Store) {
    let start = |_| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = concat!(module_path!(), "::one_of_several_processes");
        let name = name.split_once("::").unwrap().1;
        command
            .args(["--exact", name, "--nocapture"])
            .env(URL, url)
            .stdout(Stdio::piped());
        command.spawn().unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(start).collect();
    let (mut admitted, mut first) = (0, 0);
    for process in processes {
        let process = tokio::task::spawn_blocking(|| process.wait_with_output());
        let output = process.await.unwrap().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("found "));
        let mut numbers = line
            .expect(&text)
            .split(' ')
            .map(|n| n.parse::<u64>().unwrap());
        admitted += numbers.next().unwrap();
        first += numbers.next().unwrap();
    }
    let counted = store.increment(Key::new(COUNTERS, "shared"), 0, HOUR).await;
    assert_eq!(counted.unwrap().count(), PROCESSES * TASKS * ROUNDS);
    assert_eq!(admitted, BURST);
    assert_eq!(first, ROUNDS, "each id has one who was first");
}

#[tokio::test]
async fn several_processes_share_a_server() {
    let server = Server::start().await;
    check(&server.url(), &server.store().await).await;
}

#[tokio::test]
async fn several_processes_share_a_cluster() {
    let cluster = Cluster::start().await;
    check(&cluster.servers[1].url(), &cluster.store().await).await;
}
