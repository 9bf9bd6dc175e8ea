//! Reads tokens as the rest of a query and says what of it proves an injection.

mod clauses;
mod fold;
mod statements;

use super::findings as found;
use super::stack::{Sort, Stack, Traits};
use super::token::{Kind, Token, Tokens};
use super::words::Role;
use crate::waf::detect::text::Text;
use crate::waf::signal::{Finding, Signals};

/// Where in the application's query the value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    Bare,
    /// Within a string, which the first quote of the value ends.
    Quoted(u8),
}

/// More operands without an operator between them than this, and the text is prose: no
/// expression of it counts any longer.
const PROSE: u32 = 2;

pub(super) struct Parser<'v, 's> {
    text: Text<'v>,
    context: Context,
    start: usize,
    tokens: Tokens<'v>,
    signals: &'s mut Signals,
    stack: Stack,
    /// The last token, and the one before it.
    prev: Token,
    prev2: Token,
    prev3: Token,
    /// Operands that followed operands.
    gaps: u32,
    /// Operators of any kind.
    operators: u32,
    /// Operators other than minus.
    firm_operators: u32,
    /// Names, which only the application knows.
    names: u32,
    /// Words that only SQL uses so: functions with arguments, prefixes, variables.
    sql: u32,
    /// Tokens in all.
    count: u32,
    comment_spaces: u32,
    select: Option<Select>,
    /// Right after the string's end, perhaps after parentheses.
    at_edge: bool,
    edge_expression: bool,
    case_when: bool,
    case_open: bool,
    /// Calls of functions that tell what server this is: `version()`, `user()`.
    tells: u32,
    edge_logic: bool,
    grouped: bool,
    query_from: bool,
    seen_having: bool,
    after_open_union: bool,
    parenthesized: bool,
    leading_logic: bool,
    first_is_function: bool,
    stacked: bool,
    statement_start: bool,
    values_seen: bool,
    update_set: bool,
    calls: u32,
    /// Quoted strings, closed or not.
    strings: u32,
    /// `having`, `limit` or `by` was seen.
    clause_seen: bool,
    logics: u32,
    where_seen: bool,
    leading_operator: bool,
    first_kind: Kind,
    /// A parenthesis was closed that the text did not open.
    closed_outer: bool,
}

/// A list of columns as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
struct Select {
    start: usize,
    anchored: bool,
    /// Right after a parenthesis.
    opened: bool,
    columns: u32,
    names: u32,
    gaps: u32,
}

impl<'v, 's> Parser<'v, 's> {
    pub(super) fn new(
        text: Text<'v>,
        context: Context,
        start: usize,
        signals: &'s mut Signals,
    ) -> Self {
        let none = Token {
            kind: Kind::End,
            start,
            end: start,
            after_comment: false,
        };
        let mut stack = Stack::new();
        if context != Context::Bare {
            stack.push(Sort::Value, Traits::EDGE.and(Traits::STRING), start);
        }
        Self {
            text,
            context,
            start,
            tokens: Tokens::new(text, start),
            signals,
            stack,
            prev: none,
            prev2: none,
            prev3: none,
            gaps: 0,
            operators: 0,
            firm_operators: 0,
            names: 0,
            sql: 0,
            count: 0,
            comment_spaces: 0,
            select: None,
            at_edge: context != Context::Bare,
            edge_expression: false,
            case_when: false,
            case_open: false,
            tells: 0,
            edge_logic: false,
            grouped: false,
            query_from: false,
            seen_having: false,
            after_open_union: false,
            parenthesized: false,
            leading_logic: false,
            first_is_function: false,
            stacked: false,
            statement_start: false,
            values_seen: false,
            update_set: false,
            calls: 0,
            strings: 0,
            clause_seen: false,
            logics: 0,
            where_seen: false,
            leading_operator: false,
            first_kind: Kind::End,
            closed_outer: false,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let token = self.tokens.next();
            if token.kind == Kind::End {
                return self.finish(token);
            }
            if self.at_edge && !self.may_follow_edge(token) {
                return;
            }
            if self.count == 0 {
                self.first_kind = token.kind;
                self.leading_operator = matches!(
                    token.kind,
                    Kind::Logic | Kind::Word(Role::Logic | Role::Like | Role::Match)
                );
            }
            self.take(token);
            if token.kind == Kind::Comment {
                return self.finish(token);
            }
            if token.kind != Kind::Close {
                self.at_edge = false;
            }
            self.prev3 = self.prev2;
            self.prev2 = self.prev;
            self.prev = token;
            self.count = self.count.saturating_add(1);
        }
    }

