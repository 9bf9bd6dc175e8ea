use std::borrow::Borrow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A web origin (RFC 6454): scheme, host and port, exactly as a browser writes it in an
/// `Origin` header.
///
/// ```
/// use portcullis::browser::Origin;
///
/// assert!("https://app.example.com".parse::<Origin>().is_ok());
/// assert!("http://localhost:3000".parse::<Origin>().is_ok());
/// // No browser ever sends these, so they could never match:
/// for wrong in ["app.example.com", "https://app.example.com/", "https://app.example.com:443", "null"] {
///     assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(Box<str>);

/// The text is not an origin that a browser would send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// `null` stands for every sandboxed or local page there is.
    #[error("the origin null is shared by all sandboxed and local pages and cannot be named")]
    Null,
    /// Not `http://` or `https://`.
    #[error("origin {0:?} has to start with http:// or https://")]
    Scheme(String),
    /// More than scheme, host and port.
    #[error("origin {0:?} has to end after its host and port: no path, no slash, no user")]
    NotAlone(String),
    /// Not a host name in lower-case ASCII or an address.
    #[error(
        "origin {0:?} has no valid host: write it in lower case, international names as xn--, \
         no wildcard"
    )]
    Host(String),
    /// Not a port, or the port that the scheme has anyway.
    #[error("origin {0:?} has no valid port: 1 to 65535, and none where it is the scheme's own")]
    Port(String),
}

impl Origin {
    /// The origin, as the `Origin` header carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Origin {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "null" {
            return Err(InvalidOrigin::Null);
        }
        let (authority, default_port) = match text.split_once("://") {
            Some(("https", authority)) => (authority, 443),
            Some(("http", authority)) => (authority, 80),
            _ => return Err(InvalidOrigin::Scheme(text.to_owned())),
        };
        if authority.contains(['/', '?', '#', '@', '\\']) {
            return Err(InvalidOrigin::NotAlone(text.to_owned()));
        }
        let (host, port) = split_port(authority);
        if !is_host(host) {
            return Err(InvalidOrigin::Host(text.to_owned()));
        }
        match port.map(parse_port) {
            None => Ok(Self(text.into())),
            Some(Some(port)) if port != default_port => Ok(Self(text.into())),
            Some(_) => Err(InvalidOrigin::Port(text.to_owned())),
        }
    }
}

/// Splits `host:port`; the host of an IPv6 address keeps its brackets.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority.get(end_of_host..).and_then(|rest| rest.find(':')) {
        Some(colon) => {
            let (host, port) = authority.split_at(end_of_host + colon);
            (host, port.get(1..))
        }
        None => (authority, None),
    }
}

/// A port from 1, in decimal digits without a leading zero.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    canonical.then(|| text.parse().ok()).flatten()
}

/// Whether this is a host as a browser serializes it (WHATWG URL, "host serializer").
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        let parsed = address.parse::<Ipv6Addr>();
        return parsed.is_ok_and(|parsed| canonical_v6(parsed) == address);
    }
    // What ends in a number is an IPv4 address to a browser, or nothing.
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    is_dns_name(host)
}

/// Lower-case letters, digits, hyphens and underscores, in labels of 1 to 63.
pub(super) fn is_dns_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

/// RFC 5952 without its dotted form for IPv4-mapped addresses, which the URL standard has not.
fn canonical_v6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => format!("::ffff:{high:x}:{low:x}"),
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let accepted = [
            "https://example.com",
            "http://localhost",
            "http://localhost:3000",
            "https://example.com:8443",
            "http://example.com:443",
            "https://xn--bcher-kva.example",
            "https://a_b.example",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "https://[2001:db8::1]",
            "https://[::ffff:102:304]",
        ];
        for origin in accepted {
            assert_eq!(
                origin.parse::<Origin>().map(|o| o.to_string()),
                Ok(origin.into())
            );
        }

        type Kind = fn(String) -> InvalidOrigin;
        let (scheme, not_alone, host, port): (Kind, Kind, Kind, Kind) = (
            InvalidOrigin::Scheme,
            InvalidOrigin::NotAlone,
            InvalidOrigin::Host,
            InvalidOrigin::Port,
        );
        let refused = [
            ("nothing", "", scheme),
            ("no scheme", "example.com", scheme),
            ("another scheme", "ftp://example.com", scheme),
            ("upper-case scheme", "HTTPS://example.com", scheme),
            ("a slash", "https://example.com/", not_alone),
            ("a path", "https://example.com/a", not_alone),
            ("a query", "https://example.com?a", not_alone),
            ("a fragment", "https://example.com#a", not_alone),
            ("a user", "https://a@example.com", not_alone),
            ("a backslash", "https://example.com\\a", not_alone),
            ("no host", "https://", host),
            ("no host before a port", "https://:8443", host),
            ("a wildcard", "https://*.example.com", host),
            ("upper-case host", "https://Example.com", host),
            ("not ASCII", "https://bücher.example", host),
            ("white space", "https://example.com ", host),
            ("an empty label", "https://a..example", host),
            ("a final dot", "https://example.com.", host),
            (
                "two origins",
                "https://a.example, https://b.example",
                not_alone,
            ),
            ("a short IPv4 address", "http://127.1", host),
            ("an IPv4 address out of range", "http://256.0.0.1", host),
            (
                "an IPv6 address not compressed",
                "http://[0:0:0:0:0:0:0:1]",
                host,
            ),
            ("an IPv6 address not closed", "http://[::1", host),
            ("text after an IPv6 address", "http://[::1]x", host),
            ("the scheme's own port", "https://example.com:443", port),
            ("the scheme's own port", "http://example.com:80", port),
            ("an empty port", "https://example.com:", port),
            ("port zero", "https://example.com:0", port),
            ("a leading zero", "https://example.com:08443", port),
            ("a port out of range", "https://example.com:65536", port),
            ("a signed port", "https://example.com:+80", port),
            ("two ports", "https://example.com:1:2", port),
        ];
        for (name, origin, kind) in refused {
            assert_eq!(
                origin.parse::<Origin>(),
                Err(kind(origin.to_owned())),
                "{name}"
            );
        }
        assert_eq!("null".parse::<Origin>(), Err(InvalidOrigin::Null));
    }
}
