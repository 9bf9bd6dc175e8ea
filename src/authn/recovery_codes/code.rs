use crate::random::Random;
use crate::secret::SecretString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a code: 120 bits, which fill 24 characters.
const BYTES: usize = 15;
const CHARACTERS: usize = 24;
/// Characters between two dashes.
const GROUP: usize = 4;

/// Douglas Crockford's base32: no letters that look like digits, and no `U`.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A recovery code.
pub(super) struct Code(Zeroizing<[u8; BYTES]>);

impl Code {
    pub(super) fn generate(random: &Random) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    /// Reads what somebody typed.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bits = 0_u128;
        let mut count = 0;
        for c in text.bytes().filter(|c| !matches!(c, b' ' | b'\t' | b'-')) {
            count += 1;
            if count > CHARACTERS {
                return None;
            }
            bits = bits << 5 | u128::from(value(c)?);
        }
        let all = Zeroizing::new(bits.to_be_bytes());
        let bytes = all.last_chunk::<BYTES>().filter(|_| count == CHARACTERS)?;
        Some(Self(Zeroizing::new(*bytes)))
    }

    /// In groups: `7Q2M-08VX-...`.
    pub(super) fn to_text(&self) -> SecretString {
        let mut text = String::with_capacity(CHARACTERS + CHARACTERS / GROUP);
        let bits = self
            .0
            .iter()
            .fold(0, |bits, &byte| bits << 8 | u128::from(byte));
        for place in 0..CHARACTERS {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            let five = (bits >> (5 * (CHARACTERS - 1 - place))) & 31;
            text.extend(ALPHABET.get(five as usize).map(|&c| char::from(c)));
        }
        text.into()
    }

    /// What is kept of it: bound to the user, so that records cannot be exchanged.
    pub(super) fn hash(&self, user: &str) -> [u8; 32] {
        let length = u32::try_from(user.len()).unwrap_or(u32::MAX);
        Sha256::new()
            .chain_update(b"portcullis recovery code v1")
            .chain_update(length.to_be_bytes())
            .chain_update(user)
            .chain_update(*self.0)
            .finalize()
            .into()
    }
}

fn value(c: u8) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    let place = ALPHABET.iter().position(|&known| known == c)?;
    u8::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<[u8; BYTES]> {
        Code::read(text).map(|code| *code.0)
    }

    #[test]
    fn typed_codes_are_read_forgivingly() {
        let code = Code(Zeroizing::new([
            0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf, 0x84, 0x65, 0x3a, 0x56,
            0xd7,
        ]));
        let bytes = Some(*code.0);
        assert_eq!(code.to_text().expose(), "0123-4567-89AB-CDEF-GHJK-MNPQ");
        for (name, text, expected) in [
            ("as shown", "0123-4567-89AB-CDEF-GHJK-MNPQ", bytes),
            ("in small letters", "0123-4567-89ab-cdef-ghjk-mnpq", bytes),
            ("in one", "0123456789abcdefghjkmnpq", bytes),
            ("with spaces", "  0123 4567 89AB CDEF GHJK MNPQ ", bytes),
            ("look-alikes", "oI23-4567-89AB-CDEF-GHJK-MNPQ", bytes),
            ("more look-alikes", "Ol23-4567-89AB-CDEF-GHJK-MNPQ", bytes),
            ("one short", "0123-4567-89AB-CDEF-GHJK-MNP", None),
            ("one more", "0123-4567-89AB-CDEF-GHJK-MNPQ0", None),
            (
                "a letter that is none",
                "U123-4567-89AB-CDEF-GHJK-MNPQ",
                None,
            ),
            ("other characters", "0123_4567_89AB_CDEF_GHJK_MNPQ", None),
            ("other alphabets", "０123-4567-89AB-CDEF-GHJK-MNPQ", None),
            ("nothing", "", None),
            ("dashes", "------------------------", None),
        ] {
            assert_eq!(read(text), expected, "{name}");
        }
    }

    #[test]
    fn hashes_are_of_the_code_and_the_user() {
        let one = Code::generate(&Random::insecure_seeded(1));
        let other = Code::generate(&Random::insecure_seeded(2));
        assert_eq!(one.hash("ann"), one.hash("ann"));
        assert_ne!(one.hash("ann"), one.hash("bob"));
        assert_ne!(one.hash("ann"), other.hash("ann"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(seed: u64) {
            let code = Code::generate(&Random::insecure_seeded(seed));
            let text = code.to_text();
            prop_assert_eq!(text.expose().len(), 29);
            prop_assert_eq!(read(text.expose()), Some(*code.0));
            prop_assert_eq!(read(&text.expose().to_lowercase()), Some(*code.0));
        }

        #[test]
        fn nothing_that_is_typed_panics(text in "\\PC{0,64}") {
            let _any = read(&text);
        }
    }
}
