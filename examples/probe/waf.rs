#[path = "../common/waf_record.rs"]
mod waf_record;

use portcullis::waf::{FieldKind, Waf};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// What a record may say besides the request.
#[derive(Deserialize)]
struct Settings {
    level: Option<u8>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

thread_local! {
    /// Setting up takes longer than judging, and most records have the same settings.
    static KNOWN: RefCell<HashMap<String, Waf>> = RefCell::default();
}

pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let settings = Settings::deserialize(record).map_err(|error| error.to_string())?;
    let waf = waf_of(settings)?;
    let record = waf_record::Record::deserialize(record).map_err(|error| error.to_string())?;
    let record = record.decoded()?;
    let report = waf.explain(&record.request());
    let matches = report.matches().iter().map(|found| {
        json!({
            "rule": found.rule(),
            "class": found.class(),
            "where": found.location().to_string(),
            "weight": found.weight(),
            "excerpt": found.excerpt(),
        })
    });
    let action = if report.is_hostile() {
        "block"
    } else {
        "allow"
    };
    Ok(Map::from_iter([
        ("action".to_owned(), action.into()),
        ("score".to_owned(), report.score().into()),
        ("matches".to_owned(), matches.collect()),
    ]))
}

fn waf_of(settings: Settings) -> Result<Waf, String> {
    let level = settings.level.unwrap_or(1);
    let fields = settings.fields.into_iter();
    let fields: BTreeMap<_, _> = fields
        .map(|(name, kind)| kind_of(&kind).map(|kind| (name, kind)))
        .collect::<Result<_, _>>()?;
    let key = format!("{level} {fields:?}");
    KNOWN.with_borrow_mut(|known| {
        if let Some(waf) = known.get(&key) {
            return Ok(waf.clone());
        }
        let waf = waf_record::waf(level, &fields).map_err(|error| error.to_string())?;
        known.insert(key, waf.clone());
        Ok(waf)
    })
}

/// `rich_text`, `rich-text`, `RichText` and `rich text` are one.
fn kind_of(name: &str) -> Result<FieldKind, String> {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    match letters.collect::<String>().to_ascii_lowercase().as_str() {
        "plain" => Ok(FieldKind::Plain),
        "freetext" | "text" => Ok(FieldKind::FreeText),
        "richtext" | "html" => Ok(FieldKind::RichText),
        "code" => Ok(FieldKind::Code),
        "url" => Ok(FieldKind::Url),
        "base64" => Ok(FieldKind::Base64),
        "file" => Ok(FieldKind::File),
        "opaque" => Ok(FieldKind::Opaque),
        _ => Err(format!("there is no kind of field {name:?}")),
    }
}
