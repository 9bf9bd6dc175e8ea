//! Decimal numbers, without room of their own on the heap.

/// Writes a number to the end.
pub(super) fn put(to: &mut Vec<u8>, number: u64) {
    // As many as the largest has.
    let mut digits = [0; 20];
    let mut left = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        length += 1;
        if left == 0 {
            break;
        }
    }
    let (_, written) = digits.split_at(digits.len() - length);
    to.extend_from_slice(written);
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_as_they_are_shown() {
        for number in [0, 9, 10, 99, 100, 1_700_000_000, u64::MAX - 1, u64::MAX] {
            let mut written = b"x".to_vec();
            super::put(&mut written, number);
            assert_eq!(written, format!("x{number}").as_bytes());
        }
    }
}
