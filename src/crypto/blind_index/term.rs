use std::fmt;

/// Bytes of the longest term: the version, and a whole HMAC.
const MAX_LEN: usize = 33;

/// The first `bits` bits of a code, and zeros. Half by half and without a loop over bytes, for it
/// is done for each row and each search.
fn kept(code: &[u8; 32], bits: u16) -> [u8; 32] {
    let mut kept = [0; 32];
    let ((to, _), (from, _)) = (kept.as_chunks_mut(), code.as_chunks());
    for ((to, from), before) in to.iter_mut().zip(from).zip([0, 128]) {
        let bits = bits.saturating_sub(before).min(128);
        let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
        *to = (u128::from_be_bytes(*from) & mask).to_be_bytes();
    }
    kept
}

/// What is stored of a value so that it can be found: one byte of version, then the bits of the
/// index, padded with zeros to whole bytes.
///
/// Whoever sees two equal ones learns that the values may be equal, so `Debug` shows none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl Term {
    /// The first `bits` bits of a code, for an index of this version.
    pub(super) fn new(version: u8, code: &[u8; 32], bits: u16) -> Self {
        let mut bytes = [version; MAX_LEN];
        if let Some(rest) = bytes.last_chunk_mut() {
            *rest = kept(code, bits);
        }
        let len = Self::len_of(bits);
        Self { bytes, len }
    }

    /// Bytes of a term of so many bits.
    pub(super) fn len_of(bits: u16) -> u8 {
        u8::try_from(1 + bits.div_ceil(8)).unwrap_or(u8::MAX)
    }

    /// The bytes to store, and to search by.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let (used, _) = self
            .bytes
            .split_at_checked(usize::from(self.len))
            .unwrap_or((&self.bytes, &[]));
        used
    }

    /// The same in lower-case hexadecimal, for columns of text.
    #[must_use]
    pub fn to_hex(&self) -> String {
        use fmt::Write;
        let mut hex = String::with_capacity(2 * usize::from(self.len));
        for byte in self.as_bytes() {
            // Writing to a string does not fail.
            let _written = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// The version of the index that made it.
    #[must_use]
    pub const fn version(&self) -> u8 {
        let [version, ..] = self.bytes;
        version
    }
}

impl AsRef<[u8]> for Term {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Term")
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_as_many_bits_as_asked_for() {
        let code = [0xff; 32];
        for (bits, expected) in [
            (1, &[7, 0x80][..]),
            (7, &[7, 0xfe]),
            (8, &[7, 0xff]),
            (9, &[7, 0xff, 0x80]),
            (18, &[7, 0xff, 0xff, 0xc0]),
        ] {
            let term = Term::new(7, &code, bits);
            assert_eq!(term.as_bytes(), expected, "{bits}");
        }
        for bits in 1..=256 {
            let term = Term::new(7, &code, bits);
            let ones = term
                .as_bytes()
                .iter()
                .skip(1)
                .map(|byte| byte.leading_ones());
            assert_eq!(ones.sum::<u32>(), u32::from(bits));
            assert!(
                term.bytes
                    .iter()
                    .skip(term.len.into())
                    .all(|byte| *byte == 0)
            );
        }
        let whole = Term::new(0, &code, 256);
        assert_eq!(whole.as_bytes().len(), 33);
        assert!(whole.as_bytes().iter().skip(1).all(|byte| *byte == 0xff));
    }

    #[test]
    fn hexadecimal_is_all_of_it() {
        assert_eq!(Term::new(2, &[0x0a; 32], 16).to_hex(), "020a0a");
    }
}
