//! Text for the places of a web page.

use super::encoded;
use std::borrow::Cow;
use std::fmt::Write;

/// A text for between tags: `&`, `<` and `>` as references. NUL and other control characters,
/// which HTML does not have, become U+FFFD.
#[must_use]
pub fn html_text(text: &str) -> Cow<'_, str> {
    encoded(
        text,
        |c| matches!(c, '&' | '<' | '>') || is_no_html(c),
        html_character,
    )
}

/// A text for an attribute in quotes, single or double: besides what [`html_text`] encodes,
/// quotes and the backtick, which old browsers take for one.
#[must_use]
pub fn html_attribute(text: &str) -> Cow<'_, str> {
    let matters = |c| matches!(c, '&' | '<' | '>' | '"' | '\'' | '`') || is_no_html(c);
    encoded(text, matters, html_character)
}

/// A text for a string of JavaScript in quotes of any kind, in a script or in an event handler
/// that is itself encoded as an attribute. It can end neither the string nor the script.
#[must_use]
pub fn js_string(text: &str) -> Cow<'_, str> {
    let matters = |c: char| {
        c.is_control()
            || matches!(
                c,
                '"' | '\''
                    | '`'
                    | '\\'
                    | '/'
                    | '<'
                    | '>'
                    | '&'
                    | '='
                    | '$'
                    | '{'
                    | '}'
                    | '\u{2028}'
                    | '\u{2029}'
            )
    };
    encoded(text, matters, |c, out| {
        let _infallible = match u32::from(c) {
            code @ ..=0xFF => write!(out, "\\x{code:02x}"),
            code => write!(out, "\\u{code:04x}"),
        };
    })
}

/// A text for a string of CSS in quotes: all of ASCII but letters, digits and spaces is
/// escaped, and so are line breaks of any kind. NUL, which CSS does not have, becomes U+FFFD.
#[must_use]
pub fn css_string(text: &str) -> Cow<'_, str> {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || c == ' ' || (!c.is_ascii() && !c.is_control());
    let matters = move |c| !is_plain(c) || matches!(c, '\u{2028}' | '\u{2029}');
    encoded(text, matters, |c, out| {
        // Six digits, so that no digit after them can be taken for one of theirs.
        let _infallible = match c {
            '\0' => out.write_char('\u{FFFD}'),
            c => write!(out, "\\{:06x}", u32::from(c)),
        };
    })
}

/// A text for one component of a URL: a segment of the path, a name or value of the query.
/// All is percent-encoded but the unreserved characters (RFC 3986 section 2.3).
///
/// A segment of `.` or `..` has no other form: refuse it where one would matter.
#[must_use]
pub fn url_component(text: &str) -> Cow<'_, str> {
    let is_unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    encoded(
        text,
        move |c| !is_unreserved(c),
        |c, out| {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _infallible = write!(out, "%{byte:02X}");
            }
        },
    )
}

/// Control characters that HTML does not have: all but tab, line feed and carriage return, which
/// a parser reads as a line feed.
fn is_no_html(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn html_character(c: char, out: &mut String) {
    out.push_str(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        '`' => "&#96;",
        _ => "\u{FFFD}",
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    type Encoder = fn(&str) -> Cow<'_, str>;

    #[test]
    fn texts() {
        let cases: [(Encoder, &str, &str, &str); 19] = [
            (
                html_text,
                "text",
                "a < b > c & d",
                "a &lt; b &gt; c &amp; d",
            ),
            (html_text, "quotes stay", "\"'", "\"'"),
            (
                html_text,
                "controls",
                "a\0b\u{1B}\u{85}\n",
                "a\u{FFFD}b\u{FFFD}\u{FFFD}\n",
            ),
            (html_text, "nothing", "", ""),
            (
                html_attribute,
                "attribute",
                "\"'`<>&",
                "&quot;&#39;&#96;&lt;&gt;&amp;",
            ),
            (html_attribute, "accents stay", "é", "é"),
            (js_string, "script", "</script>", "\\x3c\\x2fscript\\x3e"),
            (js_string, "quotes", "\"'`\\", "\\x22\\x27\\x60\\x5c"),
            (js_string, "template", "${x}", "\\x24\\x7bx\\x7d"),
            (
                js_string,
                "lines",
                "a\n\r\u{2028}\u{2029}",
                "a\\x0a\\x0d\\u2028\\u2029",
            ),
            (js_string, "comment", "<!--", "\\x3c!--"),
            (css_string, "string", "\"a\\", "\\000022a\\00005c"),
            (css_string, "digits after", "\"1", "\\0000221"),
            (
                css_string,
                "lines",
                "\n\u{C}\u{2028}",
                "\\00000a\\00000c\\002028",
            ),
            (
                css_string,
                "tag",
                "</style>",
                "\\00003c\\00002fstyle\\00003e",
            ),
            (css_string, "nul", "\0", "\u{FFFD}"),
            (
                url_component,
                "reserved",
                "a/b?c#d&e=f g+",
                "a%2Fb%3Fc%23d%26e%3Df%20g%2B",
            ),
            (url_component, "unreserved", "aZ09-._~", "aZ09-._~"),
            (url_component, "accents", "é€", "%C3%A9%E2%82%AC"),
        ];
        for (encoder, name, text, expected) in cases {
            assert_eq!(encoder(text), expected, "{name}: {text:?}");
        }
    }
}
