use super::{Flow, Visit, pieces};
use crate::waf::decode;
use crate::waf::protocol;
use crate::waf::signal::Finding;
use crate::waf::view::Place;
use std::borrow::Cow;

/// The headers of a request, names in lower case.
#[derive(Clone, Default)]
pub(in crate::waf) struct RequestHeaders<'a>(Vec<(Cow<'a, str>, &'a [u8])>);

impl<'a> RequestHeaders<'a> {
    pub(in crate::waf) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(in crate::waf) fn push(&mut self, name: Cow<'a, str>, value: &'a [u8]) {
        self.0.push((name, value));
    }

    /// The values of this name, in order.
    pub(in crate::waf) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| *value)
    }

    /// The first value of this name.
    pub(in crate::waf) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// How long they are together.
    pub(in crate::waf) fn length(&self) -> usize {
        let lengths = self.0.iter().map(|(name, value)| name.len() + value.len());
        lengths.sum()
    }
}

/// Hands every header and cookie to `visit`.
pub(super) fn all(headers: &RequestHeaders<'_>, visit: &mut impl Visit) -> Flow {
    for (name, value) in headers.iter() {
        one(name, value, visit)?;
    }
    once(headers, "host", &protocol::HOSTS, visit)?;
    once(
        headers,
        "transfer-encoding",
        &protocol::TRANSFER_ENCODING,
        visit,
    )?;
    lengths(headers, visit)
}

/// Tells of a header that came a second time.
fn once(
    headers: &RequestHeaders<'_>,
    name: &str,
    finding: &'static Finding,
    visit: &mut impl Visit,
) -> Flow {
    match headers.all(name).nth(1) {
        Some(second) => visit.wrong(finding, Place::Header, name.as_bytes(), second),
        None => Flow::Continue(()),
    }
}

fn one(name: &str, value: &[u8], visit: &mut impl Visit) -> Flow {
    match name {
        "cookie" => return visit.recurring("cookie", value, |visit| cookies(value, visit)),
        "referer" => return visit.recurring("referer", value, |visit| referer(value, visit)),
        "authorization" | "proxy-authorization" if is_token68(value) => {
            return Flow::Continue(());
        }
        "content-encoding" if !is_identity(value) => {
            visit.wrong(
                &protocol::CONTENT_ENCODING,
                Place::Header,
                name.as_bytes(),
                value,
            )?;
        }
        "transfer-encoding" if !value.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            visit.wrong(
                &protocol::TRANSFER_ENCODING,
                Place::Header,
                name.as_bytes(),
                value,
            )?;
        }
        "host" if memchr::memchr(b',', value).is_some() => {
            visit.wrong(&protocol::HOSTS, Place::Header, name.as_bytes(), value)?;
        }
        "x-up-devcap-post-charset" => {
            visit.wrong(
                &protocol::DEVICE_CHARSET,
                Place::Header,
                name.as_bytes(),
                value,
            )?;
        }
        "range" if value.iter().filter(|b| **b == b',').count() >= protocol::MAX_RANGES => {
            visit.wrong(&protocol::RANGES, Place::Header, name.as_bytes(), value)?;
        }
        "request-range" => {
            visit.wrong(
                &protocol::REQUEST_RANGE,
                Place::Header,
                name.as_bytes(),
                value,
            )?;
        }
        "x-http-method-override" | "x-method-override" | "x-http-method" => {
            visit.wrong(
                &protocol::METHOD_OVERRIDE,
                Place::Header,
                name.as_bytes(),
                value,
            )?;
        }
        _ => {}
    }
    if is_of_protocol(name) && consists_of(value, in_protocol) {
        return Flow::Continue(());
    }
    let value_alone = |visit: &mut _| Visit::value(visit, Place::Header, name.as_bytes(), value);
    if is_recurring(name) {
        visit.recurring(name, value, value_alone)
    } else {
        value_alone(visit)
    }
}

/// What browsers say of themselves in each request.
fn is_recurring(name: &str) -> bool {
    name.starts_with("accept")
        || name.starts_with("sec-")
        || matches!(name, "user-agent" | "host" | "origin" | "dnt" | "te")
}

