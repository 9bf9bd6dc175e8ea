//! Times contenders against each other in one run, turn by turn, so that whatever else the
//! machine does disturbs all of them alike. All benches print the same lines:
//!
//! ```text
//! headers/bare                               521.3 ns/op
//! headers/ours                               802.9 ns/op
//! ratio headers ours/peer 0.41
//! added headers 281.6 ns
//! ```
//!
//! Used by `mod common;`, and by `#[path = "..."] mod common;` from other crates.
#![allow(dead_code, reason = "each bench uses its own part of this")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot run has to say so, loudly"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one sample of one contender should take: long against the clock's resolution,
/// short against the machine's moods.
const SAMPLE: Duration = Duration::from_millis(2);
/// How long one contender may take in all.
const BUDGET: Duration = Duration::from_secs(3);
/// Odd, so that the median is a sample.
const MAX_ROUNDS: usize = 301;
const MIN_ROUNDS: usize = 11;

/// Runs a contender this often and says how long it took.
type Batch<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// Contenders that are about to be timed.
pub(crate) struct Race<'a> {
    title: &'static str,
    contenders: Vec<(&'static str, Batch<'a>)>,
}

impl<'a> Race<'a> {
    /// A race of this title, which stands before each contender's name.
    pub(crate) fn new(title: &'static str) -> Self {
        Self {
            title,
            contenders: Vec::new(),
        }
    }

    /// Adds a contender: one call is one operation. What it returns is kept from the
    /// optimizer; what it reads, it must keep from it by itself.
    pub(crate) fn operation<T>(
        self,
        name: &'static str,
        mut operation: impl FnMut() -> T + 'a,
    ) -> Self {
        self.batch(name, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(operation());
            }
            start.elapsed()
        })
    }

    /// Adds a contender that is asynchronous. A sample runs inside one `block_on`, which
    /// therefore costs next to nothing an operation.
    pub(crate) fn asynchronous<T>(
        self,
        name: &'static str,
        mut operation: impl AsyncFnMut() -> T + 'a,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        self.batch(name, move |times| {
            runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..times {
                    black_box(operation().await);
                }
                start.elapsed()
            })
        })
    }

    /// Adds a service: one operation makes a request, waits until the service is ready, calls
    /// it and drops the response.
    pub(crate) fn service<S, R>(
        self,
        name: &'static str,
        mut service: S,
        mut request: impl FnMut() -> R + 'a,
    ) -> Self
    where
        S: tower_service::Service<R> + 'a,
    {
        self.asynchronous(name, async move || {
            let is_ready = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
            let response = match is_ready {
                Ok(()) => service.call(request()).await,
                Err(error) => Err(error),
            };
            assert!(response.is_ok(), "{name}: the service failed");
            response.ok()
        })
    }

    fn batch(mut self, name: &'static str, batch: impl FnMut(u64) -> Duration + 'a) -> Self {
        self.contenders.push((name, Box::new(batch)));
        self
    }

    /// Times the contenders, prints the median of each, and gives the times.
    ///
    /// Without `--bench` on the command line (as under `cargo test --benches`) each operation
    /// runs a few times only, to show that it can.
    pub(crate) fn run(mut self) -> Times {
        let in_earnest = std::env::args().any(|argument| argument == "--bench");
        let sizes: Vec<u64> = self
            .contenders
            .iter_mut()
            .map(|(_, batch)| if in_earnest { batch_size(batch) } else { 1 })
            .collect();
        let rounds = if in_earnest {
            self.rounds(&sizes)
        } else {
            MIN_ROUNDS
        };

        let mut samples = vec![Vec::with_capacity(rounds); sizes.len()];
        for _ in 0..rounds {
            let contenders = self.contenders.iter_mut().zip(&sizes);
            for (((_, batch), size), samples) in contenders.zip(&mut samples) {
                samples.push(nanos(batch(*size)) / *size as f64);
            }
        }
        let names = self.contenders.iter().map(|(name, _)| *name);
        let times = Times {
            title: self.title,
            samples: names.zip(samples).collect(),
        };
        times.print();
        times
    }

    fn rounds(&mut self, sizes: &[u64]) -> usize {
        let batches = self.contenders.iter_mut().zip(sizes);
        let slowest = batches
            .map(|((_, batch), size)| batch(*size))
            .max()
            .unwrap_or_default();
        let affordable = BUDGET.as_nanos() / slowest.as_nanos().max(1);
        let affordable = usize::try_from(affordable).unwrap_or(MAX_ROUNDS);
        affordable.clamp(MIN_ROUNDS, MAX_ROUNDS) | 1
    }
}

