//! Text in the head of a mail.

use base64ct::{Base64, Encoding};
use std::borrow::Cow;

/// The most bytes of text in one encoded word: with what stands around it, 72 of the 75
/// characters that RFC 2047 section 2 allows.
const MAX_WORD: usize = 45;
/// The most bytes of text that are taken: far more than any subject, and less than one line may
/// have (RFC 5322 section 2.1.1) when it is encoded.
const MAX_LEN: usize = 480;

/// A text as the value of a header of a mail, or as the name before an address: it can begin
/// neither another header (`Bcc:`) nor another address nor the body, and ends no command of SMTP.
///
/// Line breaks and other control characters become spaces, and those at the ends are cut off.
/// Where then more is left than letters and digits of ASCII, spaces and `!*+-/=_'`, all of it
/// is written as encoded words (RFC 2047), which stand for nothing but text wherever they may
/// be. What is longer than 480 bytes is cut.
///
/// For addresses there is `authn::account::Email`, which lets nothing pass that is none.
///
/// ```
/// use portcullis::input::encode::mail_header;
///
/// assert_eq!(mail_header("Your invoice 17"), "Your invoice 17");
/// let forged = mail_header("Hi\r\nBcc: all@example.com");
/// assert_eq!(forged, "=?UTF-8?B?SGkgIEJjYzogYWxsQGV4YW1wbGUuY29t?=");
/// ```
#[must_use]
pub fn mail_header(text: &str) -> Cow<'_, str> {
    let end = text.floor_char_boundary(MAX_LEN);
    let text = text.get(..end).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " !*+-/=_'".contains(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text.trim());
    }
    let text: String = text
        .chars()
        .map(|c| if is_break(c) { ' ' } else { c })
        .collect();
    let text = text.trim();
    if text.chars().all(is_plain) {
        return Cow::Owned(text.to_owned());
    }
    Cow::Owned(words(text).collect::<Vec<_>>().join(" "))
}

/// What ends a line to somebody, or is not seen.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Encoded words, each of whole characters. White space between two of them is none.
fn words(mut text: &str) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        let end = text.floor_char_boundary(MAX_WORD);
        let (word, rest) = text.split_at_checked(end)?;
        text = rest;
        (!word.is_empty())
            .then(|| format!("=?UTF-8?B?{}?=", Base64::encode_string(word.as_bytes())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As a mail program shows it.
    fn shown(value: &str) -> String {
        let mut bytes = Vec::new();
        for word in value.split(' ') {
            let Some(word) = word.strip_prefix("=?UTF-8?B?") else {
                return value.to_owned();
            };
            bytes.extend(Base64::decode_vec(word.strip_suffix("?=").unwrap()).unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn texts() {
        for (name, text, expected) in [
            ("nothing", "", ""),
            ("plain", "Your invoice 17", "Your invoice 17"),
            ("spaces around it", "  a  ", "a"),
            ("a break at the end", "a\r\n", "a"),
            ("a break within", "a\nb", "a b"),
            ("another header", "a\r\nBcc: b@c.de", "a  Bcc: b@c.de"),
            ("a body", "a\r\n\r\n<script>", "a    <script>"),
            ("the end of a mail", "a\r\n.\r\nQUIT", "a  .  QUIT"),
            ("another address", "Ann <a@b.de>, Bob", "Ann <a@b.de>, Bob"),
            ("a name in quotes", "\"Ann\" (x)", "\"Ann\" (x)"),
            (
                "an encoded word",
                "=?UTF-8?Q?=0ABcc:?=",
                "=?UTF-8?Q?=0ABcc:?=",
            ),
            ("letters", "Grüße aus Köln", "Grüße aus Köln"),
            ("breaks of Unicode", "a\u{85}b\u{2028}c\u{7f}ü", "a b c ü"),
        ] {
            assert_eq!(shown(&mail_header(text)), expected, "{name}");
        }
        let long = mail_header(&"ü".repeat(10_000)).into_owned();
        assert_eq!(shown(&long), "ü".repeat(MAX_LEN / 2));
        assert!(long.len() < 998 - "Subject: ".len(), "{}", long.len());
    }

    proptest! {
        #[test]
        fn nothing_but_text_comes_out(text in ".{0,200}|[ -~\\r\\n]{0,200}") {
            let value = mail_header(&text);
            prop_assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || " !*+-/=_'?".contains(c)));
            prop_assert!(value.split(' ').all(|word| word.len() <= 75 || !word.starts_with("=?")));
            let plain: String = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
            let end = text.floor_char_boundary(MAX_LEN);
            if end == text.len() {
                prop_assert_eq!(shown(&value), plain.trim());
            }
        }
    }
}
