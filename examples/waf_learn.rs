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
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: waf_learn FILE")?;
    let waf = waf_record::waf(1, &BTreeMap::new())?;
    let mut lessons = Lessons::new(&waf);
    for line in std::fs::read_to_string(file)?.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        if record.get("label").is_some_and(|label| label == "attack") {
            continue;
        }
        let record: waf_record::Record = serde_json::from_value(record)?;
        lessons.hear(&record.decoded()?.request());
    }
    for lesson in lessons.needed() {
        print!("{lesson}");
    }
    Ok(())
}
