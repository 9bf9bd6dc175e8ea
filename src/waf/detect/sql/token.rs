//! SQL as bytes: quotes, comments, numbers, words and operators of five dialects at once.

use super::words::{self, Role};
use crate::waf::detect::text::{COMMENT_END, Text, is_space, is_word};

/// What a token is to the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number, in any notation, or a bit or hex string.
    Number,
    /// A closed string.
    Quoted,
    /// A string that the text does not close: the application's own quote will.
    Unclosed,
    /// `@x`, `@@x`, `:x`.
    Variable,
    /// A word that is no SQL, or an identifier in backticks or brackets.
    Name,
    /// A word that SQL knows.
    Word(Role),
    /// `+ - * / % ^ ~ << >> & |` and the like.
    Arithmetic,
    /// `= <> != < > <= >= <=>` and the operators of JSON and arrays.
    Comparison,
    /// `&&` and `||`.
    Logic,
    /// `!`.
    Not,
    Open,
    Close,
    Comma,
    Dot,
    Semicolon,
    /// `::`, after which a type stands.
    Cast,
    /// A comment that reaches to the end of the text.
    Comment,
    /// What is no SQL at all.
    Other,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether comments stood before it instead of white space.
    pub(super) after_comment: bool,
}

/// Reads tokens one by one.
#[derive(Debug)]
pub(super) struct Tokens<'t> {
    text: Text<'t>,
    at: usize,
    /// Within `/*! ... */`, which MySQL runs.
    conditional: bool,
    /// Whether such a comment was seen.
    pub(super) conditional_seen: bool,
    /// An operand must follow, so that `--1` is a number with two signs.
    pub(super) wants_operand: bool,
    /// `array[` that is open.
    arrays: u32,
    /// Whether there may be another closing quote or `*/` at all: found absent once, absent
    /// for good, so that many openings cost one search.
    no_close: u8,
}

const NO_SINGLE: u8 = 1;
const NO_DOUBLE: u8 = 2;
const NO_BACKTICK: u8 = 4;
const NO_COMMENT_END: u8 = 8;
const NO_BRACKET: u8 = 16;
const NO_DOLLAR: u8 = 32;

impl<'t> Tokens<'t> {
    pub(super) fn new(text: Text<'t>, at: usize) -> Self {
        Self {
            text,
            at,
            conditional: false,
            conditional_seen: false,
            wants_operand: false,
            arrays: 0,
            no_close: 0,
        }
    }

    pub(super) fn next(&mut self) -> Token {
        let mut after_comment = false;
        loop {
            self.at = self
                .text
                .skip(self.at, |byte| is_space(byte) || byte == 0 || byte == b'\\');
            let start = self.at;
            if start >= self.text.len() {
                return self.token(Kind::End, start, start, after_comment);
            }
            match self.comment(start) {
                CommentEnd::None => return self.read(start, after_comment),
                CommentEnd::Inner(end) => {
                    after_comment = true;
                    self.at = end;
                }
                CommentEnd::Final => {
                    self.at = self.text.len();
                    return self.token(Kind::Comment, start, self.at, after_comment);
                }
            }
        }
    }

    fn token(&self, kind: Kind, start: usize, end: usize, after_comment: bool) -> Token {
        Token {
            kind,
            start,
            end,
            after_comment,
        }
    }

    /// The comment that starts at `start`, if one does.
    fn comment(&mut self, start: usize) -> CommentEnd {
        let text = self.text;
        match (text.at(start), text.at(start.saturating_add(1))) {
            (b'-', b'-')
                if self.wants_operand && text.at(start.saturating_add(2)).is_ascii_digit() =>
            {
                CommentEnd::None
            }
            (b'-', b'-') => self.line_comment(start),
            (b'#', _) if !is_document_operator(text, start) => self.line_comment(start),
            (b'/', b'*') if text.at(start.saturating_add(2)) == b'!' => {
                self.conditional = true;
                self.conditional_seen = true;
                let version = text.skip(start.saturating_add(3), |byte| byte.is_ascii_digit());
                CommentEnd::Inner(version)
            }
            (b'/', b'*') => self.block_comment(start),
            (b'*', b'/') if self.conditional => {
                self.conditional = false;
                CommentEnd::Inner(start.saturating_add(2))
            }
            (b'{', next) if next.is_ascii_alphabetic() || is_space(next) => CommentEnd::None,
            _ => CommentEnd::None,
        }
    }

    fn line_comment(&self, start: usize) -> CommentEnd {
        let end = self.text.find(start, b'\n');
        let rest = self.text.skip_space(end);
        if rest >= self.text.len() {
            CommentEnd::Final
        } else {
            CommentEnd::Inner(end.saturating_add(1))
        }
    }

