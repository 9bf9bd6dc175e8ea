//! What a client may send to a GraphQL server: operations and fragments (October 2021, sections
//! 2.2 to 2.12), from end to end. The loops stand in for recursion, for the depth is the client's
//! to choose.

use super::{comment, string};

/// Whether a text is such a document.
pub(super) fn is_document(text: &[u8]) -> bool {
    Parser::new(text).is_some_and(|mut parser| parser.document().is_some())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a [u8]),
    /// A number or a string.
    Scalar,
    Mark(u8),
    Spread,
    End,
}

/// Each function reads what it is named after, and gives nothing where that does not stand.
struct Parser<'a> {
    rest: &'a [u8],
    token: Token<'a>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8]) -> Option<Self> {
        let mut parser = Self {
            rest: text,
            token: Token::End,
        };
        parser.advance()?;
        Some(parser)
    }

    fn document(&mut self) -> Option<()> {
        loop {
            self.definition()?;
            if self.token == Token::End {
                return Some(());
            }
        }
    }

    fn definition(&mut self) -> Option<()> {
        match self.token {
            Token::Name(b"query" | b"mutation" | b"subscription") => {
                self.advance()?;
                if matches!(self.token, Token::Name(_)) {
                    self.advance()?;
                }
                if self.accept(b'(')? {
                    self.variables()?;
                }
            }
            Token::Name(b"fragment") => {
                self.advance()?;
                self.name()?;
                (self.name()? == b"on").then_some(())?;
                self.name()?;
            }
            _ => return self.selections(),
        }
        self.directives()?;
        self.selections()
    }

    /// A selection set and all that stand within it.
    fn selections(&mut self) -> Option<()> {
        self.expect(b'{')?;
        let mut depth = 1usize;
        while depth > 0 {
            if self.selection()? && self.accept(b'{')? {
                depth += 1;
                continue;
            }
            while depth > 0 && self.accept(b'}')? {
                depth -= 1;
            }
        }
        Some(())
    }

    /// A field or fragment, and whether it may have a selection set of its own.
    fn selection(&mut self) -> Option<bool> {
        if self.token != Token::Spread {
            self.name()?;
            if self.accept(b':')? {
                self.name()?;
            }
            if self.accept(b'(')? {
                self.arguments()?;
            }
            self.directives()?;
            return Some(true);
        }
        self.advance()?;
        let is_named = match self.token {
            Token::Name(b"on") => {
                self.advance()?;
                self.name()?;
                false
            }
            Token::Name(_) => self.advance().map(|_| true)?,
            _ => false,
        };
        self.directives()?;
        Some(!is_named)
    }

    /// What follows the parenthesis.
    fn arguments(&mut self) -> Option<()> {
        loop {
            self.name()?;
            self.expect(b':')?;
            self.value()?;
            if self.accept(b')')? {
                return Some(());
            }
        }
    }

    fn directives(&mut self) -> Option<()> {
        while self.accept(b'@')? {
            self.name()?;
            if self.accept(b'(')? {
                self.arguments()?;
            }
        }
        Some(())
    }

    /// What follows the parenthesis.
    fn variables(&mut self) -> Option<()> {
        loop {
            self.expect(b'$')?;
            self.name()?;
            self.expect(b':')?;
            self.type_of_variable()?;
            if self.accept(b'=')? {
                self.value()?;
            }
            self.directives()?;
            if self.accept(b')')? {
                return Some(());
            }
        }
    }

    fn type_of_variable(&mut self) -> Option<()> {
        let mut lists = 0usize;
        while self.accept(b'[')? {
            lists += 1;
        }
        self.name()?;
        self.accept(b'!')?;
        for _ in 0..lists {
            self.expect(b']')?;
            self.accept(b'!')?;
        }
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        // What closes the lists and objects that are open.
        let mut open = Vec::new();
        loop {
            match self.advance()? {
                Token::Name(_) | Token::Scalar => {}
                Token::Mark(b'$') => {
                    self.name()?;
                }
                Token::Mark(b'[') => open.push(b']'),
                Token::Mark(b'{') => open.push(b'}'),
                _ => return None,
            }
            while let Some(close) = open.last()
                && self.accept(*close)?
            {
                open.pop();
            }
            match open.last() {
                None => return Some(()),
                Some(b'}') => {
                    self.name()?;
                    self.expect(b':')?;
                }
                Some(_) => {}
            }
        }
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        match self.advance()? {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    fn expect(&mut self, mark: u8) -> Option<()> {
        self.accept(mark)?.then_some(())
    }

    /// Whether this mark stood here; it is behind us then.
    fn accept(&mut self, mark: u8) -> Option<bool> {
        if self.token == Token::Mark(mark) {
            self.advance()?;
            return Some(true);
        }
        Some(false)
    }

    /// The token that stands here, and on to the next. Nothing where that is none.
    fn advance(&mut self) -> Option<Token<'a>> {
        let (next, rest) = token(self.rest)?;
        self.rest = rest;
        Some(std::mem::replace(&mut self.token, next))
    }
}

