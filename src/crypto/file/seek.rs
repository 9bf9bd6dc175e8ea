use super::chunks::{self, Chunks};
use super::transfer::read_exact;
use super::window::{Window, copy};
use super::{CHUNK, FileCrypt, SLOT};
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

/// Opens any part of a sealed file, reading only the chunks that hold it.
///
/// The length of the file is vouched for from the start; each chunk when it is read.
///
/// ```
/// use portcullis::crypto::file::FileCrypt;
/// use portcullis::crypto::keyring::Keyring;
/// use std::io::{Cursor, Read, Seek, SeekFrom};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = FileCrypt::with_keyring(Keyring::generate());
/// let mut film: Vec<u8> = vec![0; 1_000_000];
/// film[700_000..700_004].copy_from_slice(b"here");
/// let sealed = files.seal(&film)?;
///
/// let mut part = [0; 4];
/// let mut reader = files.opening_seeker(Cursor::new(&sealed))?;
/// assert_eq!(reader.length(), 1_000_000);
/// reader.seek(SeekFrom::Start(700_000))?;
/// reader.read_exact(&mut part)?;
/// assert_eq!(&part, b"here");
///
/// let cut_off = Cursor::new(&sealed[..sealed.len() - 1]);
/// assert!(files.opening_seeker(cut_off).is_err());
/// # Ok(())
/// # }
/// ```
pub struct OpeningSeeker<R> {
    inner: R,
    chunks: Chunks,
    /// Where the first chunk begins.
    start: u64,
    /// Sealed bytes from there on.
    sealed: u64,
    plain: u64,
    position: u64,
    window: Window,
    /// The number of the chunk that lies open in the window.
    opened: Option<u64>,
}

impl FileCrypt {
    /// Opens the file that begins where `inner` stands and ends at its end.
    ///
    /// # Errors
    /// Those of `inner`, when the header is none, when the key is not the right one, and when
    /// the end is not that of the file.
    pub fn opening_seeker<R: Read + Seek>(&self, mut inner: R) -> io::Result<OpeningSeeker<R>> {
        let header = self.read_header(&mut inner)?;
        let chunks = self.unlock(&header)?;
        let start = inner.stream_position()?;
        let end = inner.seek(SeekFrom::End(0))?;
        let sealed = end.saturating_sub(start);
        let mut seeker = OpeningSeeker {
            inner,
            chunks,
            start,
            sealed,
            plain: chunks::plain_length(sealed)?,
            position: 0,
            window: Window::of(1),
            opened: None,
        };
        // Only the last chunk is short: if this one opens, the length is right.
        seeker.open(sealed / SLOT as u64)?;
        Ok(seeker)
    }
}

impl<R> OpeningSeeker<R> {
    /// Bytes of plaintext.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.plain
    }

    /// Gives back the inner reader.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read + Seek> OpeningSeeker<R> {
    /// Opens a chunk of the file.
    fn open(&mut self, chunk: u64) -> io::Result<()> {
        if self.opened == Some(chunk) {
            return Ok(());
        }
        self.opened = None;
        let before = chunk.saturating_mul(SLOT as u64);
        let length = self.sealed.saturating_sub(before).min(SLOT as u64);
        let place = self.start.saturating_add(before);
        self.inner.seek(SeekFrom::Start(place))?;
        self.window.filled(CHUNK);
        for slot in self.window.slots_mut(length as usize) {
            read_exact(&mut self.inner, slot)?;
            self.chunks.open(chunk, slot)?;
        }
        self.opened = Some(chunk);
        Ok(())
    }
}

impl<R: Read + Seek> Read for OpeningSeeker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.plain {
            return Ok(0);
        }
        let chunk = self.position / CHUNK as u64;
        self.open(chunk)?;
        let first = chunk * CHUNK as u64;
        let from = (self.position - first) as usize;
        let to = (self.plain - first).min(CHUNK as u64) as usize;
        let given = copy(self.window.plain(from, to), buffer);
        self.position += given as u64;
        Ok(given)
    }
}

impl<R: Read + Seek> Seek for OpeningSeeker<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.plain.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl<R: fmt::Debug> fmt::Debug for OpeningSeeker<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpeningSeeker")
            .field("inner", &self.inner)
            .field("length", &self.plain)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
