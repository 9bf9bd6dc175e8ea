//! Strict JSON, for text that may come from an attacker and that a signature stands behind.
//!
//! Where two readers of one signed text disagree, an attacker finds a gap. So this reader
//! takes RFC 8259 by the letter, and less: no member twice in one object, however deep and
//! however spelled (RFC 7515 section 4 leaves that to the reader), no lone surrogates, no
//! number beyond what a double can hold (RFC 7493), and bounded depth and width.
//!
//! It checks the whole text once and remembers where the members of the outermost object
//! lie. Values are read from there when somebody asks.

use std::borrow::Cow;
use thiserror::Error;

/// How deep objects and arrays may nest. Tokens and keys seen in the wild stay below 8.
const DEEPEST: usize = 32;
/// How many members one object may have. Each new name is compared with all before it, so
/// this keeps the cost of an attacker's text linear in its length.
const MOST_MEMBERS: usize = 256;
/// Positions are kept in 31 bits.
const LONGEST_TEXT: usize = (1 << 31) - 1;

/// Why a text is not strict JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It does not follow the grammar of RFC 8259, or something follows the value.
    #[error("the text is not JSON (RFC 8259)")]
    Syntax,
    /// It is not an object.
    #[error("the text is JSON, but not an object")]
    NotAnObject,
    /// An object has two members of one name.
    #[error("an object has two members of the same name")]
    DuplicateMember,
    /// A string has half of a surrogate pair.
    #[error("a string has a lone surrogate")]
    LoneSurrogate,
    /// A number is beyond what a double can hold.
    #[error("a number is out of range")]
    NumberOutOfRange,
    /// The text nests deeper, or has more members, than is ever needed.
    #[error("the text is nested too deeply or has too many members")]
    TooComplex,
}

impl JsonError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "json_syntax",
            Self::NotAnObject => "json_not_an_object",
            Self::DuplicateMember => "json_duplicate_member",
            Self::LoneSurrogate => "json_lone_surrogate",
            Self::NumberOutOfRange => "json_number_out_of_range",
            Self::TooComplex => "json_too_complex",
        }
    }
}

/// A range of bytes in the text, and whether it is a string with escapes.
///
/// All in one word, which the processor hands on faster than several: the start in the lower
/// half, the end in the upper, and the escapes in the highest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(u64);

impl Span {
    const ESCAPED: u64 = 1 << 63;

    const fn new(start: usize, end: usize) -> Self {
        Self(start as u64 | (end as u64) << 32)
    }

    const fn escaped_if(self, is_escaped: bool) -> Self {
        Self(self.0 | if is_escaped { Self::ESCAPED } else { 0 })
    }

    const fn is_escaped(self) -> bool {
        self.0 & Self::ESCAPED != 0
    }

    const fn start(self) -> usize {
        (self.0 & u32::MAX as u64) as usize
    }

    const fn end(self) -> usize {
        ((self.0 & !Self::ESCAPED) >> 32) as usize
    }

    const fn range(self) -> std::ops::Range<usize> {
        self.start()..self.end()
    }

    /// The text of the range. Spans come from the text they are used with; with another text
    /// the answer is empty.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }

    fn bytes_of(self, text: &str) -> &[u8] {
        text.as_bytes().get(self.range()).unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
struct Member {
    /// Without the quotes.
    name: Span,
    /// With quotes, where it is a string.
    value: Span,
    /// How the name begins: see [`mark`].
    mark: u64,
}

impl Member {
    fn name(self, text: &str) -> Cow<'_, str> {
        let raw = self.name.of(text);
        if self.name.is_escaped() {
            unescape(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }

    fn is_named_like(self, other: Self, text: &str) -> bool {
        if self.name.is_escaped() || other.name.is_escaped() {
            self.name(text) == other.name(text)
        } else {
            self.mark == other.mark && self.name.bytes_of(text) == other.name.bytes_of(text)
        }
    }
}

/// The first 8 bytes of a name as it is written, zeros after its end. Where these differ, and
/// nothing is escaped, so do the names.
fn mark(text: &[u8], name: std::ops::Range<usize>) -> u64 {
    let unused = 8_usize.saturating_sub(name.len());
    let rest = text.get(name.start..).unwrap_or_default();
    if let Some(word) = rest.first_chunk() {
        let shift = u32::try_from(unused * 8).unwrap_or(u64::BITS);
        return u64::from_le_bytes(*word) & u64::MAX.checked_shr(shift).unwrap_or(0);
    }
    let bytes = rest.iter().take(8 - unused).rev();
    bytes.fold(0, |mark, &byte| (mark << 8) | u64::from(byte))
}

/// A checked object: its text, and where its members lie.
#[derive(Clone, Debug)]
pub(crate) struct Object<T> {
    text: T,
    members: Vec<Member>,
}

impl<T: AsRef<str>> Object<T> {
    /// Checks a text.
    pub(crate) fn parse(text: T) -> Result<Self, JsonError> {
        let members = {
            let mut scanner = Scanner::new(text.as_ref())?;
            scanner.whole_object()?;
            scanner.members
        };
        Ok(Self { text, members })
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        self.text.as_ref()
    }

    /// The members of the outermost object, in their order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        let text = self.text();
        self.members
            .iter()
            .map(move |member| (member.name(text), Value::of(member.value, text)))
    }

    /// A member's value.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        let text = self.text();
        let mark = mark(name.as_bytes(), 0..name.len());
        let is_named = |member: &&Member| {
            (member.mark == mark || member.name.is_escaped()) && member.name(text) == name
        };
        let member = self.members.iter().find(is_named)?;
        Some(Value::of(member.value, text))
    }
}

/// A checked value: where in which text it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'t> {
    text: &'t str,
    span: Span,
}

