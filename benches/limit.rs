//! The limiter against governor's own keyed one (a `DashMap`, which grows without bound).
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot run has to say so"
)]

mod common;

use common::Race;
use governor::DefaultKeyedRateLimiter;
use portcullis::limit::{InvalidQuota, Quota, RateLimiter};
use portcullis::store::Store;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

const MILLION: u32 = 1_000_000;

fn main() {
    // First, while no freed memory is there to be used again.
    million();
    hot("hot-1", 1);
    hot("hot-1000", 1000);
    refused();
    several();
    through_a_store();
    #[cfg(feature = "redis")]
    redis::race();
    pauses();
}

/// The `n`th of many addresses, in an order that no cache can guess.
fn address(n: u32) -> IpAddr {
    Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into()
}

fn addresses(count: u32) -> impl FnMut() -> IpAddr {
    let mut n = 0;
    move || {
        n = if n + 1 >= count { 0 } else { n + 1 };
        black_box(address(n))
    }
}

/// Keys that hold state, under a quota that is never reached.
fn hot(title: &'static str, keys: u32) {
    let peer = governor_limiter(endless_for_peer());
    race(title, keys, &limiter(endless()), &peer);
}

/// As much as a quota can allow.
fn endless() -> Result<Quota, InvalidQuota> {
    Quota::per_day(2_000_000_000)
}

fn endless_for_peer() -> governor::Quota {
    let interval = Duration::from_nanos(43_200);
    let quota = governor::Quota::with_period(interval).expect("a period");
    quota.allow_burst(count(2_000_000_000))
}

/// A quota that is used up.
fn refused() {
    let peer = governor_limiter(governor::Quota::per_hour(count(1)));
    let ours = limiter(Quota::per_hour(1));
    race("refused", 1, &ours, &peer);
}

/// A million keys that all hold state.
fn million() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let before = resident();
    let peer = governor_limiter(
        governor::Quota::with_period(DAY / 10_000)
            .expect("a period")
            .allow_burst(count(10_000)),
    );
    for n in 0..MILLION {
        let _admitted = peer.check_key(&address(n));
    }
    let between = resident();
    let ours = limiter(Quota::per_day(10_000));
    for n in 0..MILLION {
        ours.check(address(n), 1);
    }
    let after = resident();
    let full = |n| {
        let decision = ours.check(address(n), 0);
        decision
            .standings()
            .any(|standing| standing.remaining() == 10_000)
    };
    let kept = (0..MILLION).filter(|n| !full(*n)).count();
    println!("limit/million: {kept} of {MILLION} active keys are remembered");
    println!(
        "bytes per key: ours {:.1} (resident {:.1}), peer resident {:.1}",
        ours.capacity_bytes() as f64 / kept as f64,
        (after - between) as f64 / kept as f64,
        (between - before) as f64 / f64::from(MILLION),
    );
    race("million", MILLION, &ours, &peer);
}

/// Two quotas in one decision, against two limiters one after the other.
fn several() {
    let peers = [(); 2].map(|()| governor_limiter(endless_for_peer()));
    let ours = RateLimiter::new([(); 2].map(|()| endless().expect("a quota")));
    let (mut for_ours, mut for_peer) = (addresses(1000), addresses(1000));
    Race::new("limit/two-quotas")
        .operation("ours", || ours.check(for_ours(), 1).is_admitted())
        .operation("peer", || {
            let address = for_peer();
            peers.iter().all(|peer| peer.check_key(&address).is_ok())
        })
        .run()
        .ratio("limit_two_quotas", "ours", "peer");
}

fn race(
    title: &'static str,
    keys: u32,
    ours: &RateLimiter,
    peer: &DefaultKeyedRateLimiter<IpAddr>,
) {
    let name = format!("limit_{}", title.replace('-', "_"));
    let (mut for_ours, mut for_peer) = (addresses(keys), addresses(keys));
    Race::new(title)
        .operation("ours", || ours.check(for_ours(), 1).is_admitted())
        .operation("peer", || peer.check_key(&for_peer()).is_ok())
        .run()
        .ratio(&name, "ours", "peer");
}

/// The longest that one check of a new key takes, on the way to a million keys and beyond.
/// A pause that lies in the limiter comes each time, one that lies in the machine does not: of
/// several passes the least is told, and what was going on while the system took the processor
/// away is left out.
fn pauses() {
    let in_earnest = std::env::args().any(|argument| argument == "--bench");
    let passes = if in_earnest { 7 } else { 1 };
    let ours = (0..passes).map(|_| {
        let limiter = limiter(endless());
        longest(|n| limiter.check(address(n), 1).is_admitted())
    });
    println!("longest pause, ours: {:?}", ours.min().unwrap_or_default());
    let peer = (0..passes).map(|_| {
        let limiter = governor_limiter(endless_for_peer());
        longest(|n| limiter.check_key(&address(n)).is_ok())
    });
    println!("longest pause, peer: {:?}", peer.min().unwrap_or_default());
}

