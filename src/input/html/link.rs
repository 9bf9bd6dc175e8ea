use super::url::UrlRules;
use crate::input::Fault;
use crate::input::encode::html_attribute;
use std::borrow::Cow;
use std::fmt;

/// The longest that is taken, in bytes.
const MAX_LEN: usize = 2048;

/// A URL from a user that may be put into a link of a page: of a scheme that only leads
/// somewhere, or a path of this site. `javascript:`, `data:`, `vbscript:` and all others are
/// none, however they are spelled (ASVS 5.0 1.2.2).
///
/// Where it leads is another question: to whatever site the user says.
///
/// ```
/// use portcullis::input::html::Link;
///
/// let link = Link::parse("https://example.com/?a=1&b='2'")?;
/// assert_eq!(link.attribute(), "https://example.com/?a=1&amp;b=&#39;2&#39;");
/// for active in ["javascript:steal()", " JaVa\tscript:steal()", "data:text/html,<script>"] {
///     assert!(Link::parse(active).is_err(), "{active}");
/// }
/// # Ok::<(), portcullis::input::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link(Box<str>);

impl Link {
    /// Takes a URL of `http`, `https`, `mailto` or `tel`, or one that is relative. White space
    /// around it is dropped. At most 2048 bytes.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Self::of_schemes(text, &["http", "https", "mailto", "tel"], true)
    }

    /// Takes a URL of one of these schemes, in lower case, and nothing that is relative. Name
    /// none that runs what it carries, such as `javascript` or `data`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse_with_schemes(text: &str, schemes: &[&'static str]) -> Result<Self, Fault> {
        Self::of_schemes(text, schemes, false)
    }

    fn of_schemes(text: &str, schemes: &[&'static str], relative: bool) -> Result<Self, Fault> {
        let text = text.trim_ascii();
        let rules = UrlRules {
            schemes: schemes.to_vec(),
            relative,
        };
        let is_whole = !text.is_empty() && !text.chars().any(char::is_control);
        if is_whole && text.len() <= MAX_LEN && rules.allow(text, true) {
            return Ok(Self(text.into()));
        }
        Err(Fault::new(
            "unsafe_link",
            "use a link that begins with https://",
        ))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL for an attribute in quotes: `<a href="...">`.
    #[must_use]
    pub fn attribute(&self) -> Cow<'_, str> {
        html_attribute(&self.0)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_are_taken() {
        for good in [
            "https://example.com/",
            "HTTPS://EXAMPLE.COM/a?b=c#d",
            "http://example.com",
            "mailto:ann@example.com",
            "tel:+15550100",
            "/orders/17",
            "orders?page=2",
            "#top",
            " https://example.com/ ",
        ] {
            assert_eq!(Link::parse(good).unwrap().as_str(), good.trim(), "{good}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_LEN));
        for bad in [
            "",
            " ",
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "java\tscript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "\u{a0}javascript:alert(1)",
            "\u{200b}javascript:alert(1)",
            "javascript\u{0}:alert(1)",
            "vbscript:x",
            "data:text/html,<script>alert(1)</script>",
            "blob:https://example.com/1",
            "file:///etc/passwd",
            "view-source:https://example.com",
            "intent://x#Intent;scheme=http;end",
            "https://exa\nmple.com/",
            &long,
        ] {
            assert_eq!(
                Link::parse(bad).unwrap_err().code(),
                "unsafe_link",
                "{bad:?}"
            );
        }
        let only = |text| Link::parse_with_schemes(text, &["https"]).is_ok();
        assert!(only("https://example.com/"));
        for other in [
            "http://example.com/",
            "mailto:a@b.de",
            "/path",
            "//example.com",
        ] {
            assert!(!only(other), "{other}");
        }
    }

    #[test]
    fn a_link_stays_in_its_attribute() {
        let link = Link::parse("/a?b=\"onclick='steal()'><script>").unwrap();
        let attribute = link.attribute();
        assert!(!attribute.contains(['"', '\'', '<', '>']), "{attribute}");
    }
}
