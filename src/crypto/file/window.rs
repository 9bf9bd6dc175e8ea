use super::{CHUNK, SLOT};
use crate::secret::wipe;
use std::io::IoSliceMut;
use std::ops::Range;

/// Slots for some chunks, one behind the other: plaintext and sealed bytes are at the same
/// place, so that chunks are sealed and opened in place and written together.
///
/// Where there may be plaintext is wiped when dropped.
pub(super) struct Window {
    bytes: Vec<u8>,
    /// No plaintext lies behind this.
    secret: usize,
}

/// Where a byte of plaintext lies.
const fn place(plain: usize) -> usize {
    plain / CHUNK * SLOT + plain % CHUNK
}

impl Window {
    pub(super) fn of(slots: usize) -> Self {
        Self {
            bytes: vec![0; slots.saturating_mul(SLOT)],
            secret: 0,
        }
    }

    /// Bytes of plaintext that it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len() / SLOT * CHUNK
    }

    pub(super) fn range(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// The bytes from here on, to be written to.
    pub(super) fn rest_mut(&mut self, from: usize) -> &mut [u8] {
        self.bytes.get_mut(from..).unwrap_or_default()
    }

    /// The slots, to be sealed or opened.
    pub(super) fn slots_mut(&mut self, bytes: usize) -> impl Iterator<Item = &mut [u8]> {
        let slots = self.bytes.get_mut(..bytes).unwrap_or_default();
        slots.chunks_mut(SLOT)
    }

    /// The room in the slot that plaintext has reached.
    pub(super) fn room_mut(&mut self, plain: usize) -> &mut [u8] {
        let start = place(plain);
        let end = start - plain % CHUNK + CHUNK;
        self.bytes.get_mut(start..end).unwrap_or_default()
    }

    /// The room in all slots that plaintext has not filled.
    pub(super) fn rooms_mut(&mut self, plain: usize) -> Vec<IoSliceMut<'_>> {
        let rest = self.bytes.get_mut(place(plain)..).unwrap_or_default();
        let first = (SLOT - plain % CHUNK).min(rest.len());
        let (first, others) = rest.split_at_mut(first);
        std::iter::once(first)
            .chain(others.chunks_mut(SLOT))
            .filter_map(|slot| {
                slot.split_last_chunk_mut()
                    .map(|(room, _): (_, &mut Tag)| room)
            })
            .map(IoSliceMut::new)
            .collect()
    }

    /// The plaintext from one place up to another, or to the end of its slot.
    pub(super) fn plain(&self, from: usize, to: usize) -> &[u8] {
        let to = to.min(from - from % CHUNK + CHUNK);
        let start = place(from);
        self.range(start..start + to.saturating_sub(from))
    }

    /// So many bytes of plaintext are there.
    pub(super) fn filled(&mut self, plain: usize) {
        self.secret = self.secret.max(place(plain));
    }

    /// The slots in so many bytes were sealed.
    pub(super) const fn sealed(&mut self, bytes: usize) {
        // Behind them, copies may be left of what was moved to the front.
        if self.secret <= bytes {
            self.secret = 0;
        }
    }

    /// Moves bytes to the front.
    pub(super) fn keep(&mut self, range: Range<usize>) {
        if range.end <= self.bytes.len() && range.start <= range.end {
            self.bytes.copy_within(range, 0);
        }
    }
}

type Tag = [u8; SLOT - CHUNK];

impl Drop for Window {
    fn drop(&mut self) {
        wipe(self.bytes.get_mut(..self.secret).unwrap_or_default());
    }
}

/// Copies as much as fits.
pub(super) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let length = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..length), to.get_mut(..length)) {
        to.copy_from_slice(from);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_the_slots_without_their_tags() {
        let mut window = Window::of(3);
        assert_eq!(window.capacity(), 3 * CHUNK);
        for (plain, rooms) in [
            (0, vec![CHUNK, CHUNK, CHUNK]),
            (1, vec![CHUNK - 1, CHUNK, CHUNK]),
            (CHUNK - 1, vec![1, CHUNK, CHUNK]),
            (CHUNK, vec![CHUNK, CHUNK]),
            (3 * CHUNK - 1, vec![1]),
            (3 * CHUNK, vec![]),
        ] {
            let lengths: Vec<_> = window
                .rooms_mut(plain)
                .iter()
                .map(|room| room.len())
                .collect();
            assert_eq!(lengths, rooms, "{plain}");
            let first = rooms.first().copied().unwrap_or_default();
            assert_eq!(window.room_mut(plain).len(), first, "{plain}");
        }
    }

    #[test]
    fn what_was_sealed_needs_no_wiping() {
        let mut window = Window::of(2);
        for (filled, sealed, secret) in [
            (CHUNK, SLOT, 0),
            (5, 21, 0),
            (CHUNK + 5, SLOT, SLOT + 5),
            (5, 21, SLOT + 5),
            (2 * CHUNK, 2 * SLOT, 0),
        ] {
            window.filled(filled);
            window.sealed(sealed);
            assert_eq!(window.secret, secret, "{filled} {sealed}");
        }
    }

    #[test]
    fn plaintext_is_found_where_it_was_put() {
        let mut window = Window::of(2);
        for (at, room) in window.rooms_mut(0).iter_mut().enumerate() {
            room.fill(at as u8 + 1);
        }
        assert_eq!(window.plain(0, 2 * CHUNK), [1; CHUNK]);
        assert_eq!(window.plain(CHUNK, CHUNK + 5), [2; 5]);
        assert_eq!(window.plain(CHUNK - 2, CHUNK + 5), [1; 2]);
        assert!(window.plain(7, 7).is_empty());
        assert_eq!(
            window.range(CHUNK..SLOT),
            [0; SLOT - CHUNK],
            "no room for a tag"
        );
    }
}