/// How many operations make one sample; warms the contender up on the way.
fn batch_size(batch: &mut Batch<'_>) -> u64 {
    let mut size = 1;
    loop {
        let took = batch(size);
        if took >= SAMPLE {
            return size;
        }
        let factor = (nanos(SAMPLE) / nanos(took).max(1.0)).clamp(1.1, 10.0);
        size = (size as f64 * factor).ceil() as u64;
    }
}

fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

/// What the contenders needed, in nanoseconds an operation, round by round.
pub(crate) struct Times {
    title: &'static str,
    samples: Vec<(&'static str, Vec<f64>)>,
}

impl Times {
    /// The median of a contender, in nanoseconds an operation.
    pub(crate) fn nanos(&self, name: &str) -> f64 {
        median(self.samples_of(name).to_vec())
    }

    /// Prints and gives how much of the peer's time ours takes: the median of the ratios of
    /// the rounds, in each of which both ran side by side.
    pub(crate) fn ratio(&self, name: &str, ours: &str, peer: &str) -> f64 {
        let ratio = self.by_round(ours, peer, |ours, peer| ours / peer);
        println!("ratio {name} ours/peer {ratio:.3}");
        ratio
    }

    /// Prints and gives what ours costs on top of the bare thing, in nanoseconds.
    pub(crate) fn added(&self, name: &str, ours: &str, bare: &str) -> f64 {
        let added = self.by_round(ours, bare, |ours, bare| ours - bare);
        println!("added {name} {added:.1} ns");
        added
    }

    /// Prints and gives the ratio of what two contenders add to the bare thing.
    pub(crate) fn ratio_of_added(&self, name: &str, ours: &str, peer: &str, bare: &str) -> f64 {
        let ours = self.by_round(ours, bare, |ours, bare| ours - bare);
        let ratio = ours / self.by_round(peer, bare, |peer, bare| peer - bare);
        println!("ratio {name} ours/peer {ratio:.3}");
        ratio
    }

    /// Prints and gives how much of the peer's time ours takes, less what is a part of ours for
    /// the sake of the bench alone.
    pub(crate) fn ratio_without(&self, name: &str, ours: &str, part: &str, peer: &str) -> f64 {
        let ours = self.samples_of(ours).iter().zip(self.samples_of(part));
        let rounds = ours.zip(self.samples_of(peer));
        let ratio = median(
            rounds
                .map(|((ours, part), peer)| (ours - part) / peer)
                .collect(),
        );
        println!("ratio {name} ours/peer {ratio:.3}");
        ratio
    }

    fn by_round(&self, ours: &str, peer: &str, combine: impl Fn(f64, f64) -> f64) -> f64 {
        let pairs = self.samples_of(ours).iter().zip(self.samples_of(peer));
        median(pairs.map(|(ours, peer)| combine(*ours, *peer)).collect())
    }

    fn samples_of(&self, name: &str) -> &[f64] {
        let found = self.samples.iter().find(|(known, _)| *known == name);
        let Some((_, samples)) = found else {
            panic!("there is no contender {name:?} in {:?}", self.title);
        };
        samples
    }

    fn print(&self) {
        for (name, samples) in &self.samples {
            let label = format!("{}/{name}", self.title);
            println!("{label:<40} {:>11.1} ns/op", median(samples.clone()));
        }
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
