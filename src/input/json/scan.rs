//! One pass over JSON.

use super::limits::{Found, MAX_NAME, MAX_NUMBER};
use super::pointer::{Pattern, Step, pointer};
use super::{JsonError, JsonLimits};
use std::collections::HashSet;
use std::ops::Range;

pub(super) struct Scan<'a> {
    json: &'a [u8],
    at: usize,
    limits: &'a JsonLimits,
    patterns: &'a [Pattern],
    /// The objects and arrays that are open, the innermost last.
    open: Vec<Open>,
    /// The way to the value that is read, one step for each of the open ones.
    steps: Vec<Step>,
    values: usize,
    found: Vec<Found>,
}

enum Open {
    /// With the names it has so far.
    Object(HashSet<String>),
    Array,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// A value, or the end of an array that has none yet.
    ValueOrEnd,
    /// A name, or the end of an object that has none yet.
    NameOrEnd,
    Name,
    /// A comma, or the end of what is open; nothing at all where nothing is.
    Separator,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(
        json: &'a [u8],
        limits: &'a JsonLimits,
        patterns: &'a [Pattern],
    ) -> Self {
        Self {
            json,
            at: 0,
            limits,
            patterns,
            open: Vec::new(),
            steps: Vec::new(),
            values: 0,
            found: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Result<Vec<Found>, JsonError> {
        if self.json.len() > self.limits.bytes {
            return Err(JsonError::TooLarge(self.limits.bytes));
        }
        let mut next = Next::Value;
        loop {
            self.skip_space();
            let Some(byte) = self.json.get(self.at).copied() else {
                let is_whole = next == Next::Separator && self.open.is_empty();
                return if is_whole {
                    Ok(self.found)
                } else {
                    Err(self.malformed())
                };
            };
            next = self.step(next, byte)?;
        }
    }

    fn step(&mut self, next: Next, byte: u8) -> Result<Next, JsonError> {
        match (next, byte, self.open.last()) {
            (Next::ValueOrEnd, b']', _) | (Next::Separator, b']', Some(Open::Array)) => {
                Ok(self.close())
            }
            (Next::NameOrEnd, b'}', _) | (Next::Separator, b'}', Some(Open::Object(_))) => {
                Ok(self.close())
            }
            (Next::Value | Next::ValueOrEnd, _, _) => self.value(byte),
            (Next::Name | Next::NameOrEnd, b'"', _) => self.name(),
            (Next::Separator, b',', Some(Open::Object(_))) => {
                self.at += 1;
                Ok(Next::Name)
            }
            (Next::Separator, b',', Some(Open::Array)) => {
                self.at += 1;
                if let Some(Step::Index(index)) = self.steps.last_mut() {
                    *index += 1;
                }
                Ok(Next::Value)
            }
            _ => Err(self.malformed()),
        }
    }

    fn value(&mut self, byte: u8) -> Result<Next, JsonError> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(JsonError::TooMany(self.limits.values));
        }
        match byte {
            b'{' => return self.descend(Open::Object(HashSet::new()), Next::NameOrEnd),
            b'[' => return self.descend(Open::Array, Next::ValueOrEnd),
            b'"' => {
                let span = self.string()?;
                self.note(span);
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Ok(Next::Separator)
    }

    fn descend(&mut self, open: Open, next: Next) -> Result<Next, JsonError> {
        if self.open.len() == self.limits.depth {
            return Err(JsonError::TooDeep(self.limits.depth));
        }
        self.at += 1;
        self.steps.push(match open {
            Open::Object(_) => Step::Name(String::new()),
            Open::Array => Step::Index(0),
        });
        self.open.push(open);
        Ok(next)
    }

    fn close(&mut self) -> Next {
        self.at += 1;
        self.open.pop();
        self.steps.pop();
        Next::Separator
    }

    /// Reads a name and the colon after it.
    fn name(&mut self) -> Result<Next, JsonError> {
        let span = self.string()?;
        if span.len() > MAX_NAME + 2 {
            return Err(JsonError::LongName(MAX_NAME));
        }
        let text = self.json.get(span.clone()).unwrap_or_default();
        let name: String =
            serde_json::from_slice(text).map_err(|_| JsonError::Malformed(span.start))?;
        self.skip_space();
        if self.json.get(self.at) != Some(&b':') {
            return Err(self.malformed());
        }
        self.at += 1;
        if let Some(last) = self.steps.last_mut() {
            *last = Step::Name(name.clone());
        }
        if let Some(Open::Object(names)) = self.open.last_mut()
            && !names.insert(name)
        {
            return Err(JsonError::Duplicate(pointer(&self.steps)));
        }
        self.check_known()?;
        Ok(Next::Value)
    }

    fn check_known(&self) -> Result<(), JsonError> {
        let Some(known) = &self.limits.known else {
            return Ok(());
        };
        let is_within = |pattern: &Pattern| {
            (0..=self.steps.len()).any(|length| {
                let way = self.steps.get(..length).unwrap_or_default();
                pattern.matches(way)
            })
        };
        let is_known = |pattern: &Pattern| pattern.covers(&self.steps) || is_within(pattern);
        if known.iter().any(is_known) {
            return Ok(());
        }
        Err(JsonError::Unknown(pointer(&self.steps)))
    }

    fn note(&mut self, span: Range<usize>) {
        let leads_here = |pattern: &Pattern| pattern.matches(&self.steps);
        if let Some(pattern) = self.patterns.iter().position(leads_here) {
            let pointer = pointer(&self.steps);
            self.found.push(Found {
                pattern,
                span,
                pointer,
            });
        }
    }

    /// Goes to the end of a string, and checks it but for its surrogates.
    fn string(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.json.get(self.at..).unwrap_or_default() {
                [b'"', ..] => break,
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => self.at += 2,
                [b'\\', b'u', a, b, c, d, ..]
                    if [a, b, c, d].iter().all(|it| it.is_ascii_hexdigit()) =>
                {
                    self.at += 6;
                }
                [0..=0x1F | b'\\', ..] | [] => return Err(self.malformed()),
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let span = start..self.at;
        let text = self.json.get(span.clone()).unwrap_or_default();
        // Half of a pair is no character; whoever reads it makes of it what they will.
        if std::str::from_utf8(text).is_err() || has_half_pair(text) {
            return Err(JsonError::Malformed(start));
        }
        Ok(span)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(())
    }

    /// Section 6 of the RFC.
    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.skip_one(b"-");
        match self.json.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits()?,
            _ => return Err(self.malformed()),
        }
        if self.skip_one(b".") {
            self.skip_digits()?;
        }
        if self.skip_one(b"eE") {
            self.skip_one(b"+-");
            self.skip_digits()?;
        }
        if self.at - start > MAX_NUMBER {
            return Err(JsonError::LongNumber(MAX_NUMBER));
        }
        Ok(())
    }

    fn skip_one(&mut self, of: &[u8]) -> bool {
        let is_there = self.json.get(self.at).is_some_and(|byte| of.contains(byte));
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_digits(&mut self) -> Result<(), JsonError> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(self.malformed());
        }
        self.at += digits;
        Ok(())
    }

