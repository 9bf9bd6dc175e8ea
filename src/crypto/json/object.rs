use super::scanner::Scanner;
use super::span::{Member, mark, unescape};
use super::{JsonError, Span};
use std::borrow::Cow;

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
