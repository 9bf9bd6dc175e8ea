//! Which URLs a policy lets through.

use super::super::unicode::is_hidden;
use url::Url;

/// Which URLs may stand in an attribute.
#[derive(Clone, Debug)]
pub(super) struct UrlRules {
    pub(super) schemes: Vec<&'static str>,
    pub(super) relative: bool,
}

/// The attributes of HTML whose value is one URL.
pub(super) fn is_url_attribute(name: &str) -> bool {
    matches!(
        name,
        "action"
            | "background"
            | "cite"
            | "classid"
            | "codebase"
            | "data"
            | "formaction"
            | "href"
            | "icon"
            | "itemid"
            | "itemtype"
            | "longdesc"
            | "lowsrc"
            | "manifest"
            | "poster"
            | "profile"
            | "src"
            | "usemap"
            | "xlink:href"
    )
}

impl UrlRules {
    /// Whether a value may stand where a URL is expected: to the parser of today's browsers
    /// (WHATWG), and to older ones, which skip white space and control characters wherever
    /// they stand in the scheme.
    ///
    /// `is_link` is for attributes that are followed when somebody clicks; others are fetched,
    /// and only over HTTP.
    pub(super) fn allow(&self, value: &str, is_link: bool) -> bool {
        self.allow_parsed(value, is_link, false)
    }

    /// The same; `is_parsed` where the value is known to be one that the WHATWG parser takes.
    pub(super) fn allow_parsed(&self, value: &str, is_link: bool, is_parsed: bool) -> bool {
        if is_plain_path(value) {
            return self.relative;
        }
        let is_web = value.starts_with("https://") || value.starts_with("http://");
        if is_web && is_parsed {
            let scheme = value.split(':').next().unwrap_or_default();
            return self.schemes.contains(&scheme);
        }
        let allows = |scheme: &str| {
            let is_fetched = matches!(scheme, "http" | "https");
            (is_link || is_fetched) && self.schemes.contains(&scheme)
        };
        if has_legacy_start(value) || squeezed_scheme(value).is_some_and(|it| !allows(&it)) {
            return false;
        }
        match Url::parse(value) {
            Ok(url) => allows(url.scheme()),
            Err(url::ParseError::RelativeUrlWithoutBase) => self.relative && is_relative(value),
            Err(_) => false,
        }
    }
}

/// Whether a value is a path, a query or a fragment, and nothing in it needs a second look.
fn is_plain_path(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?#&=%+,".contains(&byte);
    !value.starts_with("//") && value.bytes().all(is_plain)
}

/// Whether a relative URL is one, whatever it is resolved against.
fn is_relative(value: &str) -> bool {
    const ANY_BASE: &str = "https://base.invalid/path/";
    Url::parse(ANY_BASE).is_ok_and(|base| {
        let resolved = base.join(value);
        resolved.is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
    })
}

/// The scheme that a value has, in lower case, to a reader who skips all that is not seen.
fn squeezed_scheme(value: &str) -> Option<String> {
    /// No scheme that is registered has more.
    const MAX_SCHEME: usize = 64;
    let mut scheme = String::new();
    for c in value.chars().filter(|c| !is_skipped(*c)) {
        match c {
            ':' => return Some(scheme),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '-' | '.' if scheme.len() < MAX_SCHEME => {
                scheme.push(c.to_ascii_lowercase());
            }
            _ => return None,
        }
    }
    None
}

/// What some browser skipped, and what the parser puts in the place of a NUL.
fn is_skipped(c: char) -> bool {
    c.is_whitespace()
        || is_hidden(c)
        || matches!(c, '\u{180E}' | '\u{200C}' | '\u{200D}' | '\u{FFFD}')
}

/// Whether a value starts with what only older browsers skip.
fn has_legacy_start(value: &str) -> bool {
    let start = value.trim_start_matches([' ', '\t', '\n', '\r', '\u{C}']);
    start.starts_with(is_skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let rules = UrlRules {
            schemes: vec!["http", "https", "mailto"],
            relative: true,
        };
        let none_relative = UrlRules {
            relative: false,
            ..rules.clone()
        };
        for (value, link, fetched) in [
            ("https://example.com/a?b=c#d", true, true),
            ("HTTP://example.com", true, true),
            (" https://example.com ", true, true),
            ("https://exa\nmple.com/", true, true),
            ("mailto:ann@example.com", true, false),
            ("javascript:alert(1)", false, false),
            ("JaVaScRiPt:alert(1)", false, false),
            ("java\tscript:alert(1)", false, false),
            ("java\0script:alert(1)", false, false),
            ("java\u{FFFD}script:alert(1)", false, false),
            ("\u{1}java\u{3}script:alert(1)", false, false),
            ("\u{2028}javascript:alert(1)", false, false),
            ("\u{A0}javascript:alert(1)", false, false),
            ("\u{1680}javascript:alert(1)", false, false),
            ("java\u{200B}script:alert(1)", false, false),
            ("java\u{AD}script:alert(1)", false, false),
            ("\u{A0}https://example.com", false, false),
            ("\u{A0}/path", false, false),
            ("data:image/png;base64,AAAA", false, false),
            ("data:,x", false, false),
            ("vbscript:x", false, false),
            ("blob:https://example.com/x", false, false),
            ("view-source:https://example.com", false, false),
            ("https://[::1", false, false),
            ("http://", false, false),
            (":x", false, false),
        ] {
            for rules in [&rules, &none_relative] {
                let allowed = (rules.allow(value, true), rules.allow(value, false));
                assert_eq!(allowed, (link, fetched), "{value:?}");
            }
        }
        for value in [
            "/a/b",
            "b.html?x=y",
            "#top",
            "?q",
            "",
            "//example.com/a",
            "a b",
            "./a:b",
        ] {
            assert!(rules.allow(value, true), "{value:?}");
            assert!(!none_relative.allow(value, true), "{value:?}");
        }
    }
}
