//! What each word of SQL does to the expression around it.

use super::super::findings as found;
use super::super::stack::{Sort, Traits};
use super::super::token::{Kind, Token};
use super::super::words::Role;
use super::{Context, PROSE, Parser};

impl Parser<'_, '_> {
    pub(super) fn word(&mut self, token: Token, role: Role) {
        match role {
            Role::Union => self.clause(token),
            Role::Select => self.select(token),
            Role::From => self.from(token),
            Role::Where => self.where_clause(token),
            Role::Modifier => self.idle_word(),
            Role::Logic => self.logic(token),
            Role::Not if self.on_operand() => {}
            Role::Not => self.prefix(token),
            Role::Prefix => {
                if !self
                    .stack
                    .peek(0)
                    .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test))
                {
                    self.sql = self.sql.saturating_add(1);
                    self.prefix(token);
                }
            }
            Role::Like => {
                if !matches!(self.prev.kind, Kind::Word(Role::Like | Role::Match))
                    && (self.on_operand() || self.count == 0)
                {
                    self.comparison(token, Sort::CompareWord, Traits::default());
                }
            }
            Role::Match
                if self.text.at(self.text.skip_space(token.end)) == b'(' && !self.on_operand() => {}
            Role::Match => {
                self.sql = self.sql.saturating_add(1);
                self.comparison(token, Sort::CompareWord, Traits::FOREIGN);
            }
            Role::Arithmetic => {
                if self
                    .stack
                    .peek(0)
                    .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test))
                {
                    self.arithmetic(token);
                } else {
                    self.names = self.names.saturating_add(1);
                    self.value(token, Traits::NAME);
                }
            }
            Role::Literal => self.literal(token),
            Role::Catalog => self.catalog(token),
            Role::Postfix => self.postfix(token),
            Role::Limit if self.query_from => {
                self.hit(&found::QUERY_TAIL, token.end);
                self.clause(token);
            }
            Role::Having => {
                self.seen_having |= self.count > 0;
                self.clause(token);
            }
            Role::Limit | Role::Offset | Role::By => self.clause(token),
            Role::Group => {
                self.clause(token);
            }
            Role::Order => self.clause(token),
            Role::Case => self.start_case(token),
            Role::When => {
                self.case_when |= self.prev.kind == Kind::Word(Role::Case)
                    || (self.case_open && self.prev.kind != Kind::Comma && self.gaps == 0);
                self.clause(token);
            }
            Role::Then => {
                let closed = self.closed_outer
                    && self.prev.kind == Kind::Number
                    && self.prev2.kind == Kind::Word(Role::When);
                if closed || (self.case_when && self.gaps <= PROSE) {
                    self.hit(&found::CASE, token.end);
                }
                self.clause(token);
            }
            Role::Else | Role::EndCase => self.clause(token),
            Role::File => {
                if self.prev.kind == Kind::Word(Role::Into) {
                    self.hit(&found::INTO_FILE, token.end);
                }
            }
            Role::Analyse => {
                if self.prev.kind == Kind::Word(Role::Procedure) {
                    self.hit(&found::ANALYSE, token.end);
                }
            }
            Role::Type => self.type_name(token),
            Role::Object | Role::Attack | Role::Function | Role::Common => {
                self.function_name(token, role);
            }
            _ => self.statement_word(token, role),
        }
    }

    /// A word that queries have only behind others: elsewhere it is prose.
    pub(super) fn idle_word(&mut self) {
        if self.select.is_none()
            && !self.query_from
            && self.prev.kind != Kind::Word(Role::Union)
            && self.context != Context::Bare
        {
            self.gaps = self.gaps.saturating_add(1);
        }
    }

    pub(super) fn clause(&mut self, token: Token) {
        let tail = match token.kind {
            Kind::Word(Role::Having | Role::Limit) => true,
            Kind::Word(Role::By) => matches!(self.prev.kind, Kind::Word(Role::Order | Role::Group)),
            _ => false,
        };
        self.clause_seen |= tail;
        let orders = matches!(token.kind, Kind::Word(Role::Order | Role::Group));
        if (tail || orders) && self.at_edge {
            self.edge_expression = true;
        }
        self.fold_all();
        self.stack.clear_to_open();
    }

    pub(super) fn literal(&mut self, token: Token) {
        self.sql = self.sql.saturating_add(1);
        self.operand(token, Traits::LITERAL);
    }

    pub(super) fn function_name(&mut self, token: Token, role: Role) {
        self.statement_name(token);
        self.stacked_if |= self.prev.kind == Kind::Semicolon && self.is_if(token);
        if let Some(select) = &mut self.select {
            select.names = select.names.saturating_add(1);
        }
        if role == Role::Object && matches!(self.prev.kind, Kind::Word(Role::Define)) {
            return;
        }
        if self.text.at(self.text.skip_space(token.end)) == b'(' {
            return;
        }
        self.names = self.names.saturating_add(1);
        self.value(token, Traits::NAME);
    }

    pub(super) fn type_name(&mut self, token: Token) {
        if self.prev.kind == Kind::Cast {
            let before = self.prev2;
            let tight = before.end == self.prev.start && self.prev.end == token.start;
            let valued = matches!(
                before.kind,
                Kind::Quoted
                    | Kind::Number
                    | Kind::Close
                    | Kind::Name
                    | Kind::Word(_)
                    | Kind::Variable
            );
            if valued && (tight || before.kind == Kind::Quoted) && self.anchored() {
                self.hit(&found::CAST, token.end);
            }
            return;
        }
        if self.prev.kind == Kind::Word(Role::As) {
            return;
        }
        self.names = self.names.saturating_add(1);
        self.value(token, Traits::NAME);
    }

    pub(super) fn catalog(&mut self, token: Token) {
        self.statement_name(token);
        let word = self.text.slice(token.start, token.end);
        let dotted = self.text.at(token.end) == b'.' || self.prev.kind == Kind::Dot;
        let schema = word.eq_ignore_ascii_case(b"information_schema");
        let quoted = word.starts_with(b"`");
        if quoted || (self.anchored() && !schema) || dotted {
            self.hit(&found::CATALOG, token.end);
        } else {
            self.hit(&found::CATALOG_NAMED, token.end);
        }
        if let Some(select) = &mut self.select {
            select.names = select.names.saturating_add(1);
        }
        self.value(token, Traits::NAME.and(Traits::DEEP));
    }

    pub(super) fn postfix(&mut self, token: Token) {
        let edge = self
            .stack
            .peek(0)
            .is_some_and(|top| top.traits.has(Traits::EDGE));
        if edge {
            self.edge_expression = true;
            self.sql = self.sql.saturating_add(1);
        }
        if self.text.at(token.end) == b'(' {
            self.value(token, Traits::CALL);
        } else if !self
            .stack
            .peek(0)
            .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test))
        {
            self.value(token, Traits::NAME);
        }
    }

    pub(super) fn start_case(&mut self, token: Token) {
        self.case_open = true;
        self.clause(token);
    }
}