    fn block_comment(&mut self, start: usize) -> CommentEnd {
        if self.no_close & NO_COMMENT_END != 0 {
            return CommentEnd::Final;
        }
        let body = self.text.from(start.saturating_add(2));
        match COMMENT_END.find(body) {
            Some(length) => CommentEnd::Inner(start.saturating_add(length).saturating_add(4)),
            None => {
                self.no_close |= NO_COMMENT_END;
                CommentEnd::Final
            }
        }
    }

    fn read(&mut self, start: usize, after_comment: bool) -> Token {
        let text = self.text;
        let next = start.saturating_add(1);
        let (kind, end) = match text.at(start) {
            b'\'' => self.quoted(start, b'\'', NO_SINGLE),
            b'"' => self.quoted(start, b'"', NO_DOUBLE),
            b'`' => match self.quoted(start, b'`', NO_BACKTICK) {
                (Kind::Quoted, end) => (identifier(text.slice(next, end.saturating_sub(1))), end),
                other => other,
            },
            b'[' if start >= 5 && text.has(start.saturating_sub(5), b"array") => {
                self.arrays = self.arrays.saturating_add(1);
                (Kind::Open, next)
            }
            b']' if self.arrays > 0 => {
                self.arrays = self.arrays.saturating_sub(1);
                (Kind::Close, next)
            }
            b'[' => self.bracketed(start),
            b'$' if text.at(next) == b'$' => self.dollars(start),
            b'0'..=b'9' => (Kind::Number, number_end(text, start)),
            b'.' if text.at(next).is_ascii_digit() => (Kind::Number, number_end(text, start)),
            b'.' => (Kind::Dot, next),
            b'@' => (Kind::Variable, variable_end(text, start)),
            b'(' | b'{' => (Kind::Open, next),
            b')' | b'}' => (Kind::Close, next),
            b',' => (Kind::Comma, next),
            b';' => (Kind::Semicolon, next),
            b':' if text.at(next) == b':' => (Kind::Cast, start.saturating_add(2)),
            b':' if text.at(next) == b'=' => (Kind::Comparison, start.saturating_add(2)),
            byte if is_word(byte) => self.word(start),
            _ => operator(text, start),
        };
        self.at = end.max(next);
        self.token(kind, start, self.at, after_comment)
    }

    /// A string from `start`. Quotes escaped by doubling or by a backslash do not close it.
    fn quoted(&mut self, start: usize, quote: u8, flag: u8) -> (Kind, usize) {
        let (kind, end) = close_quote(
            self.text,
            start.saturating_add(1),
            quote,
            self.no_close & flag != 0,
        );
        if kind == Kind::Unclosed {
            self.no_close |= flag;
        }
        (kind, end)
    }

    /// `[name]`, as MSSQL and SQLite quote identifiers.
    fn bracketed(&mut self, start: usize) -> (Kind, usize) {
        let first = self.text.at(start.saturating_add(1));
        if self.no_close & NO_BRACKET == 0 && (first.is_ascii_alphabetic() || first == b'_') {
            let end = self.text.skip(start.saturating_add(1), |byte| {
                is_word(byte) || byte == b' '
            });
            if self.text.at(end) == b']' {
                return (Kind::Name, end.saturating_add(1));
            }
        }
        (Kind::Other, start.saturating_add(1))
    }

    /// `$$text$$`, as PostgreSQL quotes.
    fn dollars(&mut self, start: usize) -> (Kind, usize) {
        if self.no_close & NO_DOLLAR == 0 {
            let body = start.saturating_add(2);
            if let Some(length) = memchr::memmem::find(self.text.from(body), b"$$") {
                return (Kind::Quoted, body.saturating_add(length).saturating_add(2));
            }
            self.no_close |= NO_DOLLAR;
        }
        (Kind::Other, start.saturating_add(2))
    }

    fn word(&mut self, start: usize) -> (Kind, usize) {
        let text = self.text;
        let end = text.word_end(start);
        let word = text.slice(start, end);
        // N'...', x'...', b'...', e'...', q'[...]', _latin1'...': strings with a prefix.
        let prefixed = word.len() == 1
            && matches!(
                word,
                [b'n' | b'N' | b'x' | b'X' | b'b' | b'B' | b'e' | b'E' | b'q' | b'Q']
            );
        if prefixed && text.at(end) == b'\'' {
            let (kind, close) = self.quoted(end, b'\'', NO_SINGLE);
            if kind == Kind::Quoted {
                return (Kind::Number, close);
            }
        }
        // `select.union@example.com`: part of a longer name.
        let dotted = text.at(end) == b'.'
            || text.at(end) == b'@'
            || (start > 0
                && text.at(start.saturating_sub(1)) == b'.'
                && !is_after_number(text, start));
        match words::role(word) {
            Some(role) if dotted && !role.may_be_dotted() => (Kind::Name, end),
            Some(role) => (Kind::Word(role), end),
            None => (Kind::Name, end),
        }
    }
}

