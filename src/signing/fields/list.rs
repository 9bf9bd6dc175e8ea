//! The list of what a signature covers, and the lists that were seen before.

use crate::signing::component::{Component, Identity, Name};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The components that a signature covers, in their order.
#[derive(Debug, Default, PartialEq)]
pub(in crate::signing) struct List {
    /// From its first parenthesis to its last, as it was signed.
    text: Box<str>,
    covered: Box<[Covered]>,
    /// The derived components among them, one bit each.
    derived: u32,
    needs_trailers: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::signing) struct Covered {
    pub(in crate::signing) identity: Identity,
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
}

impl List {
    fn of(Draft { text, covered }: Draft) -> Self {
        let identities = || covered.iter().map(|it| &it.identity);
        let derived = identities().filter_map(|it| bit(&it.name, it.is_of_request()));
        Self {
            derived: derived.fold(0, |all, bit| all | bit),
            needs_trailers: identities().any(|it| it.is_trailer() && !it.is_of_request()),
            text: text.into(),
            covered: covered.into(),
        }
    }

    pub(in crate::signing) fn text(&self) -> &str {
        &self.text
    }

    /// Each component, as it stands in the text and as it is meant.
    pub(in crate::signing) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Identity)> {
        let shown = |it: &Covered| self.text.get(it.span.clone()).unwrap_or_default();
        self.covered.iter().map(move |it| (shown(it), &it.identity))
    }

    pub(in crate::signing) fn identities(&self) -> impl ExactSizeIterator<Item = &Identity> {
        self.covered.iter().map(|it| &it.identity)
    }

    /// Whether a component without parameters, or with `req` alone, is there that is no field.
    pub(in crate::signing) fn has_derived(&self, name: &Name, of_request: bool) -> bool {
        bit(name, of_request).is_some_and(|bit| self.derived & bit != 0)
    }

    pub(in crate::signing) const fn needs_trailers(&self) -> bool {
        self.needs_trailers
    }
}

/// The bit of a derived component. A parameter of the query says nothing without its name.
const fn bit(name: &Name, of_request: bool) -> Option<u32> {
    let place = match name {
        Name::Method => 0,
        Name::TargetUri => 1,
        Name::Authority => 2,
        Name::Scheme => 3,
        Name::RequestTarget => 4,
        Name::Path => 5,
        Name::Query => 6,
        Name::Status => 7,
        Name::QueryParam | Name::Field(_) => return None,
    };
    Some(1 << (place + 8 * of_request as u32))
}

/// A list that is being read or written, component by component.
#[derive(Debug, Default)]
pub(in crate::signing) struct Draft {
    pub(super) text: String,
    pub(super) covered: Vec<Covered>,
}

impl Draft {
    /// Begins one more component.
    pub(super) fn open(&mut self) {
        self.text.push(if self.text.is_empty() { '(' } else { ' ' });
    }

    /// One more, whose text stands there.
    pub(super) fn cover(&mut self, identity: Identity, span: Range<usize>) {
        self.covered.push(Covered { identity, span });
    }

    /// One more, written to the end.
    pub(in crate::signing) fn push(&mut self, component: &Component) {
        self.open();
        let start = self.text.len();
        self.text.push_str(component.as_str());
        self.cover(component.identity.clone(), start..self.text.len());
    }

    pub(in crate::signing) const fn len(&self) -> usize {
        self.covered.len()
    }

    pub(in crate::signing) fn has(&self, identity: &Identity) -> bool {
        self.covered.iter().any(|it| it.identity == *identity)
    }

    /// Ends the list.
    pub(in crate::signing) fn close(mut self) -> Arc<List> {
        self.text
            .push_str(if self.text.is_empty() { "()" } else { ")" });
        self.finish()
    }

    /// The list, whose text is there.
    pub(super) fn finish(self) -> Arc<List> {
        Arc::new(List::of(self))
    }
}

/// Lists that need not be parsed again: a client covers the same each time.
///
/// Only lists of signatures that were found good are added, and none is ever taken out: so
/// nobody without a key slows others down, and who has one no more than to what a verifier
/// without this needs.
#[derive(Debug)]
pub(in crate::signing) struct Lists([OnceLock<Arc<List>>; Self::MAX]);

impl Lists {
    /// The most lists that are kept: at most 16 KiB of text each.
    const MAX: usize = 8;

    pub(in crate::signing) const fn new() -> Self {
        Self([const { OnceLock::new() }; Self::MAX])
    }

    /// The list that a text begins with. No parser looks behind the last parenthesis of a list:
    /// whatever follows, this is what it would read.
    pub(super) fn at_start_of(&self, text: &str) -> Option<Arc<List>> {
        let mut lists = self.0.iter().map_while(OnceLock::get);
        lists.find(|it| text.starts_with(it.text())).cloned()
    }

    /// Keeps a list, unless it is kept already or there are enough.
    pub(in crate::signing) fn keep(&self, list: &Arc<List>) {
        for place in &self.0 {
            let kept = place.get_or_init(|| Arc::clone(list));
            if Arc::ptr_eq(kept, list) || kept == list {
                return;
            }
        }
    }
}
