//! Text, tables and JSON: UTF-8 without control characters, to the end.

use super::Facts;
use super::code::CodeFinder;
use super::seam::Seam;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed, mismatch, polyglot};
use crate::input::upload::report::Flag;
use crate::input::upload::{FileType, Refusal};
use memchr::memmem;

/// JSON is held in memory up to here: 16 MiB.
const MAX_JSON: usize = 16 << 20;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut facts = Facts {
        kind: Some(rules.expected),
        ..Facts::default()
    };
    if rules.expected == FileType::Json {
        let document = feed.hold_all(MAX_JSON).await?;
        if has_server_code(&document) {
            return Err(polyglot("code of a server in a text"));
        }
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&document);
        return match serde_json::from_slice::<serde::de::IgnoredAny>(document) {
            Ok(_) => Ok(facts),
            Err(error) if error.is_eof() => {
                Err(Refusal::new(RefusalKind::Truncated, "it ends too early"))
            }
            Err(error) => Err(malformed(format!("not JSON: {error}"))),
        };
    }
    let mut text = Text {
        is_table: rules.expected == FileType::Csv,
        at_cell_start: true,
        ..Text::default()
    };
    while !feed.is_at_end().await {
        feed.scan(Fate::Keep, |bytes| {
            let read = text.push(bytes)?;
            // What is left of a character at the end is waited for.
            Ok(Step(read, (read == bytes.len()).then_some(())))
        })
        .await?;
    }
    if text.has_server_code {
        return Err(polyglot("code of a server in a text"));
    }
    if text.markup.found() {
        facts.note_flag(Flag::Markup);
    }
    if text.has_formula {
        facts.note_flag(Flag::Formula);
    }
    Ok(facts)
}

/// PHP runs wherever it stands in a file, in any case.
const SERVER_CODE: &[&[u8]] = &[b"<?php", b"<?="];
const MAX_SERVER_CODE_LEN: usize = 5;

fn has_server_code(text: &[u8]) -> bool {
    memmem::find_iter(text, b"<?").any(|at| {
        let text = text.get(at..).unwrap_or_default();
        let starts = |code: &&[u8]| {
            let start = text.get(..code.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(code))
        };
        SERVER_CODE.iter().any(starts)
    })
}

#[derive(Default)]
struct Text {
    is_table: bool,
    at_cell_start: bool,
    has_formula: bool,
    has_server_code: bool,
    server_code: Seam<MAX_SERVER_CODE_LEN>,
    markup: CodeFinder,
}

impl Text {
    /// Reads whole characters, and says how many bytes they are.
    fn push(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let valid = match std::str::from_utf8(bytes) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(mismatch("not text in UTF-8")),
        };
        let valid = bytes.get(..valid).unwrap_or_default();
        if valid.iter().any(|byte| is_control(*byte)) {
            return Err(mismatch("control characters in a text"));
        }
        self.markup.push(valid);
        self.has_server_code |= self.server_code.any(valid, has_server_code);
        if self.is_table && !self.has_formula {
            self.find_formula(valid);
        }
        Ok(valid.len())
    }

    /// Spreadsheets run cells that begin like this (OWASP, CSV injection). Numbers may.
    fn find_formula(&mut self, bytes: &[u8]) {
        for (at, byte) in bytes.iter().enumerate() {
            let next = bytes.get(at + 1);
            let is_formula = match byte {
                b'=' | b'@' => true,
                b'+' | b'-' => next.is_some_and(|next| !b"0123456789.,;\r\n\" ".contains(next)),
                _ => false,
            };
            self.has_formula |= self.at_cell_start && is_formula;
            self.at_cell_start = match byte {
                b',' | b';' | b'\t' | b'\n' | b'\r' => true,
                // Quotes, blanks and a byte order mark stand before a cell's text.
                b'"' | b'\'' | b' ' | 0xEF | 0xBB | 0xBF => self.at_cell_start,
                _ => false,
            };
        }
    }
}

/// Characters that no text has.
pub(in crate::input::upload) const fn is_control(byte: u8) -> bool {
    // Without a branch, so that many bytes can be looked at in one step.
    (byte == 0x7F)
        | ((byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') & (byte != 0x0C))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_a_server() {
        for (text, expected) in [
            ("a <?php b", true),
            ("a <?PhP b", true),
            ("a <?= b", true),
            ("<?xml version=\"1.0\"?>", false),
            ("a < ?php", false),
        ] {
            assert_eq!(has_server_code(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn cells_that_a_spreadsheet_runs() {
        let cases = [
            ("numbers", "a,-1\n+2;-.5\n", false),
            ("a dash", "a,-,b\n", false),
            ("an equals sign within", "a=b,c\n", false),
            ("a formula", "a,=1+1\n", true),
            ("a quoted formula", "a,\"=cmd|' /C calc'!A0\"\n", true),
            ("behind a mark", "\u{FEFF}=1", true),
            ("a sign", "x\n-2+cmd\n-A1\n", true),
            ("at", "@SUM(A1)", true),
        ];
        for (name, table, expected) in cases {
            let mut text = Text {
                is_table: true,
                at_cell_start: true,
                ..Text::default()
            };
            text.push(table.as_bytes()).unwrap();
            assert_eq!(text.has_formula, expected, "{name}");
        }
    }
}
