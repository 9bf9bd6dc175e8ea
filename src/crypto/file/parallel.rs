//! Files that several threads work on, each on its own part of both.

use super::chunks::{self, Chunks};
use super::crypt::Begun;
use super::share::{in_threads, shares};
use super::window::Window;
use super::{CHUNK, FileCrypt, FileError, NewFile, SLOT, SLOTS};
use crate::crypto::aead::TAG_LENGTH;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// A file and its chunks.
struct Work<'a> {
    chunks: &'a Chunks,
    plain: &'a File,
    sealed: &'a File,
    /// Where the first chunk begins in the sealed file.
    start: u64,
    /// Bytes of plaintext.
    length: u64,
}

impl FileCrypt {
    /// Whether the threads are worth it, and the file has parts.
    pub(super) fn is_worth_threads(&self, file: &File) -> io::Result<bool> {
        if self.threads.get() == 1 {
            return Ok(false);
        }
        let about = file.metadata()?;
        let chunks = usize::try_from(about.len() / CHUNK as u64).unwrap_or(usize::MAX);
        Ok(about.is_file() && shares(chunks, self.threads) > 1)
    }

    /// Seals a file of the length that it has now.
    pub(super) fn seal_in_threads(&self, plain: &File, new: NewFile) -> io::Result<u64> {
        let Begun { header, chunks, .. } = self.begin()?;
        let length = plain.metadata()?.len();
        chunks::sealed_length(length)?;
        new.file().write_all_at(&header, 0)?;
        let work = Work {
            chunks: &chunks,
            plain,
            sealed: new.file(),
            start: header.len() as u64,
            length,
        };
        in_threads(work.parts(self), |part| work.batches(part, Work::seal))?;
        new.commit()?;
        Ok(length)
    }

    /// Opens a file of the length that it has now.
    pub(super) fn open_in_threads(&self, mut sealed: &File, new: NewFile) -> io::Result<u64> {
        let header = self.read_header(&mut sealed)?;
        let chunks = self.unlock(&header)?;
        let start = header.len() as u64;
        let slots = sealed.metadata()?.len().saturating_sub(start);
        let length = chunks::plain_length(slots)?;
        let work = Work {
            chunks: &chunks,
            plain: new.file(),
            sealed,
            start,
            length,
        };
        in_threads(work.parts(self), |part| {
            let mut plain = Window::of(SLOTS);
            plain.filled(plain.capacity());
            work.batches(part, |work, first, bytes, window| {
                work.open(first, bytes, window, &mut plain)
            })
        })?;
        new.commit()?;
        Ok(length)
    }
}

impl Work<'_> {
    /// The numbers of the chunks, a range for each thread.
    fn parts(&self, files: &FileCrypt) -> Vec<Range<u64>> {
        let all = self.length / CHUNK as u64 + 1;
        let threads = shares(usize::try_from(all).unwrap_or(usize::MAX), files.threads);
        let each = all.div_ceil(threads as u64);
        (0..threads as u64)
            .map(|thread| thread * each..all.min((thread + 1) * each))
            .collect()
    }

    /// Works through a range of chunks, as many at a time as a window holds.
    fn batches(
        &self,
        part: Range<u64>,
        mut work: impl FnMut(&Self, u64, usize, &mut Window) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut window = Window::of(SLOTS);
        window.filled(window.capacity());
        let mut chunk = part.start;
        while chunk < part.end {
            let next = part.end.min(chunk + SLOTS as u64);
            let plain = self.length.min(next * CHUNK as u64) - chunk * CHUNK as u64;
            // All but the last of the file are full, so each has a tag's worth more.
            let sealed = plain + (next - chunk) * TAG_LENGTH as u64;
            let sealed = usize::try_from(sealed).map_err(|_| FileError::TooLong)?;
            work(self, chunk, sealed, &mut window)?;
            chunk = next;
        }
        Ok(())
    }

    fn seal(&self, first: u64, bytes: usize, window: &mut Window) -> io::Result<()> {
        for (chunk, slot) in (first..).zip(window.slots_mut(bytes)) {
            if let Some((data, _)) = slot.split_last_chunk_mut::<TAG_LENGTH>() {
                self.plain.read_exact_at(data, chunk * CHUNK as u64)?;
            }
            self.chunks.seal(chunk, slot)?;
        }
        let place = self.start + first * SLOT as u64;
        self.sealed.write_all_at(window.range(0..bytes), place)
    }

    /// Opens into one piece: the threads take turns in writing to a file, so they do it seldom.
    fn open(
        &self,
        first: u64,
        bytes: usize,
        window: &mut Window,
        plain: &mut Window,
    ) -> io::Result<()> {
        let place = self.start + first * SLOT as u64;
        let room = window.rest_mut(0).get_mut(..bytes).unwrap_or_default();
        self.sealed.read_exact_at(room, place)?;
        let mut opened = 0;
        for (chunk, slot) in (first..).zip(window.range(0..bytes).chunks(SLOT)) {
            let end = opened + slot.len().saturating_sub(TAG_LENGTH);
            let data = plain.rest_mut(opened).get_mut(..end - opened);
            self.chunks
                .open_into(chunk, slot, data.unwrap_or_default())?;
            opened = end;
        }
        let place = first * CHUNK as u64;
        self.plain.write_all_at(plain.range(0..opened), place)
    }
}
