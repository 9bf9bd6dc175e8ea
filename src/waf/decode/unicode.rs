//! Characters that a careless decoder takes for ASCII, and other encodings than UTF-8.

use super::push_char;

/// Folds overlong UTF-8 and fullwidth forms (U+FF01 to U+FF5E) to ASCII, and drops NULs and
/// what is invisible. Says whether anything changed.
pub(in crate::waf) fn fold(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut rest = text;
    let mut changed = false;
    loop {
        let odd = |b: &u8| matches!(b, 0 | 0xC0 | 0xC1 | 0xCA | 0xCB | 0xE0 | 0xE2 | 0xEF | 0xF0);
        let Some(at) = rest.iter().position(odd) else {
            break;
        };
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let (ascii, length) = character(from);
        match ascii {
            Some(ascii) => {
                changed = true;
                out.extend(ascii);
            }
            None => out.extend_from_slice(from.get(..length).unwrap_or_default()),
        }
        rest = from.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    changed
}

/// What the character at the start stands for, if it is one of those, and how long it is.
/// The inner `None` is for nothing at all.
#[expect(clippy::option_option, reason = "to fold to nothing is to fold")]
const fn character(text: &[u8]) -> (Option<Option<u8>>, usize) {
    match text {
        [0, ..] => (Some(None), 1),
        [a @ (0xC0 | 0xC1), b @ 0x80..=0xBF, ..] => (Some(Some((*a & 1) << 6 | (*b & 0x3F))), 2),
        [0xE0, a @ (0x80 | 0x81), b @ 0x80..=0xBF, ..] => {
            (Some(Some((*a & 1) << 6 | (*b & 0x3F))), 3)
        }
        [0xF0, 0x80, a @ (0x80 | 0x81), b @ 0x80..=0xBF, ..] => {
            (Some(Some((*a & 1) << 6 | (*b & 0x3F))), 4)
        }
        [0xEF, 0xBC, b @ 0x81..=0xBF, ..] => (Some(Some(*b - 0x80 + 0x20)), 3),
        [0xEF, 0xBD, b @ 0x80..=0x9E, ..] => (Some(Some(*b - 0x80 + 0x60)), 3),
        // One dot leader, fraction slash, division slash, set minus.
        [0xE2, 0x80, 0xA4, ..] => (Some(Some(b'.')), 3),
        [0xE2, 0x81, 0x84, ..] | [0xE2, 0x88, 0x95, ..] => (Some(Some(b'/')), 3),
        [0xE2, 0x88, 0x96, ..] => (Some(Some(b'\\')), 3),
        // Letters and primes that databases make quotes of, where their charset has none.
        [0xCA, 0xB9 | 0xBC, ..] | [0xCB, 0x88, ..] => (Some(Some(b'\'')), 2),
        [0xCA, 0xBA, ..] => (Some(Some(b'"')), 2),
        [0xE2, 0x80, 0x98 | 0x99 | 0xB2, ..] => (Some(Some(b'\'')), 3),
        [0xE2, 0x80, 0x9C | 0x9D | 0xB3, ..] => (Some(Some(b'"')), 3),
        // Zero-width characters and the byte order mark.
        [0xE2, 0x80, 0x8B..=0x8D, ..] | [0xEF, 0xBB, 0xBF, ..] => (Some(None), 3),
        _ => (None, 1),
    }
}

/// Transcodes UTF-16 and UTF-32 to UTF-8 where a byte order mark or the zeros of ASCII text
/// show it, in that order.
pub(in crate::waf) fn to_utf8(text: &[u8]) -> Option<Vec<u8>> {
    match text {
        [0, 0, 0xFE, 0xFF, rest @ ..] => Some(utf32(rest, u32::from_be_bytes)),
        [0xFF, 0xFE, 0, 0, rest @ ..] => Some(utf32(rest, u32::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Some(utf16(rest, u16::from_be_bytes)),
        [0xFF, 0xFE, rest @ ..] => Some(utf16(rest, u16::from_le_bytes)),
        [0, 0, 0, 1..=0x7F, ..] => Some(utf32(text, u32::from_be_bytes)),
        [1..=0x7F, 0, 0, 0, ..] => Some(utf32(text, u32::from_le_bytes)),
        [0, 1..=0x7F, 0, 1..=0x7F, ..] => Some(utf16(text, u16::from_be_bytes)),
        [1..=0x7F, 0, 1..=0x7F, 0, ..] => Some(utf16(text, u16::from_le_bytes)),
        _ => None,
    }
}

fn utf16(text: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let (pairs, _) = text.as_chunks::<2>();
    let characters = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let mut out = Vec::with_capacity(text.len());
    for c in characters {
        push_char(&mut out, c.map_or(0xFFFD, u32::from));
    }
    out
}

fn utf32(text: &[u8], unit: fn([u8; 4]) -> u32) -> Vec<u8> {
    let (fours, _) = text.as_chunks::<4>();
    let mut out = Vec::with_capacity(text.len());
    for four in fours {
        push_char(&mut out, unit(*four));
    }
    out
}
