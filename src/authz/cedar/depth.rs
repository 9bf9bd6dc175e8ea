//! How deep a text is nested, found out before anything recurses over it.

use super::LoadError;
use super::error::line_of;

/// Brackets within brackets. Cedar's reader and everything after it go one call deeper for each.
const MAX_BRACKETS: usize = 64;

/// Operators, dots and `else` in one policy: each can stand one level below the last.
const MAX_OPERATORS: usize = 1_000;

/// Whether the reader can walk this text without running out of stack.
pub(super) fn check(file: &str, text: &str) -> Result<(), LoadError> {
    let mut brackets = 0_usize;
    let mut operators = 0_usize;
    for (at, token) in Tokens::new(text) {
        match token {
            Token::Open => brackets += 1,
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
    Close,
    Operator,
    End,
}

/// What nests, outside of strings and comments.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
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
        while self.byte(self.at).is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn word(&mut self, start: usize) -> Option<Token> {
        let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        while self.byte(self.at).is_some_and(is_part) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at);
        (word == Some("else") || word == Some("if")).then_some(Token::Operator)
    }
}

impl Iterator for Tokens<'_> {
    type Item = (usize, Token);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at;
            let byte = self.byte(start)?;
            self.at += 1;
            let token = match byte {
                b'"' => {
                    self.skip_string();
                    continue;
                }
                b'/' if self.byte(self.at) == Some(b'/') => {
                    self.skip_comment();
                    continue;
                }
                b'(' | b'[' | b'{' => Token::Open,
                b')' | b']' | b'}' => Token::Close,
                b'&' | b'|' if self.byte(self.at) == Some(byte) => {
                    self.at += 1;
                    Token::Operator
                }
                b'+' | b'-' | b'*' | b'.' | b'!' => Token::Operator,
                b';' => Token::End,
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => match self.word(start) {
                    Some(token) => token,
                    None => continue,
                },
                _ => continue,
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
        ] {
            assert!(check("a.cedar", &text).is_ok(), "{name}");
        }
    }
}