impl<'t> Value<'t> {
    const fn of(span: Span, text: &'t str) -> Self {
        Self { text, span }
    }

    /// The JSON text of the value.
    pub(crate) fn raw(self) -> &'t str {
        self.span.of(self.text)
    }

    fn first_byte(self) -> Option<u8> {
        self.text.as_bytes().get(self.span.start()).copied()
    }

    /// The content, if this is a string.
    pub(crate) fn as_str(self) -> Option<Cow<'t, str>> {
        let inside = self.inside_quotes()?;
        Some(if self.span.is_escaped() {
            unescape(inside)
        } else {
            Cow::Borrowed(inside)
        })
    }

    /// Where the content of the string lies, if this is a string without escapes.
    pub(crate) fn plain_string_span(self) -> Option<Span> {
        let is_plain = self.first_byte() == Some(b'"') && !self.span.is_escaped();
        is_plain.then_some(Span::new(self.span.start() + 1, self.span.end() - 1))
    }

    fn inside_quotes(self) -> Option<&'t str> {
        self.raw().strip_prefix('"')?.strip_suffix('"')
    }

    /// The number's text, if this is a number.
    pub(crate) fn as_number(self) -> Option<&'t str> {
        matches!(self.first_byte()?, b'-' | b'0'..=b'9').then(|| self.raw())
    }

    /// The object, if this is one.
    pub(crate) fn as_object(self) -> Option<Object<&'t str>> {
        Object::parse(self.raw()).ok()
    }

    /// The elements, if this is an array.
    pub(crate) fn as_array(self) -> Option<Vec<Self>> {
        if self.first_byte() != Some(b'[') {
            return None;
        }
        let mut scanner = Scanner::new(self.text).ok()?;
        scanner.at = self.span.start();
        let mut elements = Vec::new();
        let keep = |element| elements.push(Value::of(element, self.text));
        scanner.array(0, keep).ok()?;
        Some(elements)
    }

    /// The strings, if this is an array of nothing else.
    pub(crate) fn as_strings(self) -> Option<Vec<Cow<'t, str>>> {
        self.as_array()?.into_iter().map(Self::as_str).collect()
    }
}

