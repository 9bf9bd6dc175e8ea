//! Hexadecimal digits, lowercase: one spelling for each byte string.

pub(super) fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    for byte in bytes {
        to.extend([digit(byte >> 4), digit(byte & 15)]);
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    let mut digits = Vec::with_capacity(bytes.len() * 2);
    put(&mut digits, bytes);
    // Digits are text.
    String::from_utf8(digits).unwrap_or_default()
}

/// The 32 bytes of 64 lowercase digits.
pub(super) fn read_32(digits: &[u8]) -> Option<[u8; 32]> {
    let value = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = value(high)? << 4 | value(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        let digits = text(&bytes);
        assert_eq!(read_32(digits.as_bytes()), Some(bytes));
        assert_eq!(read_32(digits.to_uppercase().as_bytes()), None);
        assert_eq!(read_32(&digits.as_bytes()[1..]), None);
        assert_eq!(read_32(format!("{digits}00").as_bytes()), None);
        assert_eq!(read_32(digits.replace('0', "g").as_bytes()), None);
    }
}
