//! Cookies: found so that nobody can slip in a second one, and set so that nobody else gets
//! them.

use http::HeaderValue;
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
use http::{HeaderMap, header};

/// What a request says of one cookie.
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Nothing,
    One(&'a [u8]),
    /// Another was put there by somebody else, and which is ours cannot be known.
    Several,
}

/// Looks for the cookie of this name in all `Cookie` headers.
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut values = values(headers.get_all(header::COOKIE), name);
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => Found::One(value),
        (Some(_), Some(_)) => Found::Several,
    }
}

/// The values of all cookies of this name.
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
pub(crate) fn values<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    let pairs = lines
        .into_iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let is_ours = trim(parts.next()?) == name.as_bytes();
        parts.next().filter(|_| is_ours).map(trim)
    })
}

/// Only what browsers trim as well (RFC 6265 section 5.2). Any other white space is part of
/// the name to them, which then has no `__Host-` prefix: every subdomain may set it.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// How a cookie that carries a credential is set, found and cleared.
#[cfg(any(feature = "oauth2", feature = "session", feature = "throttle"))]
#[derive(Clone, Debug)]
pub(crate) struct CredentialCookie {
    name: String,
    is_plain: bool,
    is_strict: bool,
}

#[cfg(any(feature = "oauth2", feature = "session", feature = "throttle"))]
impl CredentialCookie {
    /// The longest name, without its prefix.
    pub(crate) const MAX_NAME_LEN: usize = 64;

    /// A cookie of this name behind `__Host-`, which no other host can set and no other host
    /// gets. `None` when the name is not made of letters, digits, `-` and `_`.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = !name.is_empty() && name.len() <= Self::MAX_NAME_LEN;
        (fits && name.bytes().all(usual)).then(|| Self {
            name: format!("__Host-{name}"),
            is_plain: false,
            is_strict: false,
        })
    }

    /// A cookie with the same attributes, and this behind its name: letters.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        Self {
            name: format!("{}-{suffix}", self.name),
            ..*self
        }
    }

    /// `SameSite=Strict` instead of `Lax`.
    #[cfg(any(feature = "session", feature = "throttle"))]
    pub(crate) const fn strict(mut self, is_strict: bool) -> Self {
        self.is_strict = is_strict;
        self
    }

    /// Without `Secure`, and so without the prefix that asks for it.
    pub(crate) fn plain(mut self, is_plain: bool) -> Self {
        if is_plain && let Some(name) = self.name.strip_prefix("__Host-") {
            self.name = name.to_owned();
        }
        self.is_plain = is_plain;
        self
    }

    pub(crate) fn find<'a>(&self, headers: &'a HeaderMap) -> Found<'a> {
        find(headers, &self.name)
    }

    #[cfg(feature = "session")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The header that sets it, for as long as the browser runs or `seconds`.
    pub(crate) fn set(&self, value: &str, seconds: Option<u64>) -> HeaderValue {
        let (name, attributes) = (&self.name, self.attributes());
        let text = match seconds {
            None => zeroize::Zeroizing::new(format!("{name}={value}; Path=/{attributes}")),
            Some(seconds) => zeroize::Zeroizing::new(format!(
                "{name}={value}; Path=/; Max-Age={seconds}{attributes}"
            )),
        };
        #[expect(
            clippy::expect_used,
            reason = "the name was checked, and values are letters of base64url"
        )]
        let mut header = HeaderValue::from_str(&text).expect("a cookie of ours is visible ASCII");
        header.set_sensitive(true);
        header
    }

    /// The header that makes the browser forget it.
    #[cfg(any(feature = "oauth2", feature = "session"))]
    pub(crate) fn clear(&self) -> HeaderValue {
        self.set("", Some(0))
    }

    const fn attributes(&self) -> &'static str {
        match (self.is_plain, self.is_strict) {
            (false, false) => "; Secure; HttpOnly; SameSite=Lax",
            (false, true) => "; Secure; HttpOnly; SameSite=Strict",
            (true, false) => "; HttpOnly; SameSite=Lax",
            (true, true) => "; HttpOnly; SameSite=Strict",
        }
    }
}

