//! `application/x-www-form-urlencoded` and what comes near it.

use super::{hex, push_char};
use memchr::memchr;

/// Decodes `%HH` and `%uHHHH`; other percent signs stay. Says whether anything changed.
pub(in crate::waf) fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = memchr(b'%', rest) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let length = match from {
            [_, a, b, ..] if let (Some(a), Some(b)) = (hex(*a), hex(*b)) => {
                out.push((a << 4) | b);
                3
            }
            [_, b'u' | b'U', digits @ ..] if let (code, 4) = super::hex_number(digits, 4) => {
                push_char(out, code);
                6
            }
            _ => {
                out.push(b'%');
                1
            }
        };
        changed |= length > 1;
        rest = from.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    changed
}

/// Decodes a name or value of a form or query: as [`decode`], and `+` is a space. Gives the
/// text itself where nothing is encoded.
pub(in crate::waf) fn form<'a>(text: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return text;
    }
    decode_plus(text, out);
    out
}

fn decode_plus(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'%', b'+', rest) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let length = match from {
            [b'+', ..] => {
                out.push(b' ');
                1
            }
            [_, a, b, ..] if let (Some(a), Some(b)) = (hex(*a), hex(*b)) => {
                out.push((a << 4) | b);
                3
            }
            [_, b'u' | b'U', digits @ ..] if let (code, 4) = super::hex_number(digits, 4) => {
                push_char(out, code);
                6
            }
            _ => {
                out.push(b'%');
                1
            }
        };
        rest = from.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}