/// Reads the escapes of a checked string.
fn unescape(inside: &str) -> Cow<'_, str> {
    serde_json::from_str(&format!("\"{inside}\"")).map_or(Cow::Borrowed(inside), Cow::Owned)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The members of all objects that are open, the outermost first. When an inner object
    /// ends, its members go; those of the outermost stay.
    members: Vec<Member>,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Result<Self, JsonError> {
        if text.len() > LONGEST_TEXT {
            return Err(JsonError::TooComplex);
        }
        Ok(Self {
            text,
            at: 0,
            members: Vec::with_capacity(12),
        })
    }

    fn whole_object(&mut self) -> Result<(), JsonError> {
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
        if siblings.len() >= MOST_MEMBERS {
            return Err(JsonError::TooComplex);
        }
        let is_known = |known: &Member| known.is_named_like(new, self.text);
        if siblings.iter().any(is_known) {
            return Err(JsonError::DuplicateMember);
        }
        Ok(())
    }

    fn array(&mut self, depth: usize, mut each: impl FnMut(Span)) -> Result<(), JsonError> {
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
        if depth < DEEPEST {
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
    use proptest::prelude::*;

    fn error(text: &str) -> Option<JsonError> {
        Object::parse(text).err()
    }

    #[test]
    fn what_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(32), "]".repeat(32));
        let wide: Vec<_> = (0..257).map(|i| format!("\"{i}\":0")).collect();
        let wide = format!("{{{}}}", wide.join(","));
        let cases = [
            ("empty", "", JsonError::Syntax),
            ("array", "[1]", JsonError::NotAnObject),
            ("string", "\"a\"", JsonError::NotAnObject),
            ("byte order mark", "\u{feff}{}", JsonError::Syntax),
            ("something after", "{}{}", JsonError::Syntax),
            ("zero after", "{}\0", JsonError::Syntax),
            ("trailing comma", r#"{"a":1,}"#, JsonError::Syntax),
            ("leading comma", r#"{,"a":1}"#, JsonError::Syntax),
            ("no colon", r#"{"a" 1}"#, JsonError::Syntax),
            ("bare name", "{a:1}", JsonError::Syntax),
            ("single quotes", "{'a':1}", JsonError::Syntax),
            ("comment", "{/**/}", JsonError::Syntax),
            ("NaN", r#"{"a":NaN}"#, JsonError::Syntax),
            ("leading zero", r#"{"a":01}"#, JsonError::Syntax),
            ("leading plus", r#"{"a":+1}"#, JsonError::Syntax),
            ("bare point", r#"{"a":1.}"#, JsonError::Syntax),
            ("bare exponent", r#"{"a":1e}"#, JsonError::Syntax),
            ("hexadecimal", r#"{"a":0x1}"#, JsonError::Syntax),
            ("minus alone", r#"{"a":-}"#, JsonError::Syntax),
            ("word", r#"{"a":True}"#, JsonError::Syntax),
            ("open string", r#"{"a"#, JsonError::Syntax),
            ("line feed in a string", "{\"a\":\"\n\"}", JsonError::Syntax),
            ("zero in a string", "{\"a\":\"\0\"}", JsonError::Syntax),
            ("unknown escape", r#"{"a":"\x41"}"#, JsonError::Syntax),
            ("form feed between", "{\u{c}}", JsonError::Syntax),
            ("twice", r#"{"a":1,"a":1}"#, JsonError::DuplicateMember),
            (
                "twice, escaped",
                r#"{"a":1,"\u0061":1}"#,
                JsonError::DuplicateMember,
            ),
            (
                "twice, nested",
                r#"{"a":[{"b":1,"b":2}]}"#,
                JsonError::DuplicateMember,
            ),
            (
                "twice, around",
                r#"{"a":{"b":1},"a":2}"#,
                JsonError::DuplicateMember,
            ),
            ("lone high", r#"{"a":"\ud800"}"#, JsonError::LoneSurrogate),
            ("lone low", r#"{"a":"\udc00"}"#, JsonError::LoneSurrogate),
            (
                "high and high",
                r#"{"a":"\ud800\ud800"}"#,
                JsonError::LoneSurrogate,
            ),
            (
                "lone in a name",
                r#"{"\udfff":1}"#,
                JsonError::LoneSurrogate,
            ),
            ("too large", r#"{"a":1e400}"#, JsonError::NumberOutOfRange),
            ("too deep", &deep, JsonError::TooComplex),
            ("too wide", &wide, JsonError::TooComplex),
        ];
        for (name, text, expected) in cases {
            assert_eq!(error(text), Some(expected), "{name}");
        }
    }

    #[test]
    fn values_are_found_and_unescaped() {
        let text =
            r#" { "a" : "x\u0041\ud83d\ude00" , "b":[1,"two",{"c":null}], "\u0064":-1.5e2 } "#;
        let object = Object::parse(text).unwrap();
        assert_eq!(object.get("a").unwrap().as_str().unwrap(), "xA😀");
        assert!(object.get("a").unwrap().plain_string_span().is_none());
        assert_eq!(object.get("d").unwrap().as_number(), Some("-1.5e2"));
        let elements = object.get("b").unwrap().as_array().unwrap();
        let span = elements[1].plain_string_span().unwrap();
        assert_eq!(span.of(text), "two");
        assert!(elements[2].as_object().unwrap().get("c").is_some());
        assert!(object.get("c").is_none());
        let names: Vec<_> = object.members().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "d"]);
    }

    #[test]
    fn names_of_different_objects_may_be_the_same() {
        assert_eq!(
            error(r#"{"a":{"a":1,"b":{"a":2}},"b":[{"a":1},{"a":1}]}"#),
            None
        );
    }

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

    proptest! {
        /// What we take, serde_json takes, and reads the same.
        #[test]
        fn agrees_with_serde_json(text in r#"[ -~\t\n\u{e9}]{0,12}|\{("[ab\\]{0,3}" ?: ?([0-9.eE-]{1,4}|"[a\\u"0-9d]{0,8}"|\[1,2\]|\{"a":1\}|null),?){0,3}\}"#) {
            if let Ok(object) = Object::parse(text.as_str()) {
                let theirs: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(&text).unwrap();
                prop_assert_eq!(object.members().count(), theirs.len());
                for (name, value) in object.members() {
                    let ours: serde_json::Value = serde_json::from_str(value.raw()).unwrap();
                    prop_assert_eq!(&ours, &theirs[name.as_ref()]);
                }
            }
        }
    }
}
