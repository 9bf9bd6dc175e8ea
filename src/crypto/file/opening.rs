use super::chunks::Chunks;
use super::window::Window;
use super::{CHUNK, FileError, SLOT};
use crate::crypto::aead::TAG_LENGTH;
use std::io::IoSlice;

/// A file that is being opened: takes sealed bytes, gives plaintext that was vouched for, and
/// knows no stream.
///
/// Either there is plaintext [to give](Self::plain), or there is [room](Self::room) for sealed
/// bytes, or [`is_done`](Self::is_done).
pub(super) struct Opening {
    chunks: Chunks,
    /// The number of the chunk in the first slot.
    next: u64,
    window: Window,
    /// Sealed bytes in the window, those opened included.
    filled: usize,
    /// Bytes of plaintext in the window, from its start.
    opened: usize,
    /// Bytes of plaintext given.
    given: usize,
    /// The last chunk was opened.
    is_done: bool,
    failed: Option<FileError>,
}

impl Opening {
    /// Takes what [`FileCrypt::unlock`](super::FileCrypt::unlock) gives.
    pub(super) fn new(chunks: Chunks, slots: usize) -> Self {
        Self {
            chunks,
            next: 0,
            window: Window::of(slots),
            filled: 0,
            opened: 0,
            given: 0,
            is_done: false,
            failed: None,
        }
    }

    /// Plaintext to give, from one chunk, before any more sealed bytes are taken.
    pub(super) fn plain(&self) -> &[u8] {
        self.window.plain(self.given, self.opened)
    }

    /// All the plaintext there is to give.
    pub(super) fn plains(&self) -> Vec<IoSlice<'_>> {
        let mut plains = Vec::new();
        let mut from = self.given;
        while from < self.opened {
            let plain = self.window.plain(from, self.opened);
            from += plain.len();
            plains.push(IoSlice::new(plain));
        }
        plains
    }

    /// So many bytes of plaintext were given.
    pub(super) fn give(&mut self, bytes: usize) {
        self.given = self.given.saturating_add(bytes);
        if self.given < self.opened || self.opened == 0 {
            return;
        }
        let rest = self.opened / CHUNK * SLOT;
        self.window.keep(rest..self.filled);
        self.filled = self.filled.saturating_sub(rest);
        self.given = 0;
        self.opened = 0;
    }

    pub(super) const fn is_done(&self) -> bool {
        self.is_done
    }

    /// Room for sealed bytes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.window.rest_mut(self.filled)
    }

    /// So many sealed bytes were put into the room; none, when there are no more. What has
    /// failed once fails again.
    pub(super) fn fill(&mut self, bytes: usize) -> Result<(), FileError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.filled = self.filled.saturating_add(bytes);
        let full = self.filled / SLOT;
        let is_end = bytes == 0;
        let rest = self.filled % SLOT;
        let plain = if is_end {
            full * CHUNK + rest.saturating_sub(TAG_LENGTH)
        } else {
            full * CHUNK
        };
        self.window.filled(plain);
        let to_open = if is_end { self.filled } else { full * SLOT };
        let mut result = self.open(to_open);
        if is_end && rest < TAG_LENGTH {
            // The last chunk is always short, and never shorter than a tag.
            result = result.and(Err(FileError::Truncated));
        }
        match result {
            Ok(()) => {
                self.opened = plain;
                self.is_done = is_end;
            }
            Err(ref error) => self.failed = Some(error.clone()),
        }
        result
    }

    fn open(&mut self, bytes: usize) -> Result<(), FileError> {
        for slot in self.window.slots_mut(bytes) {
            self.chunks.open(self.next, slot)?;
            self.next = self.next.saturating_add(1);
        }
        Ok(())
    }
}
