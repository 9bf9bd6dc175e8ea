//! Text that was packed into base64.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The shortest text worth trying: shorter ones hold no attack.
const MIN_LEN: usize = 8;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static STANDARD_ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
static URL_SAFE_ENGINE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// How many of the first bytes must look like text before the rest is decoded.
const PROBE: usize = 64;

/// Of what this many characters decode to, at most 15 bytes, none may be a control character or
/// no UTF-8.
const OF_SHORT: usize = 20;

/// Decodes a text that is base64 from end to end and holds text in turn. Says whether it did.
pub(in crate::waf) fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    if !may_be_text(text) {
        return false;
    }
    let text = text.trim_ascii();
    let url_safe = memchr::memchr2(b'-', b'_', text).is_some();
    let engine = if url_safe {
        &URL_SAFE_ENGINE
    } else {
        &STANDARD_ENGINE
    };
    let probe = text.get(..PROBE).unwrap_or(text);
    if !decode_all(engine, probe, out) || !is_text(out) {
        return false;
    }
    text.len() <= PROBE || (decode_all(engine, text, out) && is_text(out))
}

/// Whether [`decode`] may find a text, as far as the length and the beginning tell. Of a short
/// one the first byte must be one of text. Its upper six bits are the first character: from `g`
/// to `v` they are those of a byte that continues a character, and `B` and `E` to `H` make
/// controls other than NUL, tab and the ends of lines.
pub(in crate::waf) fn may_be_text(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    match text {
        _ if text.len() < MIN_LEN || text.len() % 4 == 1 => false,
        [b'B' | b'E'..=b'H' | b'g'..=b'v', ..] => text.len() > OF_SHORT,
        _ => true,
    }
}

fn decode_all(engine: &GeneralPurpose, text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    engine.decode_vec(text, out).is_ok()
}

/// Whether at most one byte in sixteen is a control character or not UTF-8.
fn is_text(bytes: &[u8]) -> bool {
    let controls = bytes
        .iter()
        .filter(|b| **b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0))
        .count();
    let broken: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    (controls + broken) * 16 <= bytes.len()
}
