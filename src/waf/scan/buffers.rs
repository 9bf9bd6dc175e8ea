//! Buffers for what is decoded, kept from one request to the next.

use std::cell::Cell;

/// How many buffers a thread keeps, and how large those are that it keeps, in bytes.
const MAX_KEPT: usize = 8;
const MAX_KEPT_LEN: usize = 4 << 10;

thread_local! {
    static KEPT: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// The buffers of this thread, for as long as one scan lasts. A scan within a scan finds none
/// and makes its own.
#[derive(Debug)]
pub(super) struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    pub(super) fn of_thread() -> Self {
        Self(KEPT.try_with(Cell::take).unwrap_or_default())
    }

    /// A buffer: what it holds is to be overwritten.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        if self.0.len() < MAX_KEPT && buffer.capacity() <= MAX_KEPT_LEN {
            self.0.push(buffer);
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        let buffers = std::mem::take(&mut self.0);
        // A thread that ends keeps nothing.
        let _ended = KEPT.try_with(|kept| kept.set(buffers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_small_ones_are_kept() {
        let mut buffers = Buffers::of_thread();
        for capacity in (0..2 * MAX_KEPT).map(|n| n * MAX_KEPT_LEN / MAX_KEPT) {
            buffers.give_back(Vec::with_capacity(capacity));
        }
        drop(buffers);
        let mut buffers = Buffers::of_thread();
        assert_eq!(buffers.0.len(), MAX_KEPT);
        assert!(buffers.0.iter().all(|kept| kept.capacity() <= MAX_KEPT_LEN));
        assert_eq!(Buffers::of_thread().take().capacity(), 0);
        assert!(buffers.take().capacity() > 0);
    }
}
