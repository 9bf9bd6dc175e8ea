//! Folding operands and operators into one, and what the folded condition says.

use super::super::findings as found;
use super::super::stack::{Item, Sort, Traits};
use super::{Context, Kind, Parser};

/// How sure a condition is one that somebody injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    /// True or false without any table, or calls of functions.
    Sure,
    /// A name of the application compared with something.
    Named,
    /// A lone literal.
    Lone,
    /// A lone name: prose.
    Prose,
}

impl Parser<'_, '_> {
    /// Prefix operators before the operand on top: `-1`, `not x`, `binary 'a'`.
    pub(super) fn fold_prefixes(&mut self) {
        while let (Some(top), Some(below)) = (self.stack.peek(0), self.stack.peek(1)) {
            if below.sort != Sort::Prefix || !matches!(top.sort, Sort::Value | Sort::Test) {
                break;
            }
            self.stack.drop_top(2);
            let sign = self.text.at(below.start);
            let traits = if matches!(sign, b'!' | b'~' | b'n' | b'N') {
                top.traits.and(Traits::NEGATED)
            } else {
                top.traits
            };
            self.stack.push(top.sort, traits, below.start);
        }
    }

    pub(super) fn fold_arithmetic(&mut self) {
        while let (Some(right), Some(middle), Some(left)) =
            (self.stack.peek(0), self.stack.peek(1), self.stack.peek(2))
        {
            let fits = is_operand(right) && middle.sort == Sort::Arithmetic && is_operand(left);
            if !fits {
                break;
            }
            self.stack.drop_top(3);
            let literal = left.traits.has(Traits::LITERAL) && right.traits.has(Traits::LITERAL);
            let mut traits = carried(left, right).and(Traits::COMPOUND);
            if literal {
                traits = traits.and(Traits::LITERAL);
            }
            self.stack.push(Sort::Value, traits, left.start);
        }
    }

    pub(super) fn fold_comparison(&mut self) {
        self.fold_arithmetic();
        while let (Some(right), Some(middle), Some(left)) =
            (self.stack.peek(0), self.stack.peek(1), self.stack.peek(2))
        {
            let compares = matches!(middle.sort, Sort::Compare | Sort::CompareWord);
            if !(is_operand(right) && compares && is_operand(left)) {
                break;
            }
            self.stack.drop_top(3);
            let traits = self.compared(left, middle, right);
            self.stack.push(Sort::Test, traits, left.start);
        }
    }

    /// What a comparison is, from what it compares.
    fn compared(&mut self, left: Item, middle: Item, right: Item) -> Traits {
        let known = Traits::LITERAL
            .and(Traits::CALL)
            .and(Traits::DEEP)
            .and(Traits::EDGE);
        let both_known = left.traits.has(known) && right.traits.has(known);
        let called = left.traits.has(Traits::CALL.and(Traits::DEEP))
            || right.traits.has(Traits::CALL.and(Traits::DEEP));
        let symbol = middle.sort == Sort::Compare;
        let mut traits = carried(left, right).and(Traits::COMPOUND);
        let likened = both_known && self.decides(middle);
        if likened {
            traits = traits.and(Traits::DECIDED);
        }
        if symbol {
            traits = traits.and(Traits::SYMBOL);
            if left.traits.has(Traits::NAME) && right.traits.has(Traits::LITERAL) {
                traits = traits.and(Traits::NAMED_LITERAL);
            }
        }
        if middle.traits.has(Traits::FOREIGN) {
            traits = traits.and(Traits::FOREIGN);
        }
        if (both_known
            && (symbol || middle.traits.has(Traits::FOREIGN) || right.traits.has(Traits::STRING)))
            || (called && symbol)
        {
            traits = traits.and(Traits::DECIDED);
        }
        let numbers = left.traits.has(Traits::LITERAL)
            && right.traits.has(Traits::LITERAL)
            && !left.traits.has(Traits::STRING);
        if numbers && symbol && self.stack.in_call() {
            let end = self.prev.end;
            self.hit(&found::TAUTOLOGY, end);
        }
        if symbol && self.where_seen {
            let end = self.prev.end;
            self.hit(&found::SELECT, end);
        }
        let strings = left.traits.has(Traits::STRING)
            && !left.traits.has(Traits::EDGE)
            && right.traits.has(Traits::STRING);
        if strings && symbol && self.anchored() && self.context == Context::Bare {
            let json = matches!(self.text.at(middle.start), b'@' | b'-' | b'#' | b'?')
                || (self.text.at(middle.start) == b'<'
                    && self.text.at(middle.start.saturating_add(1)) == b'@');
            let finding = if json {
                &found::JSON
            } else {
                &found::QUOTE_BREAK
            };
            let end = self.prev.end;
            self.hit(finding, end);
        }
        traits
    }

