use super::Class;
use std::ops::Range;

/// How much a finding counts. A request is refused from [`Weight::STRONG`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(pub(crate) u8);

impl Weight {
    /// No honest value has this: enough alone.
    pub(crate) const STRONG: Self = Self(5);
    /// Needs one companion, even a faint one.
    pub(crate) const MEDIUM: Self = Self(3);
    /// Needs a medium companion, or two faint ones.
    pub(crate) const FAINT: Self = Self(2);
}

/// What a detector can find: a rule of the builtin set, as static data.
#[derive(Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the tests of the rules read their samples")
)]
pub(crate) struct Finding {
    /// Stable, `class-what`, such as `sqli-union`.
    pub(crate) id: &'static str,
    /// One line for people: what was seen.
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) weight: Weight,
    /// From which level on it counts: 1, 2 or 3.
    pub(crate) level: u8,
    /// Free labels besides the class: `mysql`, `log4shell`, `unix`.
    pub(crate) tags: &'static [&'static str],
    /// Values (of a query parameter `q`, or as [`Sample`] says) that it must be found in, and
    /// those that it must not be found in. A test runs them all through the whole engine.
    pub(crate) hits: &'static [Sample],
    pub(crate) misses: &'static [Sample],
}

/// A request in short, for the tests inside of rules.
#[derive(Debug)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the tests of the rules read it")
)]
pub(crate) enum Sample {
    /// The value of the query parameter `q`, before encoding.
    Value(&'static str),
    /// A query, as sent: `a=1&b=%27`.
    Query(&'static str),
    /// A path, as sent, without a query.
    Path(&'static str),
    /// A header and its value.
    Header(&'static str, &'static str),
    /// A body with its content type.
    Body(&'static str, &'static str),
    /// A body with its content type: a beginning, so many times a middle, an end.
    Long(&'static str, [&'static str; 3], usize),
    /// A query, and the page that linked to it.
    Link(&'static str, &'static str),
    /// A method and a body.
    Sent(&'static str, &'static str),
}

/// A finding in a view.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    pub(crate) finding: &'static Finding,
    /// Which bytes of the view.
    pub(crate) span: Range<usize>,
}

/// What the detectors have found in one view, and what they may still spend on the request.
/// Costs nothing while it is empty.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    found: Vec<Signal>,
    work_left: usize,
    exhausted: bool,
    lifted: bool,
}

impl Signals {
    /// None yet, and so many steps to spend.
    pub(crate) const fn with_work(steps: usize) -> Self {
        Self {
            found: Vec::new(),
            work_left: steps,
            exhausted: false,
            lifted: false,
        }
    }

    /// Takes steps from what is left, and says whether there were as many. One step is about
    /// what it takes to look at one byte once.
    pub(crate) const fn spend(&mut self, steps: usize) -> bool {
        match self.work_left.checked_sub(steps) {
            Some(left) => self.work_left = left,
            None => self.exhausted = true,
        }
        !self.exhausted
    }

    /// Whether somebody wanted to spend more than there was, and stopped looking.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    #[cfg(test)]
    pub(crate) const fn left(&self) -> usize {
        self.work_left
    }

    /// Lets everything be spent, until [`lower`](Self::lower).
    pub(crate) const fn lift(&mut self) {
        self.work_left = usize::MAX;
        self.exhausted = false;
        self.lifted = true;
    }

    /// Leaves nothing to spend, if everything was allowed.
    pub(crate) const fn lower(&mut self) {
        if self.lifted {
            self.work_left = 0;
            self.lifted = false;
        }
    }

    /// Notes a finding; the same one a second time is not noted again, so that a detector
    /// cannot be made to fill memory.
    pub(crate) fn push(&mut self, finding: &'static Finding, span: Range<usize>) {
        if !self.has(finding) {
            self.found.push(Signal { finding, span });
        }
    }

    pub(crate) fn has(&self, finding: &'static Finding) -> bool {
        self.found
            .iter()
            .any(|signal| std::ptr::eq(signal.finding, finding))
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Signal> {
        self.found.drain(..)
    }
}
