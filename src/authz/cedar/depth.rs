//! How deep a text is nested: by its words, before anything recurses over it, and by its tree.

use super::LoadError;
use super::error::line_of;
use cedar_policy::pst::{Clause, Expr};
use std::sync::Arc;

/// Brackets within brackets. Cedar's reader and everything after it go one call deeper for each.
const MAX_BRACKETS: usize = 64;

/// Operators, dots, indexes, clauses and `else` in one policy: each can stand one level below
/// the last.
const MAX_OPERATORS: usize = 1_000;

/// How much stack the reader is given: much more than what passes [`check`] needs.
const STACK_LEN: usize = 64 * 1024 * 1024;

/// Levels of an expression, one below the other. Cedar refuses to evaluate where the stack
/// comes to an end, and to tell types there, which it takes for right: a tree of so many levels
/// has room on the stack of any thread, without optimization some 500 KiB.
pub(super) const MAX_LEVELS: usize = 100;

/// Runs what walks a text, which has passed [`check`] by then, where there is stack enough.
pub(super) fn with_stack<T: Send>(
    read: impl FnOnce() -> Result<T, LoadError> + Send,
) -> Result<T, LoadError> {
    let stopped = |why: String| LoadError::Stopped(why);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("cedar-read".to_owned())
            .stack_size(STACK_LEN)
            .spawn_scoped(scope, read);
        let thread = thread.map_err(|error| stopped(error.to_string()))?;
        let panicked = |_| stopped("the reader of the language panicked".to_owned());
        thread.join().map_err(panicked)?
    })
}

/// The levels of a policy: clauses stand one below the other, as `&&` does.
pub(super) fn levels(clauses: &[Clause]) -> usize {
    let deepest = clauses.iter().map(|clause| match clause {
        Clause::When(expression) | Clause::Unless(expression) => levels_of(expression),
    });
    clauses.len() + deepest.max().unwrap_or_default()
}

fn levels_of(expression: &Expr) -> usize {
    let deepest = |parts: &mut dyn Iterator<Item = &Arc<Expr>>| {
        parts.map(|part| levels_of(part)).max().unwrap_or_default()
    };
    let below = match expression {
        Expr::Literal(_) | Expr::Var(_) | Expr::Slot(_) => 0,
        Expr::UnaryOp { expr, .. } | Expr::GetAttr { expr, .. } | Expr::Like { expr, .. } => {
            levels_of(expr)
        }
        // `a has b.c` is `a has b && a.b has c`.
        Expr::HasAttr { expr, attrs } => levels_of(expr) + 2 * attrs.len(),
        Expr::BinaryOp { left, right, .. } => levels_of(left).max(levels_of(right)),
        Expr::Is { expr, in_expr, .. } => 1 + deepest(&mut [expr].into_iter().chain(in_expr)),
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => deepest(&mut [cond, then_expr, else_expr].into_iter()),
        Expr::Set(parts) => deepest(&mut parts.iter()),
        Expr::Record(parts) => deepest(&mut parts.values()),
        // What is not known here is not walked.
        _ => MAX_LEVELS,
    };
    below + 1
}

/// Whether the reader can walk these policies without running out of stack.
pub(super) fn check(file: &str, text: &str) -> Result<(), LoadError> {
    check_tokens(file, Tokens::new(text, false))
}

/// Whether the reader can walk this schema, where `<` opens a set.
pub(super) fn check_schema(file: &str, text: &str) -> Result<(), LoadError> {
    check_tokens(file, Tokens::new(text, true))
}

fn check_tokens(file: &str, tokens: Tokens<'_>) -> Result<(), LoadError> {
    let mut brackets = 0_usize;
    let mut operators = 0_usize;
    let text = tokens.text;
    for (at, token) in tokens {
        match token {
            Token::Open => brackets += 1,
            Token::Index => {
                brackets += 1;
                operators += 1;
            }
            Token::Close => brackets = brackets.saturating_sub(1),
            Token::Operator => operators += 1,
            Token::End => operators = 0,
        }
        let (what, most) = if brackets > MAX_BRACKETS {
            ("a bracket", MAX_BRACKETS)
        } else if operators > MAX_OPERATORS {
            ("an expression", MAX_OPERATORS)
        } else {
            continue;
        };
        return Err(LoadError::TooDeep {
            file: file.to_owned(),
            line: line_of(text, at),
            what,
            most,
        });
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Open,
    /// `[` after what can be looked into.
    Index,
    Close,
    Operator,
    End,
}

/// What nests, outside of strings and comments.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
    is_schema: bool,
    /// Whether the last word or bracket is one that `[` can look into.
    is_value: bool,
}

