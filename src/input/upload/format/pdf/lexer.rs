//! The words of a PDF (ISO 32000-2 section 7.2), and which of them do something.

use crate::input::upload::Refusal;
use crate::input::upload::format::code::has_code;
use crate::input::upload::refusal::{active, malformed, opaque, polyglot};

/// Names of actions and of what holds files or programs, with what they do.
const ACTIVE: &[(&[u8], &str)] = &[
    (b"JavaScript", "javascript"),
    (b"JS", "javascript"),
    (b"Launch", "launches a program"),
    (b"SubmitForm", "sends a form"),
    (b"ImportData", "imports data"),
    (b"GoToE", "opens an embedded file"),
    (b"GoToR", "opens another file"),
    (b"EmbeddedFile", "an embedded file"),
    (b"EmbeddedFiles", "embedded files"),
    (b"RichMedia", "rich media"),
    (b"RichMediaContent", "rich media"),
    (b"Rendition", "plays media with scripts"),
    (b"Movie", "plays a movie"),
    (b"3D", "a scene with scripts"),
    (b"XFA", "a form with scripts"),
    (b"AcroForm3D", "a scene with scripts"),
];
/// Section 7.2.3: names have at most 127 bytes; escapes take three each.
const MAX_WORD: usize = 384;
/// Comments of programs are short.
const MAX_COMMENT: usize = 512;
const MAX_DEPTH: u32 = 256;

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

/// What the dictionary of a stream says of it.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// `None` when the length stands elsewhere.
    pub(super) length: Option<u64>,
    pub(super) holds_objects: bool,
    /// Whether it can be looked into: not filtered, or by deflation alone.
    pub(super) is_plain: bool,
    pub(super) is_deflated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between words, or in one.
    Plain,
    Comment,
    /// A string in parentheses, so many deep; whether a backslash stood before.
    Text(u32, bool),
    Hex,
    /// One `<`, or one `>`.
    Less,
    Greater,
}

pub(super) struct Lexer {
    state: State,
    word: Vec<u8>,
    comment: Vec<u8>,
    /// Of dictionaries and arrays.
    depth: u32,
    /// Whether it is within `obj` and `endobj`; always so within a stream of objects.
    in_object: bool,
    is_file: bool,
    dictionary: Dictionary,
    /// Whether the dictionary of a trailer comes next.
    awaits_trailer: bool,
    /// Whether there was a table of objects, and nothing since the mark of the end.
    has_table: bool,
    is_at_end: bool,
}

/// What was seen at the top of the dictionary of the object at hand.
#[derive(Default)]
struct Dictionary {
    /// The numbers behind `/Length`, while they come.
    length: Option<Vec<u64>>,
    direct_length: Option<u64>,
    holds_objects: bool,
    deflations: u32,
    has_other_filter: bool,
}

impl Lexer {
    /// For a file, from behind its header.
    pub(super) fn file() -> Self {
        Self {
            // The line of the header is a comment.
            state: State::Comment,
            word: Vec::new(),
            comment: Vec::new(),
            depth: 0,
            in_object: false,
            is_file: true,
            dictionary: Dictionary::default(),
            awaits_trailer: false,
            has_table: false,
            is_at_end: false,
        }
    }

    /// For the objects of an object stream.
    pub(super) fn objects() -> Self {
        Self {
            state: State::Plain,
            in_object: true,
            is_file: false,
            ..Self::file()
        }
    }

