use super::JwtErrorKind::{self, *};
use super::{JwtError, Profile};
use crate::crypto::json::{Object, Value};
use crate::crypto::keys::Algorithm;

/// The header of a token, as far as it is believed.
///
/// Keys and addresses of keys in a header (`jwk`, `jku`, `x5c`, `x5u`) are not read at all:
/// whoever forges a token writes its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    algorithm: Algorithm,
    key_id: Option<Box<str>>,
    token_type: Option<Box<str>>,
}

impl Header {
    /// Reads the decoded header.
    pub(super) fn parse(json: &str, profile: Profile) -> Result<Self, JwtError> {
        let object = Object::parse(json).map_err(|error| JwtError::json(MalformedHeader, error))?;
        let mut algorithm = None;
        let mut key_id = None;
        let mut token_type = None;
        for (name, value) in object.members() {
            match &*name {
                "alg" => algorithm = Some(parse_algorithm(value)?),
                "kid" => key_id = Some(text(value, "kid")?),
                "typ" => token_type = Some(text(value, "typ")?),
                // RFC 7515 section 4.1.11: what is critical and not understood is refused. We
                // understand no extension, so any list is refused, and any other value too.
                "crit" => return Err(CriticalHeader.into()),
                "b64" => return Err(UnencodedPayload.into()),
                "zip" if profile.is_strict() => return Err(Compressed.into()),
                _ => {}
            }
        }
        Ok(Self {
            algorithm: algorithm.ok_or_else(|| JwtError::with(MalformedHeader, "alg"))?,
            key_id,
            token_type,
        })
    }

    /// The algorithm, which was on the verifier's list and which the key was bound to.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key that the token says it was signed with.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The token's type, as it was written.
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }

    /// Whether the token is of this type (RFC 8725 section 3.11). Types are media types:
    /// case does not matter, and `application/` may be left out (RFC 7515 section 4.1.9).
    /// One with parameters is none of ours.
    pub(super) fn is_of_type(&self, expected: &str) -> bool {
        self.token_type
            .as_deref()
            .is_some_and(|found| bare_type(found).eq_ignore_ascii_case(bare_type(expected)))
    }
}

fn bare_type(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => media_type,
    }
}

fn parse_algorithm(value: Value<'_>) -> Result<Algorithm, JwtError> {
    let name = value
        .as_str()
        .ok_or_else(|| JwtError::with(MalformedHeader, "alg"))?;
    let unknown: JwtErrorKind = if name.eq_ignore_ascii_case("none") {
        AlgorithmNone
    } else {
        AlgorithmUnsupported
    };
    Algorithm::named(&name).ok_or_else(|| unknown.into())
}

fn text(value: Value<'_>, name: &'static str) -> Result<Box<str>, JwtError> {
    let text = value.as_str();
    let text = text.ok_or_else(|| JwtError::with(MalformedHeader, name))?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(json: &str, profile: Profile) -> Option<JwtErrorKind> {
        Header::parse(json, profile).err().map(|error| error.kind())
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("not JSON", "x", MalformedHeader),
            ("empty", "{}", MalformedHeader),
            ("twice", r#"{"alg":"none","alg":"HS256"}"#, MalformedHeader),
            (
                "twice below",
                r#"{"alg":"HS256","x":{"a":1,"a":2}}"#,
                MalformedHeader,
            ),
            ("none", r#"{"alg":"none"}"#, AlgorithmNone),
            ("None", r#"{"alg":"nOnE"}"#, AlgorithmNone),
            ("empty alg", r#"{"alg":""}"#, AlgorithmUnsupported),
            ("null alg", r#"{"alg":null}"#, MalformedHeader),
            ("alg list", r#"{"alg":["HS256"]}"#, MalformedHeader),
            ("lower case", r#"{"alg":"hs256"}"#, AlgorithmUnsupported),
            ("ES512", r#"{"alg":"ES512"}"#, AlgorithmUnsupported),
            ("crit", r#"{"alg":"HS256","crit":["exp"]}"#, CriticalHeader),
            ("empty crit", r#"{"alg":"HS256","crit":[]}"#, CriticalHeader),
            (
                "null crit",
                r#"{"alg":"HS256","crit":null}"#,
                CriticalHeader,
            ),
            ("b64", r#"{"alg":"HS256","b64":true}"#, UnencodedPayload),
            ("null kid", r#"{"alg":"HS256","kid":null}"#, MalformedHeader),
            ("kid number", r#"{"alg":"HS256","kid":1}"#, MalformedHeader),
            (
                "typ list",
                r#"{"alg":"HS256","typ":["JWT"]}"#,
                MalformedHeader,
            ),
        ];
        for (name, json, expected) in cases {
            assert_eq!(kind(json, Profile::Default), Some(expected), "{name}");
        }
        let zip = r#"{"alg":"HS256","zip":"DEF"}"#;
        assert_eq!(kind(zip, Profile::Default), None);
        assert_eq!(kind(zip, Profile::Strict), Some(Compressed));
    }

    #[test]
    fn types_are_media_types() {
        let header = |typ: &str| {
            let json = format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#);
            Header::parse(&json, Profile::Default).unwrap()
        };
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/at+JWT",
        ] {
            assert!(header(typ).is_of_type("at+jwt"), "{typ}");
            assert!(header(typ).is_of_type("application/at+jwt"), "{typ}");
        }
        for typ in [
            "jwt",
            "at+jwt; a=b",
            "at+jwt ",
            "text/at+jwt",
            "application/",
            "",
        ] {
            assert!(!header(typ).is_of_type("at+jwt"), "{typ}");
        }
    }
}
