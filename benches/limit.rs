//! The limiter against governor's own keyed one (a `DashMap`, which grows without bound).
#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

mod common;

use common::Race;
use governor::DefaultKeyedRateLimiter;
use portcullis::limit::{Quota, RateLimiter};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

const MILLION: u32 = 1_000_000;

fn main() {
    hot("hot-1", 1);
    hot("hot-1000", 1000);
    refused();
    several();
    million();
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

/// A quota that is never reached.
fn hot(title: &'static str, keys: u32) {
    let peer = governor_limiter(governor::Quota::per_second(count(1_000_000_000)));
    let ours = limiter(Quota::per_second(1_000_000_000));
    race(title, keys, &ours, &peer);
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
        ours.most_memory() as f64 / kept as f64,
        (after - between) as f64 / kept as f64,
        (between - before) as f64 / f64::from(MILLION),
    );
    race("million", MILLION, &ours, &peer);
}

/// Two quotas in one decision, against two limiters one after the other.
fn several() {
    let quota = || governor::Quota::per_second(count(1_000_000_000));
    let (first, second) = (governor_limiter(quota()), governor_limiter(quota()));
    let quota = || Quota::per_second(1_000_000_000).expect("a quota");
    let ours = RateLimiter::new([quota(), quota()]);
    let (mut for_ours, mut for_peer) = (addresses(1000), addresses(1000));
    Race::new("limit/two-quotas")
        .operation("ours", || ours.check(for_ours(), 1).is_admitted())
        .operation("peer", || {
            let address = for_peer();
            first.check_key(&address).is_ok() && second.check_key(&address).is_ok()
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

/// The longest that one check of a new key takes, on the way to a million keys and beyond. A
/// pause that lies in the limiter comes each time, one that lies in the machine does not: of
/// several passes the least is told.
fn pauses() {
    let passes = if std::env::args().any(|argument| argument == "--bench") {
        7
    } else {
        1
    };
    let ours = (0..passes).map(|_| {
        let limiter = limiter(Quota::per_day(10_000));
        longest(|n| limiter.check(address(n), 1).is_admitted())
    });
    println!("longest pause, ours: {:?}", ours.min().unwrap_or_default());
    let peer = (0..passes).map(|_| {
        let quota = governor::Quota::per_hour(count(10_000));
        let limiter = governor_limiter(quota);
        longest(|n| limiter.check_key(&address(n)).is_ok())
    });
    println!("longest pause, peer: {:?}", peer.min().unwrap_or_default());
}

fn longest(mut check: impl FnMut(u32) -> bool) -> Duration {
    let times = (0..2 * MILLION).map(|n| {
        let start = Instant::now();
        black_box(check(n));
        start.elapsed()
    });
    times.max().unwrap_or_default()
}

fn limiter(quota: Result<Quota, portcullis::limit::InvalidQuota>) -> RateLimiter {
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
