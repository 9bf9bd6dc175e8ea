//! Text for one line: the value of a header, a line of a log.

use super::encoded;
use crate::input::unicode::is_hidden;
use http::HeaderValue;
use std::borrow::Cow;
use std::fmt::Write;

/// A text as the value of a header: it can begin neither another header nor the body.
///
/// Line breaks and other control characters become spaces, as RFC 9110 section 5.5 has it, and
/// those at the ends are cut off. What is not ASCII becomes `?`, for headers say in no way how
/// it is encoded: names of files have one of their own (RFC 8187), and a URL has
/// [`url_component`](super::url_component).
///
/// Where a part of a value comes from a user, its separators are the caller's to quote.
#[must_use]
pub fn header_value(text: &str) -> HeaderValue {
    let plain: String = text
        .chars()
        .map(|c| match c {
            c if c.is_control() => ' ',
            ' '..='~' => c,
            _ => '?',
        })
        .collect();
    // Visible ASCII and spaces are a value.
    HeaderValue::from_str(plain.trim()).unwrap_or(HeaderValue::from_static(""))
}

/// A text for one line of a log: it can neither begin another entry, nor move the cursor of the
/// terminal that shows it, nor be seen as other than it is.
///
/// Line breaks, control characters (so all of ANSI's sequences), the characters that set the
/// direction of a text, and those that are not seen are written as escapes: `\n`, `\u{1b}`.
/// A backslash is written as two, so that what is read is what was there.
#[must_use]
pub fn log_line(text: &str) -> Cow<'_, str> {
    encoded(
        text,
        |c| c == '\\' || is_hidden(c),
        |c, out| {
            let _infallible = match c {
                '\\' => out.write_str("\\\\"),
                '\n' => out.write_str("\\n"),
                '\r' => out.write_str("\\r"),
                '\t' => out.write_str("\\t"),
                c => write!(out, "\\u{{{:x}}}", u32::from(c)),
            };
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_of_headers() {
        for (name, text, expected) in [
            ("text", "a b", "a b"),
            (
                "another header",
                "a\r\nSet-Cookie: x=1",
                "a  Set-Cookie: x=1",
            ),
            ("a body", "a\r\n\r\n<script>", "a    <script>"),
            ("a folded line", "a\n b", "a  b"),
            ("NUL and escape", "a\0\u{1B}[2Jb", "a  [2Jb"),
            ("at the ends", "\r\n a \t", "a"),
            ("a break in Unicode", "a\u{85}b\u{2028}c", "a b?c"),
            // Cut to its last byte, as some do, this would be a line feed.
            ("a character that ends in one", "a\u{560A}b", "a?b"),
            ("nothing", "", ""),
        ] {
            assert_eq!(header_value(text), expected, "{name}");
        }
    }

    #[test]
    fn lines_of_logs() {
        for (name, text, expected) in [
            ("text", "ann@example.com é 漢", "ann@example.com é 漢"),
            ("an entry", "a\r\nb", "a\\r\\nb"),
            (
                "a terminal",
                "\u{1B}[2J\u{9B}31m\u{7}",
                "\\u{1b}[2J\\u{9b}31m\\u{7}",
            ),
            (
                "backspaces",
                "ann\u{8}\u{8}\u{8}bob",
                "ann\\u{8}\\u{8}\\u{8}bob",
            ),
            ("direction", "a\u{202E}b", "a\\u{202e}b"),
            ("unseen", "a\u{200B}\u{FEFF}b", "a\\u{200b}\\u{feff}b"),
            (
                "breaks in Unicode",
                "a\u{85}\u{2028}b",
                "a\\u{85}\\u{2028}b",
            ),
            ("an escape already", "a\\nb", "a\\\\nb"),
        ] {
            assert_eq!(log_line(text), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn two_texts_are_two_lines(one in ".{0,6}", other in ".{0,6}") {
            prop_assert_eq!(one == other, log_line(&one) == log_line(&other));
        }

        #[test]
        fn it_is_one_line(text in any::<String>()) {
            prop_assert!(!log_line(&text).contains(char::is_control));
            prop_assert!(!header_value(&text).as_bytes().iter().any(u8::is_ascii_control));
        }
    }
}
