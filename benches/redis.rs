//! Charging quotas on a real server of Redis, against plain pipelined INCR on the same server
//! in the same run.
//!
//! All go over one connection. `incr, tasks` has as many tasks as ours, each of which waits for
//! its own answer, as requests to a service do; the connection pipelines what they send.
//! `incr, hundreds` is one task that sends a hundred commands at once and waits for all
//! answers: the least that a command can cost a client, which no service can have. The ratios
//! are of operations a second: more is better.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot run has to say so, loudly"
)]

use portcullis::random::Random;
use portcullis::store::gcra::Rate;
use portcullis::store::redis::RedisStore;
use portcullis::store::{Charge, Key, Namespace, Owner, Store};
use redis::aio::MultiplexedConnection;
use std::net::TcpStream;
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const QUOTAS: Namespace = Namespace::quotas("bench");
const PORT: u16 = 7_389;
const KEYS: usize = 10_000;
const PIPELINE: usize = 100;

fn main() {
    let in_earnest = std::env::args().any(|argument| argument == "--bench");
    let (rounds, operations) = if in_earnest { (11, 40_000) } else { (1, 1_000) };
    let _server = Server::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime starts");
    let bench = runtime.block_on(Bench::connect());
    for tasks in [64, 256, 1_024, 1] {
        bench.race(
            &runtime,
            tasks,
            rounds,
            operations / if tasks == 1 { 20 } else { 1 },
        );
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Charge,
    ChargeFour,
    ChargeNew,
    ChargeOne,
    Incr,
    Pipeline,
}

const CONTENDERS: [(&str, Work); 6] = [
    ("charge", Work::Charge),
    ("charge of 4", Work::ChargeFour),
    ("charge, all new", Work::ChargeNew),
    ("charge, one key", Work::ChargeOne),
    ("incr, tasks", Work::Incr),
    ("incr, hundreds", Work::Pipeline),
];

#[derive(Clone)]
struct Bench {
    store: Store,
    plain: MultiplexedConnection,
    rate: Rate,
}

impl Bench {
    async fn connect() -> Self {
        let url = format!("redis://127.0.0.1:{PORT}");
        let client = redis::Client::open(url.as_str()).expect("a URL");
        let plain = client.get_multiplexed_async_connection().await;
        // This is about speed, and not about when to give up.
        let patient = RedisStore::builder(&url).deadline(Duration::from_secs(30));
        let store = patient.connect();
        Self {
            store: Store::new(store.await.expect("a server")),
            plain: plain.expect("a server"),
            // One unit refills in 8 seconds, so the state of every quota stays.
            rate: Rate::new(1_000_000, Duration::from_secs(90 * 24 * 3_600)).expect("a rate"),
        }
    }

    fn race(&self, runtime: &Runtime, tasks: usize, rounds: usize, operations: usize) {
        let mut samples = CONTENDERS.map(|_| Vec::with_capacity(rounds));
        for _ in 0..rounds {
            for ((_, work), samples) in CONTENDERS.iter().zip(&mut samples) {
                let took = runtime.block_on(self.run(*work, tasks, operations));
                samples.push(operations as f64 / took.as_secs_f64());
            }
        }
        for ((name, _), samples) in CONTENDERS.iter().zip(&samples) {
            let median = median(samples.clone());
            println!("redis {tasks:>4} tasks  {name:<16} {median:>9.0} op/s");
        }
        let [charge, _, _, _, incr, pipelined] = &samples;
        for (name, peer) in [("incr", incr), ("incr_by_hundreds", pipelined)] {
            let rounds = charge.iter().zip(peer);
            let ratio = median(rounds.map(|(ours, peer)| ours / peer).collect());
            match tasks {
                64 => println!("ratio redis_charge ours/{name} {ratio:.3}"),
                _ => println!("ratio redis_charge_{tasks}_tasks ours/{name} {ratio:.3}"),
            }
        }
    }

    /// Runs so many tasks, each of which does its share of the operations.
    async fn run(&self, work: Work, tasks: usize, operations: usize) -> Duration {
        let tasks = if work == Work::Pipeline { 1 } else { tasks };
        let share = operations / tasks;
        let start = Instant::now();
        let mut running = JoinSet::new();
        for task in 0..tasks {
            let numbers = task * share..(task + 1) * share;
            let bench = self.clone();
            match work {
                Work::Charge => running.spawn(bench.charge(numbers)),
                Work::ChargeFour => running.spawn(bench.charge_four(numbers)),
                Work::ChargeNew => running.spawn(bench.charge_new(numbers)),
                Work::ChargeOne => running.spawn(bench.charge_one(numbers)),
                Work::Incr => running.spawn(bench.incr(numbers)),
                Work::Pipeline => running.spawn(bench.pipeline(numbers)),
            };
        }
        running.join_all().await;
        start.elapsed()
    }

    async fn charge(self, numbers: Range<usize>) {
        for number in numbers {
            let id = id(number);
            let charge = Charge::new(Key::new(QUOTAS, &id), self.rate);
            self.store.charge(&[charge]).await.expect("an answer");
        }
    }

    async fn charge_four(self, numbers: Range<usize>) {
        for number in numbers {
            let id = id(number);
            let client = Owner::new(QUOTAS, &id);
            let batch = ["second", "minute", "hour", "day"]
                .map(|name| Charge::new(client.key(name), self.rate));
            self.store.charge(&batch).await.expect("an answer");
        }
    }

    /// Of clients that were never seen, whose state is gone at once.
    async fn charge_new(self, numbers: Range<usize>) {
        let rate = Rate::new(1_000, Duration::from_secs(1)).expect("a rate");
        for _ in numbers {
            let id: [u8; 16] = Random::secure().bytes();
            let charge = Charge::new(Key::new(QUOTAS, &id), rate);
            self.store.charge(&[charge]).await.expect("an answer");
        }
    }

    async fn charge_one(self, numbers: Range<usize>) {
        for _ in numbers {
            let charge = Charge::new(Key::new(QUOTAS, "one"), self.rate);
            self.store.charge(&[charge]).await.expect("an answer");
        }
    }

    async fn incr(mut self, numbers: Range<usize>) {
        for number in numbers {
            let mut command = redis::cmd("INCR");
            command.arg(id(number));
            let count: u64 = command
                .query_async(&mut self.plain)
                .await
                .expect("an answer");
            std::hint::black_box(count);
        }
    }

    async fn pipeline(mut self, numbers: Range<usize>) {
        let numbers: Vec<_> = numbers.collect();
        for numbers in numbers.chunks(PIPELINE) {
            let mut pipeline = redis::pipe();
            for number in numbers {
                pipeline.cmd("INCR").arg(id(*number));
            }
            let counts: Vec<u64> = pipeline
                .query_async(&mut self.plain)
                .await
                .expect("answers");
            std::hint::black_box(counts);
        }
    }
}

/// One of the clients, in no order.
fn id(number: usize) -> String {
    format!("client-{:08}", number.wrapping_mul(7_919) % KEYS)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

struct Server(Child);

impl Server {
    fn start() -> Self {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &PORT.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null());
        let child = command.spawn();
        let child = child.expect("this bench needs redis-server: apt-get install redis-server");
        let server = Self(child);
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", PORT)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("redis-server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
