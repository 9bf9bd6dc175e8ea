use crate::bytes::{hex, hex_or_none};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis::crypto::file::{FileCrypt, FileKey};
use serde_json::{Map, Value, json};

/// Opens or seals a bare stream of Cobblestone-256.
pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let Ok(key) = hex(record, "key")?.try_into() else {
        return Ok(answer("reject", None));
    };
    let context = hex_or_none(record, "context")?.unwrap_or_default();
    let data = match record.get("data_b64") {
        Some(Value::String(data)) => STANDARD
            .decode(data)
            .map_err(|error| format!("`data_b64` is not base64: {error}"))?,
        _ => return Err("`data_b64` must be a string".to_owned()),
    };
    let files = FileCrypt::bare(FileKey::from_bytes(key)).context(context);
    let done = match record.get("op").and_then(Value::as_str) {
        Some("open") => files.open(&data),
        Some("seal") => files.seal(&data),
        _ => return Err("`op` must be \"open\" or \"seal\"".to_owned()),
    };
    Ok(match done {
        Ok(data) => answer("accept", Some(&data)),
        Err(error) => {
            let mut answer = answer("reject", None);
            answer.insert("reason".to_owned(), error.code().into());
            answer
        }
    })
}

fn answer(outcome: &str, data: Option<&[u8]>) -> Map<String, Value> {
    let mut answer = Map::from_iter([("outcome".to_owned(), outcome.into())]);
    if let Some(data) = data {
        answer.insert("data_b64".to_owned(), json!(STANDARD.encode(data)));
    }
    answer
}
