//! Numeric escapes of JavaScript, JSON, C, shells and CSS.
//!
//! Only those that spell a character by its number: `\x3c`, `\u003c`, `\u{3c}`, `\074`, and of
//! CSS `\3c ` and `\00003c`. A backslash before any other character stays, for it means
//! something different to each language, and to a tokenizer.

use super::{hex_number, push_char};
use memchr::memchr;

/// Decodes escapes. Says whether anything changed.
pub(in crate::waf) fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = memchr(b'\\', rest) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let inside = from.get(1..).unwrap_or_default();
        let length = match inside {
            // An escaped backslash: what follows is not an escape of this round.
            [b'\\', ..] => {
                out.extend_from_slice(b"\\\\");
                2
            }
            _ => match escape(inside) {
                Some((code, length)) => {
                    push_char(out, code);
                    changed = true;
                    length + 1
                }
                None => {
                    out.push(b'\\');
                    1
                }
            },
        };
        rest = from.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    changed
}

/// The character that is escaped after a backslash, and how long the escape is.
fn escape(text: &[u8]) -> Option<(u32, usize)> {
    match text {
        [b'x' | b'X', digits @ ..] if let (code, 2) = hex_number(digits, 2) => Some((code, 3)),
        [b'u' | b'U', b'{', digits @ ..] => {
            let (code, length) = hex_number(digits, 6);
            (length > 0 && digits.get(length) == Some(&b'}')).then_some((code, length + 3))
        }
        [b'u' | b'U', digits @ ..] if let (code, 4) = hex_number(digits, 4) => Some((code, 5)),
        [b'0'..=b'9', ..] => css(text).or_else(|| octal(text)),
        _ => None,
    }
}

/// `\3c`, `\00003c`, and a space after it that belongs to it. Two digits are CSS only where
/// they spell a letter and no further digit follows; nobody pads an octal number to more than
/// three.
fn css(text: &[u8]) -> Option<(u32, usize)> {
    let (code, length) = hex_number(text, 6);
    let padded = length >= 4 && text.starts_with(b"0");
    let letter = length == 2 && (0x41..0x7F).contains(&code) && code != u32::from(b'\\');
    let spelled = (padded && printable(code)) || letter;
    spelled.then(|| (code, length + usize::from(text.get(length) == Some(&b' '))))
}

/// `\074`.
fn octal(text: &[u8]) -> Option<(u32, usize)> {
    let [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] = text else {
        return None;
    };
    let digit = |d: &u8| u32::from(d - b'0');
    let code = digit(a) * 64 + digit(b) * 8 + digit(c);
    printable(code).then_some((code, 3))
}

fn printable(code: u32) -> bool {
    (0x09..0x7F).contains(&code)
}