    /// Whether a comparing word between literals is a test in any dialect: `1 in 10` is not.
    fn decides(&self, middle: Item) -> bool {
        const WORDS: [&[u8]; 4] = [b"like", b"is", b"between", b"sounds"];
        let listed = self.text.has(middle.start, b"in")
            && self
                .text
                .at(self.text.skip_space(middle.start.saturating_add(2)))
                == b'(';
        listed || WORDS.iter().any(|word| self.text.has(middle.start, word))
    }

    pub(super) fn fold_all(&mut self) {
        self.fold_comparison();
        loop {
            let (Some(right), Some(middle)) = (self.stack.peek(0), self.stack.peek(1)) else {
                return;
            };
            if middle.sort != Sort::Logic || !is_operand(right) {
                return;
            }
            let left = self.stack.peek(2).filter(|left| is_operand(*left));
            self.stack.drop_top(if left.is_some() { 3 } else { 2 });
            self.condition(left, right);
            let traits = left
                .map_or(right.traits, |left| carried(left, right))
                .and(Traits::COMPOUND);
            self.stack.push(Sort::Test, traits, right.start);
        }
    }

    fn doubt(&self, right: Item) -> Doubt {
        let traits = right.traits;
        if traits.has(Traits::CALL.and(Traits::DEEP)) || traits.has(Traits::DECIDED) {
            Doubt::Sure
        } else if right.sort == Sort::Test || traits.has(Traits::COMPOUND) {
            if traits.has(Traits::FOREIGN) {
                Doubt::Sure
            } else {
                Doubt::Named
            }
        } else if traits.has(Traits::LITERAL) {
            Doubt::Lone
        } else {
            Doubt::Prose
        }
    }

    /// `left and right`, or `and right` where nothing stands before it.
    fn condition(&mut self, left: Option<Item>, right: Item) {
        let doubt = self.doubt(right);
        if doubt == Doubt::Prose {
            return;
        }
        let end = self.prev.end;
        let edge = left.is_some_and(|left| left.traits.has(Traits::EDGE));
        match (self.context, doubt) {
            _ if self.gaps > PROSE_IN_CONDITION
                && doubt == Doubt::Sure
                && right.traits.has(Traits::DECIDED) =>
            {
                self.hit(&found::CONDITION, end);
            }
            (Context::Bare, Doubt::Lone)
                if self.anchored()
                    && left.is_some_and(|left| {
                        left.sort == Sort::Test
                            && left.traits.has(Traits::DECIDED)
                            && left.traits.has(Traits::SYMBOL)
                    }) =>
            {
                self.hit(&found::TAUTOLOGY, end);
            }
            (Context::Bare, Doubt::Sure) if self.anchored() => self.hit(&found::TAUTOLOGY, end),
            (Context::Bare, Doubt::Sure) => self.hit(&found::CONDITION, end),
            (Context::Bare, Doubt::Named)
                if left.is_none() && self.anchored() && right.traits.has(Traits::SYMBOL) =>
            {
                self.hit(&found::LEADING, end);
            }
            // `1 or not 0`, `5 or id=3`: a number, and a condition right behind it.
            (Context::Bare, Doubt::Lone | Doubt::Named)
                if self.anchored()
                    && left.is_some_and(is_number)
                    && ((is_number(right) && right.traits.has(Traits::NEGATED))
                        || right.traits.has(Traits::NAMED_LITERAL)) =>
            {
                self.hit(&found::TAUTOLOGY, end);
            }
            (Context::Bare, _) => {}
            (Context::Quoted(_), Doubt::Sure) if edge || self.anchored() => {
                self.hit(&found::TAUTOLOGY, end);
            }
            (Context::Quoted(_), Doubt::Named) if edge && right.traits.has(Traits::SYMBOL) => {
                self.hit(&found::QUOTE_BREAK, end);
            }
            (Context::Quoted(_), Doubt::Named) if edge => self.hit(&found::CONDITION, end),
            _ => {}
        }
    }

    /// Whether the operand on top is a string that the application's quote will close.
    pub(super) fn ends_open(&self) -> bool {
        self.prev.kind == Kind::Unclosed
    }
}

/// One word before the injected condition may be part of a name.
const PROSE_IN_CONDITION: u32 = 1;

/// A number as it stands, neither computed nor compared.
fn is_number(item: Item) -> bool {
    item.sort == Sort::Value
        && item.traits.has(Traits::LITERAL)
        && !item.traits.has(Traits::STRING.and(Traits::COMPOUND))
}

fn is_operand(item: Item) -> bool {
    matches!(item.sort, Sort::Value | Sort::Test)
}

/// The traits that a compound keeps of its parts.
fn carried(left: Item, right: Item) -> Traits {
    let mut traits = Traits::default();
    for kept in [
        Traits::CALL,
        Traits::DEEP,
        Traits::DECIDED,
        Traits::FOREIGN,
        Traits::UNCLOSED,
        Traits::NAME,
    ] {
        if left.traits.has(kept) || right.traits.has(kept) {
            traits = traits.and(kept);
        }
    }
    if left.traits.has(Traits::EDGE) {
        traits = traits.and(Traits::EDGE);
    }
    traits
}