/// Headers whose values say how to talk, not what: passed over where they consist of tokens.
fn is_of_protocol(name: &str) -> bool {
    name.starts_with("accept")
        || name.starts_with("sec-")
        || name.starts_with("if-")
        || name.starts_with("access-control-")
        || matches!(
            name,
            "cache-control"
                | "connection"
                | "content-length"
                | "content-type"
                | "date"
                | "dnt"
                | "keep-alive"
                | "pragma"
                | "priority"
                | "range"
                | "te"
                | "traceparent"
                | "transfer-encoding"
                | "upgrade-insecure-requests"
                | "x-request-id"
        )
}

/// `Bearer` or another scheme with nothing but a token (RFC 9110 section 11.2): the business
/// of whoever checks the credential.
fn is_token68(value: &[u8]) -> bool {
    let mut rest = value;
    for _ in 0..2 {
        let word = rest.trim_ascii_start();
        let end = memchr::memchr(b' ', word).unwrap_or(word.len());
        rest = word.get(end..).unwrap_or_default();
    }
    rest.trim_ascii_start().is_empty() && consists_of(value, in_token_or_space)
}

/// Whether all bytes are such: of 16 at a time, for the compiler makes vectors of what neither
/// branches nor stops.
fn consists_of(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_such(*byte))
}

/// What headers consist of that say how to talk. `*` to `;` are `*+,-./`, digits, `:` and `;`.
const fn in_protocol(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
        | matches!(byte, b'*'..=b';')
        | (byte == b' ')
        | (byte == b'=')
        | (byte == b'_')
        | (byte == b'?')
}

/// What a token of RFC 9110 section 11.2 consists of, and the space before it. `-` to `9` are
/// `-./` and digits.
const fn in_token_or_space(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
        | matches!(byte, b'-'..=b'9')
        | (byte == b' ')
        | (byte == b'+')
        | (byte == b'=')
        | (byte == b'_')
        | (byte == b'~')
}

fn is_identity(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"identity") || value.trim_ascii().is_empty()
}

/// A URL of a page: the parameters of its query one by one, for together they are no value of
/// anything.
fn referer(value: &[u8], visit: &mut impl Visit) -> Flow {
    let Some(at) = memchr::memchr(b'?', value) else {
        return visit.value(Place::Header, b"referer", value);
    };
    let (page, query) = value.split_at(at);
    visit.value(Place::Header, b"referer", page)?;
    let mut buffer = visit.buffer();
    for pair in pieces(query.get(1..).unwrap_or_default(), b'&') {
        let value = match memchr::memchr(b'=', pair) {
            Some(at) => pair.get(at + 1..).unwrap_or_default(),
            None => pair,
        };
        visit.value(Place::Header, b"referer", decode::form(value, &mut buffer))?;
    }
    visit.give_back(buffer);
    Flow::Continue(())
}

fn cookies(value: &[u8], visit: &mut impl Visit) -> Flow {
    if value.trim_ascii_start().starts_with(b"$Version") {
        visit.wrong(&protocol::COOKIE_VERSION, Place::Header, b"cookie", value)?;
    }
    for cookie in pieces(value, b';') {
        let cookie = cookie.trim_ascii();
        match memchr::memchr(b'=', cookie) {
            Some(at) => {
                let (name, value) = cookie.split_at(at);
                visit.pair(Place::Cookie, name, value.get(1..).unwrap_or_default())?;
            }
            None if cookie.is_empty() => {}
            None => visit.value(Place::Cookie, b"", cookie)?,
        }
    }
    Flow::Continue(())
}

/// Two lengths, or a length that is a list: whoever takes the other one reads another request
/// (RFC 9112 section 6.3).
fn lengths(headers: &RequestHeaders<'_>, visit: &mut impl Visit) -> Flow {
    let mut lengths = headers.all("content-length");
    let Some(first) = lengths.next() else {
        return Flow::Continue(());
    };
    let listed = !first.trim_ascii().iter().all(u8::is_ascii_digit);
    let chunked = headers.first("transfer-encoding").is_some();
    if listed || chunked || lengths.next().is_some() {
        return visit.wrong(&protocol::LENGTHS, Place::Header, b"content-length", first);
    }
    Flow::Continue(())
}
