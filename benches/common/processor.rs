//! Times contenders whose operations take milliseconds, in which a busy machine does something
//! else as well: not by the clock but by the time of the processor, and of each the least.

/// Does one operation and says whether it went well.
type Operation<'a> = Box<dyn FnMut() -> bool + 'a>;

/// Contenders that take turns, each of so many operations, for some rounds.
pub(crate) struct Race<'a> {
    title: &'static str,
    rounds: u32,
    turn: u32,
    contenders: Vec<(&'static str, Operation<'a>)>,
}

impl<'a> Race<'a> {
    pub(crate) const fn new(title: &'static str, rounds: u32, turn: u32) -> Self {
        Self {
            title,
            rounds,
            turn,
            contenders: Vec::new(),
        }
    }

    pub(crate) fn operation(
        mut self,
        name: &'static str,
        operation: impl FnMut() -> bool + 'a,
    ) -> Self {
        self.contenders.push((name, Box::new(operation)));
        self
    }

    /// Prints what each needed at least, and the ratio of that to what each peer needed.
    pub(crate) fn run(mut self, peers: &[&str]) {
        let (rounds, turn) = if is_in_earnest() {
            (self.rounds, self.turn)
        } else {
            (1, 1)
        };
        let mut least = vec![f64::INFINITY; self.contenders.len()];
        for _ in 0..rounds {
            for ((name, operation), least) in self.contenders.iter_mut().zip(&mut least) {
                let before = spent();
                assert!((0..turn).all(|_| operation()), "{name} failed");
                let took = (spent() - before) / f64::from(turn);
                *least = least.min(took);
            }
        }
        let names = self.contenders.iter().map(|(name, _)| *name);
        let results: Vec<_> = names.zip(least).collect();
        for (name, took) in &results {
            println!(
                "{:<40} {took:>11.1} ns/op",
                format!("{}/{name}", self.title)
            );
        }
        for peer in peers {
            let base = results.iter().find(|(name, _)| name == peer);
            let base = base.map_or(f64::NAN, |(_, took)| *took);
            for (name, took) in results.iter().filter(|(name, _)| name != peer) {
                println!(
                    "ratio {}-{peer}-{name} ours/peer {:.3}",
                    self.title,
                    took / base
                );
            }
        }
    }
}

/// Whether this is more than a test that the bench runs.
pub(crate) fn is_in_earnest() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Processor time of this thread and of ended children, in nanoseconds. Linux tells; elsewhere
/// it is zero, and the ratios are not a number.
fn spent() -> f64 {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    // Without a reason to, the kernel brings the account up to date every few milliseconds.
    std::thread::yield_now();
    let thread = read("/proc/thread-self/schedstat");
    let thread = thread.split_whitespace().next().map(str::parse::<f64>);
    // Behind the name, which may hold anything, cutime and cstime are the 14th and 15th field,
    // in ticks of 10 ms.
    let process = read("/proc/self/stat");
    let fields = process.rsplit(')').next().unwrap_or_default();
    let children = fields.split_whitespace().skip(13).take(2);
    let ticks: f64 = children.filter_map(|field| field.parse::<f64>().ok()).sum();
    thread.and_then(Result::ok).unwrap_or(0.0) + ticks * 10_000_000.0
}