    fn skip_space(&mut self) {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(is_space).count();
    }

    const fn malformed(&self) -> JsonError {
        JsonError::Malformed(self.at)
    }
}

/// Whether a string whose escapes are well formed has a surrogate without its other half.
fn has_half_pair(mut text: &[u8]) -> bool {
    let unit = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    while let Some(at) = text.iter().position(|byte| *byte == b'\\') {
        let rest = text.get(at + 1..).unwrap_or_default();
        let [b'u', digits @ ..] = rest else {
            text = rest.get(1..).unwrap_or_default();
            continue;
        };
        let after = digits.get(4..).unwrap_or_default();
        text = match digits.get(..4).and_then(unit) {
            Some(0xD800..=0xDBFF) => match after {
                [b'\\', b'u', low @ ..]
                    if matches!(low.get(..4).and_then(unit), Some(0xDC00..=0xDFFF)) =>
                {
                    low.get(4..).unwrap_or_default()
                }
                _ => return true,
            },
            Some(0xDC00..=0xDFFF) | None => return true,
            Some(_) => after,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(json: &str) -> Result<(), JsonError> {
        JsonLimits::new().check(json.as_bytes())
    }

    #[test]
    fn json() {
        use JsonError::*;
        for (json, expected) in [
            ("{}", Ok(())),
            ("[]", Ok(())),
            (
                " [ 1 , -0.5e+3 , true , false , null , \"a\\u00e9\\n\" ] ",
                Ok(()),
            ),
            ("\"\\ud83d\\ude00\"", Ok(())),
            ("0", Ok(())),
            ("{\"a\": {\"a\": 1}, \"b\": {\"a\": 1}}", Ok(())),
            ("", Err(Malformed(0))),
            ("{", Err(Malformed(1))),
            ("[1,]", Err(Malformed(3))),
            ("{\"a\":1,}", Err(Malformed(7))),
            ("{\"a\" 1}", Err(Malformed(5))),
            ("{a:1}", Err(Malformed(1))),
            ("{'a':1}", Err(Malformed(1))),
            ("[1 2]", Err(Malformed(3))),
            ("[1}", Err(Malformed(2))),
            ("01", Err(Malformed(1))),
            ("-", Err(Malformed(1))),
            ("1.", Err(Malformed(2))),
            (".5", Err(Malformed(0))),
            ("+1", Err(Malformed(0))),
            ("1e", Err(Malformed(2))),
            ("NaN", Err(Malformed(0))),
            ("tru", Err(Malformed(0))),
            ("1 // x", Err(Malformed(2))),
            ("\"a\nb\"", Err(Malformed(2))),
            ("\"\\x\"", Err(Malformed(1))),
            ("\"\\ud800\"", Err(Malformed(0))),
            ("\"\\udc00\\ud800\"", Err(Malformed(0))),
            ("\u{FEFF}1", Err(Malformed(0))),
            ("{\"a\":1,\"a\":2}", Err(Duplicate("/a".to_owned()))),
            ("{\"a\":1,\"\\u0061\":2}", Err(Duplicate("/a".to_owned()))),
            (
                "[{\"b\":[{\"a/c\":1,\"a/c\":2}]}]",
                Err(Duplicate("/0/b/0/a~1c".to_owned())),
            ),
        ] {
            assert_eq!(check(json), expected, "{json}");
        }
        assert_eq!(JsonLimits::new().check(b"\"\xFF\""), Err(Malformed(0)));
    }

    #[test]
    fn bounds() {
        use JsonError::*;
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nested(32)), Ok(()));
        assert_eq!(check(&nested(33)), Err(TooDeep(32)));
        assert_eq!(check(&"[".repeat(1_000_000)), Err(TooDeep(32)));
        let many = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        assert_eq!(check(&many(9_999)), Ok(()));
        assert_eq!(check(&many(10_000)), Err(TooMany(10_000)));
        assert_eq!(check(&format!("{{\"{}\":1}}", "a".repeat(256))), Ok(()));
        assert_eq!(
            check(&format!("{{\"{}\":1}}", "a".repeat(257))),
            Err(LongName(256))
        );
        assert_eq!(check(&"1".repeat(64)), Ok(()));
        assert_eq!(check(&"1".repeat(65)), Err(LongNumber(64)));
        let limits = JsonLimits::new().max_bytes(4);
        assert_eq!(limits.check(b"1234"), Ok(()));
        assert_eq!(limits.check(b"12345"), Err(TooLarge(4)));
        assert_eq!(JsonLimits::new().max_depth(1000).depth, 128);
    }

    #[test]
    fn fields_that_are_not_known() {
        let limits = JsonLimits::new().only_fields(["/title", "/author/name", "/tags/*", "/meta"]);
        for (json, unknown) in [
            (
                r#"{"title": 1, "author": {"name": 2}, "tags": [3], "meta": {"any": {"thing": 4}}}"#,
                None,
            ),
            (r#"{}"#, None),
            (r#"{"admin": 1}"#, Some("/admin")),
            (r#"{"author": {"role": 1}}"#, Some("/author/role")),
            (r#"{"title": {"x": 1}}"#, None),
            (r#"{"tags": {"x": 1}}"#, None),
            (r#"{"Title": 1}"#, Some("/Title")),
        ] {
            let expected = unknown.map_or(Ok(()), |it| Err(JsonError::Unknown(it.to_owned())));
            assert_eq!(limits.check(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn strings_are_found() {
        let json = br#"{"a": "x", "b": ["y", {"c": "z"}, 1], "d": {"a": "no"}}"#;
        let patterns = ["/a", "/b/*", "/b/*/c"].map(Pattern::new);
        let found = JsonLimits::new().find(json, &patterns).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|it| {
                (
                    it.pattern,
                    &*it.pointer,
                    std::str::from_utf8(&json[it.span.clone()]).unwrap(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (0, "/a", "\"x\""),
                (1, "/b/0", "\"y\""),
                (2, "/b/1/c", "\"z\"")
            ]
        );
    }

    proptest! {
        /// Whoever reads it after us sees what we saw.
        #[test]
        fn what_passes_is_json_to_others(json in "[\\[\\]{}:,\"\\\\ua0d8c1e.+\\- tfn]{0,24}") {
            let ours = check(&json).is_ok();
            match serde_json::from_str::<serde_json::Value>(&json) {
                Ok(_) => if let Err(JsonError::Malformed(at)) = check(&json) {
                    prop_assert!(false, "{json}: malformed at {at}");
                },
                // Numbers that no double holds are JSON all the same.
                Err(error) => prop_assert!(!ours || error.to_string().contains("out of range"), "{json}: {error}"),
            }
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = JsonLimits::new().check(&bytes);
        }
    }
}
