//! Base64 of 32 bytes, which digests and HMACs have: one spelling for each, and no room of its
//! own on the heap.

/// The characters of 32 bytes, and one of padding.
const LEN: usize = 44;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// What a byte stands for that is no character of base64.
const WRONG: u8 = 0x80;
/// What each byte stands for.
const VALUES: [u8; 256] = values();

/// The text of 32 bytes.
pub(super) fn text_of_32(bytes: &[u8; 32]) -> [u8; LEN] {
    // A zero more, and its character is the place of the padding.
    let mut padded = [0; 33];
    padded.split_at_mut(32).0.copy_from_slice(bytes);
    let mut text = [b'='; LEN];
    let (fours, _) = text.as_chunks_mut();
    for (four, &[a, b, c]) in fours.iter_mut().zip(padded.as_chunks().0) {
        *four = [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c].map(character);
    }
    let [.., padding] = &mut text;
    *padding = b'=';
    text
}

/// The 32 bytes of a text, spelled as [`text_of_32`] spells them.
pub(super) fn read_32(text: &[u8]) -> Option<[u8; 32]> {
    let mut text: [u8; LEN] = text.try_into().ok()?;
    let [.., padding] = &mut text;
    if std::mem::replace(padding, b'A') != b'=' {
        return None;
    }
    let mut bytes = [0; 33];
    let mut all = 0;
    let (threes, _) = bytes.as_chunks_mut();
    for (three, four) in threes.iter_mut().zip(text.as_chunks().0) {
        let [a, b, c, d] = four.map(value);
        all |= a | b | c | d;
        *three = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    let (digest, loose) = bytes.split_first_chunk()?;
    (all & WRONG == 0 && *loose == [0]).then_some(*digest)
}

/// The character of the lowest six bits.
fn character(sextet: u8) -> u8 {
    let character = ALPHABET.get(usize::from(sextet & 0x3f));
    character.copied().unwrap_or(b'=')
}

fn value(character: u8) -> u8 {
    let value = VALUES.get(usize::from(character));
    value.copied().unwrap_or(WRONG)
}

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler runs it, and would not go on"
)]
const fn values() -> [u8; 256] {
    let mut values = [WRONG; 256];
    let mut sextet = 0;
    while sextet < ALPHABET.len() {
        values[ALPHABET[sextet] as usize] = sextet as u8;
        sextet += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    #[test]
    fn there_is_one_spelling() {
        let good = text_of_32(&[0xff; 32]);
        assert_eq!(read_32(&good), Some([0xff; 32]));
        for wrong in [
            &b""[..],
            &good[..43],
            &good[1..],
            &[&good[..], b"="].concat(),
            &[&good[..42], b"=="].concat(),
            &[&good[..42], b"9="].concat(),
            &[&good[..43], b"8"].concat(),
            &[b"-", &good[1..]].concat(),
            &[&good[..43], b" "].concat(),
        ] {
            assert_eq!(read_32(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_crate_makes_of_it(bytes: [u8; 32], at in 0..LEN, other: u8) {
            let mut text = text_of_32(&bytes);
            prop_assert_eq!(STANDARD.encode(bytes).into_bytes(), text);
            prop_assert_eq!(read_32(&text), Some(bytes));
            text[at] = other;
            let expected = STANDARD.decode(text).ok().and_then(|it| it.try_into().ok());
            prop_assert_eq!(read_32(&text), expected);
        }
    }
}
