//! Files that are in memory as a whole.

use super::chunks::{self, Chunks};
use super::crypt::Begun;
use super::share::{Share, in_threads, shares};
use super::{CHUNK, FileCrypt, FileError, SLOT};
use crate::crypto::aead::TAG_LENGTH;
use crate::secret::{wipe, wipe_vec};

impl FileCrypt {
    /// Seals bytes.
    ///
    /// # Errors
    /// When the file's key cannot be made.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, FileError> {
        let mut sealed = Vec::new();
        self.seal_into(plain, &mut sealed)?;
        Ok(sealed)
    }

    /// Seals bytes into a buffer, whose memory is used again. What was in it is gone.
    ///
    /// # Errors
    /// When the file's key cannot be made.
    pub fn seal_into(&self, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), FileError> {
        let Begun { header, chunks, .. } = self.begin()?;
        let length = in_memory(chunks::sealed_length(plain.len() as u64)?)?;
        let whole = header.len().checked_add(length);
        let whole = whole.ok_or(FileError::TooLong)?;
        if !self.make_room(sealed, whole) {
            sealed.extend_from_slice(&header);
            return chunks.append_sealed(plain, sealed);
        }
        let Some((before, slots)) = sealed.split_at_mut_checked(header.len()) else {
            return Err(FileError::TooLong);
        };
        before.copy_from_slice(&header);
        let shares = Share::to_seal(plain, slots).divide(self.threads);
        in_threads(shares, |share| share.seal(&chunks))
    }

    /// Opens bytes.
    ///
    /// # Errors
    /// When they are not what was sealed.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, FileError> {
        let mut plain = Vec::new();
        self.open_into(sealed, &mut plain)?;
        Ok(plain)
    }

    /// Opens bytes into a buffer, whose memory is used again. What was in it is gone.
    ///
    /// # Errors
    /// When they are not what was sealed. The buffer is then empty.
    pub fn open_into(&self, sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), FileError> {
        let opened = self.open_over(sealed, plain);
        if opened.is_err() {
            wipe_vec(std::mem::take(plain));
        }
        opened
    }

    fn open_over(&self, sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), FileError> {
        let (slots, chunks) = self.split(sealed)?;
        let length = in_memory(chunks::plain_length(slots.len() as u64)?)?;
        if !self.make_room(plain, length) {
            return chunks.append_opened(slots, plain);
        }
        let shares = Share::to_open(slots, plain).divide(self.threads);
        in_threads(shares, |share| share.open(&chunks))
    }

    /// Seals a buffer in place. It grows by the header and 16 bytes for each 16 KiB; when it
    /// has no room for them, its bytes move to a larger one and are wiped in the old.
    ///
    /// # Errors
    /// When the file's key cannot be made. The buffer is then as it was.
    pub fn seal_in_place(&self, data: &mut Vec<u8>) -> Result<(), FileError> {
        let plain = data.len();
        let Begun { header, chunks, .. } = self.begin()?;
        let sealed = in_memory(chunks::sealed_length(plain as u64)?)?;
        let whole = header.len().checked_add(sealed);
        grow(data, whole.ok_or(FileError::TooLong)?);
        // From the end on, for each chunk moves to where later ones were.
        for chunk in (0..=plain / CHUNK).rev() {
            let from = chunk * CHUNK;
            let to = header.len() + chunk * SLOT;
            let length = CHUNK.min(plain - from);
            data.copy_within(from..from + length, to);
            let slot = data.get_mut(to..to + length + TAG_LENGTH);
            chunks.seal(chunk as u64, slot.ok_or(FileError::TooLong)?)?;
        }
        let before = data.get_mut(..header.len());
        before.ok_or(FileError::TooLong)?.copy_from_slice(&header);
        Ok(())
    }

    /// Opens a buffer in place. It becomes shorter.
    ///
    /// # Errors
    /// When it is not what was sealed. The buffer is then wiped and empty.
    pub fn open_in_place(&self, data: &mut Vec<u8>) -> Result<(), FileError> {
        let opened = self.open_here(data);
        match opened {
            Ok(plain) => {
                // What is left behind the plaintext was sealed, or is a copy of plaintext.
                wipe(data.get_mut(plain..).unwrap_or_default());
                data.truncate(plain);
            }
            Err(_) => wipe_vec(std::mem::take(data)),
        }
        opened.map(|_| ())
    }

    fn open_here(&self, data: &mut [u8]) -> Result<usize, FileError> {
        let (slots, chunks) = self.split(data)?;
        let sealed = slots.len();
        let start = data.len() - sealed;
        let plain = in_memory(chunks::plain_length(sealed as u64)?)?;
        for chunk in 0..=sealed / SLOT {
            let from = start + chunk * SLOT;
            let length = SLOT.min(start + sealed - from);
            let slot = data.get_mut(from..from + length);
            chunks.open(chunk as u64, slot.ok_or(FileError::Truncated)?)?;
            data.copy_within(from..from + length - TAG_LENGTH, chunk * CHUNK);
        }
        Ok(plain)
    }

    /// Makes room for so many bytes. Says whether they are there, whatever is in them; if not,
    /// they are to be appended. When the buffer has to move, nothing is left where it was.
    fn make_room(&self, buffer: &mut Vec<u8>, length: usize) -> bool {
        if buffer.capacity() >= length {
            buffer.resize(length, 0);
            return true;
        }
        wipe_vec(std::mem::take(buffer));
        let is_shared = shares(length / CHUNK, self.threads) > 1;
        *buffer = if is_shared {
            vec![0; length]
        } else {
            Vec::with_capacity(length)
        };
        is_shared
    }

    /// The chunks of a file in memory, and what opens them.
    fn split<'a>(&self, sealed: &'a [u8]) -> Result<(&'a [u8], Chunks), FileError> {
        let length = self.length_before_chunks(sealed)?;
        let parts = sealed.split_at_checked(length);
        let (before, slots) = parts.ok_or(FileError::Truncated)?;
        Ok((slots, self.unlock(before)?))
    }
}

fn in_memory(length: u64) -> Result<usize, FileError> {
    usize::try_from(length).map_err(|_| FileError::TooLong)
}

/// Makes the data longer. When it has to move, nothing is left where it was.
fn grow(data: &mut Vec<u8>, length: usize) {
    if data.capacity() < length {
        let mut larger = Vec::with_capacity(length);
        larger.extend_from_slice(data);
        std::mem::swap(data, &mut larger);
        wipe_vec(larger);
    }
    data.resize(length, 0);
}