    /// Reads bytes up to the content of a stream. Says how many they were.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Stream>), Refusal> {
        for (at, byte) in bytes.iter().enumerate() {
            let byte = *byte;
            if self.state == State::Plain && !is_blank(byte) && !is_delimiter(byte) {
                self.letter(byte)?;
                continue;
            }
            if self.state == State::Plain
                && !self.word.is_empty()
                && let Some(stream) = self.end_word(byte)?
            {
                // The line break behind the word is not read yet.
                return Ok((at, Some(stream)));
            }
            self.special(byte)?;
        }
        Ok((bytes.len(), None))
    }

    /// Reads bytes in which no stream may be.
    pub(super) fn push_all(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match self.push(bytes)? {
            (_, None) => Ok(()),
            (_, Some(_)) => Err(malformed("a stream within a stream")),
        }
    }

    /// There is no more. Says whether the file ended as it should.
    pub(super) fn finish(&mut self) -> Result<bool, Refusal> {
        if self.state == State::Comment {
            self.end_comment()?;
        }
        if !self.word.is_empty() {
            self.end_word(b'\n')?;
        }
        Ok(self.is_at_end && self.has_table)
    }

    fn letter(&mut self, byte: u8) -> Result<(), Refusal> {
        self.is_at_end = false;
        if self.word.len() >= MAX_WORD {
            return Err(malformed("a word that is too long"));
        }
        self.word.push(byte);
        Ok(())
    }

    /// A byte that is no letter of a word: the word before it is over.
    fn special(&mut self, byte: u8) -> Result<(), Refusal> {
        match self.state {
            State::Plain => return self.delimiter(byte),
            State::Comment => match byte {
                b'\r' | b'\n' => self.end_comment()?,
                _ if self.comment.len() >= MAX_COMMENT => {
                    return Err(polyglot("a comment that is too long"));
                }
                _ => self.comment.push(byte),
            },
            State::Text(depth, true) => self.state = State::Text(depth, false),
            State::Text(depth, false) => match byte {
                b'\\' => self.state = State::Text(depth, true),
                b'(' => self.state = State::Text(depth + 1, false),
                b')' if depth == 1 => self.state = State::Plain,
                b')' => self.state = State::Text(depth - 1, false),
                _ => {}
            },
            State::Hex => match byte {
                b'>' => self.state = State::Plain,
                byte if byte.is_ascii_hexdigit() || is_blank(byte) => {}
                _ => return Err(malformed("a string that is none")),
            },
            State::Less if byte == b'<' => {
                self.state = State::Plain;
                self.open()?;
            }
            State::Less if self.depth == 0 && !self.in_object => {
                return Err(polyglot("something between the objects"));
            }
            State::Less => {
                self.state = State::Hex;
                return self.special(byte);
            }
            State::Greater if byte == b'>' => {
                self.state = State::Plain;
                self.close()?;
            }
            State::Greater => return Err(malformed("a bracket that closes nothing")),
        }
        Ok(())
    }

    fn delimiter(&mut self, byte: u8) -> Result<(), Refusal> {
        if is_blank(byte) {
            return Ok(());
        }
        self.is_at_end = false;
        if byte == b'%' {
            self.state = State::Comment;
            return Ok(());
        }
        let awaits = byte == b'<' && self.awaits_trailer;
        if !self.in_object && self.depth == 0 && !awaits {
            return Err(polyglot("something between the objects"));
        }
        match byte {
            b'/' => {
                self.dictionary.end_length(None);
                self.word.push(byte);
            }
            b'(' => self.state = State::Text(1, false),
            b'<' => self.state = State::Less,
            b'>' => self.state = State::Greater,
            b'[' => self.open()?,
            b']' => self.close()?,
            _ => return Err(malformed("a bracket in a wrong place")),
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        self.awaits_trailer = false;
        match self.depth > MAX_DEPTH {
            true => Err(malformed("brackets nested too deep")),
            false => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        self.dictionary.end_length(None);
        let depth = self.depth.checked_sub(1);
        self.depth = depth.ok_or_else(|| malformed("a bracket that closes nothing"))?;
        Ok(())
    }

    fn end_comment(&mut self) -> Result<(), Refusal> {
        self.state = State::Plain;
        let comment = std::mem::take(&mut self.comment);
        if has_code(&comment) {
            return Err(polyglot("code in a comment"));
        }
        if comment.trim_ascii_end() == b"%EOF" && self.depth == 0 && !self.in_object {
            self.is_at_end = true;
        }
        Ok(())
    }

    /// Judges the word that `next` ended. Gives the stream that follows it.
    fn end_word(&mut self, next: u8) -> Result<Option<Stream>, Refusal> {
        let word = std::mem::take(&mut self.word);
        if let Some(name) = word.strip_prefix(b"/") {
            self.name(&unescaped(name)?)?;
            return Ok(None);
        }
        match &*word {
            b"obj" if self.is_file && !self.in_object && self.depth == 0 => {
                self.in_object = true;
                self.dictionary = Dictionary::default();
            }
            b"endobj" if self.is_file && self.in_object && self.depth == 0 => {
                self.in_object = false;
            }
            b"stream" if self.is_file && self.in_object && self.depth == 0 => {
                if !matches!(next, b'\r' | b'\n') {
                    return Err(malformed("a stream without a line break before it"));
                }
                return Ok(Some(self.dictionary.stream()));
            }
            b"obj" | b"endobj" | b"stream" => {
                return Err(malformed("an object in a wrong place"));
            }
            b"R" => self.dictionary.end_length(Some(())),
            number if number.iter().all(u8::is_ascii_digit) => {
                let number = std::str::from_utf8(number)
                    .ok()
                    .and_then(|text| text.parse().ok());
                self.dictionary.number(number.unwrap_or(u64::MAX));
            }
            _ if self.in_object || self.depth > 0 => self.dictionary.end_length(None),
            b"trailer" => self.awaits_trailer = true,
            b"startxref" => self.has_table = true,
            b"xref" | b"n" | b"f" => {}
            _ => return Err(polyglot("something between the objects")),
        }
        Ok(None)
    }

    fn name(&mut self, name: &[u8]) -> Result<(), Refusal> {
        if let Some((_, what)) = ACTIVE.iter().find(|(active, _)| *active == name) {
            return Err(active(format!("PDF with active content: {what}")));
        }
        if name == b"Encrypt" {
            return Err(opaque("an encrypted document cannot be looked into"));
        }
        if self.depth == 1 && name == b"Length" {
            self.dictionary.length = Some(Vec::new());
        }
        self.dictionary.name(name, self.depth);
        Ok(())
    }
}

impl Dictionary {
    fn name(&mut self, name: &[u8], depth: u32) {
        match name {
            // Only streams of objects have these; without `First` no reader finds anything.
            b"ObjStm" => self.holds_objects = true,
            b"First" if depth == 1 => self.holds_objects = true,
            b"FlateDecode" | b"Fl" => self.deflations += 1,
            b"Predictor" | b"Crypt" => self.has_other_filter = true,
            other if other.ends_with(b"Decode") => self.has_other_filter = true,
            b"AHx" | b"A85" | b"LZW" | b"RL" | b"CCF" | b"DCT" => self.has_other_filter = true,
            _ => {}
        }
    }

    fn number(&mut self, number: u64) {
        if let Some(numbers) = &mut self.length {
            // A number, or a reference of two and an `R`.
            if numbers.len() < 2 {
                numbers.push(number);
            }
        }
    }

    /// The value of `/Length` is over; whether it was a reference.
    fn end_length(&mut self, reference: Option<()>) {
        if let Some(numbers) = self.length.take() {
            match (&*numbers, reference) {
                ([length], None) => self.direct_length = Some(*length),
                ([_, _], Some(())) => self.direct_length = None,
                // Still to come, as when this ends the key itself.
                ([], None) => {}
                _ => self.direct_length = Some(u64::MAX),
            }
        }
    }

    fn stream(&mut self) -> Stream {
        Stream {
            length: self.direct_length,
            holds_objects: self.holds_objects,
            is_plain: !self.has_other_filter && self.deflations <= 1,
            is_deflated: self.deflations == 1,
        }
    }
}

/// Section 7.3.5: `#` and two digits stand for a byte.
fn unescaped(name: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (byte, after) {
            (b'#', [high, low, after @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    plain.push((high << 4 | low) as u8);
                    rest = after;
                }
                _ => plain.push(b'#'),
            },
            (byte, _) => plain.push(*byte),
        }
    }
    Ok(plain)
}
