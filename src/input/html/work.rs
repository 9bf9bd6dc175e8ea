//! What it takes to parse and clean a text, estimated before it is done.
//!
//! The prices are nanoseconds on a slow machine, by measurement (`cargo bench --bench input`).
//! They need not be exact: an honest text of any size that is taken costs a few percent of what
//! an attack costs.

use super::HtmlError;
use memchr::{memchr_iter, memchr2_iter};

/// What cleaning one text may take: 40 ms.
const MAX_WORK: u64 = 40_000_000;

/// The most attributes of one tag. The tokenizer compares each with all before it.
pub(super) const MAX_ATTRIBUTES: usize = 128;

/// A byte that means nothing.
const BYTE: u64 = 4;
/// A character reference, a character that is written as one, or a carriage return.
const REFERENCE: u64 = 60;
/// What begins a tag, or does not, to the tokenizer.
const ANGLE: u64 = 100;
/// A tag or a comment: reading it, a node made, looked at, written and dropped.
const NODE: u64 = 500;
/// The end of an element.
const END: u64 = 200;
/// A byte of a comment, or a hyphen, which may be of one.
const COMMENT: u64 = 25;
/// An attribute.
const ATTRIBUTE: u64 = 250;
/// Comparing two attributes, or a step up the elements that are open.
const STEP: u64 = 3;
/// Before each character that is written as a reference, the serializer looks through the
/// whole text it stands in; this many bytes in a nanosecond.
const LOOKED_THROUGH: u64 = 16;

/// How large and how deep a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) depth: usize,
}

impl Limits {
    pub(super) fn check_size(self, html: &str) -> Result<(), HtmlError> {
        if html.len() > self.bytes {
            return Err(HtmlError::TooLarge {
                bytes: html.len(),
                limit: self.bytes,
            });
        }
        Ok(())
    }

    pub(super) const fn too_deep(self) -> HtmlError {
        HtmlError::TooDeep { limit: self.depth }
    }
}

/// An estimate that grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    nanos: u64,
    references: u64,
}

impl Work {
    /// What a text takes whatever is in it.
    pub(super) fn of_text(html: &[u8]) -> Self {
        // 0xC2 starts the no-break space in UTF-8, and stops the serializer with whatever follows.
        let references = memchr2_iter(b'&', 0xC2, html).count() as u64;
        let returns = memchr_iter(b'\r', html).count() as u64;
        Self {
            nanos: html.len() as u64 * BYTE + (references + returns) * REFERENCE,
            references,
        }
    }

    /// What a text takes whose tags are not known.
    pub(super) fn of_tags(html: &[u8]) -> Self {
        let mut work = Self::of_text(html);
        work.add(memchr_iter(b'<', html).count() as u64 * ANGLE);
        work.add(memchr_iter(b'-', html).count() as u64 * COMMENT);
        work
    }

    pub(super) const fn add(&mut self, nanos: u64) {
        self.nanos = self.nanos.saturating_add(nanos);
    }

    /// Adds a `<` that begins nothing.
    pub(super) const fn add_angle(&mut self) {
        self.add(ANGLE);
    }

    pub(super) const fn add_comment(&mut self, bytes: usize) {
        self.add(NODE);
        self.add((bytes as u64).saturating_mul(COMMENT));
    }

    /// Adds a tag, and what the tree builder asks about it at this depth.
    pub(super) const fn add_tag(&mut self, depth: usize, attributes: usize, is_end: bool) {
        let (depth, attributes) = (depth as u64, attributes as u64);
        let comparisons = attributes.saturating_mul(attributes) / 2;
        self.add(if is_end { END } else { NODE });
        self.add(attributes.saturating_mul(ATTRIBUTE));
        self.add(depth.saturating_add(comparisons).saturating_mul(STEP));
    }

    /// Adds what the serializer takes at most when no text is longer than this.
    pub(super) const fn add_longest_run(&mut self, bytes: usize) {
        self.add(self.references.saturating_mul(bytes as u64) / LOOKED_THROUGH);
    }

    /// The same work, this often.
    pub(super) const fn times(mut self, times: u64) -> Self {
        self.nanos = self.nanos.saturating_mul(times);
        self
    }

    pub(super) const fn check(self) -> Result<(), HtmlError> {
        if self.nanos > MAX_WORK {
            return Err(HtmlError::TooComplex);
        }
        Ok(())
    }
}
