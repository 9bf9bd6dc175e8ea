//! What a provider tells of a user: OpenID Connect Core section 5.3.

use super::token_endpoint::json_of;
use super::{LoginError, LoginErrorKind, Provider};
use crate::secret::SecretString;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The longest subject (OpenID Connect Core section 2), in bytes.
const MAX_SUBJECT_LEN: usize = 255;

/// Asks the provider about the user of an access token. Who the answer is about is checked by
/// the caller.
pub(super) async fn fetch(
    provider: &Provider,
    url: &str,
    access_token: &SecretString,
) -> Result<Map<String, Value>, LoginError> {
    let bad = |detail: &'static str| LoginError::with(LoginErrorKind::BadAnswer, detail);
    let bearer = Zeroizing::new(format!("Bearer {}", access_token.expose()));
    let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| bad("access_token"))?;
    bearer.set_sensitive(true);
    let request = Request::get(url)
        .header(header::ACCEPT, HeaderValue::from_static("application/json"))
        .header(header::AUTHORIZATION, bearer)
        .body(Bytes::new());
    let request = request.map_err(|_| LoginError::with(LoginErrorKind::Metadata, "userinfo"))?;
    let response = provider.client().send(request).await?;
    let json = json_of(&response, StatusCode::OK)?;
    // Strictly first: which of two members of one name counts, readers disagree on.
    crate::crypto::json::Object::parse(json).map_err(|_| bad("userinfo"))?;
    serde_json::from_str(json).map_err(|_| bad("userinfo"))
}

/// Who the claims are about. Some providers number their users.
pub(super) fn subject(claims: &Map<String, Value>, member: &str) -> Option<String> {
    let subject = match claims.get(member)? {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return None,
    };
    let is_subject = (1..=MAX_SUBJECT_LEN).contains(&subject.len());
    (is_subject && !subject.chars().any(char::is_control)).then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subjects() {
        let long = "a".repeat(256);
        for (name, claims, expected) in [
            ("text", json!({"sub": "alice"}), Some("alice")),
            ("number", json!({"sub": 17}), Some("17")),
            ("negative", json!({"sub": -1}), None),
            ("fraction", json!({"sub": 1.5}), None),
            ("flag", json!({"sub": true}), None),
            ("list", json!({"sub": ["alice"]}), None),
            ("null", json!({"sub": null}), None),
            ("empty", json!({"sub": ""}), None),
            ("control", json!({"sub": "a\nb"}), None),
            ("long", json!({"sub": long}), None),
            ("none", json!({"id": "alice"}), None),
        ] {
            let found = subject(claims.as_object().unwrap(), "sub");
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
