//! SQL injection: the value is read as the rest of a query would be, bare and in every quote
//! it could end, by a tokenizer of five dialects and a parser that folds expressions.
//!
//! Words of SQL alone prove nothing, for they are English. What counts is that they stand where
//! a query needs them: a value injected outside of quotes begins with an operand and goes on
//! with an operator, one that leaves a string does so at its first quote, and at its end the
//! application's own quote must find its partner or a comment.

mod findings;
mod parser;
mod stack;
mod token;
mod words;

use super::Detector;
use super::text::{Text, is_space};
use crate::waf::signal::Signals;
use crate::waf::view::{Part, Places, View};
use parser::{Context, Parser};
use words::Role;

pub(super) static DETECTOR: Detector = Detector {
    findings: findings::ALL,
    places: Places::VALUES,
    bytes: b"'\"`();=<>|&#@^!",
    literals: &[
        "--",
        "union",
        "select",
        "having",
        "order by",
        "group by",
        "insert",
        "delete",
        "drop",
        "update",
        "alter",
        "exec",
        "waitfor",
        "outfile",
        "dumpfile",
        "procedure",
        "_schema",
        "xp_",
        "sp_",
        "utl_",
        "msdb",
        "tempdb",
        "sys",
        "pg_",
        "/*",
        "::",
        " limit ",
        "or ",
        "and ",
        " then ",
        "is not ",
        "is null",
        "like null",
    ],
    cost: 1,
    run,
};

/// Contexts are tried until one says that this is an attack: others could say no more.
fn run(view: &View<'_>, signals: &mut Signals) {
    if names_a_query(view) {
        return;
    }
    let text = Text(view.bytes);
    Parser::new(text, Context::Bare, 0, signals).run();
    for quote in [b'\'', b'"', b'`'] {
        if let Some(edge) = edge(text, quote) {
            Parser::new(
                text,
                Context::Quoted(quote),
                edge.saturating_add(1),
                signals,
            )
            .run();
        }
    }
}

/// A field called `sql` holds a query: that it is one proves nothing.
fn names_a_query(view: &View<'_>) -> bool {
    const NAMES: [&[u8]; 3] = [b"sql", b"sql_query", b"sqlquery"];
    view.part == Part::Value
        && NAMES
            .iter()
            .any(|name| view.name.eq_ignore_ascii_case(name))
}

/// The quote that ends the string which the value stands in: the first that is not doubled, for
/// doubled ones are escaped, and quotes no words as prose does; or else the first.
fn edge(text: Text<'_>, quote: u8) -> Option<usize> {
    let first = text.find(0, quote);
    let (mut at, mut phrases) = (first, false);
    while at < text.len() {
        let next = at.saturating_add(1);
        let mut goes_on = next;
        let apart = quoted_words(text, at, quote)
            .or_else(|| code_span(text, at, quote))
            .or_else(|| attribute(text, at, quote));
        if let Some(end) = apart {
            phrases = true;
            goes_on = end;
        } else if text.at(next) != quote {
            return Some(at);
        }
        at = text.find(goes_on.saturating_add(1), quote);
    }
    (first < text.len() && !phrases).then_some(first)
}

/// Where the code closes that Markdown shows between backticks: apart from what stands before
/// and behind, and without white space at its edges.
fn code_span(text: Text<'_>, open: usize, quote: u8) -> Option<usize> {
    let start = open.saturating_add(1);
    let end = text.skip_some(start, 64, |byte| byte != quote && byte != b'\n');
    let before = text.at(open.saturating_sub(1));
    let begins = open == 0 || is_space(before) || matches!(before, b'(' | b'[' | b'*' | b'_');
    let after = text.at(end.saturating_add(1));
    let ends = after == 0 || is_space(after) || matches!(after, b'.' | b',' | b':' | b')' | b'?');
    let tight = end > start
        && !is_space(text.at(start))
        && !is_space(text.at(end.saturating_sub(1)))
        && text.at(start) != b'|'
        && text.at(start) != b'&';
    let long = text.len() >= MIN_PROSE_LEN;
    (quote == b'`' && begins && ends && tight && long && text.at(end) == quote).then_some(end)
}

/// Where `path="/index"` closes, as logs and markup have it: a value behind a name.
fn attribute(text: Text<'_>, open: usize, quote: u8) -> Option<usize> {
    let start = open.saturating_add(1);
    let end = text.skip_some(start, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b':' | b' ')
    });
    let named = open > 3
        && text.at(open.saturating_sub(1)) == b'='
        && text.at(open.saturating_sub(2)).is_ascii_alphabetic()
        && text.at(open.saturating_sub(3)).is_ascii_alphabetic();
    let after = text.at(end.saturating_add(1));
    let ends = is_space(after) || matches!(after, b'}' | b']' | b'/' | b'>');
    let first = text.at(start);
    let begins = first == b'/' || first.is_ascii_alphanumeric();
    let long = text.len() >= MIN_PROSE_LEN;
    (quote == b'"' && named && begins && ends && long && text.at(end) == quote).then_some(end)
}

/// A shorter text is no sentence that could speak of words of SQL, in bytes.
const MIN_PROSE_LEN: usize = 16;

/// Where the quotes around words close, as in `the 'like' button`: apart from what stands
/// before and behind. A payload leaves a string, so that something stands before, and goes on.
fn quoted_words(text: Text<'_>, open: usize, quote: u8) -> Option<usize> {
    let start = open.saturating_add(1);
    let end = text.skip_some(start, 24, |byte| byte.is_ascii_alphabetic() || byte == b' ');
    let words = text.slice(start, end);
    let begins = open == 0 || matches!(text.at(open.saturating_sub(1)), b' ' | b'(' | b'[');
    let goes_on = text.at(end.saturating_add(1));
    let ends = matches!(goes_on, 0 | b' ' | b'.' | b',' | b':' | b'!' | b'?' | b')');
    let tight = words.first() != Some(&b' ') && words.last() != Some(&b' ') && !words.is_empty();
    let first = words.split(|byte| *byte == b' ').next().unwrap_or_default();
    let english = matches!(
        words::role(first),
        Some(Role::Logic | Role::Like | Role::Not)
    );
    let short = text.len() < MIN_PROSE_LEN;
    (begins && ends && tight && english && !short && text.at(end) == quote).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let cases = [
            ("the first quote", "a' or 1=1", Some(1)),
            ("doubled quotes are escaped", "a'' b' or 1", Some(5)),
            ("nothing but doubled quotes", "a''", Some(1)),
            ("words in quotes", "the 'like' button", None),
            (
                "words in quotes hide nothing",
                "'or' ' or 1=1 or 2=2",
                Some(5),
            ),
            ("no words", "'or'1'='1", Some(0)),
        ];
        for (name, text, expected) in cases {
            assert_eq!(edge(Text(text.as_bytes()), b'\''), expected, "{name}");
        }
        let cases = [
            (
                "code that Markdown shows",
                '`',
                "the `<b>` tag and `<i>`",
                None,
            ),
            (
                "a name that is left",
                '`',
                "7` or `a`=`a` or `b`=`b",
                Some(1),
            ),
            (
                "an attribute of a log",
                '"',
                "GET path=\"/a\" and done",
                None,
            ),
            (
                "a string that is left",
                '"',
                "name=\"or 1=1 or \"a",
                Some(5),
            ),
        ];
        for (name, quote, text, expected) in cases {
            let edge = edge(Text(text.as_bytes()), quote as u8);
            assert_eq!(edge, expected, "{name}");
        }
    }
}
