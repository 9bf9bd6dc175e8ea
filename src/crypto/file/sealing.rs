use super::chunks::Chunks;
use super::crypt::Begun;
use super::transfer::once;
use super::window::{Window, copy};
use super::{CHUNK, FileError, SLOT};
use crate::crypto::aead::TAG_LENGTH;
use crate::random::ForkGuard;
use std::io::{self, Read};

/// A file that is being sealed: takes plaintext, gives sealed bytes, and knows no stream.
///
/// Either there are sealed bytes [to give](Self::pending), or there is [room](Self::room) for
/// plaintext. What has failed once fails again.
pub(super) struct Sealing {
    /// What stands before the chunks, until it was given.
    before: Vec<u8>,
    chunks: Chunks,
    /// The number of the chunk in the first slot.
    next: u64,
    window: Window,
    /// Bytes of plaintext in the window.
    filled: usize,
    /// Sealed bytes in the window, from its start.
    sealed: usize,
    /// Bytes given, of what stands before the chunks or of the window.
    given: usize,
    /// Plaintext behind the sealed bytes.
    kept: usize,
    is_finished: bool,
    forks: ForkGuard,
    failed: Option<FileError>,
}

impl Sealing {
    pub(super) fn new(begun: Begun, slots: usize) -> Self {
        Self {
            before: begun.header,
            chunks: begun.chunks,
            next: 0,
            window: Window::of(slots),
            filled: 0,
            sealed: 0,
            given: 0,
            kept: 0,
            is_finished: false,
            forks: begun.forks,
            failed: None,
        }
    }

    /// Sealed bytes to give, before any more plaintext is taken.
    pub(super) fn pending(&self) -> &[u8] {
        if self.before.is_empty() {
            self.window.range(self.given..self.sealed)
        } else {
            self.before.get(self.given..).unwrap_or_default()
        }
    }

    /// So many of the pending bytes were given.
    pub(super) fn give(&mut self, bytes: usize) {
        self.given = self.given.saturating_add(bytes);
        if !self.pending().is_empty() {
            return;
        }
        self.given = 0;
        if !self.before.is_empty() {
            self.before = Vec::new();
            return;
        }
        if self.sealed == 0 {
            return;
        }
        self.window.keep(self.sealed..self.sealed + self.kept);
        self.sealed = 0;
        self.filled = std::mem::take(&mut self.kept);
    }

    /// Room for plaintext. Empty when the window is full.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.window.room_mut(self.filled)
    }

    /// So many bytes of plaintext were put into the room.
    pub(super) fn fill(&mut self, bytes: usize) -> Result<(), FileError> {
        self.check()?;
        self.filled = self.filled.saturating_add(bytes);
        self.window.filled(self.filled);
        if self.filled >= self.window.capacity() {
            self.seal_full()?;
        }
        Ok(())
    }

    /// Copies as much plaintext as there is room for in one slot.
    pub(super) fn fill_from(&mut self, plain: &[u8]) -> Result<usize, FileError> {
        let taken = copy(plain, self.room());
        self.fill(taken)?;
        Ok(taken)
    }

    /// Reads plaintext once, into all the room there is.
    pub(super) fn read_from(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        let free = self.window.capacity().saturating_sub(self.filled);
        let mut rooms = self.window.rooms_mut(self.filled);
        let read = once(free, || reader.read_vectored(&mut rooms))?;
        drop(rooms);
        self.fill(read)?;
        Ok(read)
    }

    /// Seals the chunks that are full, if any. There must be none sealed and not given.
    pub(super) fn seal_full(&mut self) -> Result<(), FileError> {
        if self.filled < CHUNK {
            return Ok(());
        }
        self.seal(self.filled / CHUNK * SLOT, self.filled % CHUNK)
    }

    /// Seals all that is left. There must be no pending bytes.
    pub(super) fn finish(&mut self) -> Result<(), FileError> {
        if self.is_finished {
            return Ok(());
        }
        let full = self.filled / CHUNK * SLOT;
        let last = self.filled % CHUNK + TAG_LENGTH;
        self.seal(full + last, 0)?;
        self.is_finished = true;
        Ok(())
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Seals the slots in so many bytes. Behind them are so many bytes of plaintext more.
    fn seal(&mut self, bytes: usize, kept: usize) -> Result<(), FileError> {
        self.check()?;
        let sealed = self.seal_slots(bytes);
        match sealed {
            Ok(()) => {
                self.window.sealed(bytes);
                self.sealed = bytes;
                self.kept = kept;
                self.filled = 0;
            }
            Err(ref error) => self.failed = Some(error.clone()),
        }
        sealed
    }

    fn seal_slots(&mut self, bytes: usize) -> Result<(), FileError> {
        if self.forks.forked() {
            return Err(FileError::Forked);
        }
        for slot in self.window.slots_mut(bytes) {
            self.chunks.seal(self.next, slot)?;
            self.next = self.next.saturating_add(1);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), FileError> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}
