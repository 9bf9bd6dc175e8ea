//! The text of a key: `prefix_id_secret_checksum`.

use crate::random::Random;
use crc::{CRC_32_ISO_HDLC, Crc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// In the order of ASCII.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 95 bits: keys do not meet by chance.
const ID_LEN: usize = 16;
/// 256 bits, for 62^43 is more than 2^256.
const SECRET_LEN: usize = 43;
/// 62^6 is more than 2^32.
const CHECKSUM_LEN: usize = 6;

/// The start of all keys of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix(Box<str>);

impl Prefix {
    const MAX_LEN: usize = 32;

    /// Letters, digits and single `_` between them, so that a key is one word to click on and
    /// its parts can be told.
    pub(super) fn new(text: &str) -> Option<Self> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = begins
            && text.len() <= Self::MAX_LEN
            && text.bytes().all(usual)
            && !text.ends_with('_')
            && !text.contains("__");
        fits.then(|| Self(text.into()))
    }

    /// What follows the prefix, where the text begins with it.
    pub(super) fn strip<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.strip_prefix(&*self.0)?.strip_prefix('_')
    }
}

/// Why a text is no key, without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It has not the form of one, or another prefix.
    Shape,
    /// It has the form, and a character was lost or mistaken.
    Checksum,
}

/// The parts of a key that say something.
#[derive(Clone, Copy)]
pub(super) struct KeyText<'a> {
    prefix: &'a str,
    pub(super) id: &'a str,
    secret: &'a str,
}

impl<'a> KeyText<'a> {
    pub(super) fn parse(prefix: &'a Prefix, text: &'a str) -> Result<Self, Malformed> {
        let rest = prefix.strip(text).ok_or(Malformed::Shape)?;
        let mut parts = rest.split('_');
        let mut part = |length| {
            let part = parts.next().ok_or(Malformed::Shape)?;
            is_word(part, length)
                .then_some(part)
                .ok_or(Malformed::Shape)
        };
        let (id, secret) = (part(ID_LEN)?, part(SECRET_LEN)?);
        let sum = part(CHECKSUM_LEN)?;
        if parts.next().is_some() {
            return Err(Malformed::Shape);
        }
        let covered = text.len() - CHECKSUM_LEN - 1;
        if checksum(text.get(..covered).unwrap_or_default()) != *sum {
            return Err(Malformed::Checksum);
        }
        let prefix = &*prefix.0;
        Ok(Self { prefix, id, secret })
    }

    pub(super) fn hash(&self) -> KeyHash {
        let hash = Sha256::new()
            .chain_update(b"portcullis api key v1\0")
            .chain_update(self.id)
            .chain_update(self.secret)
            .chain_update(self.prefix)
            .finalize();
        KeyHash(hash.into())
    }
}

/// All that is stored of a secret. 256 random bits need no slow hash. Id and prefix are hashed
/// as well, so that no hash can be moved to another key, and a key for tests is none for live.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of no key.
    pub(super) const NONE: Self = Self([0; 32]);

    /// In constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A new key: its id, its text and the hash to store.
pub(super) struct Fresh {
    pub(super) id: String,
    pub(super) text: Zeroizing<String>,
    pub(super) hash: KeyHash,
}

impl Fresh {
    pub(super) fn new(prefix: &Prefix, random: &Random) -> Self {
        let id = word(ID_LEN, random).to_string();
        let secret = word(SECRET_LEN, random);
        let (prefix, secret) = (&*prefix.0, &*secret);
        let covered = Zeroizing::new(format!("{prefix}_{id}_{secret}"));
        let text = Zeroizing::new(format!("{}_{}", *covered, checksum(&covered)));
        let parts = KeyText {
            prefix,
            id: &id,
            secret,
        };
        let hash = parts.hash();
        Self { id, text, hash }
    }
}

/// Whether this could be the id of a key.
pub(super) fn is_id(text: &str) -> bool {
    is_word(text, ID_LEN)
}

