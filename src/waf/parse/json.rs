mod keys;

use super::{Flow, Visit};
use crate::waf::decode;
use crate::waf::limits::Limits;
use crate::waf::protocol;
use crate::waf::view::Place;
use keys::Keys;
use std::ops::{ControlFlow, Range};

/// How a text turned out that should be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::waf) enum Ending {
    /// It is JSON, from end to end.
    Sound,
    /// It is none; what was read up to there was told.
    Broken,
    /// It ends where JSON may not end, and was sound up to there.
    Cut,
}

/// Reads a JSON text (RFC 8259) and tells of its keys and strings. A value that has no key of
/// its own, such as one in an array, has the name of what it is in; the whole is named `name`.
pub(in crate::waf) fn document(
    text: &[u8],
    place: Place,
    name: &[u8],
    limits: &Limits,
    visit: &mut impl Visit,
) -> ControlFlow<(), Ending> {
    let (mut names, buffer) = (visit.buffer(), visit.buffer());
    names.clear();
    names.extend_from_slice(name);
    let mut reader = Reader {
        text,
        at: 0,
        place,
        names,
        containers: Vec::new(),
        is_deep: false,
        is_deepest: false,
        scopes: 0,
        keys: Keys::default(),
        buffer,
    };
    let ending = reader.value_to_end(limits, visit);
    visit.give_back(reader.names);
    visit.give_back(reader.buffer);
    ending
}

/// Reads JSON texts one after the other, one a line or not.
pub(super) fn lines(
    text: &[u8],
    place: Place,
    limits: &Limits,
    visit: &mut impl Visit,
) -> ControlFlow<(), Ending> {
    let mut ending = Ending::Sound;
    for line in text.split(|b| matches!(b, b'\n' | 0x1E)) {
        if !line.trim_ascii().is_empty() {
            ending = document(line, place, b"", limits, visit)?;
        }
        if ending == Ending::Broken {
            break;
        }
    }
    ControlFlow::Continue(ending)
}

struct Container {
    is_object: bool,
    /// Which object it is, for telling keys of different objects apart.
    scope: u32,
    /// Its name, in the stack of names.
    name: Range<usize>,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    place: Place,
    /// The names of all open containers, one after the other, and of the next value.
    names: Vec<u8>,
    containers: Vec<Container>,
    /// Whether it was told that they are too many.
    is_deep: bool,
    is_deepest: bool,
    scopes: u32,
    keys: Keys<'a>,
    buffer: Vec<u8>,
}

/// What stands next.
enum Next {
    Value,
    Key,
    /// A comma or the end of the container.
    After,
}

impl<'a> Reader<'a> {
    fn value_to_end(&mut self, limits: &Limits, visit: &mut impl Visit) -> ControlFlow<(), Ending> {
        let mut next = Next::Value;
        let mut name = 0..self.names.len();
        loop {
            self.skip_space();
            let Some(byte) = self.peek() else {
                let done = self.containers.is_empty() && matches!(next, Next::After);
                return ControlFlow::Continue(if done { Ending::Sound } else { Ending::Cut });
            };
            let went_well = match next {
                Next::Value => {
                    let opened = matches!(byte, b'{' | b'[');
                    if opened {
                        self.tell_of_depth(limits, visit)?;
                    }
                    next = match byte {
                        b'{' => self.open(true, name.clone()),
                        b'[' => self.open(false, name.clone()),
                        _ => Next::After,
                    };
                    opened || self.scalar(byte, name.clone(), visit)?
                }
                Next::Key if byte == b'}' => {
                    name = self.close();
                    next = Next::After;
                    true
                }
                Next::Key => {
                    next = Next::Value;
                    match self.key(byte, visit)? {
                        Some(key) => {
                            name = key;
                            true
                        }
                        None => false,
                    }
                }
                Next::After => match (self.containers.last(), byte) {
                    (Some(container), b',') => {
                        let is_object = container.is_object;
                        name = container.name.clone();
                        self.at += 1;
                        next = if is_object { Next::Key } else { Next::Value };
                        // A comma before the end is no JSON.
                        self.skip_space();
                        !matches!(self.peek(), Some(b'}' | b']'))
                    }
                    (Some(container), b'}' | b']') => {
                        let fits = container.is_object == (byte == b'}');
                        name = self.close();
                        fits
                    }
                    _ => false,
                },
            };
            // `[]`: what may stand first in an array is a value or its end.
            if !went_well {
                let cut = self.at >= self.text.len();
                return ControlFlow::Continue(if cut { Ending::Cut } else { Ending::Broken });
            }
        }
    }

