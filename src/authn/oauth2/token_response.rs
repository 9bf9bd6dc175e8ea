use super::endpoint_error::{EndpointError, EndpointErrorKind};
use super::token_endpoint::json_of;
use crate::crypto::json::{Object, Value};
use crate::secret::SecretString;
use bytes::Bytes;
use http::{Response, StatusCode};
use std::time::Duration;

/// The longest token taken, in bytes: what our own verifier takes.
const MAX_TOKEN_LEN: usize = 16 * 1024;

/// The longest list of scopes taken, in bytes.
const MAX_SCOPE_LEN: usize = 4 * 1024;

/// The longest life that is believed: who says more gets this.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a token endpoint gives (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
///
/// ```
/// use portcullis::authn::oauth2::{EndpointErrorKind, TokenResponse, TokenType};
///
/// let tokens = TokenResponse::parse(
///     r#"{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "bearer", "scope": "a b"}"#,
/// )?;
/// assert_eq!(tokens.token_type(), TokenType::Bearer);
/// assert_eq!(tokens.scopes().unwrap().collect::<Vec<_>>(), ["a", "b"]);
///
/// let twice = r#"{"access_token": "a", "access_token": "b", "token_type": "Bearer"}"#;
/// let refused = TokenResponse::parse(twice).unwrap_err();
/// assert_eq!(refused.kind(), EndpointErrorKind::NotJson);
/// # Ok::<(), portcullis::authn::oauth2::EndpointError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenResponse {
    access_token: SecretString,
    token_type: TokenType,
    expires_in: Option<Duration>,
    refresh_token: Option<SecretString>,
    id_token: Option<SecretString>,
    scope: Option<Box<str>>,
}

/// How an access token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// With a proof that the sender holds the key it is bound to (RFC 9449).
    Dpop,
}

impl TokenType {
    /// The type of this name, in whatever case (RFC 6749 section 5.1).
    pub(super) fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("Bearer") {
            return Some(Self::Bearer);
        }
        name.eq_ignore_ascii_case("DPoP").then_some(Self::Dpop)
    }
}

impl TokenResponse {
    /// Reads an answer: its status, its type and its body.
    ///
    /// # Errors
    /// When the provider refused, or the answer is none to go by.
    pub fn from_response(response: &Response<Bytes>) -> Result<Self, EndpointError> {
        Self::parse(json_of(response, StatusCode::OK)?)
    }

    /// Reads a body. A type of token that we do not know makes the whole answer worthless
    /// (RFC 6749 section 7.1). Members that nobody asked for are passed over.
    ///
    /// # Errors
    /// When it is not strict JSON, or a member is missing or malformed.
    pub fn parse(json: &str) -> Result<Self, EndpointError> {
        let object = Object::parse(json).map_err(|_| EndpointErrorKind::NotJson)?;
        let member = |name| object.get(name).filter(|value| value.raw() != "null");
        let token = |name: &'static str| {
            let read = |value| a_token(value).ok_or_else(|| EndpointError::member(name));
            member(name).map(read).transpose()
        };
        let missing = || EndpointError::member("access_token");
        let token_type = member("token_type").and_then(Value::as_str);
        let token_type = token_type.and_then(|name| TokenType::named(&name));
        let life = |value| a_lifetime(value).ok_or_else(|| EndpointError::member("expires_in"));
        let scope = |value| a_scope(value).ok_or_else(|| EndpointError::member("scope"));
        Ok(Self {
            access_token: token("access_token")?.ok_or_else(missing)?,
            token_type: token_type.ok_or_else(|| EndpointError::member("token_type"))?,
            expires_in: member("expires_in").map(life).transpose()?,
            refresh_token: token("refresh_token")?,
            id_token: token("id_token")?,
            scope: member("scope").map(scope).transpose()?,
        })
    }

    /// The access token.
    #[must_use]
    pub const fn access_token(&self) -> &SecretString {
        &self.access_token
    }

    /// How it is used.
    #[must_use]
    pub const fn token_type(&self) -> TokenType {
        self.token_type
    }

    /// For how long it is good, where the provider says so: 30 days at most, whatever it says.
    #[must_use]
    pub const fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// What gets the next access token.
    #[must_use]
    pub const fn refresh_token(&self) -> Option<&SecretString> {
        self.refresh_token.as_ref()
    }

    /// Who logged in, unverified.
    #[must_use]
    pub const fn id_token(&self) -> Option<&SecretString> {
        self.id_token.as_ref()
    }

    /// What the access token may be used for, where that is not just what was asked for.
    #[must_use]
    pub fn scopes(&self) -> Option<impl Iterator<Item = &str>> {
        let scope = self.scope.as_deref()?;
        Some(scope.split(' ').filter(|word| !word.is_empty()))
    }
}

/// Visible ASCII (RFC 6749 appendix A.12), without spaces, for it goes into a header.
fn a_token(value: Value<'_>) -> Option<SecretString> {
    let text = value.as_str()?;
    let is_good = !text.is_empty() && text.len() <= MAX_TOKEN_LEN;
    let is_good = is_good && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then(|| SecretString::from(&*text))
}

/// Whole seconds (RFC 6749 appendix A.14). Some providers write them as text.
fn a_lifetime(value: Value<'_>) -> Option<Duration> {
    let text = value.as_str();
    let digits = match &text {
        Some(text) => text,
        None => value.as_number()?,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(MAX_LIFETIME))
}

/// RFC 6749 section 3.3: words of visible ASCII without quotation marks and backslashes.
fn a_scope(value: Value<'_>) -> Option<Box<str>> {
    let text = value.as_str()?;
    let is_good = text.len() <= MAX_SCOPE_LEN && text.bytes().all(|it| it == b' ' || in_scope(it));
    is_good.then(|| text.into())
}