    fn hit(&mut self, finding: &'static Finding, end: usize) {
        let start = self.prev2.start.max(self.start);
        self.signals.push(finding, start..end.max(start));
    }

    /// Nothing but operators, clauses and ends of statements goes on after a string.
    fn may_follow_edge(&self, token: Token) -> bool {
        match token.kind {
            Kind::Arithmetic | Kind::Comparison | Kind::Logic | Kind::Not | Kind::Close => true,
            Kind::Comma | Kind::Semicolon | Kind::Cast | Kind::Comment => true,
            Kind::Open => self.text.has(self.text.skip_space(token.end), b"select"),
            Kind::Word(Role::Attack | Role::Function) => self.text.at(token.end) == b'(',
            Kind::Word(role) => !matches!(
                role,
                Role::Object | Role::Literal | Role::Common | Role::Type | Role::Any | Role::By
            ),
            _ => false,
        }
    }

    /// Whether the expression so far starts where a query needs one.
    fn anchored(&self) -> bool {
        self.gaps == 0
    }

    /// Whether a statement could begin here.
    fn statement_position(&self) -> bool {
        self.count == 0
            || self.prev.kind == Kind::Semicolon
            || (self.prev.kind == Kind::Close && self.gaps == 0)
    }

    fn take(&mut self, token: Token) {
        if token.after_comment && self.count > 0 {
            self.note_comment(token);
        }
        match token.kind {
            Kind::Number => self.operand(token, Traits::LITERAL),
            Kind::Quoted => {
                self.strings = self.strings.saturating_add(1);
                self.operand(token, Traits::LITERAL.and(Traits::STRING));
            }
            Kind::Unclosed => {
                self.strings = self.strings.saturating_add(1);
                self.operand(
                    token,
                    Traits::LITERAL.and(Traits::STRING).and(Traits::UNCLOSED),
                );
            }
            Kind::Variable => self.variable(token),
            Kind::Name => self.name(token),
            Kind::Word(role) => self.word(token, role),
            Kind::Arithmetic => self.arithmetic(token),
            Kind::Comparison => self.comparison(token, Sort::Compare, Traits::SYMBOL),
            Kind::Logic => self.logic(token),
            Kind::Not => self.prefix(token),
            Kind::Open => self.open(token),
            Kind::Close => self.close(token),
            Kind::Comma => self.comma(),
            Kind::Dot => {}
            Kind::Semicolon => self.semicolon(),
            Kind::Cast => self.fold_all(),
            Kind::Comment => {}
            Kind::Other => self.other(token),
            Kind::End => {}
        }
    }

    fn note_comment(&mut self, token: Token) {
        let sql = |kind| {
            matches!(
                kind,
                Kind::Word(_) | Kind::Number | Kind::Open | Kind::Quoted
            )
        };
        if sql(token.kind)
            && sql(self.prev.kind)
            && matches!(
                (token.kind, self.prev.kind),
                (Kind::Word(_), _) | (_, Kind::Word(_))
            )
        {
            self.comment_spaces = self.comment_spaces.saturating_add(1);
        }
    }

    // Operands.

    fn operand(&mut self, token: Token, traits: Traits) {
        self.statement_operand(token);
        if let Some(select) = &mut self.select {
            select.columns = select.columns.saturating_add(1);
        }
        self.value(token, traits);
    }

