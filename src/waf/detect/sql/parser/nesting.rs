//! Parentheses, calls, and what separates expressions.

use super::super::findings as found;
use super::super::stack::{Sort, Traits};
use super::super::token::{Kind, Token};
use super::super::words::Role;
use super::{Context, Parser};

impl Parser<'_, '_> {
    pub(super) fn open(&mut self, token: Token) {
        self.parenthesized = true;
        let united = match self.prev.kind {
            Kind::Word(Role::Union) => true,
            Kind::Word(Role::Modifier) => self.prev2.kind == Kind::Word(Role::Union),
            Kind::Open => self.after_open_union,
            _ => false,
        };
        self.after_open_union = united;
        let role = match self.prev.kind {
            Kind::Word(role) => Some(role),
            _ => None,
        };
        let calls = matches!(
            role,
            Some(
                Role::Attack
                    | Role::Function
                    | Role::Common
                    | Role::Object
                    | Role::Literal
                    | Role::Replace
                    | Role::Insert
                    | Role::Match
                    | Role::Arithmetic
            )
        );
        self.opened_statement(role, token);
        if calls {
            self.call(token, role);
            return;
        }
        let named = self.prev.kind == Kind::Name && self.prev.end == token.start;
        if named {
            self.stack.pop();
            self.stack.push(Sort::Call, Traits::NAME, token.start);
            if let Some(select) = &mut self.select {
                select.columns = select.columns.saturating_add(1);
            }
        } else {
            if self
                .stack
                .peek(0)
                .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test))
                && !self.at_edge
            {
                self.fold_all();
                if !matches!(self.prev.kind, Kind::Word(_)) {
                    self.gaps = self.gaps.saturating_add(1);
                }
                self.stack.clear_to_open();
            }
            self.stack.push(Sort::Open, Traits::default(), token.start);
        }
    }

    pub(super) fn call(&mut self, token: Token, role: Option<Role>) {
        if let Some(select) = &mut self.select {
            select.columns = select.columns.saturating_add(1);
        }
        let adjacent = self.prev.end == token.start;
        let argued = self.is_argued(token.end);
        if role == Some(Role::Attack)
            && argued
            && (adjacent || (self.anchored() && !self.on_operand()))
            && self.prev2.kind != Kind::Dot
        {
            self.hit(&found::ATTACK_CALL, token.end);
        }
        self.first_is_function |= self.count == 1;
        self.note_telling();
        let strong = matches!(role, Some(Role::Attack | Role::Function | Role::Match));
        self.calls = self.calls.saturating_add(u32::from(strong || adjacent));
        if strong || adjacent {
            self.sql = self.sql.saturating_add(1);
        }
        let traits = if strong || adjacent {
            Traits::CALL
        } else {
            Traits::NAME
        };
        if self.gaps > 0 || !self.on_operand() {
            self.stack.push_call(traits, token.start, self.gaps);
            return;
        }
        self.fold_all();
        self.gaps = self.gaps.saturating_add(1);
        self.stack.clear_to_open();
        self.stack.push_call(traits, token.start, self.gaps);
    }

    /// Whether arguments stand here as calls have them: `sleep(ing)` is a word.
    pub(super) fn is_argued(&self, start: usize) -> bool {
        let at = self.text.skip_space(start);
        if !self.text.at(at).is_ascii_alphabetic() {
            return self.text.at(at) != b')' || self.anchored();
        }
        let end = self.text.word_end(at);
        let after = self.text.skip_space(end);
        !(self.text.at(after) == b')' && self.text.at(after.saturating_add(1)) == b' ')
            && end.saturating_sub(at) > 3
            || self.text.at(after) != b')'
    }

    pub(super) fn note_telling(&mut self) {
        if is_telling(self.text.slice(self.prev.start, self.prev.end)) {
            self.tells = self.tells.saturating_add(1);
        }
    }

    pub(super) fn on_operand(&self) -> bool {
        self.stack
            .peek(0)
            .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test))
    }

    pub(super) fn close(&mut self, token: Token) {
        self.fold_all();
        self.end_select();
        let inner = self
            .stack
            .peek(0)
            .filter(|top| matches!(top.sort, Sort::Value | Sort::Test));
        if inner.is_some() {
            self.stack.pop();
        }
        let open = self.stack.peek(0);
        match open.map(|open| open.sort) {
            Some(Sort::Call) => {
                let traits = open.map_or(Traits::default(), |open| open.traits);
                self.stack.pop();
                if traits.has(Traits::CALL) {
                    self.gaps = open.map_or(self.gaps, |open| open.gaps);
                }
                self.value(token, traits);
            }
            Some(Sort::Open) => {
                self.stack.pop();
                let traits = inner.map_or(Traits::default(), |inner| inner.traits);
                let sort = inner.map_or(Sort::Value, |inner| inner.sort);
                self.stack.push(sort, traits, token.start);
                self.fold_prefixes();
            }
            // Closes what the application opened: the operand before it stays.
            _ => {
                self.closed_outer = true;
                if let Some(inner) = inner {
                    self.stack.push(inner.sort, inner.traits, inner.start);
                }
            }
        }
    }

    pub(super) fn comma(&mut self) {
        self.fold_all();
        let edge = self
            .stack
            .peek(0)
            .is_some_and(|top| top.traits.has(Traits::EDGE));
        self.stack.clear_to_open();
        if edge {
            self.edge_expression = true;
            self.operators = self.operators.saturating_add(1);
        }
    }

    pub(super) fn semicolon(&mut self) {
        self.fold_all();
        self.end_select();
        let left = self.edge_expression && self.operators > 0;
        if left && self.gaps == 0 && self.context != Context::Bare {
            let end = self.prev.end;
            self.hit(&found::QUOTE_BREAK, end);
        }
        self.edge_semicolon |= self.at_edge;
        self.stack.clear();
        self.select = None;
    }
}

/// Whether a function or variable of this name tells what server or user this is.
pub(super) fn is_telling(word: &[u8]) -> bool {
    const TELLING: &[&[u8]] = &[
        b"version",
        b"user",
        b"database",
        b"current_user",
        b"system_user",
        b"session_user",
        b"schema",
    ];
    TELLING.iter().any(|name| word.eq_ignore_ascii_case(name))
}
