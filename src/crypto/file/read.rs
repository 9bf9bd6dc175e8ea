use super::opening::Opening;
use super::sealing::Sealing;
use super::transfer::{once, write_once};
use super::window::copy;
use super::{FileCrypt, FileError, SLOTS};
use std::fmt;
use std::io::{self, Read, Write};

/// Gives what another reader has, sealed.
///
/// ```
/// use portcullis::crypto::file::FileCrypt;
/// use portcullis::crypto::keyring::Keyring;
/// use std::io::Read;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = FileCrypt::with_keyring(Keyring::generate());
/// let mut upload = files.sealing_reader(b"a photograph".as_slice())?;
/// let mut sealed = Vec::new();
/// upload.read_to_end(&mut sealed)?;
/// assert_eq!(files.open(&sealed)?, b"a photograph");
/// # Ok(())
/// # }
/// ```
pub struct SealingReader<R> {
    inner: R,
    sealing: Sealing,
}

/// Gives what another reader has, opened, chunk by chunk as each is vouched for.
///
/// The end (`Ok(0)`) comes when the whole file was there. What was cut off or changed ends in
/// an error, at its first wrong chunk, and stays one.
///
/// ```
/// use portcullis::crypto::file::{FileCrypt, FileError};
/// use portcullis::crypto::keyring::Keyring;
/// use std::io::Read;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = FileCrypt::with_keyring(Keyring::generate());
/// let sealed = files.seal(&[7; 40_000])?;
///
/// let mut opened = Vec::new();
/// files.opening_reader(&sealed[..])?.read_to_end(&mut opened)?;
/// assert_eq!(opened, [7; 40_000]);
///
/// let cut_off = &sealed[..20_000];
/// let error = files.opening_reader(cut_off)?.read_to_end(&mut opened).unwrap_err();
/// assert_eq!(FileError::of(&error).map(FileError::code), Some("corrupt"));
/// # Ok(())
/// # }
/// ```
pub struct OpeningReader<R> {
    inner: R,
    opening: Opening,
}

impl FileCrypt {
    /// Begins a file, whose plaintext `inner` has.
    ///
    /// # Errors
    /// When the file's key cannot be made. Nothing is read yet.
    pub fn sealing_reader<R: Read>(&self, inner: R) -> io::Result<SealingReader<R>> {
        let sealing = Sealing::new(self.begin()?, SLOTS);
        Ok(SealingReader { inner, sealing })
    }

    /// Opens the file that `inner` has, after reading its header.
    ///
    /// # Errors
    /// Those of `inner`, and when the header is none or the key is not the right one.
    pub fn opening_reader<R: Read>(&self, mut inner: R) -> io::Result<OpeningReader<R>> {
        let header = self.read_header(&mut inner)?;
        let opening = Opening::new(self.unlock(&header)?, SLOTS);
        Ok(OpeningReader { inner, opening })
    }

    /// Reads a file to its end, and says how long its plaintext is when all of it is what was
    /// sealed. Nothing of it is kept.
    ///
    /// # Errors
    /// Those of `inner`, and when it is not what was sealed.
    pub fn verify<R: Read>(&self, inner: R) -> io::Result<u64> {
        self.opening_reader(inner)?.copy_to(io::sink())
    }

    /// Reads all that stands before the chunks, and no more.
    pub(super) fn read_header(&self, inner: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut header = Vec::new();
        loop {
            let known = header.len();
            // What there is may tell that this is no such file at all.
            let length = self.length_before_chunks(&header)?;
            if length <= known {
                return Ok(header);
            }
            header.resize(length, 0);
            let room = header.get_mut(known..).unwrap_or_default();
            let read = once(room.len(), || inner.read(room))?;
            header.truncate(known + read);
            if read == 0 {
                return Err(FileError::Truncated.into());
            }
        }
    }
}

impl<R> SealingReader<R> {
    /// Gives back the inner reader. What was read from it and not given is lost.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for SealingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.sealing.pending().is_empty() && !self.sealing.is_finished() {
            match self.sealing.read_from(&mut self.inner)? {
                0 => self.sealing.finish()?,
                _ => self.sealing.seal_full()?,
            }
        }
        let given = copy(self.sealing.pending(), buffer);
        self.sealing.give(given);
        Ok(given)
    }
}

impl<R: Read> OpeningReader<R> {
    /// Writes all the plaintext that there is yet, and says how long it is.
    ///
    /// # Errors
    /// Those of the reader and the writer, and when the file is not what was sealed. What was
    /// written then is to be thrown away.
    pub fn copy_to(&mut self, mut writer: impl Write) -> io::Result<u64> {
        let mut copied = 0;
        while self.open_some()? {
            let plains = self.opening.plains();
            let most = plains.iter().map(|plain| plain.len()).sum();
            let written = write_once(most, || writer.write_vectored(&plains))?;
            self.opening.give(written);
            copied += written as u64;
        }
        Ok(copied)
    }

    /// Gives back the inner reader. What was read from it and not given is lost.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// Opens more when all was given. Says whether there is something to give.
    fn open_some(&mut self) -> io::Result<bool> {
        while self.opening.plain().is_empty() && !self.opening.is_done() {
            let room = self.opening.room();
            let read = once(room.len(), || self.inner.read(room))?;
            self.opening.fill(read)?;
        }
        Ok(!self.opening.plain().is_empty())
    }
}

impl<R: Read> Read for OpeningReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || !self.open_some()? {
            return Ok(0);
        }
        let given = copy(self.opening.plain(), buffer);
        self.opening.give(given);
        Ok(given)
    }
}

impl<R: fmt::Debug> fmt::Debug for SealingReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingReader")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<R: fmt::Debug> fmt::Debug for OpeningReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpeningReader")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
