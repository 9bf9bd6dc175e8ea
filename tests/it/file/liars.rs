//! Readers and writers that say more than they did: whoever opens a stream of somebody else's
//! gets an error, and no panic.

use super::{CHUNK, HEADER, SLOT, bare, text};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Is honest for a while, and then says that it did more than it was asked for.
struct Liar<T> {
    inner: T,
    honest_bytes: usize,
    says: fn(usize) -> usize,
}

const LIES: [(&str, fn(usize) -> usize); 3] = [
    ("one more", |most| most + 1),
    ("a chunk more", |most| most + SLOT),
    ("all there is", |_| usize::MAX),
];

impl<T> Liar<T> {
    /// What it says of so many bytes, if that is a lie.
    fn lie(&mut self, most: usize) -> Option<usize> {
        if self.honest_bytes >= most {
            self.honest_bytes -= most;
            return None;
        }
        Some((self.says)(most))
    }
}

impl<R: Read> Read for Liar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.lie(buffer.len()) {
            Some(lie) => Ok(lie),
            None => self.inner.read(buffer),
        }
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        match self.lie(buffers.iter().map(|buffer| buffer.len()).sum()) {
            Some(lie) => Ok(lie),
            None => self.inner.read_vectored(buffers),
        }
    }
}

impl<W: Write> Write for Liar<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.lie(bytes.len()) {
            Some(lie) => Ok(lie),
            None => self.inner.write(bytes),
        }
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.lie(bytes.iter().map(|bytes| bytes.len()).sum()) {
            Some(lie) => Ok(lie),
            None => self.inner.write_vectored(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says that it is anywhere.
impl<R: Read> Seek for Liar<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok((self.says)(1 << 40) as u64)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Liar<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = buffer.remaining();
        match self.lie(most) {
            // The buffer holds it to the truth, so it puts another in its place.
            Some(lie) => {
                let lie = lie.min(most + (1 << 20));
                *buffer = ReadBuf::new(vec![0; lie].leak());
                buffer.set_filled(lie);
                Poll::Ready(Ok(()))
            }
            None => Pin::new(&mut self.inner).poll_read(cx, buffer),
        }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Liar<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.lie(bytes.len()) {
            Some(lie) => Poll::Ready(Ok(lie)),
            None => Pin::new(&mut self.inner).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// From the first byte, in the header, and behind it.
const HONEST: [usize; 4] = [0, HEADER / 2, HEADER, HEADER + 20 * SLOT];

fn for_each_lie(mut check: impl FnMut(&str, usize, fn(usize) -> usize)) {
    for (name, says) in LIES {
        for honest_bytes in HONEST {
            check(&format!("{name} after {honest_bytes}"), honest_bytes, says);
        }
    }
}

fn is_lie<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.to_string().contains("are said to have been"))
}

#[test]
fn of_a_reader() {
    let (plain, sealed) = (text(60 * CHUNK), bare().seal(&text(60 * CHUNK)).unwrap());
    for_each_lie(|name, honest_bytes, says| {
        let liar = |inner| Liar {
            inner,
            honest_bytes,
            says,
        };
        let mut out = Vec::new();
        let opened = bare().opening_reader(liar(&sealed[..]));
        let opened = opened.and_then(|mut reader| reader.read_to_end(&mut out));
        assert!(is_lie(opened), "opening, {name}");
        assert!(is_lie(bare().verify(liar(&sealed[..]))), "verify, {name}");

        let sealing = bare().sealing_reader(liar(&plain[..]));
        let sealing = sealing.and_then(|mut reader| reader.read_to_end(&mut out));
        assert!(is_lie(sealing), "sealing, {name}");
        let mut writer = bare().sealing_writer(Vec::new()).unwrap();
        assert!(is_lie(writer.copy_from(liar(&plain[..]))), "copy, {name}");
    });
}

#[test]
fn of_a_writer() {
    let (plain, sealed) = (text(60 * CHUNK), bare().seal(&text(60 * CHUNK)).unwrap());
    for_each_lie(|name, honest_bytes, says| {
        let liar = Liar {
            inner: Vec::new(),
            honest_bytes,
            says,
        };
        let mut writer = bare().sealing_writer(liar).unwrap();
        assert!(is_lie(writer.copy_from(&plain[..])), "sealing, {name}");
        let liar = Liar {
            inner: Vec::new(),
            honest_bytes,
            says,
        };
        let mut reader = bare().opening_reader(&sealed[..]).unwrap();
        assert!(is_lie(reader.copy_to(liar)), "opening, {name}");
    });
}

#[test]
fn of_a_seeker() {
    let sealed = bare().seal(&text(60 * CHUNK)).unwrap();
    for_each_lie(|name, honest_bytes, says| {
        let opened = bare().opening_seeker(Liar {
            inner: &sealed[..],
            honest_bytes,
            says,
        });
        assert!(opened.is_err(), "{name}");
    });
}

#[tokio::test]
async fn of_streams_of_tokio() {
    let (plain, sealed) = (text(60 * CHUNK), bare().seal(&text(60 * CHUNK)).unwrap());
    for (name, says) in LIES {
        for honest_bytes in HONEST {
            let liar = |inner| Liar {
                inner,
                honest_bytes,
                says,
            };
            let opened = match bare().opening_async_reader(liar(&sealed[..])).await {
                Ok(mut reader) => reader.read_to_end(&mut Vec::new()).await,
                Err(error) => Err(error),
            };
            assert!(is_lie(opened), "opening, {name} after {honest_bytes}");
            let sealing = bare().sealing_async_reader(liar(&plain[..])).await;
            let sealing = sealing.unwrap().read_to_end(&mut Vec::new()).await;
            assert!(is_lie(sealing), "sealing, {name} after {honest_bytes}");
            let liar = Liar {
                inner: Vec::new(),
                honest_bytes,
                says,
            };
            let mut writer = bare().sealing_async_writer(liar).await.unwrap();
            let written = writer.write_all(&plain).await;
            assert!(is_lie(written), "writing, {name} after {honest_bytes}");
        }
    }
}