/// The next token, and what follows it.
fn token(text: &[u8]) -> Option<(Token<'_>, &[u8])> {
    let text = after_ignored(text);
    let (token, length) = match text {
        [] => (Token::End, 0),
        [b'.', b'.', b'.', ..] => (Token::Spread, 3),
        [b'"', ..] => (Token::Scalar, string(text)?.1),
        [b'-' | b'0'..=b'9', ..] => (Token::Scalar, number(text)?),
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => {
            let length = count(text, is_of_name);
            (Token::Name(text.get(..length)?), length)
        }
        [mark, ..] if b"{}()[]:=!$@".contains(mark) => (Token::Mark(*mark), 1),
        _ => return None,
    };
    Some((token, text.get(length..)?))
}

/// What follows space, commas, comments and byte order marks.
fn after_ignored(mut text: &[u8]) -> &[u8] {
    loop {
        let length = match text {
            [b' ' | b'\t' | b'\n' | b'\r' | b',', ..] => 1,
            [0xEF, 0xBB, 0xBF, ..] => 3,
            [b'#', ..] => comment(text),
            _ => return text,
        };
        text = text.get(length..).unwrap_or_default();
    }
}

/// How long the number is that starts here: `-1`, `2.5`, `3e-7`.
fn number(text: &[u8]) -> Option<usize> {
    let mut length = usize::from(text.first() == Some(&b'-'));
    length += digits(text, length)?;
    if text.get(length) == Some(&b'.') {
        length += 1;
        length += digits(text, length)?;
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        length += 1;
        length += usize::from(matches!(text.get(length), Some(b'+' | b'-')));
        length += digits(text, length)?;
    }
    let goes_on = text
        .get(length)
        .is_some_and(|b| is_of_name(b) || *b == b'.');
    (!goes_on).then_some(length)
}

/// How many digits stand here; at least one.
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let length = count(text.get(start..)?, u8::is_ascii_digit);
    (length > 0).then_some(length)
}

fn count(text: &[u8], is: impl Fn(&u8) -> bool) -> usize {
    text.iter().take_while(|b| is(b)).count()
}

const fn is_of_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_document() {
        let cases = [
            ("query Q($id: ID!) { user(id: $id) { name ...F } }", true),
            (
                "{ viewer { login orders(last: 32) { nodes { id total } } } }",
                true,
            ),
            (
                "mutation { add(text: \"it's\", tags: [\"a\"], n: -1.5) { id } }",
                true,
            ),
            ("query { a # comment '\n }", true),
            (
                "query Q($a: [[Int!]!] = [[1], []] @d, $b: X = {}) { a }",
                true,
            ),
            (
                "{ a: b(c: {d: [{e: $f}, null]}) @skip(if: true) { ... on T { g } ... @x { h } } }",
                true,
            ),
            (
                "query A { a } fragment F on T @d(e: 1e-7) { b } { c }",
                true,
            ),
            ("\u{feff}subscription S @live { a, b }", true),
            ("{ a(b: \"\"\"c \"quoted\" d\"\"\") }", true),
            ("{{7*7}}", false),
            ("{{config}}", false),
            ("{\"$gt\": 1}", false),
            ("{$gt: 1}", false),
            ("{ $where: 1 }", false),
            ("{}", false),
            ("{ a {} }", false),
            ("{ a() }", false),
            ("query the weather", false),
            ("query { a '; drop table x; }", false),
            ("{ a } union select password from users", false),
            ("{ a 1 } union select 2", false),
            ("{ a } or 1=1", false),
            ("{ a } -- ", false),
            ("{ a } }", false),
            ("{ a(b: 1-1) }", false),
            ("{ a(b: 1x) }", false),
            ("{ a(b: \"c) }", false),
            ("{ a | b }", false),
            ("{ ...F { a } }", false),
            ("type T { a: Int }", false),
            ("${a}", false),
            ("#{a}", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_document(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "{a".repeat(100_000), "}".repeat(100_000));
        assert!(is_document(deep.as_bytes()));
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        assert!(is_document(format!("{{a(b: {open}{close})}}").as_bytes()));
        let variable = format!("query($a: {open}T{close}) {{a}}");
        assert!(is_document(variable.as_bytes()));
    }
}