/// Limits that are shared through a store: what is known to be refused, against governor in
/// memory, and what is admitted by the store in memory.
fn through_a_store() {
    let shared = |quota| limiter(quota).store(Store::memory());
    let (spent, endless) = (shared(Quota::per_hour(1)), shared(endless()));
    let peer = governor_limiter(governor::Quota::per_hour(count(1)));
    let key = address(7);
    Race::new("limit/known-refusal")
        .asynchronous("ours", async || {
            spent.check(black_box(key), 1).await.is_admitted()
        })
        .operation("peer", || peer.check_key(black_box(&key)).is_ok())
        .run()
        .ratio("limit_known_refusal", "ours", "peer");
    let (mut shared_keys, mut local_keys) = (addresses(1000), addresses(1000));
    let local = limiter(self::endless());
    Race::new("limit/store-in-memory")
        .asynchronous("ours", async || {
            endless.check(shared_keys(), 1).await.is_admitted()
        })
        .operation("without", || local.check(local_keys(), 1).is_admitted())
        .run()
        .added("limit_store_in_memory", "ours", "without");
}

/// A whole decision of a layer through Redis, against the least that could count: `INCR`.
#[cfg(feature = "redis")]
mod redis {
    use super::{Race, address, endless};
    use ::redis::{Client, aio::MultiplexedConnection};
    use http::Request;
    use portcullis::guard::{Guard, Verdict};
    use portcullis::limit::RateLimitLayer;
    use portcullis::net::client_ip::ClientIp;
    use portcullis::store::Store;
    use portcullis::store::redis::RedisStore;
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;
    use tempfile::TempDir;

    /// On a busy machine a slow answer is still one.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Server {
        process: Child,
        url: String,
        _folder: TempDir,
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _gone_already = self.process.kill();
            let _same = self.process.wait();
        }
    }

    fn start() -> Option<Server> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).ok()?;
        let port = listener.local_addr().ok()?.port().to_string();
        drop(listener);
        let folder = tempfile::tempdir().ok()?;
        let process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        Some(Server {
            process,
            url: format!("redis://127.0.0.1:{port}"),
            _folder: folder,
        })
    }

    /// Both over one connection each, driven by one thread beside that of the bench.
    pub(super) fn race() {
        let Some(server) = start() else {
            println!(
                "limit/redis: skipped, there is no redis-server (apt-get install redis-server)"
            );
            return;
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let (store, plain) = runtime.block_on(connect(&server.url));
        let layer = RateLimitLayer::new(endless().expect("a quota"))
            .store(store)
            .deadline(PATIENCE);
        let mut n = 0;
        Race::new("limit/redis")
            .asynchronous("ours", async || {
                n = (n + 1) % 1000;
                let mut request = Request::new(());
                request.extensions_mut().insert(ClientIp::from(address(n)));
                match layer.check(&mut request) {
                    Verdict::Later(verdict) => assert!(verdict.await.is_ok()),
                    _ => panic!("decided without the server"),
                }
            })
            .asynchronous("incr", {
                let mut n = 0;
                async move || {
                    n = (n + 1) % 1000;
                    let mut connection = plain.clone();
                    let mut incr = ::redis::cmd("INCR");
                    let answer: i64 = incr
                        .arg(n)
                        .query_async(&mut connection)
                        .await
                        .expect("an answer");
                    answer
                }
            })
            .run()
            .ratio("limit_redis", "ours", "incr");
    }

    async fn connect(url: &str) -> (Store, MultiplexedConnection) {
        loop {
            let store = RedisStore::builder(url).deadline(PATIENCE).connect();
            if let Ok(store) = store.await {
                let client = Client::open(url).expect("a URL");
                let plain = client.get_multiplexed_async_connection().await;
                return (Store::new(store), plain.expect("a connection"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn longest(mut check: impl FnMut(u32) -> bool) -> Duration {
    const BLOCK: u32 = 500;
    let mut longest = Duration::ZERO;
    for block in 0..2 * MILLION / BLOCK {
        let before = switches();
        let times = (block * BLOCK..(block + 1) * BLOCK).map(|n| {
            let start = Instant::now();
            black_box(check(n));
            start.elapsed()
        });
        let longest_of_block = times.max().unwrap_or_default();
        if switches() == before {
            longest = longest.max(longest_of_block);
        }
    }
    longest
}

/// How often the system has taken the processor away from this thread.
fn switches() -> Option<String> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let (_, switches) = status.split_once("nonvoluntary_ctxt_switches:")?;
    Some(switches.trim().to_owned())
}

fn limiter(quota: Result<Quota, InvalidQuota>) -> RateLimiter {
    RateLimiter::new(quota.expect("a quota"))
}

fn governor_limiter(quota: governor::Quota) -> DefaultKeyedRateLimiter<IpAddr> {
    governor::RateLimiter::keyed(quota)
}

fn count(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("a count")
}

/// Resident memory of this process, in bytes; zero where the system does not tell.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_usize) * 4096
}
