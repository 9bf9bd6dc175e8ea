//! Operands, and the operators between them.

use super::super::findings as found;
use super::super::stack::{Sort, Traits};
use super::super::token::{Kind, Token};
use super::super::words::Role;
use super::Parser;
use super::nesting::is_telling;

impl Parser<'_, '_> {
    pub(super) fn operand(&mut self, token: Token, traits: Traits) {
        self.statement_operand(token);
        if let Some(select) = &mut self.select {
            select.columns = select.columns.saturating_add(1);
        }
        self.value(token, traits);
    }

    pub(super) fn value(&mut self, token: Token, traits: Traits) {
        if self.prev.kind == Kind::Word(Role::Escape) {
            return;
        }
        let on_value = self
            .stack
            .peek(0)
            .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test));
        if on_value {
            if self.prev.kind == Kind::Dot {
                return;
            }
            self.fold_all();
            if traits.has(Traits::UNCLOSED) && token.start.saturating_add(1) >= self.text.len() {
                self.close_open(token);
            }
            self.gaps = self.gaps.saturating_add(1);
            if let Some(select) = &mut self.select {
                select.gaps = select.gaps.saturating_add(1);
            }
            self.stack.clear_to_open();
        }
        self.stack.push(Sort::Value, traits, token.start);
        self.fold_prefixes();
    }

    pub(super) fn variable(&mut self, token: Token) {
        let name = self.text.slice(token.start, token.end);
        let server = name.starts_with(b"@@") && name.len() > 3;
        let told = self.prev.kind == Kind::Word(Role::Select)
            && self.count == 1
            && is_telling(name.get(1..).unwrap_or_default());
        if told || (server && (self.anchored() || self.select.is_some())) {
            self.hit(&found::SERVER_VARIABLE, token.end);
        }
        if name.len() > 1 {
            self.sql = self.sql.saturating_add(1);
            let traits = if server {
                Traits::DEEP.and(Traits::LITERAL)
            } else {
                Traits::LITERAL
            };
            self.operand(token, traits);
        } else {
            self.other(token);
        }
    }

    pub(super) fn name(&mut self, token: Token) {
        self.names = self.names.saturating_add(1);
        self.statement_name(token);
        if let Some(select) = &mut self.select {
            select.names = select.names.saturating_add(1);
        }
        // `_utf8'x'`.
        if self.text.at(token.start) == b'_' && matches!(self.text.at(token.end), b'\'' | b'"') {
            return;
        }
        // `similar to`.
        let similar = self.prev.kind == Kind::Word(Role::Like)
            && self.text.has(self.prev.start, b"similar")
            && self
                .text
                .slice(token.start, token.end)
                .eq_ignore_ascii_case(b"to");
        if similar || matches!(self.prev.kind, Kind::Cast | Kind::Word(Role::Collate)) {
            return;
        }
        self.value(token, Traits::NAME);
    }

    pub(super) fn other(&mut self, token: Token) {
        let byte = self.text.at(token.start);
        let json_question = byte == b'?' && self.prev.kind == Kind::Quoted;
        if json_question {
            self.comparison(token, Sort::Compare, Traits::FOREIGN);
        } else {
            self.gaps = self.gaps.saturating_add(1);
            self.stack.clear_to_open();
        }
    }

    // Operators.

    pub(super) fn arithmetic(&mut self, token: Token) {
        let star = self.text.at(token.start) == b'*';
        if star
            && matches!(
                self.prev.kind,
                Kind::Word(Role::Select | Role::Modifier) | Kind::Dot | Kind::Comma
            )
            && let Some(select) = &mut self.select
        {
            select.columns = select.columns.saturating_add(1);
            self.stack.push(Sort::Value, Traits::LITERAL, token.start);
            return;
        }
        self.fold_arithmetic();
        let binary = self
            .stack
            .peek(0)
            .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test));
        if binary {
            self.operators = self.operators.saturating_add(1);
            if self.text.at(token.start) != b'-' {
                self.firm_operators = self.firm_operators.saturating_add(1);
            }
            self.note_edge_operator();
            self.stack
                .push(Sort::Arithmetic, Traits::default(), token.start);
        } else {
            self.stack
                .push(Sort::Prefix, Traits::default(), token.start);
        }
    }

    pub(super) fn comparison(&mut self, token: Token, sort: Sort, traits: Traits) {
        self.fold_comparison();
        self.operators = self.operators.saturating_add(1);
        self.firm_operators = self.firm_operators.saturating_add(1);
        self.note_edge_operator();
        self.stack.push(sort, traits, token.start);
    }

    pub(super) fn logic(&mut self, token: Token) {
        self.leading_logic |= self.count == 0;
        self.logics = self.logics.saturating_add(1);
        self.fold_all();
        self.edge_logic |= self.at_edge;
        self.operators = self.operators.saturating_add(1);
        self.firm_operators = self.firm_operators.saturating_add(1);
        self.note_edge_operator();
        self.stack.push(Sort::Logic, Traits::default(), token.start);
    }

    pub(super) fn prefix(&mut self, token: Token) {
        self.stack
            .push(Sort::Prefix, Traits::default(), token.start);
    }

    pub(super) fn note_edge_operator(&mut self) {
        let edge = self
            .stack
            .peek(0)
            .is_some_and(|top| top.traits.has(Traits::EDGE));
        if edge {
            self.edge_expression = true;
        }
    }
}
