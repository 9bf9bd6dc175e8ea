use super::{Found, find};
use http::{HeaderMap, HeaderValue};

/// How a cookie that carries a credential is set, found and cleared.
#[derive(Clone, Debug)]
pub(crate) struct CredentialCookie {
    name: String,
    is_plain: bool,
    is_strict: bool,
}

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

    /// Whether browsers keep it with this value: they drop what is longer (RFC 6265bis section
    /// 5.7, ASVS 5.0 3.3.5).
    #[cfg(feature = "oauth2")]
    pub(crate) const fn fits(&self, value: &str) -> bool {
        const MAX_LEN: usize = 4096;
        self.name.len().saturating_add(value.len()) <= MAX_LEN
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
    use http::header;
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(all(test, feature = "session"))]
mod tests {
    use super::*;
    use crate::guard::cookie::name_of;

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
