//! The words of a PDF (ISO 32000-2 section 7.2).

use super::dictionary::{Dictionary, PackedObjects, Stream};
use super::head::Heads;
use super::link::Link;
use super::name::{deed, unescaped};
use super::packed::Places;
use crate::input::upload::Refusal;
use crate::input::upload::format::code::has_code;
use crate::input::upload::refusal::{active, malformed, opaque, polyglot};

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
    /// Where objects begin, in a stream of objects.
    places: Option<Places>,
    /// What looks like an object in the string at hand.
    heads: Heads,
    link: Link,
    /// The name before this one, in the same object.
    last_name: Vec<u8>,
    dictionary: Dictionary,
    /// Whether the dictionary of a trailer comes next.
    awaits_trailer: bool,
    /// Whether there was a table of objects, and nothing since the mark of the end.
    has_table: bool,
    is_at_end: bool,
}

impl Lexer {
    /// For a file, from behind its header.
    pub(super) fn file() -> Self {
        Self {
            // The line of the header is a comment, of which a digit was read.
            state: State::Comment,
            word: Vec::new(),
            comment: b"0".to_vec(),
            depth: 0,
            in_object: false,
            is_file: true,
            places: None,
            heads: Heads::default(),
            link: Link::None,
            last_name: Vec::new(),
            dictionary: Dictionary::default(),
            awaits_trailer: false,
            has_table: false,
            is_at_end: false,
        }
    }

    /// For the content of an object stream.
    pub(super) fn objects(objects: PackedObjects) -> Result<Self, Refusal> {
        Ok(Self {
            state: State::Plain,
            comment: Vec::new(),
            in_object: true,
            is_file: false,
            places: Some(Places::new(objects)?),
            ..Self::file()
        })
    }

    /// Reads bytes up to the content of a stream. Says how many they were.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Stream>), Refusal> {
        for (at, byte) in bytes.iter().enumerate() {
            let byte = *byte;
            let is_letter = self.state == State::Plain && !is_blank(byte) && !is_delimiter(byte);
            if self.state == State::Plain
                && !is_letter
                && !self.word.is_empty()
                && let Some(stream) = self.end_word(byte)?
            {
                // The line break behind the word is not read yet.
                return Ok((at, Some(stream)));
            }
            if let Some(places) = &mut self.places {
                places.pass(self.state == State::Plain && self.word.is_empty())?;
            }
            match is_letter {
                true => self.letter(byte)?,
                false => self.special(byte)?,
            }
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

    /// There is no more. Says whether it ended as it should.
    pub(super) fn finish(&mut self) -> Result<bool, Refusal> {
        if self.state == State::Comment {
            self.end_comment()?;
        }
        if self.state != State::Plain {
            return Ok(false);
        }
        if !self.word.is_empty() {
            self.end_word(b'\n')?;
        }
        Ok(!self.is_file || (self.is_at_end && self.has_table))
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
            State::Text(1, false) if byte == b')' => {
                self.state = State::Plain;
                self.link.close()?;
            }
            State::Text(depth, is_escaped) => {
                let (depth, is_escaped) = match (byte, is_escaped) {
                    (_, true) => (depth, false),
                    (b'\\', _) => (depth, true),
                    (b'(', _) => (depth.saturating_add(1), false),
                    (b')', _) => (depth - 1, false),
                    _ => (depth, false),
                };
                self.state = State::Text(depth, is_escaped);
                self.text(byte)?;
            }
            State::Hex => match byte {
                b'>' => {
                    self.state = State::Plain;
                    self.link.close()?;
                }
                byte if byte.is_ascii_hexdigit() || is_blank(byte) => self.link.push(byte)?,
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
                self.link.open(true);
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
        if self.places.as_ref().is_some_and(Places::awaits_number) {
            return Err(malformed("packed objects without a table"));
        }
        match byte {
            b'/' => self.word.push(byte),
            b'(' => {
                self.state = State::Text(1, false);
                self.heads = Heads::default();
                self.link.open(false);
            }
            b'<' => self.state = State::Less,
            b'>' => self.state = State::Greater,
            b'[' => self.open()?,
            b']' => self.close()?,
            _ => return Err(malformed("a bracket in a wrong place")),
        }
        Ok(())
    }

    /// A byte of a string in parentheses.
    fn text(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.heads.push(byte) {
            return Err(polyglot("an object within a string"));
        }
        self.link.push(byte)
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.link = Link::None;
        self.depth += 1;
        self.awaits_trailer = false;
        match self.depth > MAX_DEPTH {
            true => Err(malformed("brackets nested too deep")),
            false => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        self.dictionary.end_value(false);
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
        if Heads::default().any(&comment) {
            return Err(polyglot("an object within a comment"));
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
            self.name(unescaped(name))?;
            return Ok(None);
        }
        if let Some(places) = self.places.as_mut().filter(|it| it.awaits_number()) {
            places.number(number(&word))?;
            return Ok(None);
        }
        match &*word {
            b"obj" if self.is_file && !self.in_object && self.depth == 0 => {
                self.in_object = true;
                self.dictionary = Dictionary::default();
                self.last_name.clear();
            }
            b"endobj" if self.is_file && self.in_object && self.depth == 0 => {
                self.in_object = false;
            }
            b"stream" if self.is_file && self.in_object && self.depth == 0 => {
                if !matches!(next, b'\r' | b'\n') {
                    return Err(malformed("a stream without a line break before it"));
                }
                return self.dictionary.stream().map(Some);
            }
            b"obj" | b"endobj" | b"stream" => {
                return Err(malformed("an object in a wrong place"));
            }
            b"R" => self.dictionary.reference(self.depth),
            digits if digits.iter().all(u8::is_ascii_digit) => {
                self.link.number()?;
                self.dictionary.number(number(digits).unwrap_or(u64::MAX));
            }
            _ if self.in_object || self.depth > 0 => self.dictionary.end_value(false),
            b"trailer" => self.awaits_trailer = true,
            b"startxref" => self.has_table = true,
            b"xref" | b"n" | b"f" => {}
            _ => return Err(polyglot("something between the objects")),
        }
        Ok(None)
    }

    fn name(&mut self, name: Vec<u8>) -> Result<(), Refusal> {
        if let Some(deed) = deed(&name, &self.last_name) {
            return Err(active(format!("PDF with active content: {deed}")));
        }
        if name == b"Encrypt" {
            return Err(opaque("an encrypted document cannot be looked into"));
        }
        self.link.name(&name);
        self.dictionary.name(&name, self.depth);
        self.last_name = name;
        Ok(())
    }
}

/// A number without a sign, if it is one that fits.
fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
