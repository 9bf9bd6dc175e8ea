//! Where the links of a document may lead: to pages, to people, and within the document.

use super::lexer::is_blank;
use crate::input::upload::Refusal;
use crate::input::upload::refusal::{active, malformed};

/// Schemes that open a page or write to somebody, and no more.
const SCHEMES: &[&[u8]] = &[b"http", b"https", b"mailto", b"tel", b"ftp"];
/// More than readers and browsers take.
const MAX_LINK: usize = 8192;

/// The string behind `/URI` or `/Base`, while it comes.
#[derive(Debug, Default)]
pub(super) enum Link {
    #[default]
    None,
    /// The value of the key comes next.
    Next,
    Text(Vec<u8>),
    Hex(Vec<u8>),
}

impl Link {
    /// A name came: it may be the key of a link.
    pub(super) fn name(&mut self, name: &[u8]) {
        *self = match name {
            b"URI" | b"Base" => Self::Next,
            _ => Self::None,
        };
    }

    /// A number came. A link that stands in another object is not known to be one there.
    pub(super) fn number(&self) -> Result<(), Refusal> {
        match self {
            Self::Next => Err(active("PDF with a link that stands elsewhere")),
            _ => Ok(()),
        }
    }

    /// A string begins.
    pub(super) fn open(&mut self, is_hex: bool) {
        *self = match (&*self, is_hex) {
            (Self::Next, true) => Self::Hex(Vec::new()),
            (Self::Next, false) => Self::Text(Vec::new()),
            _ => Self::None,
        };
    }

    /// The next byte of a string, as it stands in the file.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), Refusal> {
        let (Self::Text(text) | Self::Hex(text)) = self else {
            return Ok(());
        };
        if text.len() == MAX_LINK {
            return Err(malformed("a link that is too long"));
        }
        text.push(byte);
        Ok(())
    }

    /// The string is over.
    pub(super) fn close(&mut self) -> Result<(), Refusal> {
        let is_good = match std::mem::take(self) {
            Self::Text(text) => is_harmless(&of_text(&text)),
            Self::Hex(digits) => is_harmless(&of_hex(&digits)),
            Self::None | Self::Next => true,
        };
        match is_good {
            true => Ok(()),
            false => Err(active(
                "PDF with a link that opens a file or runs a program",
            )),
        }
    }
}

/// Whether a link leads to a page or a person, or has no scheme and no host.
fn is_harmless(link: &[u8]) -> bool {
    // URIs are ASCII; readers take UTF-16 as well, and what they find then is not looked into.
    let link = link.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(link);
    if matches!(link, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]) || link.contains(&0) {
        return false;
    }
    // Browsers pass over blanks and breaks, wherever they stand.
    let seen = |byte: &u8| !matches!(byte, 0..=b' ' | 0x7F);
    let link: Vec<u8> = link.iter().copied().filter(seen).collect();
    if let [b'/' | b'\\', b'/' | b'\\', ..] = &*link {
        return false;
    }
    let end = link.iter().position(|byte| b":/?#\\".contains(byte));
    let Some((scheme, [b':', after @ ..])) = end.and_then(|end| link.split_at_checked(end)) else {
        return true;
    };
    // A host with a port, of which the scheme was left away.
    let is_host = scheme.contains(&b'.') && after.first().is_some_and(u8::is_ascii_digit);
    is_host || SCHEMES.iter().any(|it| it.eq_ignore_ascii_case(scheme))
}

/// ISO 32000-2 section 7.3.4.2: what stands in parentheses.
fn of_text(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let digits = after
            .iter()
            .take(3)
            .take_while(|it| matches!(it, b'0'..=b'7'));
        let digits = digits.count();
        if digits > 0 {
            let (number, after) = after.split_at_checked(digits).unwrap_or_default();
            let value = number
                .iter()
                .fold(0_u16, |all, it| all * 8 + u16::from(it - b'0'));
            plain.push(value.to_le_bytes()[0]);
            rest = after;
            continue;
        }
        match after {
            [b'\r', b'\n', after @ ..] => rest = after,
            [b'\r' | b'\n' | b'n' | b'r' | b't' | b'b' | b'f', after @ ..] => rest = after,
            [other, after @ ..] => {
                plain.push(*other);
                rest = after;
            }
            [] => {}
        }
    }
    plain
}

/// ISO 32000-2 section 7.3.4.3: a digit that misses at the end is a zero.
fn of_hex(digits: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let digits = digits.iter().filter(|byte| !is_blank(**byte));
    let digits: Vec<u8> = digits.filter_map(digit).collect();
    let byte = |pair: &[u8]| match pair {
        [high, low] => high << 4 | low,
        [high] => high << 4,
        _ => 0,
    };
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_links_lead() {
        for (link, expected) in [
            (&b"https://example.com/"[..], true),
            (b"HTTP://example.com/a:b", true),
            (b"mailto:ann@example.com", true),
            (b"#page=2", true),
            (b"chapter/2.html?a:b", true),
            (b"www.example.com:8080/x", true),
            (b"\xEF\xBB\xBFhttps://example.com/", true),
            (b"", true),
            (b"javascript:alert\\(1\\)", false),
            (b" java\nscript:alert", false),
            (b"java\\\nscript:alert", false),
            (b"\\152avascript:alert", false),
            (b"\\052\\j\\avascript:", false),
            (b"file:///c:/windows/system32/cmd.exe", false),
            (b"c:\\\\windows", false),
            (b"\\\\\\\\evil.example\\\\share", false),
            (b"//evil.example/share", false),
            (b"com.example.app:run", false),
            (b"search-ms:query=x", false),
            (b"\xFE\xFF\0f\0i\0l\0e\0:", false),
        ] {
            assert_eq!(
                is_harmless(&of_text(link)),
                expected,
                "{}",
                link.escape_ascii()
            );
        }
        assert!(!is_harmless(&of_hex(b"66 69\n6C653A2f2")));
        assert!(is_harmless(&of_hex(b"687474703A")));
    }
}
