//! `application/x-www-form-urlencoded` and what comes near it.

use super::hex;

/// Decodes `%HH` and `%uHHHH`; other percent signs stay. Says whether anything changed.
pub(in crate::waf) fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    match memchr::memchr(b'%', text) {
        Some(first) => decode_from(first, text, false, out),
        None => false,
    }
}

/// Decodes a name or value of a form or query: as [`decode`], and `+` is a space. Gives the
/// text itself where nothing is encoded.
pub(in crate::waf) fn form<'a>(text: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(first) = memchr::memchr2(b'%', b'+', text) else {
        return text;
    };
    decode_from(first, text, true, out);
    out
}

/// Decodes what stands from the first sign on. Says whether there was an escape.
fn decode_from(first: usize, text: &[u8], plus_is_space: bool, out: &mut Vec<u8>) -> bool {
    let (before, encoded) = text.split_at(first);
    out.clear();
    out.extend_from_slice(before);
    // What is decoded is never longer.
    out.resize(text.len(), 0);
    let (_, rest) = out.split_at_mut(first);
    let mut places = rest.iter_mut();
    let mut put = |byte: u8| {
        if let Some(place) = places.next() {
            *place = byte;
        }
    };
    let mut changed = false;
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let after = bytes.as_slice();
                let length = escape(after, &mut put);
                changed |= length > 0;
                bytes = after.get(length..).unwrap_or_default().iter();
            }
            b'+' if plus_is_space => put(b' '),
            _ => put(*byte),
        }
    }
    let unused = places.len();
    out.truncate(text.len() - unused);
    changed
}

/// Puts what the escape behind a percent sign spells, or the sign itself where it is none; gives
/// how long the escape is, without the sign.
fn escape(after: &[u8], put: &mut impl FnMut(u8)) -> usize {
    match after {
        [a, b, ..] if let (Some(a), Some(b)) = (hex(*a), hex(*b)) => {
            put((a << 4) | b);
            2
        }
        [b'u' | b'U', digits @ ..] if let (code, 4) = super::hex_number(digits, 4) => {
            let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            c.encode_utf8(&mut [0; 4]).bytes().for_each(put);
            5
        }
        _ => {
            put(b'%');
            0
        }
    }
}
