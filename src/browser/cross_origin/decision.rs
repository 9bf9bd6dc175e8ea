//! May this request have been sent by another site? Plain rules on the head of a request.

use super::urlencoded;
use crate::browser::Origin;
use crate::browser::origin::{parse_port, split_port};
use crate::guard::RequestHead;
use http::{HeaderName, Method, header};
use std::collections::HashSet;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Headers by which some frameworks let a request name another method than its own.
const METHOD_OVERRIDES: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];

/// Why a request may not come from where it seems to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The browser says that another site sent it.
    CrossSite,
    /// The browser says that another origin of the same site sent it, such as a subdomain.
    SameSite,
    /// `Sec-Fetch-Site` says something that browsers do not, or says it twice.
    UnknownSite,
    /// The browser names no site, and the `Origin` is not this host's.
    OriginMismatch,
    /// The browser names no site, and the `Origin` is `null`: a sandboxed or local page.
    NullOrigin,
}

impl Refusal {
    /// The stable code of the rejection.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CrossSite => "cross_site_request",
            Self::SameSite => "same_site_request",
            Self::UnknownSite => "unknown_fetch_site",
            Self::OriginMismatch => "origin_mismatch",
            Self::NullOrigin => "null_origin",
        }
    }
}

/// What the operator decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    pub(super) trusted: HashSet<Origin>,
    pub(super) own: HashSet<Origin>,
    pub(super) exempt_paths: HashSet<Box<str>>,
    pub(super) admits_same_site: bool,
    pub(super) checks_reads: bool,
}

impl Policy {
    pub(super) fn decide(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        // Nearly all requests come from this origin or from no browser: what else there is
        // to know is asked of the others alone.
        match self.judge_sender(head) {
            Err(refusal) if self.matters(head) && !self.is_exempt(head) => Err(refusal),
            _ => Ok(()),
        }
    }

    fn judge_sender(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        let refusal = match only(head, &SEC_FETCH_SITE) {
            Only::One(b"same-origin" | b"none") => return Ok(()),
            Only::None | Only::One(b"") => return self.judge_origin(head),
            Only::One(b"same-site") if self.admits_same_site => return Ok(()),
            Only::One(b"same-site") => Refusal::SameSite,
            Only::One(b"cross-site") => Refusal::CrossSite,
            Only::One(_) | Only::Several => Refusal::UnknownSite,
        };
        match only(head, &header::ORIGIN) {
            Only::One(origin) if named(&self.trusted, origin) => Ok(()),
            _ => Err(refusal),
        }
    }

    /// For browsers from before 2023, and for plain HTTP, where `Sec-Fetch-Site` is not sent.
    fn judge_origin(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        let origin = match only(head, &header::ORIGIN) {
            // Fails open: every browser sends one of the two with whatever is no read, so this
            // is no browser, and no user's cookies came along unasked.
            Only::None | Only::One(b"") => return Ok(()),
            Only::One(b"null") => return Err(Refusal::NullOrigin),
            Only::One(origin) => origin,
            Only::Several => return Err(Refusal::OriginMismatch),
        };
        let is_own = if self.own.is_empty() {
            // Blind to the scheme: whether TLS ended at a proxy is not known here. HSTS keeps
            // the plain-text twin of this origin out of browsers.
            target_host(head).is_some_and(|host| is_origin_of_host(origin, host))
        } else {
            named(&self.own, origin)
        };
        if is_own || named(&self.trusted, origin) {
            Ok(())
        } else {
            Err(Refusal::OriginMismatch)
        }
    }

    /// Whether it would do harm if another site had sent this.
    fn matters(&self, head: &RequestHead<'_>) -> bool {
        let is_read = match *head.method() {
            Method::GET | Method::HEAD => !self.checks_reads,
            // A preflight comes from another origin by its nature, and asks alone.
            Method::OPTIONS => true,
            // TRACE too: no browser sends it, so nothing is lost.
            _ => false,
        };
        !is_read || is_upgrade(head) || overrides_method(head)
    }

    /// Exactly this path: a prefix or a pattern could cover more than the router sends to the
    /// exempt handler (as in CVE-2025-47910).
    fn is_exempt(&self, head: &RequestHead<'_>) -> bool {
        self.exempt_paths.contains(head.uri().path())
    }
}

/// Whether the connection will carry something else, such as a WebSocket (RFC 6455), which
/// no CORS holds back. Over HTTP/2 that is a CONNECT (RFC 8441), never a read.
fn is_upgrade(head: &RequestHead<'_>) -> bool {
    head.headers().contains_key(header::UPGRADE)
}