/// `#>`, `#>>`, `#-` of PostgreSQL, with the path behind it as a string.
fn is_document_operator(text: Text<'_>, hash: usize) -> bool {
    let sign = hash.saturating_add(1);
    let end = text.skip_some(sign, 2, |byte| matches!(byte, b'>' | b'-'));
    end > sign && matches!(text.at(text.skip_space(end)), b'\'' | b'"')
}

/// Whether the dot before `start` belongs to a number, as in `1.and`.
fn is_after_number(text: Text<'_>, start: usize) -> bool {
    let digits = text.slice(start.saturating_sub(16), start.saturating_sub(1));
    let count = digits.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let count = count.count();
    let before = digits.len().checked_sub(count.saturating_add(1));
    let named = before
        .and_then(|at| digits.get(at))
        .is_some_and(|byte| is_word(*byte));
    count > 0 && !named
}

enum CommentEnd {
    None,
    Inner(usize),
    Final,
}

/// What a quoted identifier is: a name, unless it is one that only servers have.
fn identifier(name: &[u8]) -> Kind {
    match words::role(name) {
        Some(Role::Catalog) => Kind::Word(Role::Catalog),
        _ => Kind::Name,
    }
}

/// Where the string that is open at `start` closes.
pub(super) fn close_quote(
    text: Text<'_>,
    start: usize,
    quote: u8,
    hopeless: bool,
) -> (Kind, usize) {
    if hopeless {
        return (Kind::Unclosed, text.len());
    }
    let mut at = start;
    loop {
        at = match memchr::memchr2(quote, b'\\', text.from(at)) {
            None => return (Kind::Unclosed, text.len()),
            Some(offset) => at.saturating_add(offset),
        };
        let after = at.saturating_add(1);
        let escapes = text.at(at) == b'\\';
        let doubled = text.at(after) == quote && after < text.len();
        if !escapes && !doubled {
            return (Kind::Quoted, after);
        }
        at = after.saturating_add(1);
    }
}

fn number_end(text: Text<'_>, start: usize) -> usize {
    let second = text.at(start.saturating_add(1));
    if text.at(start) == b'0' && matches!(second, b'x' | b'X' | b'b' | b'B') {
        return text.skip(start.saturating_add(2), |byte| byte.is_ascii_hexdigit());
    }
    let whole = text.skip(start, |byte| byte.is_ascii_digit());
    let mut end = whole;
    if text.at(end) == b'.' && text.at(end.saturating_add(1)) != b'.' {
        end = text.skip(end.saturating_add(1), |byte| byte.is_ascii_digit());
    }
    // `1fUNION`, `1eUNION`: MySQL reads a number and a word.
    if matches!(text.at(end), b'e' | b'E' | b'f' | b'F' | b'd' | b'D')
        && text.has(end.saturating_add(1), b"union")
    {
        return end.saturating_add(1);
    }
    if matches!(text.at(end), b'e' | b'E') {
        let sign = end.saturating_add(1);
        let digits = if matches!(text.at(sign), b'+' | b'-') {
            sign.saturating_add(1)
        } else {
            sign
        };
        let exponent = text.skip(digits, |byte| byte.is_ascii_digit());
        if exponent > digits {
            return exponent;
        }
    }
    end
}

/// `@x`, `@@x`, `@'x'` and `` @`x` ``.
fn variable_end(text: Text<'_>, start: usize) -> usize {
    let name = text.skip(start, |byte| byte == b'@');
    text.skip(name, |byte| is_word(byte) || matches!(byte, b'.' | b'#'))
}

fn operator(text: Text<'_>, start: usize) -> (Kind, usize) {
    let at = |offset| text.at(start.saturating_add(offset));
    let (kind, length) = match (at(0), at(1), at(2)) {
        (b'|', b'|', b'/') => (Kind::Arithmetic, 3),
        (b'<', b'=', b'>') | (b'-' | b'#', b'>', b'>') | (b'!', b'~', b'*') => {
            (Kind::Comparison, 3)
        }
        (b'<', b'<', _) | (b'>', b'>', _) => (Kind::Arithmetic, 2),
        (b'<', b'>' | b'=' | b'@', _)
        | (b'!', b'=' | b'<' | b'>' | b'~', _)
        | (b'>' | b'=' | b'^', b'=', _)
        | (b'-' | b'#', b'>', _)
        | (b'#', b'-', _)
        | (b'?', b'|' | b'&', _)
        | (b'~', b'*' | b'~', _) => (Kind::Comparison, 2),
        (b'|', b'|', _) | (b'&', b'&', _) => (Kind::Logic, 2),
        (b'=' | b'<' | b'>', _, _) => (Kind::Comparison, 1),
        (b'!', _, _) => (Kind::Not, 1),
        (b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'~' | b'&' | b'|', _, _) => {
            (Kind::Arithmetic, 1)
        }
        _ => (Kind::Other, 1),
    };
    (kind, start.saturating_add(length))
}
