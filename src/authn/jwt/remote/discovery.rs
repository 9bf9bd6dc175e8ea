use crate::crypto::json::{JsonError, Object, Value};
use std::borrow::Cow;
use thiserror::Error;

/// What an OpenID provider or authorization server says of itself (OpenID Connect Discovery
/// 1.0 section 3, RFC 8414 section 2).
///
/// ```
/// use portcullis::authn::jwt::ProviderMetadata;
///
/// let json = r#"{"issuer": "https://id.example.com", "jwks_uri": "https://id.example.com/keys"}"#;
/// let provider = ProviderMetadata::parse(json, "https://id.example.com")?;
/// assert_eq!(provider.text("jwks_uri").as_deref(), Some("https://id.example.com/keys"));
///
/// // Another's document, be it in the right place:
/// assert!(ProviderMetadata::parse(json, "https://id.example.com/").is_err());
/// # Ok::<(), portcullis::authn::jwt::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProviderMetadata(Object<String>);

impl ProviderMetadata {
    /// Reads the document of this issuer, whose name it must state to the letter.
    ///
    /// # Errors
    /// When it is not strict JSON, or another's.
    pub fn parse(json: &str, issuer: &str) -> Result<Self, MetadataError> {
        let metadata = Self(Object::parse(json.to_owned())?);
        match metadata.member("issuer") {
            None => Err(MetadataError::Missing("issuer")),
            Some(stated) if stated == issuer => Ok(metadata),
            Some(_) => Err(MetadataError::OtherIssuer),
        }
    }

    fn member(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name)?.as_str()
    }

    /// A member that is a string, as are all that are URLs.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.member(name).map(Cow::into_owned)
    }

    /// Whether a member is `true`, as `require_pushed_authorization_requests` may be.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.raw() == "true")
    }

    /// A member that is a list of strings, as `code_challenge_methods_supported` is; empty
    /// when it is not there, or none.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<Cow<'_, str>> {
        let member = self.0.get(name);
        member.and_then(Value::as_strings).unwrap_or_default()
    }
}

/// Why a document is none to go by.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// It is not strict JSON.
    #[error("the discovery document cannot be read: {0}")]
    Json(#[from] JsonError),
    /// A member is not there, or no string.
    #[error("the discovery document has no text {0:?}")]
    Missing(&'static str),
    /// It states another issuer: whoever wrote it speaks for that one, at best.
    #[error("the discovery document is of another issuer")]
    OtherIssuer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_compared_to_the_letter() {
        let parse = |json: &str| {
            let parsed = ProviderMetadata::parse(json, "https://id.example.com");
            parsed.map(drop)
        };
        let other = Err(MetadataError::OtherIssuer);
        let missing = Err(MetadataError::Missing("issuer"));
        for (name, json, expected) in [
            ("right", r#"{"issuer":"https://id.example.com"}"#, Ok(())),
            (
                "escaped",
                r#"{"issuer":"https:\/\/id.example.com"}"#,
                Ok(()),
            ),
            (
                "slash",
                r#"{"issuer":"https://id.example.com/"}"#,
                other.clone(),
            ),
            (
                "case",
                r#"{"issuer":"https://ID.example.com"}"#,
                other.clone(),
            ),
            (
                "port",
                r#"{"issuer":"https://id.example.com:443"}"#,
                other.clone(),
            ),
            ("empty", r#"{"issuer":""}"#, other),
            ("none", "{}", missing.clone()),
            ("list", r#"{"issuer":["https://id.example.com"]}"#, missing),
            (
                "twice",
                r#"{"issuer":"https://id.example.com","issuer":"https://evil.example"}"#,
                Err(MetadataError::Json(JsonError::DuplicateMember)),
            ),
        ] {
            assert_eq!(parse(json), expected, "{name}");
        }
    }
}
