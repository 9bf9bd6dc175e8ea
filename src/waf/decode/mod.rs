//! One step of decoding at a time: what an application, a browser or a shell further on may
//! undo once more. Each step is linear and never makes a text longer.

mod base64;
mod entities;
mod escapes;
mod percent;
mod unicode;

pub(super) use base64::{decode as base64, may_be_text as may_be_base64};
pub(super) use entities::decode as entities;
use entities::decode_in_tags as entities_in_tags;
pub(super) use escapes::decode as escapes;
pub(super) use percent::{decode as percent, form};
pub(super) use unicode::{fold, to_utf8};

use super::prefilter::Seen;

/// Undoes the encodings that the text shows, once, and says whether anything changed.
///
/// Percent signs, then entities, then escapes, for so they nest in practice. Odd UTF-8 is
/// folded in a round of its own, so that what comes out of an encoding is seen unfolded first.
/// Of a text that is shown, a browser decodes the entities for people to read, and only those in
/// tags for itself.
pub(super) fn round(
    text: &[u8],
    seen: Seen,
    is_shown: bool,
    out: &mut Vec<u8>,
    spare: &mut Vec<u8>,
) -> bool {
    let mut changed = seen.has(Seen::PERCENT) && percent(text, out);
    type Step = fn(&[u8], &mut Vec<u8>) -> bool;
    let entities: Step = if is_shown { entities_in_tags } else { entities };
    let steps: [(Seen, Step); 2] = [(Seen::AMPERSAND, entities), (Seen::BACKSLASH, escapes)];
    for (trigger, step) in steps {
        // After the first change, any byte may have appeared.
        if !changed {
            changed = seen.has(trigger) && step(text, out);
        } else if step(out, spare) {
            std::mem::swap(out, spare);
        }
    }
    changed || (seen.has(Seen::ODD) && fold(text, out))
}

/// The value of a hexadecimal digit.
pub(super) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The number that up to `most` hexadecimal digits at the start spell, and how many they are.
pub(super) fn hex_number(text: &[u8], most: usize) -> (u32, usize) {
    let digits = text.iter().take(most).map_while(|digit| hex(*digit));
    digits.fold((0, 0), |(number, length), digit| {
        ((number << 4) | u32::from(digit), length + 1)
    })
}

/// Appends a code point as UTF-8; what is none becomes U+FFFD.
pub(super) fn push_char(out: &mut Vec<u8>, code: u32) {
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::prefilter::Prefilter;

    fn all(text: &str) -> String {
        let seen = Prefilter::builtin().seen(text.as_bytes());
        let (mut out, mut spare) = (Vec::new(), Vec::new());
        if round(text.as_bytes(), seen, false, &mut out, &mut spare) {
            String::from_utf8_lossy(&out).into_owned()
        } else {
            "unchanged".to_owned()
        }
    }

    #[test]
    fn one_round() {
        let cases = [
            ("nothing to do", "select 1", "unchanged"),
            ("percent", "%3Cscript%3e", "<script>"),
            ("twice encoded loses one", "%253C", "%3C"),
            ("percent that is none", "100% sure %zz", "unchanged"),
            ("%u", "%u003cscript%u003E", "<script>"),
            ("entities", "&lt;a&#62;&#x3c&quot;&apos;", "<a><\"'"),
            ("an ampersand that is none", "R&B &co", "unchanged"),
            ("entities within percent", "%26lt;b", "<b"),
            ("escapes", r"\x3cscript\u003e\u{3C}", "<script><"),
            ("octal", r"\74b", r"unchanged"),
            ("octal of three digits", r"\074b", "<b"),
            ("css", r"\65xpression", "expression"),
            ("windows path", r"C:\data\x", "unchanged"),
            ("fullwidth", "＜script＞", "<script>"),
            (
                "quotes that are letters",
                "\u{2bc} \u{2ba} 5\u{2032}",
                "' \" 5'",
            ),
            (
                "quotes of print",
                "\u{2018}a\u{2019} \u{201c}b\u{201d}",
                "'a' \"b\"",
            ),
            ("nul", "scr\0ipt", "script"),
        ];
        for (name, text, expected) in cases {
            assert_eq!(all(text), expected, "{name}: {text}");
        }
    }
}
