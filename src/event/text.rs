//! Text that came from a client, made fit for a log.

use std::borrow::Cow;

/// The longest text an event keeps of anything a client sent; what is longer is cut.
pub(super) const MAX_TEXT: usize = 256;

/// Cuts a method, which is a token of any length, to [`MAX_TEXT`] bytes.
pub(super) fn cut(method: &http::Method) -> http::Method {
    let start = method.as_str().get(..MAX_TEXT);
    let shorter = start.and_then(|text| http::Method::from_bytes(text.as_bytes()).ok());
    shorter.unwrap_or_else(|| method.clone())
}

/// Cuts `text` to [`MAX_TEXT`] bytes and replaces each character that could break a line,
/// hide or reorder text in a log with U+FFFD.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let cut = text.floor_char_boundary(MAX_TEXT);
    let text = text.get(..cut).unwrap_or_default();
    if text.chars().any(is_unprintable) {
        let clean = |c| if is_unprintable(c) { '\u{FFFD}' } else { c };
        return Cow::Owned(text.chars().map(clean).collect());
    }
    Cow::Borrowed(text)
}

/// Control characters, line separators, zero-width and bidirectional formatting characters,
/// tags.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_respects_characters() {
        let text = "é".repeat(200);
        assert_eq!(clean(&text).len(), MAX_TEXT);
        let text = format!("x{text}");
        assert_eq!(clean(&text).len(), MAX_TEXT - 1);
    }
}
