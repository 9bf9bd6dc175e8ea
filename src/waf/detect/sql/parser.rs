//! Reads tokens as the rest of a query and says what of it proves an injection.

mod clauses;
mod fold;
mod keywords;
mod nesting;
mod operands;
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

/// What it costs to read a token and to fold it, in steps.
const STEPS_OF_TOKEN: usize = 24;

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
    query_from: bool,
    seen_having: bool,
    after_open_union: bool,
    parenthesized: bool,
    leading_logic: bool,
    first_is_function: bool,
    stacked: bool,
    /// A statement after a semicolon began with `if`: another follows its condition.
    stacked_if: bool,
    /// A semicolon stands right behind the string's end.
    edge_semicolon: bool,
    statement_start: bool,
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
            query_from: false,
            seen_having: false,
            after_open_union: false,
            parenthesized: false,
            leading_logic: false,
            first_is_function: false,
            stacked: false,
            stacked_if: false,
            edge_semicolon: false,
            statement_start: false,
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

    pub(super) fn run(&mut self) {
        loop {
            self.tokens.wants_operand = matches!(
                self.prev.kind,
                Kind::Comparison | Kind::Arithmetic | Kind::Logic
            );
            let token = self.tokens.next();
            if token.kind == Kind::End {
                return self.finish(token);
            }
            if !self.signals.spend(STEPS_OF_TOKEN) {
                return;
            }
            if self.at_edge && !self.may_follow_edge(token) {
                return self.numbers_in_strings(token);
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

    /// `3' ' 1`: two strings side by side are one; no measure of anything is written so.
    fn numbers_in_strings(&mut self, token: Token) {
        let strung = matches!(token.kind, Kind::Quoted | Kind::Unclosed)
            && self.text.at(token.start) == self.text.at(self.start.saturating_sub(1))
            && token.start > self.start;
        let numbers = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'\'' | b'"');
        let text = self.text.0;
        if strung
            && text.len() < 16
            && text.first().is_some_and(u8::is_ascii_digit)
            && text.last().is_some_and(u8::is_ascii_digit)
            && text.iter().all(numbers)
        {
            self.signals
                .push(&found::QUOTE_BREAK, self.start..token.end);
        }
    }

    /// Nothing but operators, clauses and ends of statements goes on after a string.
    fn may_follow_edge(&self, token: Token) -> bool {
        match token.kind {
            Kind::Arithmetic | Kind::Comparison | Kind::Logic | Kind::Not | Kind::Close => true,
            Kind::Comma | Kind::Semicolon | Kind::Cast | Kind::Comment => true,
            Kind::Open => self.text.has(self.text.skip_space(token.end), b"select"),
            Kind::Word(Role::Attack | Role::Function) => self.text.at(token.end) == b'(',
            Kind::Word(Role::Common) => self.is_if(token),
            Kind::Word(role) => !matches!(
                role,
                Role::Object | Role::Literal | Role::Type | Role::Any | Role::By
            ),
            _ => false,
        }
    }

    /// `if(`, `if exists`, `if 1=1`: a statement of its own, or the start of one.
    fn is_if(&self, token: Token) -> bool {
        let after = self.text.skip_space(token.end);
        self.text
            .slice(token.start, token.end)
            .eq_ignore_ascii_case(b"if")
            && (matches!(self.text.at(after), b'(' | b'0'..=b'9' | b'\'' | b'@')
                || self.text.has(after, b"exists")
                || self.text.has(after, b"not exists"))
    }

    /// Whether the expression so far starts where a query needs one.
    fn anchored(&self) -> bool {
        self.gaps == 0
    }

    /// Whether a statement could begin here.
    fn statement_position(&self) -> bool {
        self.count == 0
            || self.prev.kind == Kind::Semicolon
            || self.stacked_if
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
}
