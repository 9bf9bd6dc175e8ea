//! The signature base: the bytes that are signed (RFC 9421 section 2.5).

use super::Fault;
use super::component::{Identity, Name, flag};
use super::fields::List;
use super::message::{Head, Message, Target};
use super::structured;
use http::{HeaderName, Method};

/// The bytes that a signature is over, whose `@signature-params` has this value: it begins with
/// the list.
pub(super) fn of(message: &Message<'_>, list: &List, text: &str) -> Result<Vec<u8>, Fault> {
    let mut base = Vec::with_capacity(text.len() * 3 + 128);
    put_components(&mut base, message, list)?;
    base.extend_from_slice(text.as_bytes());
    Ok(base)
}

/// All lines, but for the value of the last one.
pub(super) fn put_components(
    to: &mut Vec<u8>,
    message: &Message<'_>,
    list: &List,
) -> Result<(), Fault> {
    for (shown, identity) in list.iter() {
        to.extend_from_slice(shown.as_bytes());
        to.extend_from_slice(b": ");
        put_value(to, message, identity)?;
        to.push(b'\n');
    }
    to.extend_from_slice(b"\"@signature-params\": ");
    Ok(())
}

/// The value of a component.
fn put_value(to: &mut Vec<u8>, message: &Message<'_>, identity: &Identity) -> Result<(), Fault> {
    let message = if identity.is_of_request() {
        match &message.head {
            Head::Response { request, .. } => {
                request.ok_or_else(|| Fault::Missing("req".into()))?
            }
            // Only a response has a request.
            Head::Request(_) => return Err(Fault::BadComponent("req".into())),
        }
    } else {
        message
    };
    let start = to.len();
    match (&identity.name, &message.head) {
        (Name::Field(name), _) => return put_field(to, message, identity, name),
        (Name::Status, Head::Response { status, .. }) => {
            to.extend_from_slice(status.as_str().as_bytes());
        }
        (Name::Status, Head::Request(_)) | (_, Head::Response { .. }) => {
            return Err(Fault::BadComponent(identity.shown().into()));
        }
        (name, Head::Request(target)) => {
            put_derived(to, target, name, identity.argument.as_deref())?;
        }
    }
    // Derived values have no spaces but what is written here, and no other characters.
    if structured::are_all(to.get(start..), |byte| matches!(byte, b'!'..=b'~')) {
        Ok(())
    } else {
        Err(Fault::BadValue(identity.shown().into()))
    }
}

fn put_field(
    to: &mut Vec<u8>,
    message: &Message<'_>,
    identity: &Identity,
    name: &HeaderName,
) -> Result<(), Fault> {
    let headers = if identity.is_trailer() {
        let trailers = message.trailers;
        trailers.ok_or_else(|| Fault::Missing(identity.shown().into()))?
    } else {
        message.headers
    };
    if let Some(member) = &identity.argument {
        return structured::put_member(to, headers, name, member);
    }
    if identity.flags & flag::BYTES != 0 {
        return structured::put_bytes(to, headers, name);
    }
    if identity.flags & flag::STRUCTURED != 0 {
        return structured::put_structured(to, headers, name, message.types);
    }
    // Two cookies on one line are not told from one (RFC 9421 section 2.1).
    if name == http::header::SET_COOKIE && headers.get_all(name).iter().nth(1).is_some() {
        return Err(Fault::BadValue("set-cookie".into()));
    }
    structured::put_plain(to, headers, name)
}

fn put_derived(
    to: &mut Vec<u8>,
    target: &Target<'_>,
    name: &Name,
    argument: Option<&str>,
) -> Result<(), Fault> {
    match name {
        Name::Method => to.extend_from_slice(target.method.as_str().as_bytes()),
        Name::Scheme => to.extend(target.scheme.bytes().map(|it| it.to_ascii_lowercase())),
        Name::Authority => {
            let authority = target.normal_authority()?.bytes();
            to.extend(authority.map(|it| it.to_ascii_lowercase()));
        }
        Name::TargetUri => {
            to.extend_from_slice(target.scheme.as_bytes());
            to.extend_from_slice(b"://");
            to.extend_from_slice(target.authority()?.as_bytes());
            put_path_and_query(to, target);
        }
        Name::RequestTarget if target.method == Method::CONNECT => {
            to.extend_from_slice(target.authority()?.as_bytes());
        }
        Name::RequestTarget => put_path_and_query(to, target),
        Name::Path => to.extend_from_slice(target.path().as_bytes()),
        Name::Query => {
            to.push(b'?');
            to.extend_from_slice(target.uri.query().unwrap_or_default().as_bytes());
        }
        Name::QueryParam => {
            let wanted = argument.unwrap_or_default();
            put_query_parameter(to, target.uri.query().unwrap_or_default(), wanted)?;
        }
        Name::Status | Name::Field(_) => return Err(Fault::BadComponent("@status".into())),
    }
    Ok(())
}