fn is_word(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Random characters, each as likely as every other.
fn word(length: usize, random: &Random) -> Zeroizing<String> {
    let mut word = Zeroizing::new(String::with_capacity(length));
    while word.len() < length {
        let bytes = Zeroizing::new(random.bytes::<64>());
        // Of 64 values 62 are characters; the others are drawn again.
        let characters = bytes.iter().filter_map(|byte| character(byte & 63));
        let missing = length - word.len();
        word.extend(characters.take(missing));
    }
    word
}

fn character(digit: u8) -> Option<char> {
    ALPHABET
        .get(usize::from(digit))
        .map(|byte| char::from(*byte))
}

/// CRC-32 (ISO-HDLC), in six digits to the base of 62, the highest first. It is no secret and
/// protects against nobody: it tells a slip of the pen, and a scanner that what it found is a
/// key and not a sentence.
fn checksum(text: &str) -> String {
    let mut rest = CHECKSUM.checksum(text.as_bytes());
    let mut digits: Vec<char> = (0..CHECKSUM_LEN)
        .filter_map(|_| {
            let digit = u8::try_from(rest % 62).ok()?;
            rest /= 62;
            character(digit)
        })
        .collect();
    digits.reverse();
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix() -> Prefix {
        Prefix::new("acme_live").unwrap()
    }

    fn fresh(seed: u64) -> Fresh {
        Fresh::new(&prefix(), &Random::insecure_seeded(seed))
    }

    #[test]
    fn what_is_made_is_read() {
        let key = fresh(1);
        assert_eq!(key.text.len(), "acme_live".len() + 1 + 16 + 1 + 43 + 1 + 6);
        let prefix = prefix();
        let read = KeyText::parse(&prefix, &key.text).unwrap();
        assert_eq!(read.id, key.id);
        assert!(read.hash().is(&key.hash));
        assert!(!fresh(2).hash.is(&key.hash));
        assert!(!key.hash.is(&KeyHash::NONE));
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        // The check value of CRC-32/ISO-HDLC, 0xcbf43926, to the base of 62.
        assert_eq!(CHECKSUM.checksum(b"123456789"), 0xcbf4_3926);
        let value = checksum("123456789").bytes().fold(0u64, |value, digit| {
            let digit = ALPHABET.iter().position(|c| *c == digit).unwrap();
            value * 62 + digit as u64
        });
        assert_eq!(value, 0xcbf4_3926);
    }

    #[test]
    fn what_is_no_key() {
        let key = fresh(1).text.to_string();
        let parts: Vec<_> = key.split('_').collect();
        let cases = [
            ("nothing", String::new(), Malformed::Shape),
            ("the prefix", "acme_live".to_owned(), Malformed::Shape),
            ("no parts", "acme_live_".to_owned(), Malformed::Shape),
            (
                "another prefix",
                key.replace("live", "test"),
                Malformed::Shape,
            ),
            ("upper case", key.to_uppercase(), Malformed::Shape),
            ("cut", key[..key.len() - 1].to_owned(), Malformed::Shape),
            ("too long", format!("{key}0"), Malformed::Shape),
            ("one more part", format!("{key}_0"), Malformed::Shape),
            ("white space", format!(" {key}"), Malformed::Shape),
            (
                "no text",
                key.replace(parts[3], &"é".repeat(20)),
                Malformed::Shape,
            ),
            ("no checksum", parts[..4].join("_"), Malformed::Shape),
            (
                "endless",
                format!("acme_live_{}", "a".repeat(1 << 20)),
                Malformed::Shape,
            ),
            (
                "two parts swapped",
                [parts[0], parts[1], parts[3], parts[2], parts[4]].join("_"),
                Malformed::Shape,
            ),
        ];
        for (name, text, expected) in cases {
            let found = KeyText::parse(&prefix(), &text).err();
            assert_eq!(found, Some(expected), "{name}");
        }
    }

    #[test]
    fn prefixes() {
        for good in ["acme", "acme_live", "a1", "a_b_c"] {
            assert!(Prefix::new(good).is_some(), "{good}");
        }
        let long = "a".repeat(33);
        for bad in [
            "", "_a", "a_", "a__b", "1a", "Acme", "a-b", "a b", "é", &long,
        ] {
            assert!(Prefix::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn characters_are_equally_likely() {
        let random = Random::insecure_seeded(1);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..1_000 {
            for c in word(62, &random).chars() {
                *counts.entry(c).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), 62);
        // 1000 each are expected; six standard deviations are 190.
        assert!(
            counts.values().all(|count| (810..1190).contains(count)),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_told(seed: u64, at in 10usize..77, other in 0u8..62) {
            let key = fresh(seed).text.to_string();
            let mut bytes = key.clone().into_bytes();
            let other = ALPHABET[usize::from(other)];
            prop_assume!(bytes[at] != b'_' && bytes[at] != other);
            bytes[at] = other;
            let text = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(KeyText::parse(&prefix(), &text).err(), Some(Malformed::Checksum));
        }

        #[test]
        fn any_text_is_no_panic(text in ".{0,120}") {
            let text = format!("acme_live_{text}");
            prop_assert!(KeyText::parse(&prefix(), &text).is_err());
        }
    }
}
