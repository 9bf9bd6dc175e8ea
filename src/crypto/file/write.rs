use super::sealing::Sealing;
use super::transfer::write_once;
use super::{FileCrypt, SLOTS};
use std::fmt;
use std::io::{self, Read, Write};

/// Seals what is written to it into another writer.
///
/// [`finish`](Self::finish) it: without its end a file does not open.
///
/// ```
/// use portcullis::crypto::file::FileCrypt;
/// use portcullis::crypto::keyring::Keyring;
/// use std::io::Write;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = FileCrypt::with_keyring(Keyring::generate());
/// let mut writer = files.sealing_writer(Vec::new())?;
/// writer.write_all(b"line 1\n")?;
/// writer.write_all(b"line 2\n")?;
/// let sealed = writer.finish()?;
/// assert_eq!(files.open(&sealed)?, b"line 1\nline 2\n");
/// # Ok(())
/// # }
/// ```
pub struct SealingWriter<W> {
    inner: W,
    sealing: Sealing,
}

impl FileCrypt {
    /// Begins a file, whose plaintext is written to what this gives.
    ///
    /// # Errors
    /// When the file's key cannot be made. Nothing is written yet.
    pub fn sealing_writer<W: Write>(&self, inner: W) -> io::Result<SealingWriter<W>> {
        let sealing = Sealing::new(self.begin()?, SLOTS);
        Ok(SealingWriter { inner, sealing })
    }
}

impl<W: Write> SealingWriter<W> {
    /// Seals all that `reader` has yet, reading into the place where it is sealed. Gives how
    /// many bytes that were.
    ///
    /// # Errors
    /// Those of the reader and of the inner writer.
    pub fn copy_from(&mut self, mut reader: impl Read) -> io::Result<u64> {
        let mut copied = 0;
        loop {
            self.write_pending()?;
            match self.sealing.read_from(&mut reader)? {
                0 => return Ok(copied),
                read => copied += read as u64,
            }
        }
    }

    /// Room for plaintext in the place where it is sealed, for who makes the plaintext and
    /// would save the copy. Never empty. Say [how much](Self::fill) was put there.
    ///
    /// # Errors
    /// Those of the inner writer.
    pub fn room(&mut self) -> io::Result<&mut [u8]> {
        self.write_pending()?;
        Ok(self.sealing.room())
    }

    /// This many bytes were put into the [room](Self::room), from its start.
    ///
    /// # Errors
    /// When that is more than there was room for, or the file becomes too long.
    pub fn fill(&mut self, bytes: usize) -> io::Result<()> {
        if !self.sealing.pending().is_empty() || bytes > self.sealing.room().len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(self.sealing.fill(bytes)?)
    }

    /// Seals the last chunk and gives back the inner writer, which is not flushed.
    ///
    /// # Errors
    /// Those of the inner writer. The file is then without its end.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_pending()?;
        self.sealing.finish()?;
        self.write_pending()?;
        Ok(self.inner)
    }

    /// The inner writer.
    pub const fn get_ref(&self) -> &W {
        &self.inner
    }

    fn write_pending(&mut self) -> io::Result<()> {
        while !self.sealing.pending().is_empty() {
            let pending = self.sealing.pending();
            let written = write_once(pending.len(), || self.inner.write(pending))?;
            self.sealing.give(written);
        }
        Ok(())
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.write_pending()?;
        Ok(self.sealing.fill_from(plain)?)
    }

    /// Writes the chunks that are full. The rest waits for more, or for the end.
    fn flush(&mut self) -> io::Result<()> {
        self.write_pending()?;
        self.sealing.seal_full()?;
        self.write_pending()?;
        self.inner.flush()
    }
}

impl<W: fmt::Debug> fmt::Debug for SealingWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingWriter")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
