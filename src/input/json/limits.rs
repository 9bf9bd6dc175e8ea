use super::JsonError;
use super::pointer::Pattern;
use super::scan::Scan;
use std::ops::Range;

/// The most bytes, unless told otherwise.
const DEFAULT_BYTES: usize = 1024 * 1024;

/// The deepest nesting, unless told otherwise; and the deepest that other parsers take.
const DEFAULT_DEPTH: usize = 32;
const MAX_DEPTH: usize = 128;

/// The most values, unless told otherwise.
const DEFAULT_VALUES: usize = 10_000;

/// The most bytes of a name. It is compared with all others of its object.
pub(super) const MAX_NAME: usize = 256;

/// The most characters of a number. Those of 64 bits and all decimals that a double tells apart
/// have fewer.
pub(super) const MAX_NUMBER: usize = 64;

/// What JSON may be. See the [module](super) for the rules.
#[derive(Clone, Debug)]
#[must_use]
pub struct JsonLimits {
    pub(super) bytes: usize,
    pub(super) depth: usize,
    pub(super) values: usize,
    pub(super) known: Option<Vec<Pattern>>,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl JsonLimits {
    /// At most 1 MiB, 32 levels of nesting and 10,000 values.
    pub const fn new() -> Self {
        Self {
            bytes: DEFAULT_BYTES,
            depth: DEFAULT_DEPTH,
            values: DEFAULT_VALUES,
            known: None,
        }
    }

    /// Takes at most so many bytes.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Takes at most so many levels of nesting, 128 being the most.
    pub const fn max_depth(mut self, depth: usize) -> Self {
        self.depth = if depth < MAX_DEPTH { depth } else { MAX_DEPTH };
        self
    }

    /// Takes at most so many values, objects and arrays among them.
    pub const fn max_values(mut self, values: usize) -> Self {
        self.values = values;
        self
    }

    /// Takes no fields but these, given as JSON pointers (RFC 6901) in which `*` stands for
    /// any name or index. What is within a field that is given is not looked at further.
    pub fn only_fields<'a>(mut self, pointers: impl IntoIterator<Item = &'a str>) -> Self {
        self.known = Some(pointers.into_iter().map(Pattern::new).collect());
        self
    }

    /// The most bytes that are taken.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Looks through a text.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self, json: &[u8]) -> Result<(), JsonError> {
        Scan::new(json, self, &[]).run().map(drop)
    }

    /// Looks through a text, and finds the strings that one of these patterns leads to: the
    /// index of the pattern, where the string is, quotes included, and its pointer.
    #[cfg(feature = "sanitize")]
    pub(crate) fn find(&self, json: &[u8], patterns: &[Pattern]) -> Result<Vec<Found>, JsonError> {
        Scan::new(json, self, patterns).run()
    }
}

/// A string that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) pattern: usize,
    pub(crate) span: Range<usize>,
    pub(crate) pointer: String,
}
