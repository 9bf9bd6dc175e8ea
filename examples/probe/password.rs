use portcullis::authn::password::foreign::{
    Bcrypt, Pbkdf2, Pbkdf2Digest, Phpass, Scrypt, ShaCrypt,
};
use portcullis::authn::password::{Argon2id, ConfigError, PasswordHash, PasswordScheme};
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
    let verification = scheme()
        .map_err(|error| error.to_string())?
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

/// All formats there are. Nobody listens to how long this takes, so a refusal does the work of
/// the cheapest hashes.
fn scheme() -> Result<PasswordScheme, ConfigError> {
    Ok(PasswordScheme::new(Argon2id::default())
        .also_verifying(Bcrypt::up_to_cost(4)?)
        .also_verifying(Pbkdf2::up_to_rounds(Pbkdf2Digest::Sha256, 1)?)
        .also_verifying(Scrypt::up_to(1, 8, 1)?)
        .also_verifying(ShaCrypt::up_to_rounds(1000)?)
        .also_verifying(Phpass::up_to_cost(7)?))
}
