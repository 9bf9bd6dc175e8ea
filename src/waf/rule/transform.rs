use crate::waf::decode;
use std::borrow::Cow;

/// What is done to a value before an [`Operator`](super::Operator) looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transform {
    /// `%3C` and `%u003C` become `<`, `+` a space.
    UrlDecode,
    /// `&lt;` and `&#60;` become `<`.
    HtmlDecode,
    /// `\x3c`, `\u003c` and `\074` become `<`.
    EscapeDecode,
    /// Base64 of text becomes the text.
    Base64Decode,
    /// Overlong UTF-8 and fullwidth forms become ASCII.
    UnicodeFold,
    /// `A` becomes `a`.
    Lowercase,
    /// White space at both ends goes.
    Trim,
    /// NULs go.
    RemoveNuls,
    /// All white space goes.
    RemoveSpace,
    /// White space in a row becomes one space.
    CompressSpace,
    /// `/* */` comments become a space.
    ReplaceComments,
    /// `a/./b/../c` becomes `a/c`, `\` becomes `/`.
    NormalizePath,
    /// What shells pass over goes: quotes, backslashes, carets; commas and semicolons become
    /// spaces, spaces before `/` and `(` go, and all is lower case.
    CommandLine,
    /// The value becomes its length in bytes, as a decimal number.
    Length,
    /// The bytes become hexadecimal digits.
    HexEncode,
}

impl Transform {
    /// The value after this transformation.
    #[must_use]
    pub fn apply<'a>(self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        let decoded = |changed: bool, out: Vec<u8>| {
            if changed {
                Cow::Owned(out)
            } else {
                Cow::Borrowed(text)
            }
        };
        match self {
            Self::UrlDecode => Cow::Owned(decode::form(text, &mut out).to_vec()),
            Self::HtmlDecode => decoded(decode::entities(text, &mut out), out),
            Self::EscapeDecode => decoded(decode::escapes(text, &mut out), out),
            Self::Base64Decode => decoded(decode::base64(text, &mut out), out),
            Self::UnicodeFold => decoded(decode::fold(text, &mut out), out),
            Self::Lowercase => Cow::Owned(text.to_ascii_lowercase()),
            Self::Trim => Cow::Borrowed(text.trim_ascii()),
            Self::RemoveNuls => without(text, |b| b == 0),
            Self::RemoveSpace => without(text, |b| b.is_ascii_whitespace()),
            Self::CompressSpace => Cow::Owned(compressed(text)),
            Self::ReplaceComments => Cow::Owned(without_comments(text)),
            Self::NormalizePath => Cow::Owned(normalized_path(text)),
            Self::CommandLine => Cow::Owned(command_line(text)),
            Self::Length => Cow::Owned(text.len().to_string().into_bytes()),
            Self::HexEncode => {
                let digits = text.iter().flat_map(|b| [b >> 4, b & 0xF]);
                let digits = digits.filter_map(|d| char::from_digit(u32::from(d), 16));
                Cow::Owned(digits.map(|d| d as u8).collect())
            }
        }
    }
}

fn without(text: &[u8], unwanted: impl Fn(u8) -> bool) -> Cow<'_, [u8]> {
    if text.iter().any(|b| unwanted(*b)) {
        return Cow::Owned(text.iter().copied().filter(|b| !unwanted(*b)).collect());
    }
    Cow::Borrowed(text)
}

fn compressed(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text {
        let space = byte.is_ascii_whitespace();
        if !(space && out.last() == Some(&b' ')) {
            out.push(if space { b' ' } else { *byte });
        }
    }
    out
}

fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"/*") {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.push(b' ');
        let inside = rest.get(at + 2..).unwrap_or_default();
        // An open comment hides all that follows.
        let Some(end) = memchr::memmem::find(inside, b"*/") else {
            return out;
        };
        rest = inside.get(end + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

fn normalized_path(text: &[u8]) -> Vec<u8> {
    let absolute = matches!(text, [b'/' | b'\\', ..]);
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in text.split(|b| matches!(b, b'/' | b'\\')) {
        match segment {
            b"" | b"." => {}
            b".." if segments.last().is_some_and(|last| *last != b"..") => {
                segments.pop();
            }
            b".." if absolute => {}
            segment => segments.push(segment),
        }
    }
    let mut out = if absolute { vec![b'/'] } else { Vec::new() };
    out.extend_from_slice(&segments.join(&b'/'));
    out
}

fn command_line(text: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b',' | b';' | b'\t' | b'\r' | b'\n' | b' ' => {
                if out.last() != Some(&b' ') {
                    out.push(b' ');
                }
            }
            b'/' | b'(' => {
                if out.last() == Some(&b' ') {
                    out.pop();
                }
                out.push(*byte);
            }
            other => out.push(other.to_ascii_lowercase()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_does_what_it_says() {
        use Transform::*;
        let cases = [
            (UrlDecode, "a%3C+b", "a< b"),
            (HtmlDecode, "&lt;b", "<b"),
            (EscapeDecode, r"\x3cb", "<b"),
            (Base64Decode, "PHNjcmlwdD4=", "<script>"),
            (UnicodeFold, "＜b", "<b"),
            (Lowercase, "AbC", "abc"),
            (Trim, " a b\n", "a b"),
            (RemoveNuls, "a\0b", "ab"),
            (RemoveSpace, "a \tb", "ab"),
            (CompressSpace, "a \t b", "a b"),
            (ReplaceComments, "un/**/ion/*x*/ /* open", "un ion   "),
            (NormalizePath, "/a/./b/../../../c\\d", "/c/d"),
            (NormalizePath, "../a/../b", "../b"),
            (CommandLine, "C^at \"/etc\" ; x,(Y", "cat/etc x(y"),
            (Length, "four", "4"),
            (HexEncode, "az", "617a"),
        ];
        for (transform, text, expected) in cases {
            let got = transform.apply(text.as_bytes());
            assert_eq!(
                String::from_utf8_lossy(&got),
                expected,
                "{transform:?} of {text:?}"
            );
        }
    }
}
