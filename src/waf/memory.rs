//! What was looked through and found clean, and comes again in request after request: what
//! browsers say of themselves.

use super::view::{Part, Place};

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many texts are remembered, at eight bytes each.
const SLOTS: usize = 4096;
/// Longer headers are not remembered, in bytes: browsers send none.
const LONGEST_HEADER: usize = 512;

/// Remembers texts by a hash of 64 bits under a key of its own (SipHash), so that nobody can
/// tell which other text has the hash of a clean one; whoever guesses needs some 2^52 requests.
/// A text that comes to stand where another stood takes its place: memory stays as it is.
#[derive(Debug)]
pub(super) struct Memory {
    hasher: RandomState,
    known: Box<[AtomicU64]>,
}

/// A text by its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered(u64);

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            known: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// By what a text would be remembered, if it is a header that browsers send with every
    /// request and that holds nothing secret.
    pub(super) fn of(
        &self,
        place: Place,
        part: Part,
        name: &[u8],
        text: &[u8],
    ) -> Option<Remembered> {
        let is_header = place == Place::Header && part == Part::Value;
        if !is_header || text.len() > LONGEST_HEADER || !is_constant(name, text) {
            return None;
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name);
        hasher.write_u8(0);
        hasher.write(text);
        // Zero is what stands in an empty slot.
        Some(Remembered(hasher.finish().max(1)))
    }

    pub(super) fn knows(&self, text: Remembered) -> bool {
        let slot = self.slot(text);
        slot.is_some_and(|slot| slot.load(Ordering::Relaxed) == text.0)
    }

    pub(super) fn keep(&self, text: Remembered) {
        if let Some(slot) = self.slot(text) {
            slot.store(text.0, Ordering::Relaxed);
        }
    }

    fn slot(&self, text: Remembered) -> Option<&AtomicU64> {
        self.known.get(text.0 as usize % SLOTS)
    }
}

/// Of a referer the page alone: the parts of its query come one by one.
fn is_constant(name: &[u8], value: &[u8]) -> bool {
    name.starts_with(b"accept")
        || name.starts_with(b"sec-")
        || matches!(name, b"user-agent" | b"host" | b"origin" | b"dnt" | b"te")
        || (name == b"referer" && value.starts_with(b"http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(memory: &Memory, name: &str, value: &str) -> Option<Remembered> {
        memory.of(
            Place::Header,
            Part::Value,
            name.as_bytes(),
            value.as_bytes(),
        )
    }

    #[test]
    fn what_was_kept_is_known() {
        let memory = Memory::new();
        let agent = |value| header(&memory, "user-agent", value).unwrap();
        assert!(!memory.knows(agent("a")));
        memory.keep(agent("a"));
        assert!(memory.knows(agent("a")));
        assert!(!memory.knows(agent("b")));
        assert!(!memory.knows(header(&memory, "origin", "a").unwrap()));
    }

    #[test]
    fn what_may_be_secret_or_is_long_is_not_kept() {
        let memory = Memory::new();
        for name in ["cookie", "authorization", "referer", "x-api-key"] {
            assert!(header(&memory, name, "secret").is_none());
        }
        assert!(
            memory
                .of(Place::Query, Part::Value, b"host", b"a")
                .is_none()
        );
        let long = "a".repeat(LONGEST_HEADER + 1);
        assert!(header(&memory, "user-agent", &long).is_none());
        assert!(
            memory
                .of(Place::Header, Part::Name, b"host", b"a")
                .is_none()
        );
    }

    #[test]
    fn it_does_not_grow() {
        let memory = Memory::new();
        for number in 0..4 * SLOTS {
            let value = number.to_string();
            memory.keep(header(&memory, "user-agent", &value).unwrap());
        }
        assert_eq!(memory.known.len(), SLOTS);
    }
}