fn put_path_and_query(to: &mut Vec<u8>, target: &Target<'_>) {
    to.extend_from_slice(target.path().as_bytes());
    if let Some(query) = target.uri.query() {
        to.push(b'?');
        to.extend_from_slice(query.as_bytes());
    }
}

/// The value of the one parameter of this name (RFC 9421 section 2.2.8). Which of two was meant
/// nobody can tell.
fn put_query_parameter(to: &mut Vec<u8>, query: &str, wanted: &str) -> Result<(), Fault> {
    let shown = || format!("@query-param;name={wanted}").into();
    let wanted_bytes = decoded(wanted.as_bytes(), false);
    let mut found = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(name.as_bytes(), true) != wanted_bytes {
            continue;
        }
        if found.replace(value).is_some() {
            return Err(Fault::Duplicate("a query parameter"));
        }
    }
    let value = found.ok_or_else(|| Fault::Missing(shown()))?;
    let value = decoded(value.as_bytes(), true);
    // What is not text would be replaced by other parsers.
    if std::str::from_utf8(&value).is_err() {
        return Err(Fault::BadValue(shown()));
    }
    for byte in value {
        put_encoded(to, byte);
    }
    Ok(())
}

/// Decodes what a form encodes; a percent sign that encodes nothing stays (WHATWG URL,
/// percent-decode).
fn decoded(text: &[u8], is_form: bool) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        decoded.push(match (first, after) {
            (b'+', _) if is_form => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    u8::try_from(high << 4 | low).unwrap_or_default()
                }
                _ => b'%',
            },
            _ => *first,
        });
    }
    decoded
}