/// Sets cookies in an answer that no cache may keep.
#[cfg(any(feature = "oauth2", feature = "session"))]
pub(crate) fn apply(cookies: impl IntoIterator<Item = HeaderValue>, headers: &mut HeaderMap) {
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The name of the cookie that this `Set-Cookie` sets.
pub(crate) fn name_of(set_cookie: &HeaderValue) -> Option<&[u8]> {
    set_cookie
        .as_bytes()
        .split(|byte| *byte == b'=')
        .next()
        .map(trim)
}

#[cfg(test)]
#[cfg(any(
    feature = "cross-origin",
    feature = "oauth2",
    feature = "session",
    feature = "throttle"
))]
mod tests {
    use super::*;

    const NAME: &str = "__Host-csrf";

    fn lines(lines: &[&[u8]]) -> HeaderMap {
        let lines = lines.iter().map(|line| {
            let line = HeaderValue::from_bytes(line).unwrap();
            (header::COOKIE, line)
        });
        lines.collect()
    }

    #[test]
    fn cookies() {
        let cases: [(&str, &[&str], Found<'_>); 14] = [
            ("none", &[], Found::Nothing),
            ("ours", &["__Host-csrf=x"], Found::One(b"x")),
            (
                "among others",
                &["a=b; __Host-csrf=x; c=d"],
                Found::One(b"x"),
            ),
            (
                "on a line of its own",
                &["a=b", "__Host-csrf=x"],
                Found::One(b"x"),
            ),
            ("two", &["__Host-csrf=x; __Host-csrf=y"], Found::Several),
            (
                "the same twice",
                &["__Host-csrf=x; __Host-csrf=x"],
                Found::Several,
            ),
            (
                "two on two lines",
                &["__Host-csrf=x", "__Host-csrf=y"],
                Found::Several,
            ),
            ("another letter case", &["__host-csrf=x"], Found::Nothing),
            (
                "a longer name",
                &["x__Host-csrf=x; __Host-csrf2=y"],
                Found::Nothing,
            ),
            ("no value", &["__Host-csrf"], Found::Nothing),
            ("an empty value", &["__Host-csrf="], Found::One(b"")),
            (
                "white space",
                &["a=b;\t __Host-csrf = x "],
                Found::One(b"x"),
            ),
            // A browser lets any subdomain set these: to it, they have no prefix.
            ("a space it keeps", &["\u{a0}__Host-csrf=x"], Found::Nothing),
            ("one behind", &["__Host-csrf\u{2000}=x"], Found::Nothing),
        ];
        for (name, text, expected) in cases {
            let text: Vec<_> = text.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(find(&lines(&text), NAME), expected, "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_hide_no_cookie() {
        let headers = lines(&[b"a=\xff; __Host-csrf=x\xfe"]);
        assert_eq!(find(&headers, NAME), Found::One(b"x\xfe"));
        let headers = lines(&[b"\xff=\xff", b"__Host-csrf=x; \xff; __Host-csrf=y"]);
        assert_eq!(find(&headers, NAME), Found::Several);
    }

    #[cfg(feature = "session")]
    #[test]
    fn what_is_set() {
        let cookie = CredentialCookie::new("session").unwrap();
        let cases = [
            (
                "the usual",
                cookie.set("v", None),
                "__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax",
            ),
            (
                "for a time",
                cookie.clone().strict(true).set("v", Some(60)),
                "__Host-session=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict",
            ),
            (
                "over plain HTTP",
                cookie.clone().plain(true).set("v", None),
                "session=v; Path=/; HttpOnly; SameSite=Lax",
            ),
            (
                "cleared",
                cookie.clear(),
                "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
            ),
        ];
        for (name, header, expected) in cases {
            assert_eq!(header, expected, "{name}");
            assert!(header.is_sensitive(), "{name}");
        }
        assert_eq!(name_of(&cookie.clear()), Some(&b"__Host-session"[..]));
        for bad in ["", "a b", "a;b", "a=b", "é", "a\n", &"a".repeat(65)] {
            assert!(CredentialCookie::new(bad).is_none(), "{bad:?}");
        }
    }
}
