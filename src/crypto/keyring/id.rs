use std::fmt;
use std::str::FromStr;

/// Names a key: the first 8 bytes of its commitment. No secret.
///
/// Shown, and read, as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; Self::LENGTH]);

/// The text is not the id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 16 lower-case hexadecimal digits")]
pub struct InvalidKeyId(());

impl KeyId {
    /// How many bytes an id has.
    pub const LENGTH: usize = 8;

    /// The id that stands in these bytes, as of a ciphertext.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they stand in a ciphertext.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }

    pub(super) fn of(commitment: &[u8; 32]) -> Self {
        let mut id = [0; Self::LENGTH];
        for (to, from) in id.iter_mut().zip(commitment) {
            *to = *from;
        }
        Self(id)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = u64::from_str_radix(text, 16).ok();
        match number {
            Some(number) if digits && text.len() == 2 * Self::LENGTH => {
                Ok(Self(number.to_be_bytes()))
            }
            _ => Err(InvalidKeyId(())),
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_has_one_spelling() {
        let id = KeyId::from_bytes([0, 1, 2, 3, 4, 5, 6, 0xFF]);
        assert_eq!(id.to_string(), "00010203040506ff");
        assert_eq!("00010203040506ff".parse(), Ok(id));
        for bad in [
            "",
            "00010203040506FF",
            "+0010203040506ff",
            "00010203040506f",
            "0x10203040506ff",
        ] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad:?}");
        }
    }
}