/// Encodes by the percent-encode set of forms, spaces as well (RFC 9421 section 2.2.8).
fn put_encoded(to: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
        to.push(byte);
        return;
    }
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    to.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Component;
    use http::{HeaderMap, StatusCode, Uri};

    fn value(message: &Message<'_>, component: &str) -> Result<String, Fault> {
        let component: Component = component.parse()?;
        let mut value = Vec::new();
        put_value(&mut value, message, &component.identity)?;
        Ok(String::from_utf8(value).unwrap())
    }

    fn of_uri(uri: &str, component: &str) -> Result<String, Fault> {
        let (uri, headers): (Uri, _) = (uri.parse().unwrap(), HeaderMap::new());
        value(
            &Message::of_request(&Method::POST, &uri, &headers),
            component,
        )
    }

    /// RFC 9421 section 2.2.
    #[test]
    fn derived_components() {
        let uri = "https://www.example.com/path?param=value";
        for (uri, component, expected) in [
            (uri, "@method", "POST"),
            (uri, "@target-uri", uri),
            (uri, "@authority", "www.example.com"),
            (uri, "@scheme", "https"),
            (uri, "@request-target", "/path?param=value"),
            (uri, "@path", "/path"),
            (uri, "@query", "?param=value"),
            ("http://a.example/", "@scheme", "http"),
            ("https://EXAMPLE.com:443/", "@authority", "example.com"),
            (
                "https://example.com:8443/",
                "@authority",
                "example.com:8443",
            ),
            ("http://example.com:443/", "@authority", "example.com:443"),
            ("http://[::1]:80/", "@authority", "[::1]"),
            ("https://a.example", "@path", "/"),
            ("https://a.example/", "@query", "?"),
            ("https://a.example/?", "@query", "?"),
            ("https://a.example/?queryString", "@query", "?queryString"),
        ] {
            assert_eq!(
                of_uri(uri, component).unwrap(),
                expected,
                "{component} {uri}"
            );
        }
    }

    /// RFC 9421 section 2.2.8.
    #[test]
    fn query_parameters() {
        let uri = "https://a.example/p?param=value&foo=bar&baz=batman&qux=&var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&tilde=~!&bad=%FF&half=%4&two=1&two=2&none";
        for (name, expected) in [
            ("baz", Ok("batman")),
            ("qux", Ok("")),
            ("none", Ok("")),
            ("param", Ok("value")),
            ("var", Ok("this%20is%20a%20big%0Amultiline%20value")),
            ("bar", Ok("with%20plus%20whitespace")),
            ("fa%C3%A7ade%22%3A%20", Ok("something")),
            ("tilde", Ok("%7E%21")),
            ("half", Ok("%254")),
            ("two", Err("duplicate")),
            ("missing", Err("missing_component")),
            ("bad", Err("bad_value")),
        ] {
            let component = format!("\"@query-param\";name=\"{name}\"");
            let found = of_uri(uri, &component);
            let found = found.as_deref().map_err(Fault::code);
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_response_has_a_status_and_maybe_a_request() {
        let (uri, mut headers): (Uri, _) = ("/x?y".parse().unwrap(), HeaderMap::new());
        headers.insert("host", "a.example".parse().unwrap());
        let request = Message::of_request(&Method::GET, &uri, &headers);
        let none = HeaderMap::new();
        let alone = Message::of_response(StatusCode::OK, &none, None);
        let bound = Message::of_response(StatusCode::OK, &none, Some(&request));
        for (name, message, component, expected) in [
            ("status", &alone, "@status", Ok("200")),
            ("method", &alone, "@method", Err("bad_component")),
            (
                "method of none",
                &alone,
                "\"@method\";req",
                Err("missing_component"),
            ),
            ("method of it", &bound, "\"@method\";req", Ok("GET")),
            (
                "authority of it",
                &bound,
                "\"@authority\";req",
                Ok("a.example"),
            ),
            ("header of it", &bound, "\"host\";req", Ok("a.example")),
            ("its own header", &bound, "host", Err("missing_component")),
            (
                "status of a request",
                &request,
                "@status",
                Err("bad_component"),
            ),
            (
                "req in a request",
                &request,
                "\"@method\";req",
                Err("bad_component"),
            ),
            (
                "trailer too early",
                &request,
                "\"host\";tr",
                Err("missing_component"),
            ),
            (
                "target",
                &request,
                "@target-uri",
                Ok("https://a.example/x?y"),
            ),
        ] {
            let found = value(message, component);
            assert_eq!(found.as_deref().map_err(Fault::code), expected, "{name}");
        }
        headers.append("host", "b.example".parse().unwrap());
        let two = Message::of_request(&Method::GET, &uri, &headers);
        assert_eq!(
            value(&two, "@authority").unwrap_err().code(),
            "missing_component"
        );
    }

    #[test]
    fn what_is_no_text_is_not_signed() {
        let uri: Uri = "https://a.example/".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-latin", http::HeaderValue::from_bytes(b"\xe9").unwrap());
        headers.append("set-cookie", "a=1".parse().unwrap());
        let one = headers.clone();
        let message = Message::of_request(&Method::GET, &uri, &one);
        assert_eq!(value(&message, "x-latin").unwrap_err().code(), "bad_value");
        assert_eq!(value(&message, "\"x-latin\";bs").unwrap(), ":6Q==:");
        assert_eq!(value(&message, "set-cookie").unwrap(), "a=1");
        headers.append("set-cookie", "b=2".parse().unwrap());
        let message = Message::of_request(&Method::GET, &uri, &headers);
        assert_eq!(
            value(&message, "set-cookie").unwrap_err().code(),
            "bad_value"
        );
        assert_eq!(
            value(&message, "\"set-cookie\";bs").unwrap(),
            ":YT0x:, :Yj0y:"
        );
        let evil = Message::of_request(&Method::GET, &uri, &headers).with_origin("https", "a b");
        assert_eq!(value(&evil, "@authority").unwrap_err().code(), "bad_value");
    }
}
