#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::clock::FakeClock;
use portcullis::limit::{Outcome, Quota, RateLimiter};
use std::time::Duration;

// Whatever the quotas and the requests: nothing panics, more than the burst is never there,
// and who waits as told is admitted.
fuzz_target!(|input: ([(u32, u64, u32); 2], Vec<(u8, u32, u64)>)| {
    let (quotas, requests) = input;
    let quota =
        |(count, period, burst)| Quota::per(Duration::from_nanos(period), count)?.burst(burst);
    let [Ok(first), Ok(second)] = quotas.map(quota) else {
        return;
    };
    let most = first.rate().burst().min(second.rate().burst());
    let time = FakeClock::at_unix_seconds(0);
    let limiter = RateLimiter::new([first, second])
        .max_bytes(0)
        .clock(time.clock());
    for (key, cost, pause) in requests {
        // Together they stay within what 64 bits of nanoseconds can count.
        time.advance(Duration::from_nanos(pause >> 16));
        let key = [key];
        let key = || String::from_utf8_lossy(&key).into_owned();
        let decision = limiter.check(key(), cost);
        for standing in decision.standings() {
            assert!(standing.remaining() <= standing.quota().rate().burst());
        }
        match decision.outcome() {
            Outcome::Admitted => assert!(u64::from(cost) <= most),
            Outcome::OverQuota { retry_after } => {
                time.advance(retry_after);
                // Only room may be missing now: other keys took it.
                let again = limiter.check(key(), cost).outcome();
                assert!(matches!(again, Outcome::Admitted | Outcome::Crowded { .. }));
            }
            Outcome::CostTooHigh => assert!(u64::from(cost) > most),
            _ => {}
        }
    }
});
