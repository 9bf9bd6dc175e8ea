use super::TextError;
use crate::input::unicode::{has_stray_joiner, is_bidi_control, is_invisible, is_line_separator};
use std::borrow::Cow;
use unicode_normalization::char::is_public_assigned;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_segmentation::UnicodeSegmentation;

/// The most bytes of a text on one line, unless told otherwise.
const MAX_LINE: usize = 1024;

/// The most bytes of a text of several lines, unless told otherwise.
const MAX_LINES: usize = 64 * 1024;

/// The most bytes of an identifier.
const MAX_IDENTIFIER: usize = 64;

/// Which texts are taken. See the [module](super) for the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct TextRules {
    shape: Shape,
    has_marks: bool,
    min_graphemes: usize,
    max_graphemes: usize,
    max_characters: usize,
    max_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Line,
    Lines,
    Identifier,
}

impl TextRules {
    /// A text on one line, without white space around it: a name, a title. 1 KiB at most.
    pub const fn line() -> Self {
        Self::of_shape(Shape::Line, MAX_LINE)
    }

    /// A text of any number of lines. 64 KiB at most.
    pub const fn lines() -> Self {
        Self::of_shape(Shape::Lines, MAX_LINES)
    }

    /// A name for programs: letters and digits of ASCII, dots, hyphens and underscores, the
    /// first a letter. At least one character, 64 at most. There are no two that look alike
    /// but for case and for `l`, `I`, `1`, `O` and `0`.
    pub const fn identifier() -> Self {
        Self::of_shape(Shape::Identifier, MAX_IDENTIFIER).min_graphemes(1)
    }

    const fn of_shape(shape: Shape, max_bytes: usize) -> Self {
        Self {
            shape,
            has_marks: false,
            min_graphemes: 0,
            max_graphemes: usize::MAX,
            max_characters: usize::MAX,
            max_bytes,
        }
    }

    /// Asks for at least so many characters, as readers count them.
    pub const fn min_graphemes(mut self, graphemes: usize) -> Self {
        self.min_graphemes = graphemes;
        self
    }

    /// Takes at most so many characters, as readers count them.
    pub const fn max_graphemes(mut self, graphemes: usize) -> Self {
        self.max_graphemes = graphemes;
        self
    }

    /// Takes at most so many characters, as Unicode counts them (scalar values).
    pub const fn max_characters(mut self, characters: usize) -> Self {
        self.max_characters = characters;
        self
    }

    /// Takes at most so many bytes of UTF-8.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Takes the marks U+200E, U+200F and U+061C, which set the direction of what has none,
    /// such as punctuation, in Arabic and Hebrew. They turn nothing around.
    pub const fn allow_direction_marks(mut self) -> Self {
        self.has_marks = true;
        self
    }

    /// Judges a text as it is.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, text: &str) -> Result<(), TextError> {
        // What is too long is not looked through.
        if text.len() > self.max_bytes {
            return Err(TextError::TooManyBytes(self.max_bytes));
        }
        text.chars().try_for_each(|c| self.check_character(c))?;
        if has_stray_joiner(text) {
            return Err(TextError::Invisible);
        }
        if !is_nfc(text) {
            return Err(TextError::NotNormalized);
        }
        match self.shape {
            Shape::Line if text.trim().len() != text.len() => return Err(TextError::Surrounded),
            Shape::Identifier if !is_identifier(text) && !text.is_empty() => {
                return Err(TextError::NotIdentifier);
            }
            _ => {}
        }
        self.check_length(text)
    }

    /// Brings a text into form and judges it: Normalization Form C, line feeds for line ends,
    /// no white space around a text on one line. What else is wrong is refused, not mended.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn clean<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, TextError> {
        // Composition shortens most texts, and never to less than a third.
        if text.len() / 3 > self.max_bytes {
            return Err(TextError::TooManyBytes(self.max_bytes));
        }
        let mut clean = Cow::Borrowed(text);
        if self.shape == Shape::Lines && text.contains('\r') {
            clean = Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
        }
        if !is_nfc(&clean) {
            clean = Cow::Owned(clean.nfc().collect());
        }
        if self.shape == Shape::Line {
            clean = trimmed(clean);
        }
        self.check(&clean)?;
        Ok(clean)
    }

    fn check_character(&self, c: char) -> Result<(), TextError> {
        match c {
            // Nothing of printable ASCII is special.
            ' '..='~' => Ok(()),
            '\n' | '\t' if self.shape == Shape::Lines => Ok(()),
            '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' => Err(TextError::LineBreak),
            _ if is_line_separator(c) => Err(TextError::LineBreak),
            _ if c.is_control() => Err(TextError::Control),
            '\u{200E}' | '\u{200F}' | '\u{61C}' if self.has_marks => Ok(()),
            _ if is_bidi_control(c) => Err(TextError::Direction),
            _ if is_invisible(c) => Err(TextError::Invisible),
            _ if !is_public_assigned(c) => Err(TextError::Unassigned),
            _ => Ok(()),
        }
    }

    fn check_length(&self, text: &str) -> Result<(), TextError> {
        if self.max_characters < text.len() && text.chars().nth(self.max_characters).is_some() {
            return Err(TextError::TooLong(self.max_characters));
        }
        if self.max_graphemes < text.len() && text.graphemes(true).nth(self.max_graphemes).is_some()
        {
            return Err(TextError::TooLong(self.max_graphemes));
        }
        let is_short = |least: usize| text.graphemes(true).nth(least - 1).is_none();
        if self.min_graphemes > 0 && is_short(self.min_graphemes) {
            return Err(TextError::TooShort(self.min_graphemes));
        }
        Ok(())
    }
}

