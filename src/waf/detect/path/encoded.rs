//! Steps up in encodings that no client writes: overlong and cut UTF-8, numbers of characters
//! that some code page folds to a slash, percent signs within percent signs.

use crate::waf::decode::hex;
use crate::waf::detect::text::Text;
use crate::waf::signal::Signals;
use std::ops::Range;

/// How much of a text is looked at, in bytes: a path that steps up does so early.
const MAX_LEN: usize = 2048;
/// What it costs to look at a byte, in steps.
const STEPS_OF_BYTE: usize = 6;

/// What a character stands for in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Dot,
    Slash,
    /// What decoders drop: NUL and SOH.
    Nothing,
}

/// A sign, how long it is as it is written, and whether that is plain.
type Read = (Sign, usize, bool);

/// Where a step up is disguised by percent signs that decoding left, or two of them, one behind
/// the other, in any way.
pub(super) fn find(text: Text<'_>, signals: &mut Signals) -> Option<Range<usize>> {
    let mut at = 0;
    while at < text.len().min(MAX_LEN) {
        if !signals.spend(STEPS_OF_BYTE) {
            return None;
        }
        let start = at;
        let (mut steps, mut disguised) = (0, false);
        while let Some((end, plain)) = step(text, at) {
            at = end;
            steps += 1;
            disguised |= !plain;
        }
        let encoded = steps > 0 && text.slice(start, at).contains(&b'%');
        if disguised && (steps > 1 || encoded) {
            return Some(start..at);
        }
        at = at.max(start.saturating_add(1));
    }
    None
}

/// The end of one step, two dots and more and a slash, and whether all of it is plain.
fn step(text: Text<'_>, start: usize) -> Option<(usize, bool)> {
    let (mut at, mut dots, mut slashes, mut plain) = (start, 0, 0, true);
    for _ in 0..8 {
        let Some((sign, length, as_is)) = read(text, at) else {
            break;
        };
        match sign {
            Sign::Dot if slashes > 0 => break,
            Sign::Dot => dots += 1,
            Sign::Slash => slashes += 1,
            Sign::Nothing => {}
        }
        plain &= as_is;
        at = at.saturating_add(length);
    }
    (dots > 1 && slashes > 0).then_some((at, plain))
}

fn read(text: Text<'_>, at: usize) -> Option<Read> {
    match text.at(at) {
        b'.' => Some((Sign::Dot, 1, true)),
        b'/' | b'\\' => Some((Sign::Slash, 1, true)),
        b'?' if text.at(at.saturating_add(1)) == b'.' => Some((Sign::Dot, 1, false)),
        b'0' => spelled(text, at),
        b'%' => percent(text, at).or_else(|| bytes(text, at)),
        0xC0.. => bytes(text, at),
        0 | 1 if at < text.len() => Some((Sign::Nothing, 1, false)),
        _ => None,
    }
}

/// `0x2e`, `0x2f`, `0x5c`.
fn spelled(text: Text<'_>, at: usize) -> Option<Read> {
    let sign = if text.has(at, b"0x2e") {
        Sign::Dot
    } else if text.has(at, b"0x2f") || text.has(at, b"0x5c") {
        Sign::Slash
    } else {
        return None;
    };
    Some((sign, 4, false))
}

/// Percent signs that are no encoding of bytes: `%u2215`, `%%32%65`, `%bg%qf`.
fn percent(text: Text<'_>, at: usize) -> Option<Read> {
    const DOTS: [&[u8]; 5] = [b"%uff0e", b"%u002e", b"%%32%65", b"%%32%%65", b"%2%e"];
    const SLASHES: [&[u8]; 16] = [
        b"%2%f",
        b"%5%c",
        b"%u2215",
        b"%u2216",
        b"%u002f",
        b"%u005c",
        b"%uff0f",
        b"%uff3c",
        b"%uefc8",
        b"%uf025",
        b"%%32%66",
        b"%%32%%66",
        b"%%35%63",
        b"%%35%%63",
        b"%bg%qf",
        b"%c1%8s",
    ];
    let written = |forms: &[&[u8]]| {
        forms
            .iter()
            .find(|form| text.has(at, form))
            .map(|f| f.len())
    };
    let dot = written(&DOTS).map(|length| (Sign::Dot, length, false));
    dot.or_else(|| written(&SLASHES).map(|length| (Sign::Slash, length, false)))
}

