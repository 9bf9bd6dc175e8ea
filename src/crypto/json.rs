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
/// Where positions are kept in 32 bits.
const LONGEST_TEXT: usize = u32::MAX as usize;

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

/// A range of bytes in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "texts longer than 32 bits can count are refused before the first span"
    )]
    const fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The bytes of the range. Spans come from the text they are used with; with another
    /// text the answer is empty.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
struct Member {
    /// Without the quotes.
    name: Span,
    name_is_escaped: bool,
    value: Span,
}

impl Member {
    fn name(self, text: &str) -> Cow<'_, str> {
        let raw = self.name.of(text);
        if self.name_is_escaped {
            unescape(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }
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
            .map(move |member| (member.name(text), Value::at(member.value, text)))
    }

    /// A member's value.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        let text = self.text();
        let member = self.members.iter().find(|it| it.name(text) == name)?;
        Some(Value::at(member.value, text))
    }
}

/// A checked value: its text, and where that lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'t> {
    raw: &'t str,
    span: Span,
}

impl<'t> Value<'t> {
    fn at(span: Span, text: &'t str) -> Self {
        Self {
            raw: span.of(text),
            span,
        }
    }

    /// The JSON text of the value.
    pub(crate) const fn raw(self) -> &'t str {
        self.raw
    }

    /// The content, if this is a string.
    pub(crate) fn as_str(self) -> Option<Cow<'t, str>> {
        self.inside_quotes().map(|inside| {
            if inside.contains('\\') {
                unescape(inside)
            } else {
                Cow::Borrowed(inside)
            }
        })
    }

    /// Where the content of the string lies, if this is a string without escapes.
    pub(crate) fn plain_string_span(self) -> Option<Span> {
        let inside = self.inside_quotes()?;
        (!inside.contains('\\')).then_some(Span {
            start: self.span.start + 1,
            end: self.span.end - 1,
        })
    }

    fn inside_quotes(self) -> Option<&'t str> {
        self.raw.strip_prefix('"')?.strip_suffix('"')
    }

    /// The number's text, if this is a number.
    pub(crate) fn as_number(self) -> Option<&'t str> {
        self.raw
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
            .then_some(self.raw)
    }

    /// The object, if this is one.
    pub(crate) fn as_object(self) -> Option<Object<&'t str>> {
        Object::parse(self.raw).ok()
    }

    /// The elements, if this is an array.
    pub(crate) fn as_array(self) -> Option<Vec<Self>> {
        if !self.raw.starts_with('[') {
            return None;
        }
        let mut scanner = Scanner::new(self.raw).ok()?;
        let mut elements = Vec::new();
        scanner
            .array(0, |element| {
                elements.push(Value {
                    raw: element.of(self.raw),
                    span: Span {
                        start: self.span.start + element.start,
                        end: self.span.start + element.end,
                    },
                });
            })
            .ok()?;
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

    fn value(&mut self, depth: usize) -> Result<Span, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
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
        Ok(Span::new(start, self.at))
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
            let (name, name_is_escaped) = self.string()?;
            let mut member = Member {
                name,
                name_is_escaped,
                value: name,
            };
            self.must_be_new(first, member)?;
            self.space();
            self.expect(b':')?;
            self.space();
            // The name is in place while the value is read, so that the objects inside
            // stack their own names above it.
            let index = self.members.len();
            self.members.push(member);
            member.value = self.value(depth)?;
            if let Some(slot) = self.members.get_mut(index) {
                *slot = member;
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
        let raw = new.name.of(self.text);
        let is_known = |known: &Member| {
            if known.name_is_escaped || new.name_is_escaped {
                known.name(self.text) == new.name(self.text)
            } else {
                known.name.of(self.text) == raw
            }
        };
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

    /// Reads a string; says where it lies within its quotes, and whether it has escapes.
    fn string(&mut self) -> Result<(Span, bool), JsonError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.at += plain_length(self.rest());
            match self.next() {
                Some(b'"') => return Ok((Span::new(start, self.at - 1), is_escaped)),
                Some(b'\\') => {
                    is_escaped = true;
                    self.escape()?;
                }
                _ => return Err(JsonError::Syntax),
            }
        }
    }

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
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        // Fewer digits than this cannot leave the range of a double without an exponent, and
        // with one only through it; short integers need no look.
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let is_small = raw.len() <= 300 && !raw.contains(['e', 'E']);
        if is_small || raw.parse::<f64>().is_ok_and(f64::is_finite) {
            Ok(())
        } else {
            Err(JsonError::NumberOutOfRange)
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        if count > 0 {
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

    fn space(&mut self) {
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
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
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
    bytes
        .iter()
        .position(|&byte| matches!(byte, b'"' | b'\\' | 0..0x20))
        .unwrap_or(bytes.len())
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