/// Whether a scope may have this character.
pub(super) const fn in_scope(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointErrorKind::{Member, NotJson};

    fn parse(members: &str) -> Result<TokenResponse, EndpointError> {
        TokenResponse::parse(&format!(
            r#"{{"access_token":"at","token_type":"Bearer"{members}}}"#
        ))
    }

    #[test]
    fn the_example_of_rfc_6749() {
        let tokens = TokenResponse::parse(
            r#"{
               "access_token":"2YotnFZFEjr1zCsicMWpAA",
               "token_type":"example",
               "expires_in":3600,
               "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
               "example_parameter":"example_value"
             }"#,
        );
        assert_eq!(tokens.unwrap_err().kind(), Member, "an unknown type");
        let tokens = parse(r#","expires_in":3600,"refresh_token":"rt","example_parameter":1"#);
        let tokens = tokens.unwrap();
        assert_eq!(tokens.access_token().expose(), "at");
        assert_eq!(tokens.refresh_token().unwrap().expose(), "rt");
        assert_eq!(tokens.expires_in(), Some(Duration::from_secs(3600)));
        assert!(tokens.scopes().is_none());
        assert!(tokens.id_token().is_none());
    }

    #[test]
    fn types_in_whatever_case() {
        for (written, expected) in [
            ("Bearer", Some(TokenType::Bearer)),
            ("bearer", Some(TokenType::Bearer)),
            ("DPoP", Some(TokenType::Dpop)),
            ("dpop", Some(TokenType::Dpop)),
            ("mac", None),
            ("Bearer ", None),
            ("", None),
        ] {
            let json = format!(r#"{{"access_token":"at","token_type":"{written}"}}"#);
            let found = TokenResponse::parse(&json).map(|it| it.token_type()).ok();
            assert_eq!(found, expected, "{written:?}");
        }
    }

    #[test]
    fn what_is_refused() {
        let long = format!(
            r#"{{"access_token":"{}","token_type":"Bearer"}}"#,
            "a".repeat(16_385)
        );
        let wide = format!(
            r#"{{"access_token":"a","token_type":"Bearer","scope":"{}"}}"#,
            "a ".repeat(2_049)
        );
        for (name, json, expected) in [
            ("nothing", "", NotJson),
            ("a list", "[]", NotJson),
            ("empty", "{}", Member),
            ("no token", r#"{"token_type":"Bearer"}"#, Member),
            (
                "an empty token",
                r#"{"access_token":"","token_type":"Bearer"}"#,
                Member,
            ),
            (
                "a number",
                r#"{"access_token":1,"token_type":"Bearer"}"#,
                Member,
            ),
            (
                "a list of tokens",
                r#"{"access_token":["a"],"token_type":"Bearer"}"#,
                Member,
            ),
            (
                "a line",
                r#"{"access_token":"a\r\nx: y","token_type":"Bearer"}"#,
                Member,
            ),
            (
                "a space",
                r#"{"access_token":"a b","token_type":"Bearer"}"#,
                Member,
            ),
            (
                "not ASCII",
                r#"{"access_token":"\u00fc","token_type":"Bearer"}"#,
                Member,
            ),
            ("no type", r#"{"access_token":"a"}"#, Member),
            (
                "null for a type",
                r#"{"access_token":"a","token_type":null}"#,
                Member,
            ),
            (
                "twice",
                r#"{"access_token":"a","token_type":"Bearer","access_token":"b"}"#,
                NotJson,
            ),
            (
                "twice, escaped",
                r#"{"access_token":"a","token_type":"Bearer","access\u005ftoken":"b"}"#,
                NotJson,
            ),
            (
                "something after",
                r#"{"access_token":"a","token_type":"Bearer"} {}"#,
                NotJson,
            ),
            ("too long", &long, Member),
            ("too many scopes", &wide, Member),
        ] {
            let error = TokenResponse::parse(json).unwrap_err();
            assert_eq!(error.kind(), expected, "{name}");
        }
        for (name, member, is_good) in [
            (
                "null",
                r#","refresh_token":null,"scope":null,"expires_in":null"#,
                true,
            ),
            ("text for a life", r#","expires_in":"3600""#, true),
            (
                "a life without end",
                r#","expires_in":99999999999999999999"#,
                true,
            ),
            ("negative", r#","expires_in":-1"#, false),
            ("a fraction", r#","expires_in":1.5"#, false),
            ("words", r#","expires_in":"soon""#, false),
            ("an exponent", r#","expires_in":1e3"#, false),
            ("an empty refresh token", r#","refresh_token":"""#, false),
            ("a list for a scope", r#","scope":["a"]"#, false),
            ("a quotation mark", r#","scope":"a\"b""#, false),
            ("a line", r#","scope":"a\nb""#, false),
            ("an object for an ID token", r#","id_token":{}"#, false),
        ] {
            assert_eq!(parse(member).is_ok(), is_good, "{name}");
        }
        let endless = parse(r#","expires_in":99999999999999999999"#).unwrap();
        assert_eq!(endless.expires_in(), Some(MAX_LIFETIME));
    }

    #[test]
    fn no_token_is_shown() {
        let json = r#"{"access_token":"canary1","token_type":"bearer","refresh_token":"canary2","id_token":"canary3"}"#;
        let tokens = TokenResponse::parse(json).unwrap();
        assert!(!format!("{tokens:?}").contains("canary"));
        let error = TokenResponse::parse(r#"{"access_token":"can ary"}"#).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("ary"));
    }
}
