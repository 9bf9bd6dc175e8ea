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
use super::text::Text;
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
        if let Some(end) = quoted_words(text, at, quote) {
            phrases = true;
            goes_on = end;
        } else if text.at(next) != quote {
            return Some(at);
        }
        at = text.find(goes_on.saturating_add(1), quote);
    }
    (first < text.len() && !phrases).then_some(first)
}

/// A shorter text is no sentence that could speak of words of SQL, in bytes.
const SHORTEST_PROSE: usize = 16;

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
    let short = text.len() < SHORTEST_PROSE;
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
    }
}
