/// Reads decimal digits, and nothing else: no sign, no space, no leading zero.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_shortest = !text.starts_with('0') || text.len() == 1;
    (is_plain && is_shortest).then(|| text.parse().ok())?
}

/// Reads pairs of hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_digits_are_bytes() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("00fFA9", Some(vec![0, 255, 0xA9])),
            ("0", None),
            ("0g", None),
            ("+1", None),
            ("é", None),
        ] {
            assert_eq!(unhex(text), expected, "{text:?}");
        }
    }

    #[test]
    fn digits_alone_are_a_number() {
        for (text, expected) in [
            ("0", Some(0)),
            ("600000", Some(600_000)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("01", None),
            ("1e3", None),
            ("\u{661}", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }
}
