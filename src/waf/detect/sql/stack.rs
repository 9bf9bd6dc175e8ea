//! Operands and operators of one expression, folded as they come: what is left of it is never
//! longer than its open parentheses.

/// What is known of an operand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits(u16);

impl Traits {
    /// A number, a string, `null`.
    pub(super) const LITERAL: Self = Self(1);
    /// The string that the injected quote ends.
    pub(super) const EDGE: Self = Self(2);
    /// A name that only the attacked application knows.
    pub(super) const NAME: Self = Self(4);
    /// A function of SQL is called.
    pub(super) const CALL: Self = Self(8);
    /// A subquery, or a variable of the server.
    pub(super) const DEEP: Self = Self(16);
    /// A string that the text leaves open.
    pub(super) const UNCLOSED: Self = Self(32);
    /// A quoted string.
    pub(super) const STRING: Self = Self(64);
    /// A comparison by a word of SQL alone, such as `rlike`.
    pub(super) const FOREIGN: Self = Self(128);
    /// A comparison or sum of other operands.
    pub(super) const COMPOUND: Self = Self(256);
    /// A symbol compares, no word.
    pub(super) const SYMBOL: Self = Self(512);
    /// The comparison is of two literals, or of calls: true or false without any table.
    pub(super) const DECIDED: Self = Self(1024);
    /// An operand behind `!`, `~` or `not`.
    pub(super) const NEGATED: Self = Self(2048);
    /// A name compared with a literal.
    pub(super) const NAMED_LITERAL: Self = Self(4096);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Value,
    /// What is true or false.
    Test,
    Arithmetic,
    Compare,
    /// `like`, `in`, `is`.
    CompareWord,
    Logic,
    Prefix,
    /// An open parenthesis.
    Open,
    /// An open parenthesis after a function.
    Call,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) sort: Sort,
    pub(super) traits: Traits,
    pub(super) start: usize,
    /// For a call: how many gaps there were before its arguments.
    pub(super) gaps: u32,
}

const DEPTH: usize = 64;

/// Deeper expressions lose their bottom, where the parentheses opened first stand.
#[derive(Debug)]
pub(super) struct Stack {
    items: Vec<Item>,
}

impl Stack {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The `depth`th item from the top.
    pub(super) fn peek(&self, depth: usize) -> Option<Item> {
        self.items.iter().nth_back(depth).copied()
    }

    pub(super) fn push(&mut self, sort: Sort, traits: Traits, start: usize) {
        self.push_item(Item {
            sort,
            traits,
            start,
            gaps: 0,
        });
    }

    pub(super) fn push_call(&mut self, traits: Traits, start: usize, gaps: u32) {
        self.push_item(Item {
            sort: Sort::Call,
            traits,
            start,
            gaps,
        });
    }

    fn push_item(&mut self, item: Item) {
        if self.items.len() == DEPTH {
            self.items.drain(..DEPTH / 2);
        }
        self.items.push(item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        self.items.pop()
    }

    pub(super) fn drop_top(&mut self, count: usize) {
        let left = self.items.len().saturating_sub(count);
        self.items.truncate(left);
    }

    /// Whether this is an argument of a call.
    pub(super) fn in_call(&self) -> bool {
        let mut opens = self
            .items
            .iter()
            .rev()
            .take(8)
            .filter(|item| matches!(item.sort, Sort::Open | Sort::Call))
            .take(3);
        opens.any(|open| open.sort == Sort::Call && open.traits.has(Traits::CALL))
    }

    /// Forgets what stands above the innermost open parenthesis.
    pub(super) fn clear_to_open(&mut self) {
        while let Some(top) = self.peek(0) {
            if matches!(top.sort, Sort::Open | Sort::Call) {
                break;
            }
            self.items.pop();
        }
    }
}
