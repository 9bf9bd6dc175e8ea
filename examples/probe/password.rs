use portcullis::authn::password::{PasswordHash, PasswordScheme};
use portcullis::secret::SecretString;
use serde_json::{Map, Value, json};

pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let text = |name: &str| match record.get(name) {
        Some(Value::String(text)) => Ok(Some(&**text)),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err(format!("`{name}` must be a string")),
    };
    let hash = text("hash")?.map(PasswordHash::from);
    let password = text("password")?.ok_or("`password` is missing")?;
    let verification = PasswordScheme::default()
        .verify(hash.as_ref(), &SecretString::from(password))
        .map_err(|error| error.to_string())?;
    let mut answer = Map::new();
    let outcome = if verification.is_accepted() {
        "accept"
    } else {
        "reject"
    };
    answer.insert("outcome".to_owned(), outcome.into());
    answer.insert("rehash".to_owned(), json!(verification.needs_rehash()));
    if let Err(mismatch) = verification.outcome() {
        answer.insert("reason".to_owned(), mismatch.code().into());
    }
    Ok(answer)
}