fn is_identifier(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::TextError::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts() {
        let line = TextRules::line();
        let lines = TextRules::lines();
        let identifier = TextRules::identifier();
        let marks = TextRules::line().allow_direction_marks();
        for (name, rules, text, expected) in [
            ("plain", line, "Ann O'Neill-Smith", Ok(())),
            ("nothing", line, "", Ok(())),
            ("accents", line, "José Ñandú", Ok(())),
            ("decomposed", line, "Jose\u{301}", Err(NotNormalized)),
            ("Persian", line, "می\u{200C}خواهم", Ok(())),
            ("emoji", line, "👩\u{200D}👩\u{200D}👧 ❤\u{FE0F}", Ok(())),
            ("joiner in Latin", line, "pay\u{200D}pal", Err(Invisible)),
            ("zero width", line, "a\u{200B}b", Err(Invisible)),
            ("soft hyphen", line, "a\u{AD}b", Err(Invisible)),
            ("byte order mark", line, "\u{FEFF}a", Err(Invisible)),
            ("filler", line, "\u{3164}", Err(Invisible)),
            ("tags", line, "a\u{E0041}", Err(Invisible)),
            ("override", line, "a\u{202E}b", Err(Direction)),
            ("isolate", line, "a\u{2066}b", Err(Direction)),
            ("mark", line, "a\u{200F}b", Err(Direction)),
            ("mark, allowed", marks, "a\u{200F}b", Ok(())),
            ("override all the same", marks, "a\u{202E}b", Err(Direction)),
            ("line feed", line, "a\nb", Err(LineBreak)),
            ("carriage return", line, "a\rb", Err(LineBreak)),
            ("next line", line, "a\u{85}b", Err(LineBreak)),
            ("line separator", line, "a\u{2028}b", Err(LineBreak)),
            ("tab", line, "a\tb", Err(Control)),
            ("NUL", line, "a\0b", Err(Control)),
            ("escape", lines, "a\u{1B}[2Jb", Err(Control)),
            ("lines", lines, " a\n\tb\n", Ok(())),
            ("carriage return in lines", lines, "a\r\nb", Err(LineBreak)),
            ("space around", line, " a", Err(Surrounded)),
            ("no-break space around", line, "a\u{A0}", Err(Surrounded)),
            ("unassigned", line, "a\u{378}", Err(Unassigned)),
            ("private use", line, "a\u{E000}", Err(Unassigned)),
            ("identifier", identifier, "ann.o-neill_2", Ok(())),
            (
                "identifier, digit first",
                identifier,
                "2ann",
                Err(NotIdentifier),
            ),
            (
                "identifier, dot first",
                identifier,
                ".ann",
                Err(NotIdentifier),
            ),
            (
                "identifier, Cyrillic",
                identifier,
                "pаypal",
                Err(NotIdentifier),
            ),
            ("identifier, space", identifier, "a b", Err(NotIdentifier)),
            ("identifier, nothing", identifier, "", Err(TooShort(1))),
        ] {
            assert_eq!(rules.check(text), expected, "{name}");
        }
        let long = "a".repeat(65);
        assert_eq!(identifier.check(&long), Err(TooManyBytes(64)));
    }

    #[test]
    fn lengths() {
        let rules = TextRules::line();
        for (name, rules, text, expected) in [
            ("graphemes", rules.max_graphemes(2), "né", Ok(())),
            (
                "graphemes, too many",
                rules.max_graphemes(2),
                "née",
                Err(TooLong(2)),
            ),
            (
                "a family is one",
                rules.max_graphemes(1),
                "👩\u{200D}👩\u{200D}👧",
                Ok(()),
            ),
            (
                "of five characters",
                rules.max_characters(4),
                "👩\u{200D}👩\u{200D}👧",
                Err(TooLong(4)),
            ),
            (
                "characters",
                rules.max_characters(5),
                "👩\u{200D}👩\u{200D}👧",
                Ok(()),
            ),
            ("bytes", rules.max_bytes(3), "né", Ok(())),
            (
                "bytes, too many",
                rules.max_bytes(3),
                "née",
                Err(TooManyBytes(3)),
            ),
            ("none at all", rules.max_graphemes(0), "", Ok(())),
            ("least", rules.min_graphemes(2), "né", Ok(())),
            ("less", rules.min_graphemes(2), "é", Err(TooShort(2))),
        ] {
            assert_eq!(rules.check(text), expected, "{name}");
        }
    }

    #[test]
    fn what_is_brought_into_form() {
        for (name, rules, text, expected) in [
            ("composed", TextRules::line(), "Jose\u{301}", Ok("José")),
            ("trimmed", TextRules::line(), " a b\u{A0}", Ok("a b")),
            (
                "line ends",
                TextRules::lines(),
                "a\r\nb\rc\n",
                Ok("a\nb\nc\n"),
            ),
            ("singleton", TextRules::line(), "\u{212B}", Ok("\u{C5}")),
            ("not mended", TextRules::line(), "a\u{200B}", Err(Invisible)),
        ] {
            let expected = expected.map(Cow::Borrowed);
            assert_eq!(rules.clean(text), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_clean_stays(text in "\\PC{0,40}|[a-z\u{301}\r\n\t \u{200D}\u{AC00}\u{11A8}]{0,20}") {
            for rules in [TextRules::line(), TextRules::lines(), TextRules::identifier()] {
                if let Ok(clean) = rules.clean(&text) {
                    prop_assert_eq!(rules.check(&clean), Ok(()));
                    prop_assert_eq!(rules.clean(&clean), Ok(clean.clone()));
                }
            }
        }
    }
}
