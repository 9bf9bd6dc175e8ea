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
/// doubled ones are escaped; or else the first.
fn edge(text: Text<'_>, quote: u8) -> Option<usize> {
    let first = text.find(0, quote);
    let mut at = first;
    while at < text.len() {
        if text.at(at.saturating_add(1)) != quote {
            return Some(at);
        }
        at = text.find(at.saturating_add(2), quote);
    }
    (first < text.len()).then_some(first)
}
