use std::borrow::Cow;
use std::ops::Range;

/// A range of bytes in the text, and whether it is a string with escapes.
///
/// All in one word, which the processor hands on faster than several: the start in the lower
/// half, the end in the upper, and the escapes in the highest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(u64);

impl Span {
    const ESCAPED: u64 = 1 << 63;

    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self(start as u64 | (end as u64) << 32)
    }

    pub(super) const fn escaped_if(self, is_escaped: bool) -> Self {
        Self(self.0 | if is_escaped { Self::ESCAPED } else { 0 })
    }

    pub(super) const fn is_escaped(self) -> bool {
        self.0 & Self::ESCAPED != 0
    }

    pub(super) const fn start(self) -> usize {
        (self.0 & u32::MAX as u64) as usize
    }

    pub(super) const fn end(self) -> usize {
        ((self.0 & !Self::ESCAPED) >> 32) as usize
    }

    pub(super) const fn range(self) -> Range<usize> {
        self.start()..self.end()
    }

    /// The text of the range. Spans come from the text they are used with; with another text
    /// the answer is empty.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }

    pub(super) fn bytes_of(self, text: &str) -> &[u8] {
        text.as_bytes().get(self.range()).unwrap_or_default()
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Without the quotes.
    pub(super) name: Span,
    /// With quotes, where it is a string.
    pub(super) value: Span,
    /// How the name begins: see [`mark`].
    pub(super) mark: u64,
}

impl Member {
    pub(super) fn name(self, text: &str) -> Cow<'_, str> {
        let raw = self.name.of(text);
        if self.name.is_escaped() {
            unescape(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }

    pub(super) fn is_named_like(self, other: Self, text: &str) -> bool {
        if self.name.is_escaped() || other.name.is_escaped() {
            self.name(text) == other.name(text)
        } else {
            self.mark == other.mark && self.name.bytes_of(text) == other.name.bytes_of(text)
        }
    }
}

/// The first 8 bytes of a name as it is written, zeros after its end. Where these differ, and
/// nothing is escaped, so do the names.
pub(super) fn mark(text: &[u8], name: Range<usize>) -> u64 {
    let unused = 8_usize.saturating_sub(name.len());
    let rest = text.get(name.start..).unwrap_or_default();
    if let Some(word) = rest.first_chunk() {
        let shift = u32::try_from(unused * 8).unwrap_or(u64::BITS);
        return u64::from_le_bytes(*word) & u64::MAX.checked_shr(shift).unwrap_or(0);
    }
    let bytes = rest.iter().take(8 - unused).rev();
    bytes.fold(0, |mark, &byte| (mark << 8) | u64::from(byte))
}

/// Reads the escapes of a checked string.
pub(super) fn unescape(inside: &str) -> Cow<'_, str> {
    serde_json::from_str(&format!("\"{inside}\"")).map_or(Cow::Borrowed(inside), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_of_the_name_alone() {
        for name in ["", "a", "iss", "1234567", "12345678", "123456789"] {
            let near_the_end = mark(name.as_bytes(), 0..name.len());
            let text = format!("xx{name}yyyyyyyyy");
            assert_eq!(
                mark(text.as_bytes(), 2..2 + name.len()),
                near_the_end,
                "{name}"
            );
        }
        assert_ne!(mark(b"iss", 0..3), mark(b"iat", 0..3));
        assert_ne!(mark(b"iss", 0..3), mark(b"issu", 0..4));
    }
}
