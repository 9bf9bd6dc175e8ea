//! Queries: what stands after `select`, `from` and `where`, and how a text ends.

use super::super::findings as found;
use super::super::stack::{Item, Sort, Traits};
use super::super::token::{Kind, Token};
use super::super::words::{self, Role};
use super::{Context, Parser, Select};
use crate::waf::detect::text::{is_space, is_word};

impl Parser<'_, '_> {
    pub(super) fn select(&mut self, token: Token) {
        let united = match self.prev.kind {
            Kind::Word(Role::Union) => true,
            Kind::Word(Role::Modifier) => self.prev2.kind == Kind::Word(Role::Union),
            Kind::Open => self.after_open_union,
            _ => false,
        };
        if united {
            self.hit(&found::UNION, token.end);
        }
        let opened = matches!(
            self.prev.kind,
            Kind::Open
                | Kind::Comma
                | Kind::Comparison
                | Kind::Logic
                | Kind::Arithmetic
                | Kind::Semicolon
        );
        let anchored = self.count == 0
            || united
            || opened
            || token.after_comment
            || matches!(
                self.prev.kind,
                Kind::Word(
                    Role::Logic
                        | Role::Not
                        | Role::Execute
                        | Role::Values
                        | Role::Like
                        | Role::Exists
                )
            );
        let nested = self
            .select
            .is_some_and(|outer| outer.anchored && outer.columns > 0);
        let tested = matches!(
            self.prev2.kind,
            Kind::Word(Role::Exists | Role::Like | Role::Any)
        );
        if self.prev.kind == Kind::Open && (tested || nested) {
            self.hit(&found::SELECT, token.end);
        }
        self.fold_all();
        self.stack.clear_to_open();
        self.select = Some(Select {
            start: token.start,
            anchored,
            opened: matches!(self.prev.kind, Kind::Open | Kind::Semicolon),
            ..Select::default()
        });
    }

    pub(super) fn from(&mut self, token: Token) {
        self.fold_all();
        self.stack.clear_to_open();
        let Some(select) = self.select.take() else {
            return;
        };
        let prose = !select.anchored && self.is_before_article(token);
        if prose {
            return;
        }
        if select.columns > 0 && select.gaps <= select.columns && select.gaps < 3 {
            self.signals.push(&found::SELECT, select.start..token.end);
            self.query_from = true;
        } else if select.columns == 0 && select.names > 0 && select.gaps == 0 {
            let finding = if select.names > 1 {
                &found::SELECT
            } else {
                &found::SELECT_NAMES
            };
            if select.anchored || select.names > 1 {
                self.signals.push(finding, select.start..token.end);
            }
            self.query_from = true;
        }
        // What follows the table of a query is a gap to no expression.
        self.stack.clear_to_open();
    }

