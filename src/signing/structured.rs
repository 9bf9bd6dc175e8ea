//! Values of headers as RFC 9421 section 2.1 has them: as they are, re-serialized (`sf`), one
//! member of a dictionary (`key`), or as bytes (`bs`).

use super::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{Dictionary, FieldType as _, Item, List, Parser};
use std::collections::HashMap;

/// Of which type a structured field is. It has to be known to re-serialize it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// One value with parameters.
    Item,
    /// Several values.
    List,
    /// Several values with names.
    Dictionary,
}

impl FieldType {
    /// The type of a registered field.
    #[must_use]
    pub fn registered(name: &HeaderName) -> Option<Self> {
        let place = REGISTERED.binary_search_by_key(&name.as_str(), |(name, _)| name);
        let (_, field_type) = REGISTERED.get(place.ok()?)?;
        Some(*field_type)
    }
}

/// Types of structured fields that are not registered, by name.
#[derive(Clone, Debug, Default)]
pub struct FieldTypes(HashMap<HeaderName, FieldType>);

impl FieldTypes {
    /// None but the registered ones.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, or sets the type of one that is registered.
    #[must_use]
    pub fn with(mut self, name: HeaderName, field_type: FieldType) -> Self {
        self.0.insert(name, field_type);
        self
    }
}

/// Fields that are structured, in the order of their names: those registered as such, and those
/// that can be read as such (draft-ietf-httpbis-retrofit).
const REGISTERED: &[(&str, FieldType)] = &[
    ("accept", FieldType::List),
    ("accept-ch", FieldType::List),
    ("accept-encoding", FieldType::List),
    ("accept-language", FieldType::List),
    ("accept-patch", FieldType::List),
    ("accept-post", FieldType::List),
    ("accept-ranges", FieldType::List),
    ("accept-signature", FieldType::Dictionary),
    ("access-control-allow-credentials", FieldType::Item),
    ("access-control-allow-headers", FieldType::List),
    ("access-control-allow-methods", FieldType::List),
    ("access-control-allow-origin", FieldType::Item),
    ("access-control-expose-headers", FieldType::List),
    ("access-control-max-age", FieldType::Item),
    ("access-control-request-headers", FieldType::List),
    ("access-control-request-method", FieldType::Item),
    ("age", FieldType::Item),
    ("allow", FieldType::List),
    ("alpn", FieldType::List),
    ("alt-svc", FieldType::Dictionary),
    ("alt-used", FieldType::Item),
    ("cache-control", FieldType::Dictionary),
    ("cache-status", FieldType::List),
    ("cdn-cache-control", FieldType::Dictionary),
    ("cdn-loop", FieldType::List),
    ("clear-site-data", FieldType::List),
    ("client-cert", FieldType::Item),
    ("client-cert-chain", FieldType::List),
    ("connection", FieldType::List),
    ("content-digest", FieldType::Dictionary),
    ("content-encoding", FieldType::List),
    ("content-language", FieldType::List),
    ("content-length", FieldType::List),
    ("content-type", FieldType::Item),
    ("cross-origin-embedder-policy", FieldType::Item),
    ("cross-origin-opener-policy", FieldType::Item),
    ("cross-origin-resource-policy", FieldType::Item),
    ("dnt", FieldType::Item),
    ("expect", FieldType::Dictionary),
    ("expect-ct", FieldType::Dictionary),
    ("host", FieldType::Item),
    ("keep-alive", FieldType::Dictionary),
    ("max-forwards", FieldType::Item),
    ("origin", FieldType::Item),
    ("origin-agent-cluster", FieldType::Item),
    ("pragma", FieldType::Dictionary),
    ("prefer", FieldType::Dictionary),
    ("preference-applied", FieldType::Dictionary),
    ("priority", FieldType::Dictionary),
    ("proxy-status", FieldType::List),
    ("repr-digest", FieldType::Dictionary),
    ("retry-after", FieldType::Item),
    ("sec-websocket-extensions", FieldType::List),
    ("sec-websocket-protocol", FieldType::List),
    ("sec-websocket-version", FieldType::Item),
    ("server-timing", FieldType::List),
    ("signature", FieldType::Dictionary),
    ("signature-input", FieldType::Dictionary),
    ("surrogate-control", FieldType::Dictionary),
    ("te", FieldType::List),
    ("timing-allow-origin", FieldType::List),
    ("trailer", FieldType::List),
    ("transfer-encoding", FieldType::List),
    ("upgrade-insecure-requests", FieldType::Item),
    ("vary", FieldType::List),
    ("want-content-digest", FieldType::Dictionary),
    ("want-repr-digest", FieldType::Dictionary),
    ("x-content-type-options", FieldType::Item),
    ("x-frame-options", FieldType::Item),
    ("x-xss-protection", FieldType::List),
];

/// The type of a field; `None` when nobody said.
pub(super) fn type_of(name: &HeaderName, types: Option<&FieldTypes>) -> Option<FieldType> {
    let told = types.and_then(|types| types.0.get(name)).copied();
    told.or_else(|| FieldType::registered(name))
}

/// The lines of a field, each without space around it.
fn lines<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>, Fault> {
    let all = headers.get_all(name);
    let lines = all.iter();
    if all.iter().next().is_none() {
        return Err(Fault::Missing(name.as_str().into()));
    }
    Ok(lines.map(|line: &HeaderValue| line.as_bytes().trim_ascii()))
}

