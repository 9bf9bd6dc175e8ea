//! What cleaning content costs, beside the library that does the parsing; and what the worst
//! that an attacker can send costs.

mod common;

#[path = "../tests/it/sanitize/busy.rs"]
mod busy;

use common::Race;
use portcullis::input::html::Policy;
use portcullis::input::json::JsonLimits;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What any text of a megabyte may take.
const BOUND: Duration = Duration::from_millis(50);

fn main() {
    html();
    json();
    busy_html();
}

/// 10 kB of what an editor makes.
fn rich_text() -> String {
    let piece = "<h2>The gate of the tower</h2>\n<p>A <b>portcullis</b> is a <i>heavy</i> grating, \
        see <a href=\"https://example.com/castle?page=3#gate\">the plan</a> &amp; the notes: it \
        slides in grooves, and falls when a rope is cut.</p>\n<ul>\n<li>oak</li>\n<li>iron &lt; steel</li>\n\
        </ul>\n<blockquote cite=\"https://example.com/\"><p>“Down it came”, they wrote; nobody \
        was hurt.</p></blockquote>\n<p><img src=\"/gate.png\" alt=\"the gate\" width=\"640\"></p>\n\
        <pre><code class=\"language-rust\">fn main() {}</code></pre>\n";
    piece.repeat(10_000 / piece.len() + 1)
}

fn html() {
    let html = rich_text();
    println!("rich text of {} bytes", html.len());
    let policy = Policy::rich_text();
    let ammonia = ammonia::Builder::default();
    Race::new("sanitize")
        .operation("ours", || policy.clean(black_box(&html)))
        .operation("ammonia", || ammonia.clean(black_box(&html)).to_string())
        .operation("with_report", || policy.clean_with_report(black_box(&html)))
        .run()
        .ratio("sanitize_10kB", "ours", "ammonia");
}

fn json() {
    let item =
        r#"{"id": 17, "name": "a gate", "tags": ["oak", "iron"], "open": false, "height": 4.25}"#;
    let json = format!("[{}]", vec![item; 100].join(","));
    println!("JSON of {} bytes", json.len());
    let limits = JsonLimits::new();
    Race::new("json_limits")
        .operation("ours", || limits.check(black_box(json.as_bytes())))
        .operation("serde_json", || {
            serde_json::from_str::<serde_json::Value>(black_box(&json)).is_ok()
        })
        .run()
        .ratio("json_limits_8kB", "ours", "serde_json");
}

/// The best of a few runs of each attack: what it costs, not what the machine did beside.
fn busy_html() {
    let policy = Policy::rich_text();
    let mut worst = (Duration::ZERO, "");
    for (name, html) in busy::attacks(1_000_000) {
        let time = || {
            let start = Instant::now();
            let taken = black_box(policy.clean(black_box(&html))).is_ok();
            (start.elapsed(), taken)
        };
        let runs = [time(), time(), time()];
        let (took, taken) = runs.into_iter().min().unwrap_or_default();
        let verdict = if taken { "taken" } else { "refused" };
        println!(
            "{:<45} {:>9.2} ms {verdict}",
            format!("1MB/{name}"),
            took.as_secs_f64() * 1e3
        );
        worst = worst.max((took, name));
    }
    let (took, name) = worst;
    println!(
        "worst sanitize_1MB {:.1} ms ({name})",
        took.as_secs_f64() * 1e3
    );
    println!(
        "ratio sanitize_1MB_worst ours/50ms {:.3}",
        took.as_secs_f64() / BOUND.as_secs_f64()
    );
}