impl<'a> Tokens<'a> {
    const fn new(text: &'a str, is_schema: bool) -> Self {
        Self {
            text,
            at: 0,
            is_schema,
            is_value: false,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn skip_string(&mut self) {
        while let Some(byte) = self.byte(self.at) {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    fn skip_comment(&mut self) {
        let is_inside = |byte: u8| byte != b'\n' && byte != b'\r';
        while self.byte(self.at).is_some_and(is_inside) {
            self.at += 1;
        }
    }

    fn word(&mut self, start: usize) -> Option<Token> {
        let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        while self.byte(self.at).is_some_and(is_part) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        ["else", "if", "unless", "when"]
            .contains(&word)
            .then_some(Token::Operator)
    }
}

impl Iterator for Tokens<'_> {
    type Item = (usize, Token);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at;
            let byte = self.byte(start)?;
            self.at += 1;
            let was_value = std::mem::take(&mut self.is_value);
            let token = match byte {
                b'"' => {
                    self.skip_string();
                    self.is_value = true;
                    continue;
                }
                b'/' if self.byte(self.at) == Some(b'/') => {
                    self.skip_comment();
                    self.is_value = was_value;
                    continue;
                }
                b'[' if was_value => Token::Index,
                b'(' | b'[' | b'{' => Token::Open,
                b')' | b']' | b'}' => {
                    self.is_value = true;
                    Token::Close
                }
                b'<' if self.is_schema => Token::Open,
                b'>' if self.is_schema => Token::Close,
                b'&' | b'|' if self.byte(self.at) == Some(byte) => {
                    self.at += 1;
                    Token::Operator
                }
                b'+' | b'-' | b'*' | b'.' | b'!' => Token::Operator,
                b';' => Token::End,
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => match self.word(start) {
                    Some(token) => token,
                    None => {
                        self.is_value = true;
                        continue;
                    }
                },
                _ => {
                    self.is_value = was_value && byte.is_ascii_whitespace();
                    continue;
                }
            };
            return Some((start, token));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deep_is_refused_with_its_line() {
        let when =
            |text: String| format!("\npermit(principal, action, resource) when {{ {text} }};");
        for (name, text, expected) in [
            ("parentheses", "(".repeat(100_000), "a bracket"),
            ("sets", "[".repeat(100_000), "a bracket"),
            ("records", "{a:".repeat(100_000), "a bracket"),
            ("and", "true && ".repeat(100_000), "an expression"),
            ("plus", "1 + ".repeat(100_000), "an expression"),
            ("minus", "-".repeat(100_000), "an expression"),
            ("not", "!".repeat(100_000), "an expression"),
            ("dots", "a.".repeat(100_000), "an expression"),
            ("else", "if a then b else ".repeat(100_000), "an expression"),
            (
                "indexes",
                format!("a{}", "[\"b\"]".repeat(100_000)),
                "an expression",
            ),
            (
                "indexes apart",
                format!("a{}", " [\"b\"] //\r".repeat(10_000)),
                "an expression",
            ),
            ("clauses", "a } when { ".repeat(100_000), "an expression"),
            (
                "other clauses",
                "a } unless { ".repeat(100_000),
                "an expression",
            ),
            (
                "behind a comment that a return ends",
                format!("// \r {}", "(".repeat(3_000)),
                "a bracket",
            ),
            (
                "behind a quote in one",
                format!("// \"\r {}", "(".repeat(3_000)),
                "a bracket",
            ),
        ] {
            let text = when(text);
            let error = check("a.cedar", &text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("a.cedar:2: {expected}")),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn a_schema_nests_sets() {
        let schema = |times| {
            let (open, close) = ("Set<".repeat(times), ">".repeat(times));
            format!("entity User {{ a: {open}Long{close} }};")
        };
        assert!(check_schema("a", &schema(20)).is_ok());
        let error = check_schema("a", &schema(20_000)).unwrap_err().to_string();
        assert!(error.starts_with("a:1: a bracket"), "{error}");
    }

    #[test]
    fn levels_are_those_of_the_tree() {
        for (name, clauses, expected) in [
            ("none", "", 0),
            ("a constant", "when { true }", 2),
            ("an attribute", "when { context.a }", 3),
            ("brackets are none", "when { ((((context.a)))) }", 3),
            (
                "one after the other",
                "when { context.a || context.b || context.c }",
                5,
            ),
            ("in a set", "when { [1, 2, 3].contains(context.a) }", 4),
            ("two clauses", "when { context.a } unless { context.b }", 4),
            ("has", "when { context has a.b.c }", 9),
        ] {
            let text = format!("permit(principal, action, resource) {clauses};");
            let policy: cedar_policy::Policy = text.parse().unwrap();
            let tree = policy.to_pst().unwrap();
            assert_eq!(levels(tree.body().clauses()), expected, "{name}");
        }
    }

    #[test]
    fn what_panics_is_an_error() {
        assert_eq!(with_stack(|| Ok(7)).unwrap(), 7);
        let error = with_stack::<()>(|| panic!("on purpose")).unwrap_err();
        assert!(matches!(error, LoadError::Stopped(_)), "{error}");
    }

    #[test]
    fn long_is_not_deep() {
        for (name, text) in [
            (
                "many policies",
                "permit(principal, action, resource) when { a && b && c };\n".repeat(10_000),
            ),
            ("a string", format!("\"{}\"", "((".repeat(10_000))),
            (
                "a string with quotes in it",
                format!("\"{}\"", "\\\"((".repeat(10_000)),
            ),
            ("a comment", format!("// {}\n", "((".repeat(10_000))),
            ("a set", format!("[{}]", "1, ".repeat(10_000))),
            ("brackets beside each other", "()".repeat(10_000)),
            (
                "less than",
                "permit(principal, action, resource) when { 1 < 2 };\n".repeat(10_000),
            ),
        ] {
            assert!(check("a.cedar", &text).is_ok(), "{name}");
        }
    }
}
