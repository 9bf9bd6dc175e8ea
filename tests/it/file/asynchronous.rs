//! Readers and writers of tokio.

use super::{CHUNK, HEADER, LENGTHS, SLOT, bare, code, text};
use portcullis::crypto::Stretch;
use portcullis::crypto::file::{FileCrypt, PasswordLimits};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Takes and gives some bytes at a time, and is not ready every other time.
struct Hesitant<T> {
    inner: T,
    most: usize,
    is_ready: bool,
}

impl<T> Hesitant<T> {
    fn new(inner: T, most: usize) -> Self {
        Self {
            inner,
            most,
            is_ready: false,
        }
    }

    fn hesitate(&mut self, cx: &Context<'_>) -> bool {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            cx.waker().wake_by_ref();
        }
        self.is_ready
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Hesitant<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.hesitate(cx) {
            return Poll::Pending;
        }
        let mut part = vec![0; buffer.remaining().min(self.most)];
        let mut read = ReadBuf::new(&mut part);
        let polled = Pin::new(&mut self.inner).poll_read(cx, &mut read);
        buffer.put_slice(read.filled());
        polled
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Hesitant<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.hesitate(cx) {
            return Poll::Pending;
        }
        let most = bytes.len().min(self.most);
        Pin::new(&mut self.inner).poll_write(cx, &bytes[..most])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

async fn open(files: &FileCrypt, sealed: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let mut reader = files
        .opening_async_reader(Hesitant::new(sealed, most))
        .await?;
    reader.read_to_end(&mut plain).await?;
    Ok(plain)
}

#[tokio::test]
async fn as_the_others() {
    for length in LENGTHS {
        for most in [1_000, CHUNK, usize::MAX] {
            let plain = text(length);
            let inner = Hesitant::new(Vec::new(), most);
            let mut writer = bare().sealing_async_writer(inner).await.unwrap();
            writer.write_all(&plain).await.unwrap();
            writer.shutdown().await.unwrap();
            let written = writer.into_inner().inner;
            assert!(bare().open(&written).unwrap() == plain, "{length} {most}");

            let inner = Hesitant::new(&plain[..], most);
            let mut reader = bare().sealing_async_reader(inner).await.unwrap();
            let mut read = Vec::new();
            reader.read_to_end(&mut read).await.unwrap();
            assert!(bare().open(&read).unwrap() == plain, "{length} {most}");

            for sealed in [written, read] {
                let opened = open(&bare(), &sealed, most).await.unwrap();
                assert!(opened == plain, "{length} {most}");
            }
        }
    }
}

#[tokio::test]
async fn one_byte_at_a_time() {
    let plain = text(CHUNK + 5);
    let inner = Hesitant::new(Vec::new(), 1);
    let mut writer = bare().sealing_async_writer(inner).await.unwrap();
    for byte in &plain {
        writer.write_all(&[*byte]).await.unwrap();
    }
    writer.shutdown().await.unwrap();
    let sealed = writer.into_inner().inner;
    assert!(open(&bare(), &sealed, 1).await.unwrap() == plain);
}

#[tokio::test]
async fn flushing_writes_what_is_full() {
    let mut writer = bare().sealing_async_writer(Vec::new()).await.unwrap();
    writer.write_all(&text(2 * CHUNK + 5)).await.unwrap();
    writer.flush().await.unwrap();
    writer.write_all(&text(5)).await.unwrap();
    writer.shutdown().await.unwrap();
    writer.shutdown().await.unwrap();
    assert!(writer.write(b"more").await.is_err(), "it was shut down");
    let sealed = writer.into_inner();
    assert_eq!(sealed.len(), HEADER + 2 * SLOT + 10 + 16);
    assert!(bare().open(&sealed).is_ok());
}

#[tokio::test]
async fn what_was_done_to_a_file_is_found() {
    let sealed = bare().seal(&text(3 * CHUNK)).unwrap();
    for cut in [0, 10, HEADER - 1, HEADER, HEADER + SLOT, sealed.len() - 1] {
        let error = open(&bare(), &sealed[..cut], 10_000).await.unwrap_err();
        assert_eq!(code(&error), "truncated", "{cut}");
    }
    let mut changed = sealed.clone();
    changed[HEADER + SLOT] ^= 1;
    let error = open(&bare(), &changed, usize::MAX).await.unwrap_err();
    assert_eq!(code(&error), "corrupt");
    let other = bare().context(b"another");
    let error = open(&other, &sealed, usize::MAX).await.unwrap_err();
    assert_eq!(code(&error), "wrong_key");
}

#[tokio::test]
async fn passwords_are_worked_on_elsewhere() {
    let fast = Stretch::insecure_fast_for_tests();
    let files = FileCrypt::with_password_at("correct".into(), fast, PasswordLimits::default());
    let many = (0..40).map(|number| {
        let files = files.clone();
        tokio::spawn(async move {
            let plain = text(number);
            let mut sealed = Vec::new();
            let mut reader = files.sealing_async_reader(&plain[..]).await.unwrap();
            reader.read_to_end(&mut sealed).await.unwrap();
            assert_eq!(open(&files, &sealed, usize::MAX).await.unwrap(), plain);
        })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    // Whoever goes away while a key is being found leaves nothing behind.
    for _ in 0..40 {
        let sealed = files.seal(b"text").unwrap();
        let mut opening = Box::pin(open(&files, &sealed, usize::MAX));
        let waker = std::task::Waker::noop();
        let mut cx = Context::from_waker(waker);
        let _ = opening.as_mut().poll(&mut cx);
    }
    let sealed = files.seal(b"text").unwrap();
    assert_eq!(open(&files, &sealed, usize::MAX).await.unwrap(), b"text");
}