/// A character of one or more bytes, each as it is or percent-encoded up to twice.
fn bytes(text: Text<'_>, start: usize) -> Option<Read> {
    let (first, mut length) = byte(text, start);
    if first == 0xC1 && text.has(start.saturating_add(length), b"%8s") {
        return Some((Sign::Slash, length.saturating_add(3), false));
    }
    let mut next = || {
        let (byte, more) = byte(text, start.saturating_add(length));
        length = length.saturating_add(more);
        byte
    };
    let last = match first {
        b'.' | b'/' | b'\\' | 0 | 1 => return Some((sign(first)?, length, false)),
        0xC0 | 0xC1 => match (first, next()) {
            (0xC1, 0x9C | 0x1C | 0xAF) => b'/',
            (_, byte) => byte,
        },
        0xE0 | 0xF0 | 0xF8 | 0xFC => {
            let mut byte = next();
            for _ in 0..4 {
                if byte == 0x80 || byte == 0x81 {
                    byte = next();
                }
            }
            byte
        }
        // U+2215, U+2216, U+EFC8, U+F025, U+FF0E, U+FF0F, U+FF3C.
        0xE2 | 0xEE | 0xEF => match (first, next(), next()) {
            (0xEF, 0xBC, 0x8E) => b'.',
            (0xE2, 0x88, 0x95 | 0x96)
            | (0xEE, 0xBF, 0x88)
            | (0xEF, 0x80, 0xA5)
            | (0xEF, 0xBC, 0x8F | 0xBC) => b'/',
            _ => return None,
        },
        _ => return None,
    };
    Some((sign(last)?, length, false))
}

/// What the last byte of a character stands for, whatever of its upper bits a decoder keeps.
const fn sign(last: u8) -> Option<Sign> {
    match last {
        0x2E | 0x5E | 0x6E | 0xAE | 0xEE | 0xFE => Some(Sign::Dot),
        0x2F | 0x5C | 0x6F | 0x9C | 0xAF | 0xEF => Some(Sign::Slash),
        0 | 1 => Some(Sign::Nothing),
        _ => None,
    }
}

/// One byte, and how long it is as it is written.
fn byte(text: Text<'_>, at: usize) -> (u8, usize) {
    let prefix = match text.at(at) {
        b'%' if text.has(at, b"%25") => 3,
        b'%' => 1,
        plain => return (plain, 1),
    };
    let digit = |offset: usize| hex(text.at(at.saturating_add(prefix).saturating_add(offset)));
    match (digit(0), digit(1)) {
        (Some(high), Some(low)) => (high << 4 | low, prefix.saturating_add(2)),
        _ => (b'%', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::signal::Signals;

    #[test]
    fn steps_in_every_disguise() {
        let cases: &[(&str, &[u8], bool)] = &[
            ("plain", b"../../x", false),
            ("one step", b"%2e%2e/x", true),
            ("one step, an odd dot", b"really?./x", false),
            ("percent", b"%2e%2e%2f%2e%2e%2fx", true),
            ("percent, twice", b"%252e%252e/%252e%252e/x", true),
            ("overlong text", b"%c0%ae%c0%ae/%c0%ae%c0%ae/x", true),
            ("overlong bytes", b"..\xc0\xaf..\xc0\xaf", true),
            ("lost bits", b"%c0%ee%c0%ee/%c0%ee%c0%ee/", true),
            ("five bytes", b"..%f8%80%80%80%af..%f8%80%80%80%af", true),
            ("code points", b"%uff0e%uff0e%u2215%uff0e%uff0e%u2215", true),
            ("code page", b"..%uF025..%uF025x", true),
            ("nested", b"%%32%%65%%32%%65/%%32%%65%%32%%65/", true),
            ("no digits", b"..%bg%qf..%bg%qf", true),
            ("in hexadecimal", b"0x2e0x2e0x2f0x2e0x2e0x2f", true),
            ("dropped bytes", b"..%01/..%01/x", true),
            ("an ellipsis", b"100%... really...", false),
            ("a name in Latin-1", b"\xc0 la carte...", false),
            ("a version", b"v1..2/3..4/", false),
        ];
        for (name, text, expected) in cases {
            let mut signals = Signals::with_work(1 << 20);
            let found = find(Text(text), &mut signals).is_some();
            assert_eq!(found, *expected, "{name}");
        }
    }
}
