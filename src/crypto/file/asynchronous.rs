use super::opening::Opening;
use super::sealing::Sealing;
use super::transfer::believable;
use super::window::copy;
use super::{FileCrypt, FileError};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, oneshot};

/// Chunks that an asynchronous stream works on at a time. Some 10 us of work, after which
/// other tasks have their turn.
const SLOTS: usize = 4;

/// Keys that are being found on threads of their own. Others wait without one.
static ASIDE: Semaphore = Semaphore::const_new(16);

/// Seals what is written to it into another writer.
///
/// Shut it down: without its end a file does not open.
///
/// ```
/// use portcullis::crypto::file::FileCrypt;
/// use portcullis::crypto::keyring::Keyring;
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = FileCrypt::with_keyring(Keyring::generate());
/// let mut writer = files.sealing_async_writer(Vec::new()).await?;
/// writer.write_all(b"a photograph").await?;
/// writer.shutdown().await?;
/// assert_eq!(files.open(&writer.into_inner())?, b"a photograph");
/// # Ok(())
/// # }
/// ```
pub struct AsyncSealingWriter<W> {
    inner: W,
    sealing: Sealing,
}

/// Gives what another reader has, sealed.
pub struct AsyncSealingReader<R> {
    inner: R,
    sealing: Sealing,
}

/// Gives what another reader has, opened, chunk by chunk as each is vouched for.
///
/// The end comes when the whole file was there. What was cut off or changed ends in an error.
///
/// ```
/// use portcullis::crypto::file::FileCrypt;
/// use portcullis::crypto::keyring::Keyring;
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = FileCrypt::with_keyring(Keyring::generate());
/// let sealed = files.seal(b"a photograph")?;
///
/// let mut opened = Vec::new();
/// files.opening_async_reader(&sealed[..]).await?.read_to_end(&mut opened).await?;
/// assert_eq!(opened, b"a photograph");
///
/// let mut cut_off = files.opening_async_reader(&sealed[..sealed.len() - 1]).await?;
/// assert!(cut_off.read_to_end(&mut opened).await.is_err());
/// # Ok(())
/// # }
/// ```
pub struct AsyncOpeningReader<R> {
    inner: R,
    opening: Opening,
}

impl FileCrypt {
    /// Begins a file, whose plaintext is written to what this gives. A key that takes long to
    /// make is made on a thread of its own.
    ///
    /// # Errors
    /// When the file's key cannot be made. Nothing is written yet.
    pub async fn sealing_async_writer<W: AsyncWrite + Unpin>(
        &self,
        inner: W,
    ) -> io::Result<AsyncSealingWriter<W>> {
        let sealing = self.begin_async().await?;
        Ok(AsyncSealingWriter { inner, sealing })
    }

    /// Begins a file, whose plaintext `inner` has. A key that takes long to make is made on a
    /// thread of its own.
    ///
    /// # Errors
    /// When the file's key cannot be made. Nothing is read yet.
    pub async fn sealing_async_reader<R: AsyncRead + Unpin>(
        &self,
        inner: R,
    ) -> io::Result<AsyncSealingReader<R>> {
        let sealing = self.begin_async().await?;
        Ok(AsyncSealingReader { inner, sealing })
    }

    /// Opens the file that `inner` has, after reading its header. A key that takes long to
    /// find is found on a thread of its own.
    ///
    /// # Errors
    /// Those of `inner`, and when the header is none or the key is not the right one.
    pub async fn opening_async_reader<R: AsyncRead + Unpin>(
        &self,
        mut inner: R,
    ) -> io::Result<AsyncOpeningReader<R>> {
        let header = self.read_header_async(&mut inner).await?;
        let unlock = move |crypt: &Self| crypt.unlock(&header);
        let opening = Opening::new(self.aside(unlock).await??, SLOTS);
        Ok(AsyncOpeningReader { inner, opening })
    }

    async fn begin_async(&self) -> io::Result<Sealing> {
        let begun = self.aside(Self::begin).await??;
        Ok(Sealing::new(begun, SLOTS))
    }

    /// Does what may be slow where no task waits for it.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> io::Result<T> {
        if !self.is_slow() {
            return Ok(work(self));
        }
        let leave = ASIDE.acquire().await.map_err(io::Error::other)?;
        let (sender, receiver) = oneshot::channel();
        let crypt = self.clone();
        std::thread::Builder::new()
            .name("portcullis-file-key".to_owned())
            .spawn(move || {
                // Nobody listens when the task was dropped.
                let _ = sender.send(work(&crypt));
                drop(leave);
            })?;
        receiver.await.map_err(io::Error::other)
    }

    async fn read_header_async<R: AsyncRead + Unpin>(&self, inner: &mut R) -> io::Result<Vec<u8>> {
        let mut header = Vec::new();
        loop {
            let known = header.len();
            let length = self.length_before_chunks(&header)?;
            if length <= known {
                return Ok(header);
            }
            header.resize(length, 0);
            let room = header.get_mut(known..).unwrap_or_default();
            let read = poll_fn(|cx| poll_read(inner, cx, room)).await?;
            header.truncate(known + read);
            if read == 0 {
                return Err(FileError::Truncated.into());
            }
        }
    }
}

fn poll_read<R: AsyncRead + Unpin>(
    inner: &mut R,
    cx: &mut Context<'_>,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    let most = room.len();
    let mut room = ReadBuf::new(room);
    ready!(Pin::new(inner).poll_read(cx, &mut room))?;
    // It may have put a larger one in its place.
    Poll::Ready(believable(room.filled().len(), most))
}

/// Puts as much of `from` as fits into a reader's buffer.
fn put(from: &[u8], buffer: &mut ReadBuf<'_>) -> usize {
    let given = copy(from, buffer.initialize_unfilled());
    buffer.advance(given);
    given
}

impl<W> AsyncSealingWriter<W> {
    /// Gives back the inner writer. Without a shutdown before, the file has no end.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: AsyncWrite + Unpin> AsyncSealingWriter<W> {
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.sealing.pending().is_empty() {
            let pending = self.sealing.pending();
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, pending))?;
            match believable(written, pending.len())? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sealing.give(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for AsyncSealingWriter<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        plain: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        if this.sealing.is_finished() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Ready(this.sealing.fill_from(plain).map_err(Into::into))
    }

    /// Writes the chunks that are full. The rest waits for more, or for the end.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        this.sealing.seal_full()?;
        ready!(this.poll_pending(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    /// Seals the last chunk, writes all and shuts the inner writer down.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        this.sealing.finish()?;
        ready!(this.poll_pending(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for AsyncSealingReader<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        while this.sealing.pending().is_empty() && !this.sealing.is_finished() {
            match ready!(poll_read(&mut this.inner, cx, this.sealing.room()))? {
                0 => this.sealing.finish()?,
                read => {
                    this.sealing.fill(read)?;
                    this.sealing.seal_full()?;
                }
            }
        }
        let given = put(this.sealing.pending(), buffer);
        this.sealing.give(given);
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for AsyncOpeningReader<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        while this.opening.plain().is_empty() && !this.opening.is_done() {
            let read = ready!(poll_read(&mut this.inner, cx, this.opening.room()))?;
            this.opening.fill(read)?;
        }
        let given = put(this.opening.plain(), buffer);
        this.opening.give(given);
        Poll::Ready(Ok(()))
    }
}

macro_rules! debug {
    ($($name:ident),*) => {$(
        impl<T: fmt::Debug> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("inner", &self.inner)
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug!(AsyncSealingWriter, AsyncSealingReader, AsyncOpeningReader);