    /// `from the menu`: no table has such a name.
    pub(super) fn is_before_article(&self, token: Token) -> bool {
        const ARTICLES: [&[u8]; 10] = [
            b"a", b"an", b"my", b"our", b"that", b"the", b"these", b"this", b"those", b"your",
        ];
        let start = self.text.skip_space(token.end);
        let end = self.text.word_end(start);
        let word = self.text.slice(start, end);
        self.text.at(end) == b' '
            && ARTICLES
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known))
    }

    /// A query within parentheses, or before a semicolon, that needs no table.
    pub(super) fn end_select(&mut self) {
        let Some(select) = self.select else {
            return;
        };
        let argument = self
            .stack
            .peek(1)
            .is_some_and(|below| below.sort == Sort::Call)
            || self.stack.in_call();
        if !argument
            && select.opened
            && select.columns > 0
            && select.gaps == 0
            && select.names <= self.sql
        {
            self.signals
                .push(&found::SELECT, select.start..self.prev.end);
        }
    }

    /// A table of a query: technical names are no prose.
    pub(super) fn table_name(&mut self, token: Token) {
        let name = self.text.slice(token.start, token.end);
        let technical = name.contains(&b'_') || matches!(self.text.at(token.end), b'.');
        if self.query_from && self.prev.kind == Kind::Word(Role::From) && technical {
            self.hit(&found::QUERY_TAIL, token.end);
        }
    }

    pub(super) fn where_clause(&mut self, token: Token) {
        if self.query_from {
            self.hit(&found::QUERY_TAIL, token.end);
        }
        let from = self.prev2.kind == Kind::Word(Role::From);
        if from && self.prev.kind == Kind::Name && self.text.at(self.prev.start) == b'`' {
            self.hit(&found::SELECT, token.end);
        }
        self.where_seen |= from;
        self.fold_all();
        self.stack.clear_to_open();
    }

    /// The text is at its end, or in a comment that reaches there.
    pub(super) fn finish(&mut self, token: Token) {
        self.fold_all();
        self.close_open(token);
        let comment = token.kind == Kind::Comment;
        let quiet = comment && self.is_quiet_comment(token);
        if self.tokens.conditional_seen {
            self.conditional_comment(token);
        }
        if self.comment_spaces > 1 {
            self.hit(&found::COMMENT_SPACE, token.end);
        }
        if let Some(select) = self.select {
            self.unfinished_select(select, token, comment);
        }
        if self.query_from && comment {
            self.hit(&found::QUERY_TAIL, token.end);
        }
        self.finish_clause(comment, quiet, token);
        match self.context {
            Context::Bare => self.finish_bare(comment, quiet, token),
            Context::Quoted(_) => self.finish_quoted(comment, quiet, token),
        }
    }

    /// Closes what the text leaves open around a condition: `7) or (9=9`.
    pub(super) fn close_open(&mut self, token: Token) {
        for _ in 0..8 {
            let compared = self.closed_outer && dangling_compare(self.stack.peek(2));
            let tested = self
                .stack
                .peek(0)
                .is_some_and(|top| top.sort == Sort::Test || (compared && top.sort == Sort::Value));
            let opened = self
                .stack
                .peek(1)
                .is_some_and(|below| below.sort == Sort::Open);
            if !(tested && opened) {
                return;
            }
            self.close(token);
            self.fold_all();
        }
    }

    fn conditional_comment(&mut self, token: Token) {
        let sql =
            matches!(self.prev.kind, Kind::Word(_)) || matches!(self.prev2.kind, Kind::Word(_));
        if sql || self.sql > 0 || self.operators > 0 || self.count < 4 {
            self.hit(&found::CONDITIONAL_COMMENT, token.end);
        }
    }

    /// Comments that hide the rest of a query say nothing themselves.
    fn is_quiet_comment(&self, token: Token) -> bool {
        let marker = if self.text.at(token.start) == b'#' {
            1
        } else {
            2
        };
        let rest = self
            .text
            .slice(token.start.saturating_add(marker), token.end);
        let letters = rest
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80)
            .count();
        letters < 3
            && (marker == 2 || letters == 0 || rest.first().is_some_and(|&byte| is_space(byte)))
    }

    fn unfinished_select(&mut self, select: Select, token: Token, comment: bool) {
        let called = self.stack.peek(0).is_some_and(|top| {
            top.traits.has(Traits::CALL.and(Traits::DEEP)) || top.sort == Sort::Call
        }) || self.sql > 0;
        let tight = select.gaps == 0 && select.names <= select.columns.saturating_add(self.sql);
        let calling = self.calls > 1 && select.gaps <= select.columns;
        if select.anchored && (tight || calling) && select.columns > 0 {
            let hex = self.prev.kind == Kind::Number
                && self.text.has(self.prev.start, b"0x")
                && self.prev.end.saturating_sub(self.prev.start) > 5;
            let certain = hex
                || called
                || (self.prev2.kind == Kind::Word(Role::Select)
                    && self.prev3.kind == Kind::Semicolon
                    && (self.operators > 0 || self.prev3.end == self.prev2.start))
                || comment
                || select.columns > 1
                || matches!(self.prev.kind, Kind::Close);
            let finding = if certain {
                &found::SELECT
            } else {
                &found::SELECT_NAMES
            };
            self.signals.push(finding, select.start..token.end);
        }
    }

    /// `order by 3`, `group by x having`, `having 1=1` at the end of a text.
    fn finish_clause(&mut self, comment: bool, quiet: bool, token: Token) {
        if self.gaps > 0 {
            return;
        }
        self.finish_union(comment, token);
        let valued = self.stack.peek(0);
        let by = self.prev2.kind == Kind::Word(Role::By)
            && matches!(self.prev3.kind, Kind::Word(Role::Order | Role::Group));
        let edge = self.context != Context::Bare;
        let numbered = self.first_kind == Kind::Number || self.closed_outer;
        if by && self.prev.kind == Kind::Number && (quiet || edge || numbered) {
            self.hit(&found::ORDER, token.end);
        }
        if by && edge && comment {
            self.hit(&found::ORDER, token.end);
        }
        let having = self.seen_having
            && valued.is_some_and(|top| top.sort == Sort::Test || top.traits.has(Traits::CALL));
        if having
            || (self.seen_having
                && self.firm_operators > 0
                && self.clause_seen
                && dangling_compare(valued))
            || (self.seen_having && comment)
        {
            self.hit(&found::ORDER, token.end);
        }
    }

    /// `1/**/union`: cut off, or put together from several parameters.
    fn finish_union(&mut self, comment: bool, token: Token) {
        let ends = self.prev.kind == Kind::Word(Role::Union)
            || (self.prev.kind == Kind::Word(Role::Modifier)
                && self.prev2.kind == Kind::Word(Role::Union));
        if ends && (self.prev.after_comment || comment) && self.names == 0 && self.count > 1 {
            self.hit(&found::UNION, token.end);
        }
    }

    fn finish_bare(&mut self, comment: bool, quiet: bool, token: Token) {
        let top = self.stack.peek(0);
        self.finish_fragment(token);
        if !self.anchored() {
            return;
        }
        // `7 --`: a number, and the rest of the query is gone.
        let apart = self.text.at(token.start) == b'/'
            || (self.text.at(token.start) == b'-' && token.start > self.prev.end);
        if comment && quiet && apart && self.count == 1 && self.first_kind == Kind::Number {
            self.hit(&found::COMMENTED, token.end);
        }
        let computed =
            self.firm_operators > 0 || self.sql > 0 || (self.operators > 0 && self.parenthesized);
        let literal_only = self.names == 0 || self.sql > 0;
        let enclosed =
            (self.parenthesized || self.closed_outer) && self.names == 0 && self.count > 1;
        let stringed = self.first_kind == Kind::Quoted && self.operators > 0;
        let valued = matches!(
            self.first_kind,
            Kind::Number | Kind::Quoted | Kind::Variable
        ) && self.firm_operators > 0;
        let tailed = self.clause_seen
            && self.prev.kind == Kind::Number
            && (self.firm_operators > 0
                || matches!(self.first_kind, Kind::Number | Kind::Variable));
        if tailed && !comment {
            self.hit(&found::ORDER, token.end);
        }
        if comment
            && quiet
            && (((computed || enclosed || stringed) && literal_only) || valued)
            && self.count > 0
        {
            self.hit(&found::COMMENTED, token.end);
        }
        if self.first_kind == Kind::Number && self.calls > 1 && self.operators > 0 {
            self.hit(&found::COMPUTED, token.end);
        }
        let tautology = top.is_some_and(|top| {
            top.sort == Sort::Test
                && top.traits.has(Traits::DECIDED)
                && (top.traits.has(Traits::SYMBOL) || self.calls > 1)
        });
        if tautology && self.logics == 0 && self.names == 0 {
            let finding = if comment || self.sql > 0 || self.stack.len() > 1 || self.is_identity() {
                &found::TAUTOLOGY
            } else {
                &found::CONDITION
            };
            self.hit(finding, token.end);
        }
        // `and name = "`: goes on where a condition stood, and stops before its operand.
        let dangling = self
            .stack
            .peek(0)
            .is_some_and(|top| matches!(top.sort, Sort::Compare | Sort::Open))
            && self.operators > 1;
        let literal = self.leading_operator
            && self.strings == 0
            && !self.case_open
            && self.select.is_none()
            && self.names == 0
            && self.count < 9
            && top.is_some_and(|top| {
                matches!(
                    top.sort,
                    Sort::Value | Sort::Test | Sort::Compare | Sort::Arithmetic
                ) && self.count > 1
            });
        let tested = top
            .is_some_and(|top| top.sort == Sort::Test && top.traits.has(Traits::SYMBOL))
            && self.leading_logic;
        let having = self.first_kind == Kind::Word(Role::Having) && dangling_compare(top);
        let cut =
            token.kind == Kind::End && (self.goes_on_after_division() || self.is_lone_operator());
        if (dangling && self.leading_logic) || literal || tested || having || cut {
            self.hit(&found::LEADING, token.end);
        }
    }

    /// `div name="`, `div (2)`, `/3 or `: a value that divides what stood before it, and is no path.
    fn goes_on_after_division(&self) -> bool {
        let word = self.first_kind == Kind::Word(Role::Arithmetic);
        let named = word
            && self.count == 4
            && self.prev2.kind == Kind::Comparison
            && self.prev.kind == Kind::Unclosed;
        let called = word && self.names == 0 && self.parenthesized && self.prev.kind == Kind::Close;
        let slash = self.first_kind == Kind::Arithmetic && self.text.at(self.start) == b'/';
        let logical = slash && self.count == 3 && self.prev.kind == Kind::Word(Role::Logic);
        named || called || logical
    }

    /// `&&`, `rlike`: an operator alone, its operands in other parameters.
    fn is_lone_operator(&self) -> bool {
        let text = self.text.0.trim_ascii();
        self.count == 1
            && (matches!(text, b"&&" | b"||" | b"<=>") || text.eq_ignore_ascii_case(b"rlike"))
    }

    /// `7=7`, `7!=8`.
    fn is_identity(&self) -> bool {
        let same = self.text.slice(self.prev.start, self.prev.end)
            == self.text.slice(self.prev3.start, self.prev3.end);
        let unequal =
            self.text.has(self.prev2.start, b"!=") || self.text.has(self.prev2.start, b"<>");
        (same || unequal) && self.prev2.kind == Kind::Comparison && self.count == 3
    }

    /// `concat_ws(` and nothing more: the head of a payload that was cut, or put together from
    /// several parameters.
    fn finish_fragment(&mut self, token: Token) {
        if self.is_signs_to_end() || self.is_cut_short(token) {
            self.hit(&found::FRAGMENT, token.end);
        }
        let Kind::Word(role) = self.prev2.kind else {
            return self.finish_whole_call(token);
        };
        let callable = matches!(
            role,
            Role::Attack
                | Role::Function
                | Role::Common
                | Role::Object
                | Role::Execute
                | Role::Replace
                | Role::Like
                | Role::Literal
        );
        let begins = self.count == 2 || (self.count == 3 && self.prev3.kind == Kind::Close);
        if begins && self.prev.kind == Kind::Open && callable {
            self.hit(&found::FRAGMENT, token.end);
        }
    }

    /// `... = (select`, `if(1=`: no text ends there but a payload that goes on elsewhere.
    fn is_cut_short(&self, token: Token) -> bool {
        if token.kind != Kind::End || self.names > 0 {
            return false;
        }
        let query = self.prev.kind == Kind::Word(Role::Select) && self.prev2.kind == Kind::Open;
        let compared = self.prev.kind == Kind::Comparison
            && self.prev2.kind == Kind::Number
            && self.prev3.kind == Kind::Open
            && self.calls == 1
            && self.count == 4;
        query || compared
    }

    /// Whether the text is one word of SQL that can be called, and signs up to a parenthesis.
    fn is_signs_to_end(&self) -> bool {
        if self.text.at(self.text.len().saturating_sub(1)) != b'(' {
            return false;
        }
        let end = self.text.word_end(self.start);
        let callable = matches!(
            words::role(self.text.slice(self.start, end)),
            Some(
                Role::Attack
                    | Role::Function
                    | Role::Common
                    | Role::Object
                    | Role::Arithmetic
                    | Role::Values
                    | Role::Prefix
            )
        );
        let rest = self.text.from(end);
        callable && rest.len() < 8 && !rest.iter().any(u8::is_ascii_alphanumeric)
    }

    fn finish_whole_call(&mut self, token: Token) {
        let first = self
            .stack
            .peek(0)
            .is_some_and(|top| top.traits.has(Traits::CALL) && !top.traits.has(Traits::COMPOUND));
        let whole =
            self.stack.len() == 1 && first && self.prev.kind == Kind::Close && self.anchored();
        if whole && self.sql > 0 && self.first_is_function {
            self.hit(&found::CALL, token.end);
            if self.tells > 0 && self.sql > 1 {
                self.hit(&found::TELLING_CALL, token.end);
            }
        }
        let catalog = self.count == 1 && self.prev.kind == Kind::Word(Role::Attack);
        if catalog
            && self
                .text
                .slice(self.prev.start, self.prev.end)
                .contains(&b'_')
        {
            self.hit(&found::CATALOG, token.end);
        }
    }

    fn finish_quoted(&mut self, comment: bool, quiet: bool, token: Token) {
        if self.at_edge && comment {
            // Nothing stands between the string's end and the comment.
            let block = self.text.at(token.start) == b'/';
            let hidden = self.text.from(token.start.saturating_add(2));
            let word = hidden.iter().all(|&byte| is_word(byte))
                && !self.text.0.iter().any(|&byte| is_space(byte));
            if quiet || block || word {
                self.hit(&found::COMMENT_TAIL, token.end);
            }
            return;
        }
        if self.edge_semicolon && self.is_cut_at_semicolon(comment, quiet) {
            self.hit(&found::STACKED, token.end);
        }
        // `'select h`: a stray quote, a query and nothing more; `\'and`.
        let begun = token.kind == Kind::End && self.start == 1 && self.prev.kind == Kind::Name;
        if begun && self.count == 2 && self.first_kind == Kind::Word(Role::Select) {
            self.hit(&found::SELECT, token.end);
        }
        if !self.edge_expression || self.gaps > 0 {
            return;
        }
        let waits = self.edge_logic
            && self.logics == 1
            && self.count < 4
            && token.kind == Kind::End
            && (dangling_compare(self.stack.peek(0)) || self.ends_in_sign());
        let ends_open = self.ends_open();
        let clause = self.clause_seen && matches!(self.prev.kind, Kind::Number | Kind::Close);
        if clause {
            self.hit(&found::ORDER, token.end);
        }
        let postfix = matches!(self.prev.kind, Kind::Word(Role::Postfix | Role::Literal))
            || self.prev2.kind == Kind::Word(Role::Collate);
        if postfix && (quiet || self.prev.kind == Kind::Word(Role::Postfix)) {
            self.hit(&found::POSTFIX, token.end);
        }
        let lone = self.edge_logic
            && self.names == 0
            && self.logics == 1
            && self.stack.len() <= 3
            && !ends_open;
        // All of the expression hangs together, down to the string that was left.
        let joined = self.stack.len() == 1
            && self
                .stack
                .peek(0)
                .is_some_and(|top| top.traits.has(Traits::EDGE));
        let tested =
            self.edge_logic && self.prev.kind != Kind::Name && self.operators > 1 && joined;
        let closes = joined && ends_open && !self.is_quoted_word();
        let commented = comment && (quiet || (joined && self.firm_operators > 0));
        if closes || commented || (lone && joined) || tested || waits {
            self.hit(&found::QUOTE_BREAK, token.end);
        }
    }

    /// `' or name-`: an operator right behind an operand, and nothing more.
    fn ends_in_sign(&self) -> bool {
        matches!(self.prev.kind, Kind::Arithmetic | Kind::Not)
            && self.prev.start == self.prev2.end
            && self.count == 3
    }

    /// `x';`, `x'; anything -- `: the statement ends with the string, and so does the text, or
    /// the rest is commented out.
    fn is_cut_at_semicolon(&self, comment: bool, quiet: bool) -> bool {
        let last = self.prev.kind == Kind::Semicolon && !comment;
        let word = !self.text.0.iter().any(|byte| is_space(*byte));
        quiet || (last && word && self.count < 3)
    }

    /// `"and"`, `the 'like' button`: an English word in quotes, as prose has it. A payload has no
    /// space outside of its quotes: `a'or'b`.
    fn is_quoted_word(&self) -> bool {
        let word = matches!(
            self.prev2.kind,
            Kind::Word(Role::Logic | Role::Like | Role::Not | Role::Arithmetic)
        );
        const FOREIGN: [&[u8]; 2] = [b"xor", b"div"];
        let name = self.text.slice(self.prev2.start, self.prev2.end);
        if FOREIGN.iter().any(|word| name.eq_ignore_ascii_case(word)) && self.text.len() < 24 {
            return false;
        }
        let tight = self.prev2.start == self.start && self.prev2.end == self.prev.start;
        let before = self.start.saturating_sub(2);
        let apart = self.start < 2
            || is_space(self.text.at(before))
            || matches!(self.text.at(before), b'=' | b'(' | b'[' | b',');
        let after = self.text.at(self.prev.start.saturating_add(1));
        word && tight && apart && (after == 0 || is_space(after) || after.is_ascii_punctuation())
    }
}

/// Whether a comparison waits for its right side.
fn dangling_compare(top: Option<Item>) -> bool {
    top.is_some_and(|top| top.sort == Sort::Compare)
}
