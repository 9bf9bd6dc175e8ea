use super::MAX_PLAINTEXT;

/// Whether the length of a value is hidden. Without it a ciphertext tells how long the text
/// in it is: a diagnosis, a salary, yes or no.
///
/// A padded value says that it is padded, so the setting can change at any time: what was
/// sealed before still opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Padding {
    /// The length shows.
    #[default]
    None,
    /// Filled up to a multiple of so many bytes, at least one byte more than the value has.
    Block(u16),
    /// Filled up to the next length that PADME allows: at most 12 % more, and values of n
    /// bits of length fall into some log n classes (Nikitin et al., "Reducing Metadata
    /// Leakage from Encrypted Files and Communication with PURBs", 2019, section 4).
    Padme,
}

/// What follows the value; zeros follow it (ISO/IEC 7816-4).
const MARK: u8 = 0x80;

impl Padding {
    /// How long a value of `length` bytes is with its padding.
    pub(super) fn padded(self, length: usize) -> usize {
        match self {
            Self::None => length,
            Self::Block(size) => (length + 1).next_multiple_of(usize::from(size.max(1))),
            Self::Padme => padme(length + 1),
        }
    }

    /// Whether values of this length, their padding included, can come of it.
    pub(super) fn gives(self, padded: usize) -> bool {
        match self {
            Self::None => true,
            _ => padded
                .checked_sub(1)
                .is_some_and(|most| self.padded(most) == padded),
        }
    }

    /// Appends the padding to a value of `length` bytes that ends `output`.
    pub(super) fn append_to(self, output: &mut Vec<u8>, length: usize) {
        let padded = self.padded(length);
        if padded > length {
            output.push(MARK);
            output.resize(output.len() + padded - length - 1, 0);
        }
    }
}

/// The longest a value can be with its padding.
pub(super) const MAX_PADDED: usize = MAX_PLAINTEXT + MAX_PLAINTEXT / 8;

/// The value without its padding; `None` when there is none.
pub(super) fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    match padded.split_at_checked(end)? {
        (value, [MARK, ..]) => Some(value),
        _ => None,
    }
}

/// The smallest length from `length` on whose binary form ends in enough zeros.
fn padme(length: usize) -> usize {
    let exponent = length.checked_ilog2().unwrap_or(0);
    let significant = exponent.checked_ilog2().map_or(0, |bits| bits + 1);
    let zeros = exponent.saturating_sub(significant);
    length.next_multiple_of(1 << zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lengths() {
        let cases = [
            ("none", Padding::None, 9, 9),
            ("a block for nothing", Padding::Block(16), 0, 16),
            ("the last that fits", Padding::Block(16), 15, 16),
            ("one more", Padding::Block(16), 16, 32),
            ("a block of one", Padding::Block(1), 5, 6),
            ("padme of nothing", Padding::Padme, 0, 1),
            ("padme of 8 and the mark", Padding::Padme, 8, 10),
            ("padme of 999 and the mark", Padding::Padme, 999, 1024),
            ("padme of 1024 and the mark", Padding::Padme, 1024, 1088),
        ];
        for (name, padding, length, padded) in cases {
            assert_eq!(padding.padded(length), padded, "{name}");
        }
        for length in 1..100_000 {
            let padded = padme(length);
            assert!(
                padded >= length && padded * 100 <= length * 112,
                "{length} {padded}"
            );
        }
        for padding in [Padding::Padme, Padding::Block(u16::MAX)] {
            assert!(padding.padded(MAX_PLAINTEXT) <= MAX_PADDED, "{padding:?}");
        }
    }

    #[test]
    fn lengths_that_come_of_a_padding_are_known() {
        for padding in [
            Padding::None,
            Padding::Block(1),
            Padding::Block(16),
            Padding::Block(48),
            Padding::Padme,
        ] {
            let given: HashSet<_> = (0..3000).map(|length| padding.padded(length)).collect();
            for length in 0..3000 {
                assert_eq!(
                    padding.gives(length),
                    given.contains(&length),
                    "{padding:?} {length}"
                );
            }
        }
    }

    #[test]
    fn padding_comes_off_again() {
        for value in [&b""[..], b"\0", b"\x80", b"a\x80\0\0", b"ann@example.com"] {
            for padding in [Padding::Block(1), Padding::Block(7), Padding::Padme] {
                let mut padded = value.to_vec();
                padding.append_to(&mut padded, value.len());
                assert_eq!(padded.len(), padding.padded(value.len()));
                assert_eq!(unpadded(&padded), Some(value), "{padding:?}");
            }
        }
        for bad in [&b""[..], b"\0\0", b"a", b"a\0", b"\x80\x01"] {
            assert_eq!(unpadded(bad), None, "{bad:?}");
        }
    }
}
