//! Statements: stacked after a semicolon, or where the value begins.

use super::super::findings as found;
use super::super::token::{Kind, Token};
use super::super::words::{self, Role};
use super::Parser;
use crate::waf::detect::text::is_word;
use crate::waf::signal::Finding;

impl Parser<'_, '_> {
    /// Strong after a semicolon, medium where it could be the beginning of prose.
    fn statement(&mut self, certain: bool, token: Token) {
        let finding: &'static Finding = if self.stacked {
            &found::STACKED
        } else if certain {
            &found::STATEMENT
        } else if self.statement_start {
            &found::STATEMENT_NAMES
        } else {
            return;
        };
        self.hit(finding, token.end);
    }

    pub(super) fn statement_word(&mut self, token: Token, role: Role) {
        let at_start = self.statement_position();
        if matches!(
            role,
            Role::Define
                | Role::Insert
                | Role::Replace
                | Role::Update
                | Role::Delete
                | Role::Execute
                | Role::Declare
                | Role::Set
                | Role::Statement
                | Role::Call
                | Role::Waitfor
                | Role::Shutdown
        ) {
            self.stacked = self.prev.kind == Kind::Semicolon || self.stacked_if;
            self.statement_start = at_start;
        }
        match role {
            Role::Shutdown
                if self.stacked
                    && matches!(
                        self.text.at(self.text.skip_space(token.end)),
                        0 | b';' | b'-' | b'#'
                    ) =>
            {
                self.hit(&found::STACKED, token.end);
            }
            Role::Delay if self.prev.kind == Kind::Word(Role::Waitfor) => {
                self.hit(&found::STATEMENT, token.end);
            }
            Role::Into => {
                self.fold_all();
                self.stack.clear_to_open();
            }
            Role::Values if self.prev.kind == Kind::Word(Role::Union) => {
                self.hit(&found::UNION, token.end);
            }
            Role::Values
                if self.prev.kind == Kind::Close || self.prev2.kind == Kind::Word(Role::Into) => {}
            Role::Set if self.prev2.kind == Kind::Word(Role::Update) => {}
            Role::Collate if self.at_edge => {
                self.edge_expression = true;
                self.sql = self.sql.saturating_add(1);
            }
            Role::Procedure | Role::Collate | Role::Escape | Role::Exists | Role::Any => {}
            Role::Top | Role::As | Role::Join | Role::For | Role::Offset => self.idle_word(),
            _ => {
                if !at_start {
                    // In the middle of an expression these are words of prose.
                    self.names = self.names.saturating_add(1);
                    self.value(token, super::Traits::NAME);
                } else {
                    self.fold_all();
                    self.stack.clear_to_open();
                }
            }
        }
    }

    /// A name, a function or a catalog after words of a statement.
    pub(super) fn statement_name(&mut self, token: Token) {
        let Kind::Word(previous) = self.prev.kind else {
            if self.prev.kind == Kind::Dot && self.prev3.kind == Kind::Word(Role::Execute) {
                self.hit(&found::STATEMENT, token.end);
            }
            return;
        };
        let next = self.text.at(self.text.skip_space(token.end));
        let ends = matches!(next, 0 | b';' | b'-' | b'#' | b'/');
        let word = self.text.slice(token.start, token.end);
        match previous {
            Role::Object if matches!(self.prev2.kind, Kind::Word(Role::Define)) => {
                let technical = word.contains(&b'_') || matches!(next, b';' | b'(' | b'-' | b'#');
                self.statement(technical && self.statement_start, token);
            }
            Role::Define if matches!(next, b';') && !is_particle(word) => {
                self.statement(self.statement_start, token);
            }
            Role::Define if self.stacked && ends => self.statement(false, token),
            Role::Into if matches!(self.prev2.kind, Kind::Word(Role::Insert | Role::Replace)) => {
                let after = self.text.skip_space(token.end);
                let listed = next == b'('
                    || self.text.has(after, b"values")
                    || self.text.has(after, b"select")
                    || self.text.has(after, b"set ");
                self.statement(listed, token);
            }
            Role::From
                if self.prev2.kind == Kind::Word(Role::Delete)
                    && self.is_before_article(self.prev) => {}
            Role::From if self.prev2.kind == Kind::Word(Role::Delete) => {
                let after = self.text.skip_space(token.end);
                let certain =
                    next == b';' || self.text.has(after, b"where") || self.text.has(after, b"--");
                self.statement(certain, token);
            }
            Role::Update => {
                let after = self.text.skip_space(token.end);
                if self.text.has(after, b"set ")
                    && memchr::memchr(b'=', self.text.slice(after, after.saturating_add(64)))
                        .is_some()
                {
                    self.statement(true, token);
                } else if self.stacked && self.prev2.start == self.start && next == 0 {
                    self.statement(false, token);
                }
            }
            Role::Execute
                if word.eq_ignore_ascii_case(b"immediate")
                    && matches!(next, b'\'' | b'"' | b'@' | b':') =>
            {
                self.hit(&found::STATEMENT, token.end);
            }
            Role::Waitfor if word.eq_ignore_ascii_case(b"time") => {
                self.hit(&found::STATEMENT, token.end);
            }
            Role::Execute if words::is_server_procedure(word) || next == b'.' => {
                self.statement(true, token);
            }
            Role::Execute if self.stacked && matches!(next, b'\'' | b'@') => {
                self.statement(false, token);
            }
            Role::Statement
                if self.stacked
                    && (word.eq_ignore_ascii_case(b"data")
                        || word.eq_ignore_ascii_case(b"xml")) =>
            {
                self.statement(false, token);
            }
            Role::As
                if self.prev2.kind == Kind::Close
                    && self.is_before_from(token)
                    && self.closed_outer =>
            {
                self.hit(&found::SELECT, token.end);
            }
            Role::From
                if self.prev2.kind == Kind::Close
                    && self.closed_outer
                    && self.text.has(self.text.skip_space(token.end), b"where") =>
            {
                self.hit(&found::SELECT, token.end);
            }
            Role::From => self.table_name(token),
            Role::Statement | Role::Call if self.stacked && next == b'(' => {
                self.statement(false, token);
            }
            _ => {}
        }
    }

    fn is_before_from(&self, token: Token) -> bool {
        let after = self.text.skip_space(token.end);
        self.text.has(after, b"from") && !is_word(self.text.at(after.saturating_add(4)))
    }

    /// A number, a string or a variable after words of a statement.
    pub(super) fn statement_operand(&mut self, token: Token) {
        match self.prev.kind {
            Kind::Word(Role::Declare | Role::Execute)
                if matches!(token.kind, Kind::Variable | Kind::Quoted) =>
            {
                self.statement(token.kind == Kind::Variable, token);
            }
            // `1 as "x" from`, `) as 'x' from`.
            Kind::Word(Role::As) if token.kind == Kind::Quoted && self.is_before_from(token) => {
                if matches!(self.prev2.kind, Kind::Close | Kind::Number | Kind::Quoted) {
                    self.hit(&found::SELECT, token.end);
                }
            }
            Kind::Word(Role::Set) if token.kind == Kind::Variable => {
                let next = self.text.at(self.text.skip_space(token.end));
                let assigned = matches!(next, b'=' | b':');
                self.statement(assigned, token);
            }
            _ => {}
        }
    }

    /// A parenthesis after words of a statement: `exec(`, `;do (`, `;replace t(`, `;if(`.
    pub(super) fn opened_statement(&mut self, role: Option<Role>, token: Token) {
        let word = self.text.slice(self.prev.start, self.prev.end);
        let stacked_if = role == Some(Role::Common)
            && word.eq_ignore_ascii_case(b"if")
            && self.prev2.kind == Kind::Semicolon;
        let stacked_exists = role == Some(Role::Exists) && self.prev3.kind == Kind::Semicolon;
        let columns = self.prev.kind == Kind::Name
            && matches!(self.prev2.kind, Kind::Word(Role::Replace | Role::Insert))
            && self.stacked;
        match role {
            Some(Role::Execute) => self.hit(&found::STATEMENT, token.end),
            Some(Role::Statement | Role::Call) if self.stacked => {
                self.hit(&found::STACKED, token.end);
            }
            _ if stacked_if || stacked_exists || columns => self.hit(&found::STACKED, token.end),
            _ => {}
        }
    }
}

/// `drop off`, `drop by`: English, and no table.
fn is_particle(word: &[u8]) -> bool {
    const PARTICLES: [&[u8]; 9] = [
        b"by", b"down", b"in", b"it", b"me", b"off", b"out", b"them", b"up",
    ];
    PARTICLES
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}
