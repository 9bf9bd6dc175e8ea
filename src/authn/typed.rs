use zeroize::Zeroizing;

/// Longer than any code with its spaces.
const MAX_LEN: usize = 32;

/// The digits that somebody typed, without the spaces and dashes that apps and messages put
/// between them. What has other characters stays as it is, and is no code.
pub(super) fn digits(text: &str) -> Zeroizing<String> {
    if text.len() > MAX_LEN {
        return Zeroizing::default();
    }
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    digits.extend(text.chars().filter(|c| !matches!(c, ' ' | '\t' | '-')));
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_dashes_are_forgiven_and_nothing_else() {
        for (name, text, expected) in [
            ("plain", "123456", "123456"),
            ("as apps show it", "123 456", "123456"),
            ("pasted", " 123-456\t", "123456"),
            ("other characters stay", "12\u{664}456", "12\u{664}456"),
            ("a line is no space", "123456\n", "123456\n"),
            ("too long", "000000000000000000000000000000000", ""),
        ] {
            assert_eq!(*digits(text), expected, "{name}");
        }
    }
}
