use super::{Flow, Visit};
use crate::waf::protocol;
use crate::waf::view::Place;

/// What a `Content-Type` says, taken apart (RFC 9110 section 8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentType<'a> {
    pub(super) kind: Kind,
    pub(super) boundary: Option<&'a [u8]>,
}

/// How to read a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Form,
    Multipart,
    Json,
    JsonLines,
    Xml,
    Graphql,
    /// Something that is no text.
    Binary,
    /// Anything: find out.
    Unknown,
}

impl Kind {
    fn of(essence: &[u8]) -> Self {
        // What nearly all bodies are, as nearly all write it.
        match essence {
            b"application/json" => return Self::Json,
            b"application/x-www-form-urlencoded" => return Self::Form,
            _ => {}
        }
        let lower = essence.to_ascii_lowercase();
        let (top, sub) = match memchr::memchr(b'/', &lower) {
            Some(at) => (lower.get(..at), lower.get(at + 1..)),
            None => (None, None),
        };
        match (top.unwrap_or_default(), sub.unwrap_or_default()) {
            (b"application", b"x-www-form-urlencoded") => Self::Form,
            (b"multipart", _) => Self::Multipart,
            (_, b"x-ndjson" | b"ndjson" | b"jsonl" | b"x-jsonlines" | b"json-seq") => {
                Self::JsonLines
            }
            (_, b"json" | b"csp-report" | b"x-json") => Self::Json,
            (_, sub) if sub.ends_with(b"+json") => Self::Json,
            (_, b"xml") => Self::Xml,
            (b"application", b"graphql") => Self::Graphql,
            (b"image", b"svg+xml") => Self::Xml,
            (_, sub) if sub.ends_with(b"+xml") => Self::Xml,
            (b"image" | b"audio" | b"video" | b"font", _) => Self::Binary,
            (
                b"application",
                b"octet-stream" | b"pdf" | b"zip" | b"gzip" | b"x-protobuf" | b"protobuf" | b"grpc"
                | b"msgpack" | b"x-msgpack" | b"cbor" | b"wasm",
            ) => Self::Binary,
            _ => Self::Unknown,
        }
    }
}

impl<'a> ContentType<'a> {
    /// Nothing was said.
    pub(super) const UNKNOWN: Self = Self {
        kind: Kind::Unknown,
        boundary: None,
    };

    /// Reads it, and tells `visit` of what is wrong with it.
    pub(super) fn read(value: &'a [u8], visit: &mut impl Visit) -> std::ops::ControlFlow<(), Self> {
        let wrong = |finding, visit: &mut _| -> Flow {
            Visit::wrong(visit, finding, Place::Header, b"content-type", value)
        };
        let mut parts = Parameters(value);
        let essence = parts.essence();
        let mut slashes = essence.split(|b| *b == b'/');
        let is_token = |part: Option<&[u8]>| part.is_some_and(is_token);
        let sound =
            is_token(slashes.next()) && is_token(slashes.next()) && slashes.next().is_none();
        if !sound {
            wrong(&protocol::CONTENT_TYPE, visit)?;
        }
        let kind = Kind::of(essence);
        let mut read = Self {
            kind,
            boundary: None,
        };
        let mut charset = None;
        for (name, text) in parts {
            if name.eq_ignore_ascii_case(b"charset") {
                let known = std::str::from_utf8(text).is_ok_and(protocol::is_known_charset);
                if !known || charset.replace(text).is_some() {
                    wrong(&protocol::CHARSET, visit)?;
                }
            } else if name.eq_ignore_ascii_case(b"boundary") {
                if kind == Kind::Multipart && read.boundary.is_some() {
                    wrong(&protocol::MULTIPART_BROKEN, visit)?;
                }
                // `boundary="application/json"` and `boundary="charset=utf-7"` fool whoever
                // searches the header instead of reading it.
                if kind != Kind::Multipart && memchr::memchr2(b'/', b'=', text).is_some() {
                    wrong(&protocol::CONTENT_TYPE, visit)?;
                }
                read.boundary = Some(text);
            }
        }
        std::ops::ControlFlow::Continue(read)
    }
}

fn is_token(text: &[u8]) -> bool {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !text.is_empty() && text.iter().all(fine)
}

/// The parameters after the first semicolon of a header: `; name=value; name="value"`.
#[derive(Clone, Debug)]
pub(super) struct Parameters<'a>(pub(super) &'a [u8]);

impl<'a> Parameters<'a> {
    /// What stands before the parameters.
    pub(super) fn essence(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b';', self.0).unwrap_or(self.0.len());
        let (essence, rest) = self.0.split_at(end);
        self.0 = rest;
        essence.trim_ascii()
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_ascii_start();
        let rest = match rest {
            [] => return None,
            [b';', rest @ ..] => rest,
            rest => rest,
        };
        let name_end = memchr::memchr2(b'=', b';', rest).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(name_end);
        let (value, rest) = match rest {
            [b'=', b'"', rest @ ..] => quoted(rest),
            [b'=', rest @ ..] => rest.split_at(memchr::memchr(b';', rest).unwrap_or(rest.len())),
            rest => (&[][..], rest),
        };
        self.0 = rest;
        Some((name.trim_ascii(), value.trim_ascii()))
    }
}

/// A quoted string without its quotes, escapes left as they are, and what follows.
fn quoted(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = text.iter().position(|b| {
        let closes = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        closes
    });
    let end = end.unwrap_or(text.len());
    let (value, rest) = text.split_at(end);
    (value, rest.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let mut read = Parameters(b"form-data; name=\"a;\\\"b\"; filename=c ; x;y=");
        assert_eq!(read.essence(), b"form-data");
        let read: Vec<_> = read.collect();
        let expected: [(&[u8], &[u8]); 4] = [
            (b"name", b"a;\\\"b"),
            (b"filename", b"c"),
            (b"x", b""),
            (b"y", b""),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn kinds() {
        let cases: [(&[u8], Kind); 9] = [
            (b"application/x-www-form-urlencoded", Kind::Form),
            (b"Application/JSON", Kind::Json),
            (b"application/vnd.api+json", Kind::Json),
            (b"text/xml", Kind::Xml),
            (b"application/soap+xml", Kind::Xml),
            (b"multipart/related", Kind::Multipart),
            (b"image/png", Kind::Binary),
            (b"text/plain", Kind::Unknown),
            (b"", Kind::Unknown),
        ];
        for (essence, kind) in cases {
            assert_eq!(
                Kind::of(essence),
                kind,
                "{}",
                String::from_utf8_lossy(essence)
            );
        }
    }
}
