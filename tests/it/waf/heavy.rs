//! Texts that are made to be slow to read: what they cost is bounded by their size, and what
//! is honest and as large is not refused for it.

mod units;

use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf};
use std::time::{Duration, Instant};
use units::{PROSE, UNITS, body, of};

fn of_kind(kind: FieldKind) -> Waf {
    let waf = Waf::builder(Ruleset::builtin()).field(Field::named("a"), kind);
    waf.build().unwrap()
}

/// The rules that saw something in a JSON body.
fn rules(waf: &Waf, body: &str) -> Vec<String> {
    let request = RawRequest::new("POST", "/").header("content-type", "application/json");
    let report = waf.judge(&request.body(body));
    let found = report
        .matches()
        .iter()
        .map(|found| found.rule().to_string());
    found.collect()
}

/// What this thread has worked, or how late it is where the system does not say.
fn worked(start: Instant) -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn cost(waf: &Waf, text: &str, layers: usize) -> Duration {
    let body = body(text, layers);
    let start = Instant::now();
    let once = || {
        let before = worked(start);
        let _rules = rules(waf, &body);
        worked(start).saturating_sub(before)
    };
    once().min(once())
}

#[test]
fn no_text_costs_much_more_than_prose() {
    const SIZE: usize = 32 << 10;
    /// Text of nothing but separators took three hundred times as long.
    const MOST: u32 = 100;
    let waf = of_kind(FieldKind::Code);
    let prose = cost(&waf, &of(PROSE, SIZE), 0);
    let slow: Vec<_> = UNITS
        .iter()
        .flat_map(|unit| [(unit, 0), (unit, 4)])
        .map(|(unit, layers)| (unit, layers, cost(&waf, &of(unit, SIZE), layers)))
        .filter(|(.., cost)| *cost > prose * MOST)
        .collect();
    assert!(slow.is_empty(), "prose {prose:?}, {slow:#?}");
}

#[test]
fn what_is_made_to_be_slow_is_refused() {
    let waf = of_kind(FieldKind::Code);
    for (name, unit, layers) in [
        ("continued lines, again and again", "\\\n", 4),
        ("tokens of SQL behind a quote", "'+1", 4),
        ("hosts within hosts", "http:1-", 2),
        ("paths with wildcards", "'/*a", 0),
    ] {
        let rules = rules(&waf, &body(&of(unit, 128 << 10), layers));
        assert!(
            rules.iter().any(|rule| rule == "protocol-work"),
            "{name}: {rules:?}"
        );
    }
}

#[test]
fn honest_texts_may_be_large() {
    let page = "<h2 class=\"a\">Notes</h2>\n<p>It's <b>late</b> &amp; we <a href=\"https://www.example.com/a?b=c\">go</a> home; see you.</p>\n<ul><li>one</li><li>two</li></ul>\n";
    let code = "    for (let i = 0; i < items.length; i++) {\n        total += items[i].price * 1.19; // with tax\n        log(`${i}: ` + \"it's \" + total);\n    }\n";
    let table = "2024-05-01;17,5;\"Müller, Anna\";Berlin;0;;true\n";
    let notes = "# Notes & plans\n\n- call `mkdir`, then **wait**\n- see [here](https://www.example.com/x#y)\n\n    a && b || c\n";
    let log = "127.0.0.1 - - [01/May/2024:10:00:00 +0200] \"GET /a?b=c%20d HTTP/1.1\" 200 1234 \"-\" \"Mozilla/5.0\"\n";
    let cases = [
        ("prose", PROSE, FieldKind::Plain),
        ("prose of a message", PROSE, FieldKind::FreeText),
        ("a page", page, FieldKind::RichText),
        ("source code", code, FieldKind::Code),
        ("a table", table, FieldKind::FreeText),
        ("notes", notes, FieldKind::FreeText),
        ("a log", log, FieldKind::Code),
    ];
    for (name, unit, kind) in cases {
        for size in [16 << 10, 128 << 10, 900 << 10] {
            let found = rules(&of_kind(kind), &body(&of(unit, size), 0));
            assert!(
                !found.iter().any(|rule| rule == "protocol-work"),
                "{name}: {found:?}"
            );
        }
    }
}

#[test]
fn many_values_under_a_long_name() {
    let waf = Waf::new(Ruleset::builtin());
    let values = |name: &str| format!("{{\"{name}\":[{}1]}}", "\"http://a.example\",".repeat(2000));
    let start = Instant::now();
    let mut costs = ["p", &"p".repeat(64 << 10)].map(|name| {
        let body = values(name);
        let before = worked(start);
        let _rules = rules(&waf, &body);
        worked(start).saturating_sub(before)
    });
    costs.sort();
    let [short, long] = costs;
    assert!(long < short * 20, "{short:?} {long:?}");
}
