//! Fields of a record that hold bytes.

use serde_json::Value;

/// A field of hexadecimal digits. One that is not there is an error.
pub(crate) fn hex(record: &Value, name: &str) -> Result<Vec<u8>, String> {
    hex_or_none(record, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

/// A field of hexadecimal digits that may be missing, or null.
pub(crate) fn hex_or_none(record: &Value, name: &str) -> Result<Option<Vec<u8>>, String> {
    let text = match record.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(format!("`{name}` must be a string")),
    };
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let bytes = digits.filter(|digits| digits.len() % 2 == 0).map(|digits| {
        let pairs = digits.chunks_exact(2);
        pairs
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect()
    });
    bytes
        .map(Some)
        .ok_or_else(|| format!("`{name}` is not hexadecimal"))
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
