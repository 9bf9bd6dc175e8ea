//! Bounded memory: what a limiter keeps under a flood, while it grows, and in a race.

use super::{ONE_PAGE, frozen, limiter, network};
use portcullis::clock::FakeClock;
use portcullis::limit::{Outcome, Quota};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[test]
fn a_million_clients_take_no_more_memory_than_allowed() {
    let budget = 1 << 20;
    let limiter = limiter(Quota::per_hour(100).unwrap(), frozen()).max_bytes(budget);
    let most = limiter.capacity_bytes();
    assert!(most <= budget + (budget >> 8), "{most}");
    let used = allocation_counter::measure(|| {
        for n in 0..1_000_000 {
            limiter.check(network(n), 1);
        }
    });
    assert!(used.bytes_max <= most as u64, "{used:?}");
    let later = allocation_counter::measure(|| {
        for n in 0..1_000_000 {
            limiter.check(network(1_000_000 + n), 1);
        }
    });
    assert_eq!(later.count_total, 0);
}

#[test]
fn an_active_key_takes_less_than_64_bytes() {
    let bytes = 8 << 20;
    let keys = bytes as u64 / 34;
    let limiter = limiter(Quota::per_hour(100).unwrap(), frozen()).max_bytes(bytes);
    for n in 0..keys {
        limiter.check(network(n), 1);
    }
    let remembered = |n: &u64| {
        let decision = limiter.check(network(*n), 0);
        decision
            .standings()
            .all(|standing| standing.remaining() == 99)
    };
    let remembered = (0..keys).filter(remembered).count();
    assert!(
        remembered as f64 > 0.99 * keys as f64,
        "{remembered} of {keys}"
    );
}

#[test]
fn no_flood_frees_a_key_that_is_being_refused() {
    let time = FakeClock::at_unix_seconds(0);
    let limiter = limiter(Quota::per_hour(5).unwrap(), time.clock()).max_bytes(ONE_PAGE);
    let refused: Vec<_> = (0..200).map(network).collect();
    for address in &refused {
        assert!(limiter.check(*address, 5).is_admitted());
    }
    for n in 0..200_000 {
        limiter.check(network(1000 + n), 1);
    }
    for address in &refused {
        assert!(!limiter.check(*address, 1).is_admitted());
    }
    time.advance(Duration::from_secs(12 * 60));
    for address in &refused {
        assert!(limiter.check(*address, 1).is_admitted());
    }
}

#[test]
fn where_all_are_being_refused_a_new_key_is_too() {
    let time = FakeClock::at_unix_seconds(0);
    let limiter = limiter(Quota::per_hour(1).unwrap(), time.clock()).max_bytes(ONE_PAGE);
    let mut admitted = Vec::new();
    let mut crowded = 0;
    for n in 0..20_000 {
        match limiter.check(network(n), 1).outcome() {
            Outcome::Admitted => admitted.push(n),
            Outcome::Crowded { retry_after } => {
                assert_eq!(retry_after, Duration::from_secs(60 * 60));
                crowded += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(admitted.len() <= 1920, "{} slots", admitted.len());
    assert_eq!(admitted.len() + crowded, 20_000);
    for n in admitted {
        assert!(!limiter.check(network(n), 1).is_admitted());
    }
    time.advance(Duration::from_secs(60 * 60));
    assert!(limiter.check(network(99_999), 1).is_admitted());
}

#[test]
fn threads_never_admit_more_than_there_is() {
    for round in 0..200 {
        let quotas = [Quota::per_hour(50).unwrap(), Quota::per_minute(40).unwrap()];
        let limiter = limiter(quotas, frozen()).max_bytes(ONE_PAGE);
        let admitted = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (limiter, admitted) = (&limiter, &admitted);
                scope.spawn(move || {
                    for n in 0..30 {
                        // Others come and go in between.
                        limiter.check(network(1000 * thread + n), 1);
                        if limiter.check("all of us", 1).is_admitted() {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 40, "round {round}");
        let decision = limiter.check("all of us", 0);
        let remaining: Vec<_> = decision
            .standings()
            .map(|standing| standing.remaining())
            .collect();
        assert_eq!(remaining, [10, 0], "round {round}");
    }
}

#[test]
fn a_limiter_that_grows_under_way_forgets_nobody() {
    let limiter = limiter(Quota::per_hour(1).unwrap(), frozen());
    let admitted: Vec<_> = (0..20_000).map(|_| AtomicU32::new(0)).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (limiter, admitted) = (&limiter, &admitted);
            scope.spawn(move || {
                // Each in another order: some come after the table grew, some before.
                let (before, after) = admitted.split_at(thread * 5_000);
                let keys = after.iter().chain(before).zip(thread as u64 * 5_000..);
                for (admitted, n) in keys {
                    if limiter.check(network(n % 20_000), 1).is_admitted() {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let often = |times| {
        let counts = admitted.iter().map(|count| count.load(Ordering::Relaxed));
        counts.filter(|count| *count == times).count()
    };
    // A thread that is stopped while it splits leaves the others little room for a moment: then
    // a new key may be refused, but none is admitted twice.
    assert_eq!(often(0) + often(1), 20_000);
    assert!(often(1) > 19_900, "{} were admitted", often(1));
}