    fn value(&mut self, token: Token, traits: Traits) {
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

    fn variable(&mut self, token: Token) {
        let name = self.text.slice(token.start, token.end);
        let server = name.starts_with(b"@@") && name.len() > 3;
        if server && (self.anchored() || self.select.is_some()) {
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

    fn name(&mut self, token: Token) {
        self.names = self.names.saturating_add(1);
        self.statement_name(token);
        if let Some(select) = &mut self.select {
            select.names = select.names.saturating_add(1);
        }
        if matches!(self.prev.kind, Kind::Cast | Kind::Word(Role::Collate)) {
            return;
        }
        self.value(token, Traits::NAME);
    }

    fn other(&mut self, token: Token) {
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

    fn arithmetic(&mut self, token: Token) {
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

    fn comparison(&mut self, token: Token, sort: Sort, traits: Traits) {
        self.fold_comparison();
        self.operators = self.operators.saturating_add(1);
        self.firm_operators = self.firm_operators.saturating_add(1);
        self.note_edge_operator();
        self.stack.push(sort, traits, token.start);
    }

    fn logic(&mut self, token: Token) {
        self.leading_logic |= self.count == 0;
        self.logics = self.logics.saturating_add(1);
        self.fold_all();
        self.edge_logic |= self.at_edge;
        self.operators = self.operators.saturating_add(1);
        self.firm_operators = self.firm_operators.saturating_add(1);
        self.note_edge_operator();
        self.stack.push(Sort::Logic, Traits::default(), token.start);
    }

    fn prefix(&mut self, token: Token) {
        self.stack
            .push(Sort::Prefix, Traits::default(), token.start);
    }

    fn note_edge_operator(&mut self) {
        let edge = self
            .stack
            .peek(0)
            .is_some_and(|top| top.traits.has(Traits::EDGE));
        if edge {
            self.edge_expression = true;
        }
    }

    // Parentheses and separators.

    fn open(&mut self, token: Token) {
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

    fn call(&mut self, token: Token, role: Option<Role>) {
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
    fn is_argued(&self, start: usize) -> bool {
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

    fn note_telling(&mut self) {
        const TELLING: &[&[u8]] = &[
            b"version",
            b"user",
            b"database",
            b"current_user",
            b"system_user",
            b"session_user",
            b"schema",
        ];
        let word = self.text.slice(self.prev.start, self.prev.end);
        if TELLING.iter().any(|name| word.eq_ignore_ascii_case(name)) {
            self.tells = self.tells.saturating_add(1);
        }
    }

    fn on_operand(&self) -> bool {
        self.stack
            .peek(0)
            .is_some_and(|top| matches!(top.sort, Sort::Value | Sort::Test))
    }

    fn close(&mut self, token: Token) {
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

    fn comma(&mut self) {
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

    fn semicolon(&mut self) {
        self.fold_all();
        self.end_select();
        let left = self.edge_expression && self.operators > 0;
        if left && self.gaps == 0 && self.context != Context::Bare {
            let end = self.prev.end;
            self.hit(&found::QUOTE_BREAK, end);
        }
        self.stack = Stack::new();
        self.select = None;
    }

    // Words.

    fn word(&mut self, token: Token, role: Role) {
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
                if !matches!(self.prev.kind, Kind::Word(Role::Like))
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
                self.grouped = true;
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
                if self.case_when && self.gaps <= PROSE {
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

    fn clause(&mut self, token: Token) {
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

    fn literal(&mut self, token: Token) {
        self.sql = self.sql.saturating_add(1);
        self.operand(token, Traits::LITERAL);
    }

    fn function_name(&mut self, token: Token, role: Role) {
        self.statement_name(token);
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

    fn type_name(&mut self, token: Token) {
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

    fn catalog(&mut self, token: Token) {
        self.statement_name(token);
        let word = self.text.slice(token.start, token.end);
        let dotted = self.text.at(token.end) == b'.' || self.prev.kind == Kind::Dot;
        let schema = word.eq_ignore_ascii_case(b"information_schema");
        if (self.anchored() && !schema) || dotted {
            self.hit(&found::CATALOG, token.end);
        } else {
            self.hit(&found::CATALOG_NAMED, token.end);
        }
        if let Some(select) = &mut self.select {
            select.names = select.names.saturating_add(1);
        }
        self.value(token, Traits::NAME.and(Traits::DEEP));
    }

    fn postfix(&mut self, token: Token) {
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

    fn start_case(&mut self, token: Token) {
        self.case_open = true;
        self.clause(token);
    }
}
