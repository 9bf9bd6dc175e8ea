use super::span::{Member, mark};
use super::{JsonError, Span};

/// How deep objects and arrays may nest. Tokens and keys seen in the wild stay below 8.
const MAX_DEPTH: usize = 32;
/// How many members one object may have. Each new name is compared with all before it, so
/// this keeps the cost of an attacker's text linear in its length.
const MAX_MEMBERS: usize = 256;
/// Positions are kept in 31 bits.
const MAX_TEXT_LEN: usize = (1 << 31) - 1;

/// Reads a text once, from its start to its end.
pub(super) struct Scanner<'t> {
    text: &'t str,
    pub(super) at: usize,
    /// The members of all objects that are open, the outermost first. When an inner object
    /// ends, its members go; those of the outermost stay.
    pub(super) members: Vec<Member>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, JsonError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(JsonError::TooComplex);
        }
        Ok(Self {
            text,
            at: 0,
            members: Vec::with_capacity(12),
        })
    }

    pub(super) fn whole_object(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.peek() != Some(b'{') {
            let is_json = self.value(0).is_ok() && self.is_at_end();
            return Err(if is_json {
                JsonError::NotAnObject
            } else {
                JsonError::Syntax
            });
        }
        self.object(0)?;
        if self.is_at_end() {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    #[inline(always)]
    fn value(&mut self, depth: usize) -> Result<Span, JsonError> {
        let start = self.at;
        let mut is_escaped = false;
        match self.peek() {
            Some(b'"') => is_escaped = self.string()?.is_escaped(),
            Some(b'{') => {
                let outer = self.members.len();
                self.object(depth)?;
                self.members.truncate(outer);
            }
            Some(b'[') => self.array(depth, |_| ())?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return Err(JsonError::Syntax),
        }
        Ok(Span::new(start, self.at).escaped_if(is_escaped))
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        let depth = self.deeper(depth)?;
        let first = self.members.len();
        self.expect(b'{')?;
        self.space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            let member = Member {
                name,
                value: name,
                mark: mark(self.text.as_bytes(), name.range()),
            };
            self.must_be_new(first, member)?;
            self.space();
            self.expect(b':')?;
            self.space();
            // The name is in place while the value is read, so that the objects inside
            // stack their own names above it.
            let index = self.members.len();
            self.members.push(member);
            let value = self.value(depth)?;
            if let Some(member) = self.members.get_mut(index) {
                member.value = value;
            }
            self.space();
            if self.eat(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
            self.space();
        }
    }

    fn must_be_new(&self, first: usize, new: Member) -> Result<(), JsonError> {
        let siblings = self.members.get(first..).unwrap_or_default();
        if siblings.len() >= MAX_MEMBERS {
            return Err(JsonError::TooComplex);
        }
        let is_known = |known: &Member| known.is_named_like(new, self.text);
        if siblings.iter().any(is_known) {
            return Err(JsonError::DuplicateMember);
        }
        Ok(())
    }

    pub(super) fn array(
        &mut self,
        depth: usize,
        mut each: impl FnMut(Span),
    ) -> Result<(), JsonError> {
        let depth = self.deeper(depth)?;
        self.expect(b'[')?;
        self.space();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            each(self.value(depth)?);
            self.space();
            if self.eat(b']') {
                return Ok(());
            }
            self.expect(b',')?;
            self.space();
        }
    }

    /// Reads a string; says where it lies within its quotes.
    // Inlined, for the position stays in a register then: a sixth of the whole.
    #[inline(always)]
    fn string(&mut self) -> Result<Span, JsonError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.at += plain_length(self.rest());
            match self.next() {
                Some(b'"') => {
                    return Ok(Span::new(start, self.at - 1).escaped_if(is_escaped));
                }
                Some(b'\\') => {
                    is_escaped = true;
                    self.escape()?;
                }
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), JsonError> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex4()? {
                0xD800..=0xDBFF => {
                    let has_second = self.eat(b'\\') && self.eat(b'u');
                    if has_second && matches!(self.hex4()?, 0xDC00..=0xDFFF) {
                        Ok(())
                    } else {
                        Err(JsonError::LoneSurrogate)
                    }
                }
                0xDC00..=0xDFFF => Err(JsonError::LoneSurrogate),
                _ => Ok(()),
            },
            _ => Err(JsonError::Syntax),
        }
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or(JsonError::Syntax)?;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        let has_exponent = self.eat(b'e') || self.eat(b'E');
        if has_exponent {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        // A double holds any number of 300 digits without an exponent.
        if !has_exponent && self.at - start <= 300 {
            return Ok(());
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        if raw.parse::<f64>().is_ok_and(f64::is_finite) {
            Ok(())
        } else {
            Err(JsonError::NumberOutOfRange)
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), JsonError> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth < MAX_DEPTH {
            Ok(depth + 1)
        } else {
            Err(JsonError::TooComplex)
        }
    }

    #[inline]
    fn space(&mut self) {
        // Most JSON has none.
        if self.peek() > Some(b' ') {
            return;
        }
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, byte: u8) -> bool {
        // A branch, which is nearly always foreseen: adding a bool would make each byte wait
        // for the one before.
        if self.peek() == Some(byte) {
            self.at += 1;
            true
        } else {
            false
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }
}

/// How many bytes of a string come before its end, an escape, or a control character, which
/// may not stand in a string as it is.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let in_rest = rest.iter().position(is_special);
    words.len() * 8 + in_rest.unwrap_or(rest.len())
}

/// Marks the highest bit of the first byte, counted from the lowest, that is a quote, a
/// backslash or a control character. (Bytes above it may be marked without being one.)
const fn special_bytes(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);
    /// Marks bytes below a limit of at most 0x80.
    const fn below(word: u64, limit: u8) -> u64 {
        word.wrapping_sub(EACH * limit as u64) & !word
    }
    let quotes = below(word ^ (EACH * b'"' as u64), 1);
    let backslashes = below(word ^ (EACH * b'\\' as u64), 1);
    (quotes | backslashes | below(word, 0x20)) & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_part_of_a_string_ends_where_it_should() {
        for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
            for before in 0..20 {
                for plain in [
                    b'a', 0x20, 0x7f, 0x80, 0xa2, 0xdc, 0xff, b'!', b'#', b'[', b']',
                ] {
                    let mut bytes = vec![plain; before];
                    assert_eq!(plain_length(&bytes), before, "{plain}");
                    bytes.push(special);
                    bytes.extend([plain; 9]);
                    assert_eq!(plain_length(&bytes), before, "{plain} {special}");
                }
            }
        }
    }
}
