use super::JwtError;
use super::JwtErrorKind::MalformedClaims;
use crate::clock::Timestamp;
use crate::crypto::json::{Object, Span, Value};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The last second of the year 9999. What claims to be later is milliseconds taken for
/// seconds, or an attempt to have a token that never ends.
const LAST_SECOND: u64 = 253_402_300_799;

/// The claims of a token whose signature is good.
///
/// They are kept as the text they came in; the registered claims (RFC 7519 section 4.1) are
/// checked for their types and ready, the others are read when asked for.
#[derive(Clone)]
pub struct Claims {
    object: Object<String>,
    issuer: Option<Text>,
    subject: Option<Text>,
    id: Option<Text>,
    audiences: Audiences,
    expires_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
}

/// A string of the claims: where it lies, or itself when it had escapes.
#[derive(Clone, Debug)]
enum Text {
    Plain(Span),
    Unescaped(Box<str>),
}

impl Text {
    fn read(value: Value<'_>) -> Option<Self> {
        match value.plain_string_span() {
            Some(span) => Some(Self::Plain(span)),
            None => Some(Self::Unescaped(value.as_str()?.into())),
        }
    }

    fn of<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::Plain(span) => span.of(json),
            Self::Unescaped(text) => text,
        }
    }
}

#[derive(Clone, Debug)]
enum Audiences {
    None,
    One(Text),
    Several(Vec<Text>),
}

impl Audiences {
    fn as_slice(&self) -> &[Text] {
        match self {
            Self::None => &[],
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Several(audiences) => audiences,
        }
    }
}

impl Claims {
    /// Reads a payload: strict JSON, the registered claims of their registered types.
    pub(in crate::authn) fn parse(payload: Vec<u8>) -> Result<Self, JwtError> {
        let json = String::from_utf8(payload).map_err(|_| MalformedClaims)?;
        let object = Object::parse(json).map_err(|error| JwtError::json(MalformedClaims, error))?;
        let mut issuer = None;
        let mut subject = None;
        let mut id = None;
        let mut audiences = Audiences::None;
        let mut expires_at = None;
        let mut not_before = None;
        let mut issued_at = None;
        for (name, value) in object.members() {
            match &*name {
                "iss" => issuer = Some(text(value, "iss")?),
                "sub" => subject = Some(text(value, "sub")?),
                "jti" => id = Some(text(value, "jti")?),
                "aud" => {
                    audiences = read_audiences(value).ok_or_else(|| JwtError::malformed("aud"))?;
                }
                "exp" => expires_at = Some(date(value, "exp")?),
                "nbf" => not_before = Some(date(value, "nbf")?),
                "iat" => issued_at = Some(date(value, "iat")?),
                _ => {}
            }
        }
        Ok(Self {
            object,
            issuer,
            subject,
            id,
            audiences,
            expires_at,
            not_before,
            issued_at,
        })
    }

    /// `iss`: who issued the token.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.resolve(self.issuer.as_ref())
    }

    /// `sub`: whom the token is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.resolve(self.subject.as_ref())
    }

    /// `jti`: the token's own name.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.resolve(self.id.as_ref())
    }

    /// `aud`: whom the token is for.
    pub fn audiences(&self) -> impl ExactSizeIterator<Item = &str> {
        let json = self.object.text();
        self.audiences.as_slice().iter().map(move |it| it.of(json))
    }

    /// `exp`: when the token ends.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// `nbf`: when the token begins.
    #[must_use]
    pub const fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// `iat`: when the token was made.
    #[must_use]
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// Any claim, as JSON.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<serde_json::Value> {
        serde_json::from_str(self.object.get(name)?.raw()).ok()
    }

    /// Any claim, if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        Some(self.object.get(name)?.as_str()?.into_owned())
    }

    /// Any claim that is a list of strings, or one string of words with spaces between, as
    /// `scope` is (RFC 8693 section 4.2). Empty when it is neither.
    #[must_use]
    pub fn words(&self, name: &str) -> Vec<Cow<'_, str>> {
        let Some(value) = self.object.get(name) else {
            return Vec::new();
        };
        match value.as_str() {
            Some(Cow::Borrowed(text)) => text.split_ascii_whitespace().map(Into::into).collect(),
            Some(Cow::Owned(text)) => {
                let words = text.split_ascii_whitespace();
                words.map(|word| word.to_owned().into()).collect()
            }
            None => value.as_strings().unwrap_or_default(),
        }
    }

    /// All claims, read into a type of yours.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.object.text())
    }

    /// All claims, in the JSON text that was signed.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.object.text()
    }

    /// Whether the claim is there, and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|it| it.raw() != "null")
    }

    /// A claim that has to be a string if it is there.
    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<String>, JwtError> {
        match self.object.get(name) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(JwtError::malformed(name)),
            },
        }
    }

    /// A claim that has to be a date if it is there.
    pub(super) fn optional_date(&self, name: &'static str) -> Result<Option<Timestamp>, JwtError> {
        self.object.get(name).map(|it| date(it, name)).transpose()
    }

    pub(super) fn raw(&self, name: &str) -> Option<Value<'_>> {
        self.object.get(name)
    }

    fn resolve<'a>(&'a self, text: Option<&'a Text>) -> Option<&'a str> {
        text.map(|text| text.of(self.object.text()))
    }
}

