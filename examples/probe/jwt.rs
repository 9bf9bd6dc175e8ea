use crate::jws::{answer, reject};
use portcullis::authn::jwt::{
    ConfigError, IdTokenRules, JwtError, Profile, VerifiedToken, Verifier, VerifierBuilder,
};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{Algorithm, Algorithms, KeyError, KeySet};
use serde_json::{Map, Value};
use std::time::Duration;

/// Whether a token is accepted by a verifier that is configured as the record says. What the
/// record does not name is not checked: here, and only here, that is the caller's business.
pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let token = match record.get("token").ok_or("there is no token")? {
        Value::String(token) => token.clone(),
        // What a caller could pass of a JSON serialization is its text.
        other => other.to_string(),
    };
    let verifier = match configure(record)? {
        Ok(verifier) => verifier,
        Err(error) => return Ok(reject(error.code())),
    };
    let verified = match text(record, "kind")?.as_deref() {
        None => verifier.verify(&token),
        Some("ID token") => verify_id_token(&verifier, &token, record)?,
        Some("logout token") => verifier.verify_logout_token(&token),
        Some(kind) => return Err(format!("there is no kind {kind:?}")),
    };
    Ok(match verified {
        Err(error) => match error.detail() {
            Some(detail) => with("detail", detail, reject(error.code())),
            None => reject(error.code()),
        },
        Ok(verified) => {
            let claims = verified.claims().deserialize::<Value>();
            let claims = claims.map_err(|error| error.to_string())?;
            with("claims", claims, answer("accept", "ok"))
        }
    })
}

/// The outer error is about the record, the inner one about the configuration it asks for.
fn configure(record: &Value) -> Result<Result<Verifier, ConfigError>, String> {
    let now = record.get("now").and_then(Value::as_f64);
    let now = now.ok_or("there is no time called now, in seconds")?;
    let algorithms = match algorithms(record)? {
        Ok(algorithms) => algorithms,
        Err(error) => return Ok(Err(error)),
    };
    let keys = match keys(record)? {
        Ok(keys) => keys,
        Err(error) => return Ok(Err(error)),
    };
    let builder = Verifier::builder("-", "-", algorithms, keys)
        .insecure_any_issuer()
        .insecure_any_audience()
        .insecure_without_expiry()
        .clock(FakeClock::at_unix_seconds(now.max(0.0) as u64).clock());

    let mut builder = match texts(record, "iss")? {
        None => builder,
        Some(issuers) if issuers.is_empty() => return Ok(Err(ConfigError::Empty("issuer"))),
        Some(issuers) => issuers
            .into_iter()
            .fold(builder, VerifierBuilder::or_issuer),
    };
    builder = match texts(record, "aud")? {
        None => builder,
        Some(audiences) if audiences.is_empty() => return Ok(Err(ConfigError::Empty("audience"))),
        Some(audiences) => audiences
            .into_iter()
            .fold(builder, VerifierBuilder::or_audience),
    };
    for claim in texts(record, "require")?.unwrap_or_default() {
        builder = builder.require(claim);
    }
    if let Some(seconds) = record.get("leeway_s").and_then(Value::as_f64) {
        let leeway = Duration::try_from_secs_f64(seconds);
        builder = builder.leeway(leeway.map_err(|error| error.to_string())?);
    }
    if let Some(token_type) = text(record, "typ")? {
        builder = builder.token_type(token_type);
    }
    if let Some(denied) = texts(record, "deny_jti")? {
        builder = builder.revoked_if(move |claims| {
            claims
                .id()
                .is_some_and(|id| denied.iter().any(|it| it == id))
        });
    }
    builder = builder.profile(match text(record, "profile")?.as_deref() {
        None | Some("default") => Profile::Default,
        Some("strict") => Profile::Strict,
        Some(profile) => return Err(format!("there is no profile {profile:?}")),
    });
    Ok(builder.build())
}

fn algorithms(record: &Value) -> Result<Result<Algorithms, ConfigError>, String> {
    let names = texts(record, "algs")?.unwrap_or_default();
    if let Some(none) = names.iter().find(|name| name.eq_ignore_ascii_case("none")) {
        let error = KeyError::UnsupportedAlgorithm(none.clone());
        return Ok(Err(error.into()));
    }
    // To allow what is not offered allows nothing.
    let offered = names.iter().filter_map(|name| Algorithm::named(name));
    Ok(Ok(offered.collect()))
}

fn keys(record: &Value) -> Result<Result<KeySet, ConfigError>, String> {
    let keys = match record.get("keys") {
        None | Some(Value::Null) => return Err("there are no keys".to_owned()),
        Some(Value::String(text)) => KeySet::from_json(text),
        Some(Value::Array(keys)) => KeySet::from_json(&set_of(keys)),
        Some(set) => KeySet::from_json(&set.to_string()),
    };
    Ok(keys.map_err(ConfigError::from))
}

fn set_of(keys: &[Value]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned))
        .collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

fn verify_id_token(
    verifier: &Verifier,
    token: &str,
    record: &Value,
) -> Result<Result<VerifiedToken, JwtError>, String> {
    let client_id = match text(record, "client_id")? {
        Some(client_id) => client_id,
        // The audience of an ID token is the client.
        None => text(record, "aud")?.ok_or("an ID token needs a client_id")?,
    };
    let mut rules = match text(record, "nonce")? {
        Some(nonce) => IdTokenRules::new(client_id, nonce),
        None => IdTokenRules::insecure_any_nonce(client_id),
    };
    if let Some(access_token) = text(record, "access_token")? {
        rules = rules.access_token(access_token);
    }
    if let Some(seconds) = record.get("max_age").and_then(Value::as_u64) {
        rules = rules.max_age(Duration::from_secs(seconds));
    }
    Ok(verifier.verify_id_token(token, &rules))
}

fn text(record: &Value, name: &str) -> Result<Option<String>, String> {
    match record.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name:?} is not text")),
    }
}

/// A list of texts, or one text.
fn texts(record: &Value, name: &str) -> Result<Option<Vec<String>>, String> {
    let Some(Value::Array(values)) = record.get(name) else {
        return Ok(text(record, name)?.map(|text| vec![text]));
    };
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    let texts: Option<Vec<_>> = texts.collect();
    texts
        .map(Some)
        .ok_or_else(|| format!("{name:?} has entries that are not text"))
}

fn with(name: &str, value: impl Into<Value>, mut to: Map<String, Value>) -> Map<String, Value> {
    to.insert(name.to_owned(), value.into());
    to
}
