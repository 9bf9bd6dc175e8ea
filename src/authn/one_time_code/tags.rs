use super::{ConfigError, Purpose};
use crate::crypto::kdf::HmacSha256;
use crate::random::Random;
use crate::secret::{SecretBytes, SecretString};

/// The shortest key, in bytes.
const MIN_KEY_LEN: usize = 32;

/// Bytes of the name that a user goes by in the store.
pub(super) const NAME: usize = 16;

/// Different names for users who are not there: enough that they seldom meet, and few enough
/// that they do not fill the store.
const NOBODIES: u16 = 4096;

/// Keyed hashes of what must not be read in the store.
#[derive(Clone, Debug)]
pub(super) struct Tags(HmacSha256);

impl Tags {
    pub(super) fn new(key: &SecretBytes) -> Result<Self, ConfigError> {
        match key.expose().len() {
            MIN_KEY_LEN.. => Ok(Self(HmacSha256::new(key.expose()))),
            short => Err(ConfigError::ShortKey(short)),
        }
    }

    /// A tag for these parts, which cannot run into each other.
    pub(super) fn tag(&self, label: &str, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        let head = [
            b"portcullis one-time code v1",
            label.as_bytes(),
            purpose.name().as_bytes(),
        ];
        for part in head.iter().chain(parts) {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part);
        }
        mac.finish()
    }

    /// What this user goes by: the same for one purpose, and nobody's id.
    pub(super) fn name(&self, purpose: Purpose, user: &str) -> [u8; NAME] {
        first(&self.tag("user", purpose, &[user.as_bytes()]))
    }

    /// What this user goes by for clients that are known to be the user's.
    pub(super) fn name_for_known(&self, purpose: Purpose, user: &str) -> [u8; NAME] {
        first(&self.tag("user by a known client", purpose, &[user.as_bytes()]))
    }

    /// What an address goes by.
    pub(super) fn address(&self, purpose: Purpose, address: &str) -> [u8; NAME] {
        first(&self.tag("address", purpose, &[address.as_bytes()]))
    }

    /// What one goes by who is not there: the same for the same seed.
    pub(super) fn nobody(&self, purpose: Purpose, seed: [u8; 2]) -> [u8; NAME] {
        let number = u16::from_be_bytes(seed) % NOBODIES;
        first(&self.tag("nobody", purpose, &[&number.to_be_bytes()]))
    }
}

fn first<const N: usize>(tag: &[u8; 32]) -> [u8; N] {
    tag.first_chunk().copied().unwrap_or([0; N])
}

/// A code of so many digits, each as likely as any other.
pub(super) fn random_digits(random: &Random, digits: u8) -> SecretString {
    let all = 10_u64.pow(u32::from(digits.min(18)));
    // What is left over at the end would make the first codes likelier than the others.
    let fair = u64::MAX - u64::MAX % all;
    let number = loop {
        let number = u64::from_be_bytes(random.bytes());
        if number < fair {
            break number % all;
        }
    };
    format!("{number:0width$}", width = usize::from(digits)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Purpose = Purpose::new("a");
    const B: Purpose = Purpose::new("b");

    fn tags() -> Tags {
        Tags::new(&SecretBytes::from(vec![7; 32])).unwrap()
    }

    #[test]
    fn keys_that_can_be_guessed_are_refused() {
        for length in [0, 1, 16, 31] {
            let refused = Tags::new(&SecretBytes::from(vec![7; length])).unwrap_err();
            assert_eq!(refused, ConfigError::ShortKey(length));
        }
    }

    #[test]
    fn tags_of_different_things_differ() {
        let other = Tags::new(&SecretBytes::from(vec![8; 32])).unwrap();
        let all = [
            tags().tag("x", A, &[b"ab", b"c"]),
            tags().tag("x", A, &[b"a", b"bc"]),
            tags().tag("x", A, &[b"abc"]),
            tags().tag("x", A, &[b"abc", b""]),
            tags().tag("x", B, &[b"abc"]),
            tags().tag("xa", B, &[b"abc"]),
            other.tag("x", A, &[b"abc"]),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_ne!(tags().name(A, "ann"), tags().name(B, "ann"));
        assert_eq!(tags().nobody(A, [0, 1]), tags().nobody(A, [0x10, 1]));
    }

    #[test]
    fn every_digit_is_as_likely() {
        let random = Random::insecure_seeded(17);
        for digits in [6, 7, 8] {
            let mut counts = [[0_u32; 10]; 8];
            for _ in 0..10_000 {
                let code = random_digits(&random, digits);
                assert_eq!(code.expose().len(), usize::from(digits));
                for (place, digit) in code.expose().bytes().enumerate() {
                    counts[place][usize::from(digit - b'0')] += 1;
                }
            }
            for place in &counts[..usize::from(digits)] {
                // Of 1000 expected, six standard deviations.
                assert!(
                    place.iter().all(|count| count.abs_diff(1000) < 180),
                    "{place:?}"
                );
            }
        }
    }
}
