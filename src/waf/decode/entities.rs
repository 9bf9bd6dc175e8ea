//! Character references of HTML and XML.

use super::{hex_number, push_char};
use memchr::memchr;

/// The longest name in [`NAMED`].
const MAX_NAME_LEN: usize = 16;

/// Names of the characters that matter to a parser further on; those that HTML knows without
/// a semicolon, too, are marked.
const NAMED: &[(&[u8], u8, bool)] = &[
    (b"lt", b'<', true),
    (b"gt", b'>', true),
    (b"amp", b'&', true),
    (b"quot", b'"', true),
    (b"LT", b'<', true),
    (b"GT", b'>', true),
    (b"AMP", b'&', true),
    (b"QUOT", b'"', true),
    (b"apos", b'\'', false),
    (b"nbsp", b' ', true),
    (b"colon", b':', false),
    (b"semi", b';', false),
    (b"lpar", b'(', false),
    (b"rpar", b')', false),
    (b"lsqb", b'[', false),
    (b"lbrack", b'[', false),
    (b"rsqb", b']', false),
    (b"rbrack", b']', false),
    (b"lcub", b'{', false),
    (b"lbrace", b'{', false),
    (b"rcub", b'}', false),
    (b"rbrace", b'}', false),
    (b"grave", b'`', false),
    (b"DiacriticalGrave", b'`', false),
    (b"Tab", b'\t', false),
    (b"tab", b'\t', false),
    (b"NewLine", b'\n', false),
    (b"newline", b'\n', false),
    (b"sol", b'/', false),
    (b"bsol", b'\\', false),
    (b"equals", b'=', false),
    (b"dollar", b'$', false),
    (b"num", b'#', false),
    (b"percnt", b'%', false),
    (b"plus", b'+', false),
    (b"comma", b',', false),
    (b"period", b'.', false),
    (b"excl", b'!', false),
    (b"quest", b'?', false),
    (b"commat", b'@', false),
    (b"lowbar", b'_', false),
    (b"vert", b'|', false),
    (b"verbar", b'|', false),
    (b"ast", b'*', false),
    (b"Hat", b'^', false),
];

/// Decodes character references. Says whether anything changed.
pub(in crate::waf) fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    append(text, |_| true, out)
}

/// Decodes the references between `<` and `>`, but for those to quotes and brackets, which end
/// nothing there. Says whether anything changed.
pub(in crate::waf) fn decode_in_tags(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut rest = text;
    let mut changed = false;
    while let Some(open) = memchr(b'<', rest) {
        let (before, from) = rest.split_at(open);
        let (inside, after) = from.split_at(memchr(b'>', from).unwrap_or(from.len()));
        out.extend_from_slice(before);
        let ends_nothing = |byte| !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>');
        changed |= append(inside, ends_nothing, out);
        rest = after;
    }
    out.extend_from_slice(rest);
    changed
}

/// Appends a text, with those references decoded whose characters are wanted.
fn append(text: &[u8], is_wanted: impl Fn(u8) -> bool, out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = memchr(b'&', rest) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let start = out.len();
        let inside = from.get(1..).unwrap_or_default();
        let length = match inside {
            [b'#', digits @ ..] => number(digits, out).map(|length| length + 2),
            name => named(name, out).map(|length| length + 1),
        };
        let length = length.filter(|_| out.get(start).is_some_and(|byte| is_wanted(*byte)));
        changed |= length.is_some();
        if length.is_none() {
            out.truncate(start);
            out.push(b'&');
        }
        rest = from.get(length.unwrap_or(1)..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    changed
}

/// Reads the number of a reference and a semicolon, if there is one; gives how long they are.
/// Leading zeros may be many, so digits are only skipped, never read twice.
fn number(digits: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let zeros = |text: &[u8]| text.iter().take_while(|b| **b == b'0').count();
    let (code, length) = match digits {
        [b'x' | b'X', digits @ ..] => {
            let zeros = zeros(digits);
            let (code, length) = hex_number(digits.get(zeros..)?, 6);
            (code, zeros + length + 1)
        }
        digits => {
            let zeros = zeros(digits);
            let shown = digits.get(zeros..)?;
            let decimals = shown.iter().take(7).take_while(|b| b.is_ascii_digit());
            let (code, length) = decimals.fold((0, 0), |(code, length), digit| {
                (code * 10 + u32::from(digit - b'0'), length + 1)
            });
            (code, zeros + length)
        }
    };
    let none = usize::from(matches!(digits, [b'x' | b'X', ..]));
    if length == none {
        return None;
    }
    push_char(out, code);
    Some(length + usize::from(digits.get(length) == Some(&b';')))
}

fn named(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let longest = text.get(..MAX_NAME_LEN).unwrap_or(text);
    let length = longest
        .iter()
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    if length < 2 {
        return None;
    }
    let closed = text.get(length) == Some(&b';');
    let word = text.get(..length)?;
    let (name, byte, _) = NAMED.iter().find(|(name, _, open)| {
        if closed {
            word == *name
        } else {
            *open && word.starts_with(name)
        }
    })?;
    // Without a semicolon, `&copy` and `&lt=` in a query are names of parameters.
    if !closed && text.get(name.len()).is_some_and(|next| *next == b'=') {
        return None;
    }
    out.push(*byte);
    Some(name.len() + usize::from(closed))
}
