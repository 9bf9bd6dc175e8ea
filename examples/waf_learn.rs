//! Lists the exclusions that recorded traffic would need.
//!
//! ```console
//! $ cargo run --release --example waf_learn --features full -- FILE
//! // 12 requests
//! .exclude(Exclusion::of_rule("xss-tag", Field::named("html").on("/pages/{id}").at(Place::Json)))
//! ```
//!
//! The file is of the form that `waf_score` reads; requests labeled `attack` are passed over,
//! and all others taken for honest.

#[path = "common/waf_record.rs"]
mod waf_record;

use portcullis::waf::Lessons;
use std::collections::BTreeMap;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waf_learn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let file = std::env::args().nth(1).ok_or("usage: waf_learn FILE")?;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let waf = waf_record::waf(1, &BTreeMap::new()).map_err(|error| error.to_string())?;
    let mut lessons = Lessons::new(&waf);
    for (number, line) in text.lines().enumerate() {
        hear(&mut lessons, line).map_err(|error| format!("{file}:{}: {error}", number + 1))?;
    }
    for lesson in lessons.needed() {
        print!("{lesson}");
    }
    Ok(())
}

fn hear(lessons: &mut Lessons<'_>, line: &str) -> Result<(), String> {
    let record: serde_json::Value =
        serde_json::from_str(line).map_err(|error| error.to_string())?;
    if record.get("label").is_some_and(|label| label == "attack") {
        return Ok(());
    }
    let record: Result<waf_record::Record, _> = serde_json::from_value(record);
    let record = record.map_err(|error| error.to_string())?.decoded()?;
    lessons.hear(&record.request());
    Ok(())
}
