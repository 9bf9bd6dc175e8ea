//! Scores the firewall on a file of labeled requests.
//!
//! ```console
//! $ cargo run --release --example waf_score --features full -- FILE [--level N] [--list]
//! ```
//!
//! A line of the file is a JSON object: the request (`method`, `path`, `headers`, `body` or
//! `body_b64`), `class`, `label` (`attack` or `benign`), and where they apply `source`,
//! `tier` (`core` or `extended`) and `group`. A third of the groups, chosen by a hash, is
//! shown apart: whoever tunes rules looks only at the others. `--list` names what was missed
//! and what was blocked wrongly, of the others alone.

#[path = "common/waf_record.rs"]
mod waf_record;

use portcullis::waf::{FieldKind, Report, Waf};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What an operator would say of the fields of `benign-hard`: code, markup, prose, passwords.
const KINDS: &[(&str, FieldKind)] = &[
    ("body", FieldKind::Code),
    ("code", FieldKind::Code),
    ("confirm", FieldKind::Opaque),
    ("content", FieldKind::RichText),
    ("current", FieldKind::Opaque),
    ("head_html", FieldKind::Code),
    ("html", FieldKind::Code),
    ("new", FieldKind::Opaque),
    ("params", FieldKind::Code),
    ("password", FieldKind::Opaque),
    ("post-text", FieldKind::Code),
    ("query", FieldKind::Code),
    ("sql", FieldKind::Code),
    ("subject", FieldKind::Code),
    ("text", FieldKind::FreeText),
    ("title", FieldKind::FreeText),
];

#[derive(Deserialize)]
struct Labels {
    id: String,
    class: String,
    label: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    tier: String,
    #[serde(default)]
    group: String,
}

impl Labels {
    fn is_attack(&self) -> bool {
        self.label == "attack"
    }

    fn is_core(&self) -> bool {
        self.tier != "extended"
    }

    /// Whether it is of the third that nobody tunes to.
    fn is_aside(&self) -> bool {
        let group = if self.group.is_empty() {
            &self.id
        } else {
            &self.group
        };
        let hash = group.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        (hash >> 32) % 3 == 0
    }
}

/// How many of how many were blocked.
#[derive(Clone, Copy, Default)]
struct Count {
    blocked: u32,
    all: u32,
}

impl Count {
    fn add(&mut self, blocked: bool) {
        self.blocked += u32::from(blocked);
        self.all += 1;
    }

    fn percent(self) -> f64 {
        100.0 * f64::from(self.blocked) / f64::from(self.all.max(1))
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>5} {:>5} {:>6.2} %",
            self.blocked,
            self.all,
            self.percent()
        )
    }
}

/// Both sides of one source.
#[derive(Clone, Copy, Default)]
struct Sides {
    attacks: Count,
    benign: Count,
}

#[derive(Default)]
struct Score {
    attacks: BTreeMap<String, Count>,
    extended: BTreeMap<String, Count>,
    benign: BTreeMap<String, Count>,
    core: Count,
    /// `benign-hard` once more, with fields of [`KINDS`].
    told: Count,
    by_source: BTreeMap<String, Sides>,
}

impl Score {
    fn add(&mut self, labels: &Labels, blocked: bool) {
        let table = match (labels.is_attack(), labels.is_core()) {
            (true, true) => &mut self.attacks,
            (true, false) => &mut self.extended,
            (false, _) => &mut self.benign,
        };
        table.entry(labels.class.clone()).or_default().add(blocked);
        if labels.is_attack() && labels.is_core() {
            self.core.add(blocked);
        }
        let source = self.by_source.entry(labels.source.clone()).or_default();
        if labels.is_attack() {
            source.attacks.add(blocked);
        } else {
            source.benign.add(blocked);
        }
    }

    fn macro_average(&self) -> f64 {
        let sum: f64 = self.attacks.values().map(|count| count.percent()).sum();
        sum / self.attacks.len().max(1) as f64
    }

    fn print(&self, title: &str) {
        println!("== {title}");
        let tables = [
            ("attack", &self.attacks),
            ("attack (extended)", &self.extended),
            ("false alarm", &self.benign),
        ];
        for (kind, table) in tables {
            for (class, count) in table {
                println!("{kind:<18} {class:<20} {count}");
            }
        }
        println!("{:<39} {}", "benign-hard, kinds of fields told", self.told);
        println!("{:<39} {}", "core attacks", self.core);
        println!(
            "{:<51} {:>6.2} %",
            "macro average over classes",
            self.macro_average()
        );
        let gotestwaf = self.by_source.get("gotestwaf").copied().unwrap_or_default();
        println!("{:<39} {}", "gotestwaf attacks", gotestwaf.attacks);
        println!("{:<39} {}", "gotestwaf false alarms", gotestwaf.benign);
        for (source, Sides { attacks, benign }) in &self.by_source {
            println!("source {source:<15} attacks {attacks}   benign {benign}");
        }
        println!();
    }
}

struct Arguments {
    file: String,
    level: u8,
    list: bool,
}

fn arguments() -> Option<Arguments> {
    let mut words = std::env::args().skip(1);
    let mut arguments = Arguments {
        file: words.next()?,
        level: 1,
        list: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--level" => arguments.level = words.next()?.parse().ok()?,
            "--list" => arguments.list = true,
            _ => return None,
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: waf_score FILE [--level N] [--list]");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waf_score: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(&arguments.file)?;
    let waf = waf_record::waf(arguments.level, &BTreeMap::new())?;
    let kinds = KINDS.iter().map(|(name, kind)| ((*name).to_owned(), *kind));
    let told = waf_record::waf(arguments.level, &kinds.collect())?;
    let (mut seen, mut aside) = (Score::default(), Score::default());
    let mut spent = Duration::ZERO;
    let mut judged = 0;
    for (number, line) in text.lines().enumerate() {
        let at = |error: String| format!("line {}: {error}", number + 1);
        let labels: Labels = serde_json::from_str(line).map_err(|error| at(error.to_string()))?;
        let record: waf_record::Record =
            serde_json::from_str(line).map_err(|error| at(error.to_string()))?;
        let record = record.decoded().map_err(at)?;
        let started = Instant::now();
        let report = waf.judge(&record.request());
        spent += started.elapsed();
        judged += 1;
        let score = if labels.is_aside() {
            &mut aside
        } else {
            &mut seen
        };
        score.add(&labels, report.is_hostile());
        if labels.class == "benign-hard" {
            score.told.add(told.judge(&record.request()).is_hostile());
        }
        if arguments.list && !labels.is_aside() {
            list(&waf, &labels, &record, &report);
        }
    }
    seen.print("two thirds, to look at");
    aside.print("one third, kept aside");
    println!(
        "{judged} requests, {:.1} us each",
        spent.as_secs_f64() * 1e6 / f64::from(judged.max(1))
    );
    Ok(())
}

/// Names a request that was judged wrongly.
fn list(waf: &Waf, labels: &Labels, record: &waf_record::Record, report: &Report) {
    if report.is_hostile() == labels.is_attack() {
        return;
    }
    let kind = if labels.is_attack() {
        "missed"
    } else {
        "blocked"
    };
    let found: Vec<_> = waf
        .explain(&record.request())
        .matches()
        .iter()
        .map(|found| {
            format!(
                "{}+{} in {}: {}",
                found.rule(),
                found.weight(),
                found.location(),
                found.excerpt()
            )
        })
        .collect();
    println!(
        "{kind} {} {} {} {}",
        labels.class,
        labels.tier,
        labels.id,
        found.join(" | ")
    );
}
