//! The one form of a request that the scheme signs.

use super::claim::Claim;
use crate::guard::RequestHead;
use crate::signing::{Fault, hex};
use http::HeaderName;
use ring::digest::{SHA256, digest};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::text(digest(&SHA256, bytes).as_ref())
}

/// The text whose digest is signed.
pub(super) fn canonical_request(
    request: &RequestHead<'_>,
    claim: &Claim<'_>,
    body: &[u8],
    encodes_once: bool,
) -> Result<String, Fault> {
    let payload = sha256(body);
    match request.single_header(&CONTENT_SHA256) {
        Some(told) if told != payload => return Err(Fault::WrongDigest),
        None if request.headers().contains_key(CONTENT_SHA256) => {
            return Err(Fault::Duplicate("a header"));
        }
        _ => {}
    }
    let mut text = String::with_capacity(512);
    text.push_str(request.method().as_str());
    text.push('\n');
    put_path(&mut text, request.uri().path(), encodes_once)?;
    text.push('\n');
    put_query(&mut text, request.uri().query().unwrap_or_default())?;
    text.push('\n');
    for name in claim.signed() {
        put_header(&mut text, request, name)?;
    }
    text.push('\n');
    text.push_str(claim.signed_headers);
    text.push('\n');
    text.push_str(&payload);
    Ok(text)
}

fn put_path(to: &mut String, path: &str, encodes_once: bool) -> Result<(), Fault> {
    let inside = path.strip_prefix('/').unwrap_or(path);
    let inside = inside.strip_suffix('/').unwrap_or(inside);
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    if path != "/" && !inside.split('/').all(is_plain) {
        return Err(Fault::BadValue("@path".into()));
    }
    if encodes_once {
        to.push_str(path);
    } else {
        path.bytes().for_each(|byte| put_encoded(to, byte, true));
    }
    Ok(())
}

/// The parameters, encoded in the one way that the scheme has, in the order of their names and
/// values.
fn put_query(to: &mut String, query: &str) -> Result<(), Fault> {
    // Forms read a blank in it, and the scheme signs itself.
    if query.contains('+') {
        return Err(Fault::BadValue("@query".into()));
    }
    let encoded = |text: &str| -> Result<String, Fault> {
        let mut encoded = String::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let byte = match byte {
                b'%' => {
                    let mut digit = || char::from(bytes.next()?).to_digit(16);
                    let pair = digit().zip(digit());
                    let (high, low) = pair.ok_or_else(|| Fault::BadValue("@query".into()))?;
                    u8::try_from(high << 4 | low).unwrap_or_default()
                }
                byte => byte,
            };
            put_encoded(&mut encoded, byte, false);
        }
        Ok(encoded)
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.starts_with("X-Amz-Signature") {
            return Err(Fault::BadValue("@query".into()));
        }
        Ok((encoded(name)?, encoded(value)?))
    });
    let mut pairs: Vec<_> = pairs.collect::<Result<_, Fault>>()?;
    pairs.sort();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            to.push('&');
        }
        to.push_str(name);
        to.push('=');
        to.push_str(value);
    }
    Ok(())
}

fn put_encoded(to: &mut String, byte: u8, keeps_slash: bool) {
    let is_kept = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if is_kept || (keeps_slash && byte == b'/') {
        to.push(char::from(byte));
    } else {
        to.push('%');
        to.push_str(&hex::text(&[byte]).to_ascii_uppercase());
    }
}

/// The values of a header, trimmed, with single spaces.
fn put_header(to: &mut String, request: &RequestHead<'_>, name: &str) -> Result<(), Fault> {
    let missing = || Fault::Missing(name.into());
    to.push_str(name);
    to.push(':');
    let mut values = request.headers().get_all(name).iter().peekable();
    if values.peek().is_none() {
        // HTTP/2 has the host in the URI.
        let authority = request.uri().authority().filter(|_| name == "host");
        to.push_str(authority.ok_or_else(missing)?.as_str());
        to.push('\n');
        return Ok(());
    }
    for (index, value) in values.enumerate() {
        if index > 0 {
            to.push(',');
        }
        let value = value.to_str().map_err(|_| Fault::BadValue(name.into()))?;
        for (index, word) in value
            .split([' ', '\t'])
            .filter(|it| !it.is_empty())
            .enumerate()
        {
            if index > 0 {
                to.push(' ');
            }
            to.push_str(word);
        }
    }
    to.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries() {
        let path = |path: &str| {
            let mut text = String::new();
            put_path(&mut text, path, false).ok().map(|()| text)
        };
        for (sent, expected) in [
            ("/", Some("/")),
            ("/a/b", Some("/a/b")),
            ("/a/", Some("/a/")),
            ("/a%20b", Some("/a%2520b")),
            ("/~-._", Some("/~-._")),
            ("//", None),
            ("/a//b", None),
            ("/a/./b", None),
            ("/../a", None),
            ("/a/..", None),
        ] {
            assert_eq!(path(sent).as_deref(), expected, "{sent}");
        }
        let query = |query: &str| {
            let mut text = String::new();
            put_query(&mut text, query).ok().map(|()| text)
        };
        for (sent, expected) in [
            ("", Some("")),
            ("b=2&a=1", Some("a=1&b=2")),
            ("a=1&b&a=2", Some("a=1&a=2&b=")),
            ("&&a=1&", Some("a=1")),
            ("a=%7e%2b%2B", Some("a=~%2B%2B")),
            ("a=2&a=1", Some("a=1&a=2")),
            ("a=2&b=1&a=1", Some("a=1&a=2&b=1")),
            ("a=b&%61=a", Some("a=a&a=b")),
            ("a=b+c", None),
            ("a", Some("a=")),
            ("a=%2f", Some("a=%2F")),
            ("a=/", Some("a=%2F")),
            ("a=b=c", Some("a=b%3Dc")),
            ("a=%", None),
            ("a=%+1", None),
            ("X-Amz-Signature=x", None),
        ] {
            assert_eq!(query(sent).as_deref(), expected, "{sent}");
        }
    }
}