    /// Tells of nesting that is too deep, and once more where it is as deep as there may be
    /// fields: whoever has switched off these rules has the rest looked at, too.
    fn tell_of_depth(&mut self, limits: &Limits, visit: &mut impl Visit) -> Flow {
        let depth = self.containers.len();
        if depth >= limits.depth && !self.is_deep {
            self.is_deep = true;
            visit.wrong(&protocol::DEPTH, self.place, b"", self.excerpt())?;
        }
        if depth >= limits.fields.max(limits.depth) && !self.is_deepest {
            self.is_deepest = true;
            visit.wrong(&protocol::FIELDS, self.place, b"", self.excerpt())?;
        }
        Flow::Continue(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let space = |b: &&u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(space).count();
    }

    fn excerpt(&self) -> &[u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        rest.get(..32).unwrap_or(rest)
    }

    fn open(&mut self, is_object: bool, name: Range<usize>) -> Next {
        self.at += 1;
        self.scopes = self.scopes.wrapping_add(1);
        self.containers.push(Container {
            is_object,
            scope: self.scopes,
            name,
        });
        if is_object {
            return Next::Key;
        }
        self.skip_space();
        if self.peek() == Some(b']') {
            self.close();
            return Next::After;
        }
        Next::Value
    }

    fn close(&mut self) -> Range<usize> {
        self.at += 1;
        let closed = self.containers.pop();
        let name = closed.map_or(0..0, |container| container.name);
        self.names.truncate(name.end);
        name
    }

    /// A key and its colon; gives where its name is kept. Nothing where it is no key.
    fn key(&mut self, byte: u8, visit: &mut impl Visit) -> ControlFlow<(), Option<Range<usize>>> {
        let (Some(container), b'"') = (self.containers.last(), byte) else {
            return ControlFlow::Continue(None);
        };
        let (scope, start) = (container.scope, container.name.end);
        let parent = container.name.clone();
        let Some(text) = self.string() else {
            return ControlFlow::Continue(None);
        };
        let key = text.unescaped(&mut self.buffer);
        self.names.truncate(start);
        self.names.extend_from_slice(key);
        visit.name(self.place, key)?;
        // Neither of the two says anything alone.
        if key == b"prototype" && self.names.get(parent) == Some(b"constructor") {
            visit.name(self.place, b"constructor.prototype")?;
        }
        let is_new = if text.is_escaped {
            self.keys.insert_escaped(scope, key)
        } else {
            self.keys.insert(scope, text.bytes)
        };
        if !is_new {
            visit.wrong(&protocol::JSON_DUPLICATE, self.place, b"", key)?;
        }
        self.skip_space();
        let colon = self.peek() == Some(b':');
        self.at += usize::from(colon);
        ControlFlow::Continue(colon.then_some(start..self.names.len()))
    }

    /// A string, number or word.
    fn scalar(
        &mut self,
        byte: u8,
        name: Range<usize>,
        visit: &mut impl Visit,
    ) -> ControlFlow<(), bool> {
        if byte != b'"' {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let word = rest
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
            let length = word.count();
            let word = rest.get(..length).unwrap_or_default();
            self.at += length;
            return ControlFlow::Continue(is_word(word));
        }
        let Some(text) = self.string() else {
            return ControlFlow::Continue(false);
        };
        let value = text.unescaped(&mut self.buffer);
        let name = self.names.get(name).unwrap_or_default();
        visit.value(self.place, name, value)?;
        ControlFlow::Continue(true)
    }

    /// The string that starts here, without its quotes. Nothing where it has no end or an
    /// escape that is none.
    fn string(&mut self) -> Option<Text<'a>> {
        let start = self.at + 1;
        let (mut at, mut is_escaped) = (start, false);
        loop {
            let rest = self.text.get(at..)?;
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return None;
            };
            at += found;
            if self.text.get(at) == Some(&b'"') {
                self.at = at + 1;
                let bytes = self.text.get(start..at)?;
                return Some(Text { bytes, is_escaped });
            }
            is_escaped = true;
            let escaped = self.text.get(at + 1).copied();
            if !escaped.is_none_or(|b| b"\"\\/bfnrtu".contains(&b)) {
                self.at = at;
                return None;
            }
            at += 2;
        }
    }
}

/// Whether it is a number, `true`, `false` or `null`.
fn is_word(word: &[u8]) -> bool {
    match word {
        b"true" | b"false" | b"null" => true,
        [b'-', digits @ ..] | digits => {
            matches!(digits, [b'0'..=b'9', ..])
                && digits
                    .iter()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        }
    }
}