/// Whether the request names another method than its own, in a header or its query.
pub(super) fn overrides_method(head: &RequestHead<'_>) -> bool {
    let in_query = |query: &str| {
        urlencoded::values(query.as_bytes(), b"_method")
            .next()
            .is_some()
    };
    METHOD_OVERRIDES
        .iter()
        .any(|name| head.headers().contains_key(name))
        || head.uri().query().is_some_and(in_query)
}

/// Whether the browser itself says that this origin, or the user, sent the request.
pub(super) fn is_vouched_for(head: &RequestHead<'_>) -> bool {
    matches!(
        only(head, &SEC_FETCH_SITE),
        Only::One(b"same-origin" | b"none")
    )
}

/// The values of a header that should come once.
enum Only<'a> {
    None,
    One(&'a [u8]),
    Several,
}

fn only<'a>(head: &RequestHead<'a>, name: &HeaderName) -> Only<'a> {
    let mut values = head.headers().get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::None,
        (Some(value), None) => Only::One(value.as_bytes()),
        (Some(_), Some(_)) => Only::Several,
    }
}

fn named(origins: &HashSet<Origin>, origin: &[u8]) -> bool {
    !origins.is_empty() && std::str::from_utf8(origin).is_ok_and(|text| origins.contains(text))
}

/// The host the request is for: the target's own (HTTP/2, absolute form; RFC 9112 section
/// 3.3), else the one `Host` header.
fn target_host<'a>(head: &RequestHead<'a>) -> Option<&'a str> {
    match head.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => head.single_header(&header::HOST),
    }
}

/// Compares host and port; a port left out is the one of the origin's scheme.
fn is_origin_of_host(origin: &[u8], target: &str) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else {
        return false;
    };
    let (authority, default_port) = match origin.split_once("://") {
        Some(("https", authority)) => (authority, 443),
        Some(("http", authority)) => (authority, 80),
        _ => return false,
    };
    let (host, port) = split_port(authority);
    let (target_host, target_port) = split_port(target);
    let is_port = |port: Option<&str>, other: Option<&str>| match (port, other) {
        (None, None) => true,
        (None, Some(port)) | (Some(port), None) => parse_port(port) == Some(default_port),
        (Some(port), Some(other)) => port == other,
    };
    !host.is_empty() && host.eq_ignore_ascii_case(target_host) && is_port(port, target_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn hosts_and_origins() {
        let cases = [
            ("the same", "https://a.example", "a.example", true),
            ("either scheme", "http://a.example", "a.example", true),
            (
                "the same port",
                "https://a.example:8443",
                "a.example:8443",
                true,
            ),
            (
                "the scheme's port said",
                "https://a.example",
                "a.example:443",
                true,
            ),
            (
                "the other scheme's port",
                "https://a.example",
                "a.example:80",
                false,
            ),
            (
                "another port",
                "https://a.example:8443",
                "a.example:8444",
                false,
            ),
            ("a port more", "https://a.example:8443", "a.example", false),
            (
                "another letter case",
                "https://a.example",
                "A.Example",
                true,
            ),
            ("a subdomain", "https://b.a.example", "a.example", false),
            ("a parent", "https://example", "a.example", false),
            ("a suffix", "https://a.example.evil", "a.example", false),
            ("a prefix", "https://evil-a.example", "a.example", false),
            ("an IPv6 address", "http://[::1]:3000", "[::1]:3000", true),
            (
                "another IPv6 port",
                "http://[::1]:3000",
                "[::1]:3001",
                false,
            ),
            (
                "an IPv6 address without port",
                "http://[::1]",
                "[::1]",
                true,
            ),
            ("another scheme", "ftp://a.example", "a.example", false),
            ("no scheme", "a.example", "a.example", false),
            ("no host", "https://", "", false),
            (
                "a user in the target",
                "https://a.example",
                "a.example@evil.example",
                false,
            ),
            ("an empty port", "https://a.example", "a.example:", false),
        ];
        for (name, origin, target, same) in cases {
            assert_eq!(is_origin_of_host(origin.as_bytes(), target), same, "{name}");
        }
    }

    #[test]
    fn method_overrides_are_seen_through_their_encoding() {
        let cases = [
            ("/", false),
            ("/?a=b", false),
            ("/?_method=DELETE", true),
            ("/?a=b&_method=DELETE", true),
            ("/?%5Fm%65thod=DELETE", true),
            ("/?_method", true),
            ("/?not_method=DELETE", false),
            ("/?a=_method", false),
        ];
        for (uri, expected) in cases {
            let request = Request::get(uri).body(()).unwrap();
            assert_eq!(
                overrides_method(&RequestHead::of(&request)),
                expected,
                "{uri}"
            );
        }
    }
}
