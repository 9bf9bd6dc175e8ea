//! What is odd about a text whatever it says, and images within URLs, which are not.

use crate::waf::decode;

/// The head of a `data:` URI in base64, and its payload where that is no image, sound or font.
pub(super) fn data_uri(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = text.get(..5)?;
    if !start.eq_ignore_ascii_case(b"data:") {
        return None;
    }
    let head = text.get(..128).unwrap_or(text);
    let comma = memchr::memchr(b',', head)?;
    let head = text.get(..comma)?;
    let is_base64 = head.to_ascii_lowercase().ends_with(b";base64");
    let payload = text.get(comma + 1..)?;
    let only_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=-_ \r\n%".contains(b);
    if !is_base64 || !payload.iter().all(only_base64) {
        return None;
    }
    let harmless = [&b"image/"[..], b"audio/", b"video/", b"font/"];
    let media_type = head.get(5..).unwrap_or_default().to_ascii_lowercase();
    let is_harmless = harmless.iter().any(|kind| media_type.starts_with(kind))
        && memchr::memmem::find(&media_type, b"svg").is_none();
    Some((head, if is_harmless { &[] } else { payload }))
}

/// Where an ASCII character stands in more bytes than it needs (RFC 3629 section 3).
pub(super) fn overlong_at(text: &[u8]) -> Option<usize> {
    text.windows(3)
        .position(|bytes| {
            matches!(
                bytes,
                [0xC0 | 0xC1, 0x80..=0xBF, _] | [0xE0, 0x80..=0x9F, 0x80..=0xBF]
            )
        })
        .or_else(|| match text {
            [.., 0xC0 | 0xC1, 0x80..=0xBF] => Some(text.len() - 2),
            _ => None,
        })
}

/// Where a letter or digit of ASCII is written as `\u0061`: nobody has reason to.
pub(super) fn escaped_letter_at(text: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(text, b"\\u00").find(|at| {
        let digits = text.get(at + 4..at + 6).unwrap_or_default();
        let (code, length) = decode::hex_number(digits, 2);
        length == 2 && u8::try_from(code).is_ok_and(|c| c.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_uris() {
        let cases: [(&str, Option<(&str, &str)>); 6] = [
            (
                "data:image/png;base64,AAAA",
                Some(("data:image/png;base64", "")),
            ),
            (
                "data:text/html;base64,PHM+",
                Some(("data:text/html;base64", "PHM+")),
            ),
            (
                "data:image/svg+xml;base64,PHM+",
                Some(("data:image/svg+xml;base64", "PHM+")),
            ),
            ("data:image/png;base64,<script>", None),
            ("data:text/html,x", None),
            ("image", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(head, payload)| (head.as_bytes(), payload.as_bytes()));
            assert_eq!(data_uri(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn odd_characters() {
        assert_eq!(overlong_at(b"a\xC0\xAFb"), Some(1));
        assert_eq!(overlong_at(b"a\xC0\xAF"), Some(1));
        assert_eq!(overlong_at(b"\xE0\x80\xAF"), Some(0));
        assert_eq!(overlong_at("é अ".as_bytes()), None);
        assert_eq!(escaped_letter_at(b"x\\u0065val"), Some(1));
        assert_eq!(escaped_letter_at(b"caf\\u00e9 \\u0027"), None);
    }
}
