//! What was looked through and found clean, and comes again in request after request: paths,
//! what browsers say of themselves, and their cookies.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many texts are remembered, at eight bytes each.
const SLOTS: usize = 1 << BITS;
/// The lower bits of a hash choose its slot. In the slot they are the number of fields.
const BITS: u32 = 12;
/// Longer texts are not remembered, in bytes: few are that come again.
const MAX_LEN: usize = 2 << 10;

/// Remembers texts by a hash of 64 bits under a key of its own (SipHash), so that nobody can
/// tell which other text has the hash of a clean one; whoever guesses needs some 2^52 requests.
/// Nothing of a text can be told from what is kept of it. One that comes to stand where another
/// stood takes its place: memory stays as it is.
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

    /// By what a text of this name would be remembered, of requests to this host.
    pub(super) fn of(&self, name: &str, host: &[u8], text: &[u8]) -> Option<Remembered> {
        if text.len().max(host.len()).max(name.len()) > MAX_LEN {
            return None;
        }
        let mut hasher = self.hasher.build_hasher();
        // Both lengths are below 2^32.
        hasher.write_u64((name.len() as u64) << 32 | host.len() as u64);
        hasher.write(name.as_bytes());
        hasher.write(host);
        hasher.write(text);
        Some(Remembered(hasher.finish()))
    }

    /// How many fields it has, if it is known.
    pub(super) fn knows(&self, text: Remembered) -> Option<usize> {
        let known = self.slot(text)?.load(Ordering::Relaxed);
        let fields = known as usize % SLOTS;
        // Without a field there is nothing to know: that is what stands in an empty slot.
        (known >> BITS == text.0 >> BITS && fields > 0).then_some(fields)
    }

    pub(super) fn keep(&self, text: Remembered, fields: usize) {
        if let Some(slot) = self.slot(text).filter(|_| fields < SLOTS) {
            slot.store((text.0 >> BITS) << BITS | fields as u64, Ordering::Relaxed);
        }
    }

    fn slot(&self, text: Remembered) -> Option<&AtomicU64> {
        self.known.get(text.0 as usize % SLOTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_known() {
        let memory = Memory::new();
        let of = |name, host: &str, text: &str| {
            memory.of(name, host.as_bytes(), text.as_bytes()).unwrap()
        };
        let agent = of("user-agent", "h", "a");
        assert_eq!(memory.knows(agent), None);
        memory.keep(agent, 3);
        assert_eq!(memory.knows(agent), Some(3));
        let others = [
            ("user-agent", "h", "b"),
            ("user-agent", "i", "a"),
            ("user-agent", "ha", ""),
            ("origin", "h", "a"),
        ];
        for (name, host, text) in others {
            assert_eq!(
                memory.knows(of(name, host, text)),
                None,
                "{name} {host} {text}"
            );
        }
    }

    #[test]
    fn what_is_long_or_has_too_many_fields_is_not_kept() {
        let memory = Memory::new();
        let long = "a".repeat(MAX_LEN + 1);
        assert!(memory.of("cookie", b"h", long.as_bytes()).is_none());
        assert!(memory.of("cookie", long.as_bytes(), b"a").is_none());
        let many = memory.of("cookie", b"h", b"a").unwrap();
        for fields in [0, SLOTS] {
            memory.keep(many, fields);
            assert_eq!(memory.knows(many), None, "{fields}");
        }
    }

    #[test]
    fn it_does_not_grow() {
        let memory = Memory::new();
        for number in 0..4 * SLOTS {
            let value = number.to_string();
            memory.keep(memory.of("cookie", b"h", value.as_bytes()).unwrap(), 1);
        }
        assert_eq!(memory.known.len(), SLOTS);
    }
}
