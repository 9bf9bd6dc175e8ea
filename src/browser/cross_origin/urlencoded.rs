//! `application/x-www-form-urlencoded`, as far as finding one field goes.

/// The values of the fields of this name, decoded.
pub(super) fn values<'a>(
    encoded: &'a [u8],
    name: &'static [u8],
) -> impl Iterator<Item = Vec<u8>> + use<'a> {
    encoded.split(|byte| *byte == b'&').filter_map(move |pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let is_named = decoded(halves.next()?).eq(name.iter().copied());
        is_named.then(|| decoded(halves.next().unwrap_or_default()).collect())
    })
}

/// Undoes percent-encoding. What only looks encoded stays as it is (URL standard).
fn decoded(mut text: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (byte, rest) = match text {
            [b'%', high, low, rest @ ..] if let Some(byte) = hex_pair(*high, *low) => (byte, rest),
            [b'+', rest @ ..] => (b' ', rest),
            [byte, rest @ ..] => (*byte, rest),
            [] => return None,
        };
        text = rest;
        Some(byte)
    })
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let cases: [(&str, &str, &[&str]); 8] = [
            ("one", "t=x", &["x"]),
            ("among others", "a=b&t=x&c", &["x"]),
            ("two", "t=x&t=y", &["x", "y"]),
            ("encoded", "%74=%78+%2b", &["x +"]),
            ("a broken encoding", "t=%", &["%"]),
            ("a broken pair", "t=%zz%4", &["%zz%4"]),
            ("a value with its own sign", "t=a=b", &["a=b"]),
            ("nothing", "", &[]),
        ];
        for (name, text, expected) in cases {
            let found: Vec<_> = values(text.as_bytes(), b"t").collect();
            let expected: Vec<_> = expected.iter().map(|v| v.as_bytes().to_vec()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