/// All lines as one (RFC 9421 section 2.1). Outside ASCII there is no text to sign.
pub(super) fn put_plain(
    to: &mut Vec<u8>,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<(), Fault> {
    let start = to.len();
    for (index, line) in lines(headers, name)?.enumerate() {
        if index > 0 {
            to.extend_from_slice(b", ");
        }
        to.extend_from_slice(line);
    }
    let is_text = |byte: u8| (byte == b'\t') | matches!(byte, b' '..=b'~');
    if are_all(to.get(start..), is_text) {
        Ok(())
    } else {
        Err(Fault::BadValue(name.as_str().into()))
    }
}

/// Whether all bytes are such. All are looked at, without a way out, so that the compiler looks
/// at many at once.
pub(super) fn are_all(bytes: Option<&[u8]>, is_such: impl Fn(u8) -> bool) -> bool {
    let bytes = bytes.unwrap_or_default();
    bytes.iter().fold(true, |all, byte| all & is_such(*byte))
}

/// Each line as a byte sequence (RFC 9421 section 2.1.3).
pub(super) fn put_bytes(
    to: &mut Vec<u8>,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<(), Fault> {
    for (index, line) in lines(headers, name)?.enumerate() {
        if index > 0 {
            to.extend_from_slice(b", ");
        }
        to.push(b':');
        to.extend_from_slice(STANDARD.encode(line).as_bytes());
        to.push(b':');
    }
    Ok(())
}

/// The field re-serialized (RFC 9421 section 2.1.1).
pub(super) fn put_structured(
    to: &mut Vec<u8>,
    headers: &HeaderMap,
    name: &HeaderName,
    types: Option<&FieldTypes>,
) -> Result<(), Fault> {
    let bad = || Fault::BadValue(name.as_str().into());
    let mut plain = Vec::new();
    put_plain(&mut plain, headers, name)?;
    let parser = Parser::new(&plain);
    let text = match type_of(name, types).ok_or_else(bad)? {
        FieldType::Item => Some(parser.parse::<Item>().map_err(|_| bad())?.serialize()),
        FieldType::List => parser.parse::<List>().map_err(|_| bad())?.serialize(),
        FieldType::Dictionary => parser.parse::<Dictionary>().map_err(|_| bad())?.serialize(),
    };
    to.extend_from_slice(text.ok_or_else(bad)?.as_bytes());
    Ok(())
}

/// One member of a dictionary (RFC 9421 section 2.1.2).
pub(super) fn put_member(
    to: &mut Vec<u8>,
    headers: &HeaderMap,
    name: &HeaderName,
    member: &str,
) -> Result<(), Fault> {
    let bad = || Fault::BadValue(name.as_str().into());
    let mut plain = Vec::new();
    put_plain(&mut plain, headers, name)?;
    let dictionary: Dictionary = Parser::new(&plain).parse().map_err(|_| bad())?;
    let missing = || Fault::Missing(format!("{name};key={member}").into());
    let value = dictionary.get(member).ok_or_else(missing)?;
    let text = vec![value.clone()].serialize().ok_or_else(bad)?;
    to.extend_from_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(REGISTERED.is_sorted_by_key(|(name, _)| name));
    }

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "www.example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
            ("cache-control", "max-age=60"),
            ("cache-control", "    must-revalidate"),
            ("x-empty", ""),
            ("example-dict", " a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
            ("example-header", "value, with, lots"),
            ("example-header", "of, commas"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    /// RFC 9421 sections 2.1, 2.1.1, 2.1.2, 2.1.3.
    #[test]
    fn the_examples_of_the_rfc() {
        let headers = headers();
        let types = FieldTypes::new().with(
            HeaderName::from_static("example-dict"),
            FieldType::Dictionary,
        );
        let name = HeaderName::from_static;
        type Put<'a> = Box<dyn Fn(&mut Vec<u8>) -> Result<(), Fault> + 'a>;
        let headers = &headers;
        let dict = name("example-dict");
        let member = |member| -> Put<'_> {
            Box::new(move |to| put_member(to, headers, &name("example-dict"), member))
        };
        let cases: Vec<(&str, Put<'_>, &str)> = vec![
            (
                "plain",
                Box::new(|to| put_plain(to, headers, &name("cache-control"))),
                "max-age=60, must-revalidate",
            ),
            (
                "empty",
                Box::new(|to| put_plain(to, headers, &name("x-empty"))),
                "",
            ),
            (
                "sf",
                Box::new(|to| put_structured(to, headers, &dict, Some(&types))),
                "a=1, b=2;x=1;y=2, c=(a b c), d",
            ),
            ("key a", member("a"), "1"),
            ("key b", member("b"), "2;x=1;y=2"),
            ("key c", member("c"), "(a b c)"),
            ("key d", member("d"), "?1"),
            (
                "bs",
                Box::new(|to| put_bytes(to, headers, &name("example-header"))),
                ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:",
            ),
        ];
        for (what, put, expected) in cases {
            let mut found = Vec::new();
            put(&mut found).unwrap();
            assert_eq!(String::from_utf8(found).unwrap(), expected, "{what}");
        }
        let missing = put_member(&mut Vec::new(), headers, &name("example-dict"), "e");
        assert_eq!(missing.unwrap_err().code(), "missing_component");
        let unknown = put_structured(&mut Vec::new(), headers, &name("example-header"), None);
        assert_eq!(unknown.unwrap_err().code(), "bad_value");
    }
}