/// A string as it is written.
struct Text<'a> {
    bytes: &'a [u8],
    /// Whether there are backslashes in it.
    is_escaped: bool,
}

impl<'a> Text<'a> {
    /// What it stands for.
    fn unescaped<'b>(&self, buffer: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        if self.is_escaped {
            unescape(self.bytes, buffer);
            buffer
        } else {
            self.bytes
        }
    }
}

fn unescape(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let length = match from {
            [_, b'u', digits @ ..] => 2 + unicode(digits, out),
            [_, simple, ..] => {
                out.push(match simple {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                2
            }
            _ => 1,
        };
        rest = from.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// A character by its number, or by two surrogates; gives how many bytes say it.
fn unicode(digits: &[u8], out: &mut Vec<u8>) -> usize {
    let (first, length) = decode::hex_number(digits, 4);
    if (0xD800..0xDC00).contains(&first)
        && let Some([b'\\', b'u', more @ ..]) = digits.get(4..)
        && let (second @ 0xDC00..0xE000, 4) = decode::hex_number(more, 4)
    {
        decode::push_char(out, 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        return 10;
    }
    decode::push_char(out, first);
    length
}

/// Whether a text may be JSON that something further on will read: an object or an array.
pub(in crate::waf) fn looks_like_one(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let [first @ (b'{' | b'['), inside @ ..] = text else {
        return false;
    };
    let second = inside.trim_ascii_start().first();
    match (first, text.last()) {
        (b'{', Some(b'}')) => matches!(second, Some(b'"' | b'}')),
        (b'[', Some(b']')) => {
            matches!(
                second,
                Some(b'"' | b'{' | b'[' | b']' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
            )
        }
        _ => false,
    }
}

/// Tells `visit` that a text which should be JSON is none, if so.
pub(super) fn must_be_sound(
    ending: Ending,
    whole: bool,
    text: &[u8],
    visit: &mut impl Visit,
) -> Flow {
    let excusable = ending == Ending::Sound || (ending == Ending::Cut && !whole);
    if excusable {
        return Flow::Continue(());
    }
    visit.wrong(&protocol::JSON, Place::Body, b"", text)?;
    visit.value(Place::Body, b"", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::parse::tests::Heard;

    fn read(text: &str) -> (Ending, Heard) {
        let mut heard = Heard::default();
        let ending = document(
            text.as_bytes(),
            Place::Json,
            b"",
            &Limits::new(),
            &mut heard,
        );
        match ending {
            ControlFlow::Continue(ending) => (ending, heard),
            ControlFlow::Break(()) => panic!("nobody stopped"),
        }
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
        let cases = [
            "{}",
            "[]",
            "1",
            "-1.5e3",
            "\"a\"",
            "true",
            "null",
            " [ ] ",
            "{\"a\":[{\"b\":[]}]}",
            "",
            "{",
            "[",
            "{]",
            "[}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\" 1}",
            "tru",
            "'a'",
            "\"a",
            "\"\\x\"",
            "{a:1}",
            "1 2",
            "[1]]",
            "nul",
            "-",
            "{,}",
            "[\"a\",{\"b\":null},-0.5]",
            "{\"a\":1}{}",
        ];
        for text in cases {
            let sound = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(read(text).0 == Ending::Sound, sound, "{text:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_nearest_key() {
        let (ending, heard) =
            read(r#"{"a":["x",{"b":"y"},"z"],"c":{"d":"w"},"\u0065":"\ud83d\ude00"}"#);
        assert_eq!(ending, Ending::Sound);
        assert_eq!(heard.values, ["a=x", "b=y", "a=z", "d=w", "e=😀"]);
        assert_eq!(heard.names, ["a", "b", "c", "d", "e"]);
        assert!(heard.wrong.is_empty());
    }

    #[test]
    fn the_same_key_twice_is_told_of() {
        assert_eq!(
            read(r#"{"a":1,"b":{"a":2},"\u0061":3}"#).1.wrong,
            ["protocol-json-duplicate"]
        );
        assert!(read(r#"[{"a":1},{"a":1}]"#).1.wrong.is_empty());
    }

    #[test]
    fn depth_has_an_end() {
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep).1.wrong, ["protocol-depth", "protocol-fields"]);
    }

    #[test]
    fn what_follows_too_much_depth_is_read() {
        let text = format!(
            "{{\"a\":{}{},\"b\":\"c\"}}",
            "[".repeat(126),
            "]".repeat(126)
        );
        let (ending, heard) = read(&text);
        assert_eq!(ending, Ending::Sound);
        assert_eq!(heard.wrong, ["protocol-depth"]);
        assert_eq!(heard.values, ["b=c"]);
    }
}