/// Shows no claim that may name a person or grant something.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.issuer())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

fn text(value: Value<'_>, name: &'static str) -> Result<Text, JwtError> {
    Text::read(value).ok_or_else(|| JwtError::malformed(name))
}

/// One audience, or a list of at least one (RFC 7519 section 4.1.3).
fn read_audiences(value: Value<'_>) -> Option<Audiences> {
    if let Some(text) = Text::read(value) {
        return Some(Audiences::One(text));
    }
    let audiences: Vec<_> = value
        .as_array()?
        .into_iter()
        .map(Text::read)
        .collect::<Option<_>>()?;
    (!audiences.is_empty()).then_some(Audiences::Several(audiences))
}

/// A `NumericDate` (RFC 7519 section 2): seconds since the epoch, fractions allowed, within
/// the years that have four digits.
fn date(value: Value<'_>, name: &'static str) -> Result<Timestamp, JwtError> {
    let number = value.as_number().and_then(read_date);
    number.ok_or_else(|| JwtError::malformed(name))
}

fn read_date(number: &str) -> Option<Timestamp> {
    let since_epoch = match number.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from_secs_f64(number.parse().ok()?).ok()?,
    };
    let date = Timestamp::from_unix_duration(since_epoch);
    (date.unix_seconds() <= LAST_SECOND).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let seconds = |number| read_date(number).map(|date| date.unix_duration().as_secs_f64());
        let cases = [
            ("zero", "0", Some(0.0)),
            ("whole", "1800000000", Some(1_800_000_000.0)),
            ("fraction", "1800000000.5", Some(1_800_000_000.5)),
            ("exponent", "1.8e9", Some(1_800_000_000.0)),
            (
                "last of the year 9999",
                "253402300799",
                Some(253_402_300_799.0),
            ),
            ("the year 10000", "253402300800", None),
            ("milliseconds", "1800000000000", None),
            ("huge", "99999999999999999999", None),
            ("negative", "-1", None),
            ("tiny negative", "-0.001", None),
        ];
        for (name, number, expected) in cases {
            assert_eq!(seconds(number), expected, "{name}");
        }
    }

    fn parse(json: &str) -> Result<Claims, JwtError> {
        Claims::parse(json.as_bytes().to_vec())
    }

    #[test]
    fn registered_claims_have_their_types() {
        let wrong = [
            r#"{"iss":["https://a"]}"#,
            r#"{"iss":null}"#,
            r#"{"sub":17}"#,
            r#"{"sub":{}}"#,
            r#"{"jti":true}"#,
            r#"{"aud":[]}"#,
            r#"{"aud":["a",1]}"#,
            r#"{"aud":{"a":1}}"#,
            r#"{"aud":null}"#,
            r#"{"exp":"1800000000"}"#,
            r#"{"exp":null}"#,
            r#"{"exp":[1800000000]}"#,
            r#"{"exp":-1}"#,
            r#"{"nbf":"0"}"#,
            r#"{"iat":"now"}"#,
            r#"{"iat":true}"#,
        ];
        for json in wrong {
            let error = parse(json).unwrap_err();
            assert_eq!(error.code(), "malformed_claim", "{json}");
            assert!(json.contains(error.detail().unwrap()), "{json}");
        }
    }

    #[test]
    fn claims_are_read_as_they_were_signed() {
        let claims = parse(
            r#"{"iss":"https:\/\/a","sub":"ann","aud":["x","\u0079"],"roles":["r","s"],"scope":"a  b","n":{"k":1}}"#,
        )
        .unwrap();
        assert_eq!(claims.issuer(), Some("https://a"));
        assert_eq!(claims.subject(), Some("ann"));
        assert_eq!(claims.audiences().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(claims.words("roles"), ["r", "s"]);
        assert_eq!(claims.words("scope"), ["a", "b"]);
        assert_eq!(claims.words("n"), [""; 0]);
        assert_eq!(claims.get("n"), Some(serde_json::json!({"k": 1})));
        assert_eq!(claims.get("m"), None);
    }
}
