//! Characters that a reader does not see, or sees elsewhere than they are.

/// Whether a character sets the direction of the text around it: what is shown is then not
/// what is there (`photo\u{202E}gpj.exe` is shown as `photoexe.jpg`).
pub(super) const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}')
}

/// Whether a character takes no room of its own and is no sign on another one: soft hyphens,
/// zero-width spaces, fillers, tags, noncharacters. The two joiners are another matter, see
/// [`is_joiner`].
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}'
        | '\u{3164}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
        || (c as u32) & 0xFFFE == 0xFFFE
}

/// The zero-width joiner and non-joiner.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Whether a character ends a line, besides the control characters that do.
pub(super) const fn is_line_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether a character is of the layout of a text rather than of its content: a control
/// character, or one that cannot be seen. Tab and line feed are control characters.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control() || is_bidi_control(c) || is_invisible(c) || is_line_separator(c)
}

/// Whether a text holds a joiner where no script needs one. Persian, the scripts of India and
/// sequences of emoji do need them; between letters of Latin, Greek, Cyrillic and Hebrew they
/// only make two texts that look the same.
pub(super) fn has_stray_joiner(text: &str) -> bool {
    const FIRST_THAT_JOINS: char = '\u{600}';
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let joins = |c: Option<char>| c.is_some_and(|c| c >= FIRST_THAT_JOINS && !is_joiner(c));
        if is_joiner(c) && !(joins(before) && joins(characters.peek().copied())) {
            return true;
        }
        before = Some(c);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joiners_are_for_those_who_need_them() {
        for (name, text, expected) in [
            ("none", "plain", false),
            ("Persian", "می\u{200C}خواهم", false),
            ("Hindi", "क्\u{200D}ष", false),
            ("a family", "👩\u{200D}👩\u{200D}👧", false),
            ("an emoji with its look", "❤\u{FE0F}\u{200D}🔥", false),
            ("within Latin", "pay\u{200C}pal", true),
            ("within Cyrillic", "ба\u{200D}нк", true),
            ("at the start", "\u{200D}क", true),
            ("at the end", "क\u{200D}", true),
            ("doubled", "क\u{200D}\u{200D}ष", true),
        ] {
            assert_eq!(has_stray_joiner(text), expected, "{name}");
        }
    }

    #[test]
    fn what_is_hidden() {
        for c in "\0\t\n\u{7F}\u{85}\u{AD}\u{202E}\u{2066}\u{200B}\u{2028}\u{FEFF}\u{FFFE}\u{E0041}"
            .chars()
        {
            assert!(is_hidden(c), "{c:?}");
        }
        for c in "a é ا 漢 👩 \u{FE0F}\u{301}\u{A0}\u{3000}".chars() {
            assert!(!is_hidden(c), "{c:?}");
        }
    }
}
