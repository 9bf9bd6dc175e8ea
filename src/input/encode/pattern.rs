//! Text within a regular expression.

use super::encoded;
use std::borrow::Cow;
use std::fmt::Write;

/// A text as part of a regular expression, where it stands for itself and nothing else: neither
/// for other texts, nor for a pattern that takes an engine without end.
///
/// What means something to any engine has a backslash before it; white space and control
/// characters, which some pass over, are written by their number. Within a class (`[...]`) it
/// stands for each of its characters. Put it into a group where a digit or a repetition follows.
///
/// ```
/// use portcullis::input::encode::regex_literal;
///
/// assert_eq!(regex_literal("portcullis"), "portcullis");
/// assert_eq!(regex_literal("(a+)+$"), r"\(a\+\)\+\$");
/// ```
#[must_use]
pub fn regex_literal(text: &str) -> Cow<'_, str> {
    let means_something = |c: char| r"\.+*?()|[]{}^$#&-~/".contains(c);
    let is_passed_over = |c: char| c.is_whitespace() || c.is_control();
    encoded(
        text,
        move |c| means_something(c) || is_passed_over(c),
        move |c, out| {
            let _infallible = match u32::from(c) {
                _ if means_something(c) => write!(out, "\\{c}"),
                number @ 0..=0xff => write!(out, "\\x{number:02x}"),
                // Of more than two digits each dialect has its own spelling.
                _ => out.write_char(c),
            };
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_for_themselves() {
        for (name, text, expected) in [
            ("nothing", "", ""),
            ("text", "Ann 9", r"Ann\x209"),
            ("any", ".*", r"\.\*"),
            ("without end", "(a|a)*b", r"\(a\|a\)\*b"),
            ("a class", "[^a-z]&&~", r"\[\^a\-z\]\&\&\~"),
            ("a number", "{1,9}", r"\{1,9\}"),
            ("the ends", "^$", r"\^\$"),
            ("a name for a class", r"\d\\", r"\\d\\\\"),
            ("a comment", "a # b\n", r"a\x20\#\x20b\x0a"),
            ("the end of a literal", "a/i", r"a\/i"),
            ("signs of flags and names", "<!=:>", "<!=:>"),
            ("letters", "Žižka", "Žižka"),
        ] {
            assert_eq!(regex_literal(text), expected, "{name}");
        }
    }

    #[cfg(feature = "waf")]
    mod by_an_engine {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn it_finds_the_text_and_no_other(text in "\\PC{0,12}|[ -~\\s]{0,12}", other in "[ -~]{0,12}") {
                let literal = regex_literal(&text);
                let has_wide_space = text.chars().any(|c| c > '\u{ff}' && c.is_whitespace());
                let flags = if has_wide_space { "(?s)" } else { "(?sx)" };
                let whole = regex::Regex::new(&format!("{flags}\\A(?:{literal})\\z"));
                let whole = whole.expect("it is an expression");
                prop_assert!(whole.is_match(&text));
                prop_assert_eq!(whole.is_match(&other), text == other);
            }
        }
    }
}
