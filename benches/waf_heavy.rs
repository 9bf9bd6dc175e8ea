//! How slow a body can be made to read: pieces of every language that is looked for, repeated
//! to 128 KiB, bare and behind encodings, in a plain field and in one where nothing ends the
//! look early; then what a search at random makes of them. Prints the slowest, in milliseconds,
//! and for the slowest of all how it compares with prose and with 1 MiB of itself.
#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

#[path = "../tests/it/waf/heavy/units.rs"]
mod units;

use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf};
use std::time::{Duration, Instant};
use units::{HONEST, PROSE, TYPE, UNITS, body, of};

const SIZE: usize = 128 << 10;
/// How long the search goes on.
const SEARCH: Duration = Duration::from_secs(20);
/// How many are shown.
const SHOWN: usize = 16;

#[derive(Clone, Debug)]
struct Slow {
    time: Duration,
    name: String,
    unit: String,
    layers: usize,
    code: bool,
}

struct Bench {
    plain: Waf,
    code: Waf,
}

impl Bench {
    fn new() -> Self {
        let code = Waf::builder(Ruleset::builtin()).field(Field::named("a"), FieldKind::Code);
        Self {
            plain: Waf::new(Ruleset::builtin()),
            code: code.build().expect("a firewall"),
        }
    }

    /// The best of some, so that what else the machine does counts for little.
    fn time(&self, unit: &str, size: usize, layers: usize, code: bool, times: usize) -> Slow {
        let text = body(&of(unit, size), layers);
        let waf = if code { &self.code } else { &self.plain };
        let mut rules = Vec::new();
        let mut best = Duration::MAX;
        for _ in 0..times {
            let request = RawRequest::new("POST", "/").header("content-type", TYPE);
            let request = request.body(&text);
            let start = Instant::now();
            let report = waf.judge(&request);
            best = best.min(start.elapsed());
            rules = report
                .matches()
                .iter()
                .map(|found| found.rule().to_string())
                .collect();
        }
        Slow {
            time: best,
            name: format!(
                "{unit:?} x{layers} {} {rules:?}",
                if code { "code" } else { "plain" }
            ),
            unit: unit.to_owned(),
            layers,
            code,
        }
    }
}

fn show(title: &str, slow: &mut [Slow]) {
    slow.sort_by_key(|slow| std::cmp::Reverse(slow.time));
    for slow in slow.iter().take(SHOWN) {
        let name: String = slow.name.chars().take(150).collect();
        println!("{title} {:>7.2} ms {name}", slow.time.as_secs_f64() * 1e3);
    }
}

fn main() {
    let bench = Bench::new();
    let prose = bench.time(PROSE, SIZE, 0, true, 5);
    println!("prose {:>7.2} ms", prose.time.as_secs_f64() * 1e3);
    for (name, unit, _) in HONEST {
        let time = bench.time(unit, SIZE, 0, true, 5).time;
        println!("honest {:>7.2} ms {name}", time.as_secs_f64() * 1e3);
    }
    let mut slow = Vec::new();
    for unit in UNITS {
        for layers in [0, 4] {
            for code in [false, true] {
                slow.push(bench.time(unit, SIZE, layers, code, 2));
            }
        }
    }
    show("single", &mut slow);
    // Of those that are refused for what they cost, which cost the least.
    let refused = slow
        .iter()
        .rev()
        .filter(|slow| slow.name.contains("protocol-work"));
    for slow in refused.take(SHOWN) {
        println!(
            "refused {:>7.2} ms {}",
            slow.time.as_secs_f64() * 1e3,
            slow.name
        );
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below.max(1)
    };
    let start = Instant::now();
    while start.elapsed() < SEARCH {
        let mut unit = String::new();
        if next(2) == 0 {
            unit.push_str(slow.get(next(12)).map_or("", |slow| &slow.unit));
        }
        for _ in 0..=next(4) {
            unit.push_str(UNITS.get(next(UNITS.len())).copied().unwrap_or_default());
        }
        if unit.len() < 400 {
            slow.push(bench.time(&unit, SIZE, 4 * (next(3) / 2), true, 1));
            slow.sort_by_key(|slow| std::cmp::Reverse(slow.time));
            slow.truncate(64);
        }
    }
    // All of the pieces once, and then one of them to the end.
    let all = UNITS.concat();
    for slow_one in slow.clone().iter().take(12) {
        let text = format!("{all}{}", slow_one.unit.repeat(SIZE / slow_one.unit.len()));
        slow.push(bench.time(&text, 1, slow_one.layers, slow_one.code, 2));
    }
    let mut slow: Vec<_> = slow
        .iter()
        .map(|slow| Slow {
            time: bench.time(&slow.unit, SIZE, slow.layers, slow.code, 3).time,
            ..slow.clone()
        })
        .collect();
    show("search", &mut slow);
    if let Some(worst) = slow.first() {
        let large = bench.time(&worst.unit, 8 * SIZE - 64, worst.layers, worst.code, 3);
        println!(
            "1 MiB of the slowest {:>7.2} ms",
            large.time.as_secs_f64() * 1e3
        );
        let ratio = worst.time.as_secs_f64() / prose.time.as_secs_f64();
        println!("ratio waf-heavy slowest/prose {ratio:.2}");
    }
}
