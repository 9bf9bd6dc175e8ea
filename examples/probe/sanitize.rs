use portcullis::input::html::{HtmlError, Policy};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Record {
    payload: String,
    policy: Option<String>,
}

pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let record = Record::deserialize(record).map_err(|error| error.to_string())?;
    let policy = policy_of(record.policy.as_deref().unwrap_or("rich_text"))?;
    let (output, removed) = match policy.clean_with_report(&record.payload) {
        Ok(cleaned) => {
            let removed = cleaned.removed().iter().map(|it| json!(it)).collect();
            (cleaned.into_html(), removed)
        }
        Err(error) => (String::new(), vec![refused(error)]),
    };
    Ok(Map::from_iter([
        ("output".to_owned(), output.into()),
        ("removed".to_owned(), removed.into()),
    ]))
}

/// What is refused is taken out as a whole.
fn refused(error: HtmlError) -> Value {
    json!({"what": "document", "name": "", "reason": error.code()})
}

/// `rich_text`, `rich-text` and `rich text` are one.
fn policy_of(name: &str) -> Result<Policy, String> {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    match letters.collect::<String>().to_ascii_lowercase().as_str() {
        "textonly" | "text" => Ok(Policy::text_only()),
        "basic" => Ok(Policy::basic()),
        "comment" => Ok(Policy::comment()),
        "richtext" | "rich" => Ok(Policy::rich_text()),
        _ => Err(format!(
            "there is no policy {name:?}: text_only, basic, comment, rich_text"
        )),
    }
}
