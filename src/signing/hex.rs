//! Hexadecimal digits, lowercase: one spelling for each byte string.

/// The digits of 32 bytes, without room of their own on the heap.
pub(super) fn digits_of_32(bytes: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

pub(super) fn text(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|nibble| char::from(digit(nibble))).collect()
}

/// Without a branch or a table, so that many can be made in one step.
const fn digit(nibble: u8) -> u8 {
    const LETTERS: u8 = b'a' - b'9' - 1;
    b'0' + nibble + LETTERS * (nibble > 9) as u8
}

/// The 32 bytes of 64 lowercase digits.
pub(super) fn read_32(digits: &[u8]) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = digits.try_into().ok()?;
    let mut bytes = [0; 32];
    let mut is_good = true;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        let ((high, is_high), (low, is_low)) = (value(high), value(low));
        *byte = high << 4 | low;
        is_good &= is_high & is_low;
    }
    is_good.then_some(bytes)
}

/// What a digit stands for, and whether it is one.
const fn value(digit: u8) -> (u8, bool) {
    let number = digit.wrapping_sub(b'0');
    let letter = digit.wrapping_sub(b'a');
    let is_number = number < 10;
    let value = if is_number {
        number
    } else {
        letter.wrapping_add(10)
    };
    (value & 15, is_number | (letter < 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        let digits = text(&bytes);
        assert_eq!(digits_of_32(&bytes), digits.as_bytes());
        for wrong in [b'/', b':', b'`', b'g', b'A', b'F', 0, 0xFF] {
            let mut one_wrong: Vec<u8> = digits.clone().into();
            one_wrong[63] = wrong;
            assert_eq!(read_32(&one_wrong), None, "{wrong}");
        }
        assert_eq!(read_32(digits.as_bytes()), Some(bytes));
        assert_eq!(read_32(digits.to_uppercase().as_bytes()), None);
        assert_eq!(read_32(&digits.as_bytes()[1..]), None);
        assert_eq!(read_32(format!("{digits}00").as_bytes()), None);
        assert_eq!(read_32(digits.replace('0', "g").as_bytes()), None);
    }
}
