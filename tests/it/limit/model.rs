//! The limiter against a model: buckets that fill evenly.

use super::limiter;
use portcullis::clock::FakeClock;
use portcullis::limit::{Outcome, Quota};
use proptest::prelude::*;
use std::time::Duration;

/// GCRA told another way: a bucket that fills evenly, in exact numbers.
struct Bucket {
    most: u128,
    per: u128,
    /// In nanoseconds times units.
    level: u128,
}

impl Bucket {
    fn new(count: u32, seconds: u32, most: u32) -> Self {
        let per = u128::from(seconds) * 1_000_000_000 / u128::from(count);
        let most = u128::from(most) * per;
        Self {
            most,
            per,
            level: most,
        }
    }

    fn fill(&mut self, nanos: u128) {
        self.level = self.most.min(self.level + nanos);
    }

    fn has(&self, cost: u32) -> bool {
        self.level >= u128::from(cost) * self.per
    }
}

#[derive(Clone, Debug)]
enum Step {
    Check { key: u8, cost: u32 },
    Wait { milliseconds: u64 },
    WaitAsTold { key: u8, cost: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u8, 0..8_u32).prop_map(|(key, cost)| Step::Check { key, cost }),
        (0..3_000_u64).prop_map(|milliseconds| Step::Wait { milliseconds }),
        (0..4_u8, 1..8_u32).prop_map(|(key, cost)| Step::WaitAsTold { key, cost }),
    ]
}

proptest! {
    /// Divisors of a second and a minute, so that the model's numbers are whole as well.
    #[test]
    fn it_is_a_leaky_bucket(
        count in prop::sample::select(vec![1_u32, 2, 4, 5, 10]),
        burst in 1..12_u32,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let time = FakeClock::at_unix_seconds(0);
        let quotas = [
            Quota::per_second(count).unwrap().burst(burst).unwrap(),
            Quota::per_minute(20).unwrap(),
        ];
        let limiter = limiter(quotas, time.clock());
        let mut model: Vec<_> = (0..4)
            .map(|_| [Bucket::new(count, 1, burst), Bucket::new(20, 60, 20)])
            .collect();
        let wait = |model: &mut Vec<[Bucket; 2]>, by: Duration| {
            time.advance(by);
            model.iter_mut().flatten().for_each(|bucket| bucket.fill(by.as_nanos()));
        };
        for step in steps {
            let (key, cost) = match step {
                Step::Wait { milliseconds } => {
                    wait(&mut model, Duration::from_millis(milliseconds));
                    continue;
                }
                Step::Check { key, cost } => (key, cost),
                Step::WaitAsTold { key, cost } => {
                    let name = key.to_string();
                    if let Outcome::OverQuota { retry_after } =
                        limiter.check(name.as_str(), cost).outcome()
                    {
                        let early = Duration::from_nanos(1);
                        wait(&mut model, retry_after.saturating_sub(early));
                        prop_assert!(!limiter.check(name.as_str(), cost).is_admitted());
                        wait(&mut model, early);
                        prop_assert!(limiter.check(name.as_str(), cost).is_admitted());
                    } else if cost > burst {
                        continue;
                    }
                    for bucket in &mut model[usize::from(key)] {
                        bucket.level -= u128::from(cost) * bucket.per;
                    }
                    continue;
                }
            };
            let buckets = &mut model[usize::from(key)];
            let expected = buckets.iter().all(|bucket| bucket.has(cost));
            let decision = limiter.check(key.to_string(), cost);
            prop_assert_eq!(decision.is_admitted(), expected);
            for (bucket, standing) in buckets.iter_mut().zip(decision.standings()) {
                if expected {
                    bucket.level -= u128::from(cost) * bucket.per;
                }
                prop_assert_eq!(u128::from(standing.remaining()), bucket.level / bucket.per);
            }
        }
    }
}
