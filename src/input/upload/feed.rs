//! Bytes that come in pieces, read as if they were all there.
//!
//! A parser of a format is an `async fn` over a [`Feed`]: straight code that waits where bytes
//! are missing. No runtime is behind it. A [`Scanner`] holds the parser, hands it each piece
//! and lets it run until it wants more.
//!
//! What a parser passes over it keeps, drops or blanks out, and so the bytes that are kept come
//! out of the same pass that checks the structure. A feed holds the piece at hand, and what of
//! the one before a parser has still to look at: [`MAX_PEEK`] bytes at most.

use super::Refusal;
use super::format::Facts;
use super::refusal::RefusalKind;
use crate::lock::lock;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// The most bytes that are looked at before they are passed over.
const MAX_PEEK: usize = 64;

/// What becomes of bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Drop,
    /// As many zeros take their place.
    Blank,
}

#[derive(Default)]
struct Buffer {
    input: Vec<u8>,
    /// How much of `input` was read.
    at: usize,
    /// How many bytes were read in all.
    position: u64,
    is_over: bool,
    kept: Vec<u8>,
}

impl Buffer {
    fn unread(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn consume(&mut self, length: usize, fate: Fate) {
        let end = self.at.saturating_add(length).min(self.input.len());
        let read = self.input.get(self.at..end).unwrap_or_default();
        match fate {
            Fate::Keep => self.kept.extend_from_slice(read),
            Fate::Blank => self.kept.resize(self.kept.len() + read.len(), 0),
            Fate::Drop => {}
        }
        self.position += read.len() as u64;
        self.at = end;
    }
}

/// What a step of [`Feed::scan`] did: how many bytes it read, and the result when it is done.
pub(super) struct Step<T>(pub(super) usize, pub(super) Option<T>);

/// The reading end of the bytes of one file.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<Buffer>>);

impl Feed {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        lock(&self.0)
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> u64 {
        self.buffer().position
    }

    /// Waits for the next `N` bytes and gives them without reading them.
    pub(super) async fn peek<const N: usize>(&self) -> Result<[u8; N], Refusal> {
        const { assert!(N <= MAX_PEEK) };
        poll_fn(|_| {
            let buffer = self.buffer();
            match buffer.unread().first_chunk() {
                Some(bytes) => Poll::Ready(Ok(*bytes)),
                None if buffer.is_over => Poll::Ready(Err(truncated())),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Reads the next `N` bytes and keeps them.
    pub(super) async fn take<const N: usize>(&self) -> Result<[u8; N], Refusal> {
        let bytes = self.peek().await?;
        self.buffer().consume(N, Fate::Keep);
        Ok(bytes)
    }

    /// Reads as many bytes and keeps these in their place.
    pub(super) async fn replace<const N: usize>(&self, bytes: [u8; N]) -> Result<(), Refusal> {
        self.peek::<N>().await?;
        let mut buffer = self.buffer();
        buffer.consume(N, Fate::Drop);
        buffer.kept.extend_from_slice(&bytes);
        Ok(())
    }

    /// Reads `length` bytes, and shows them to `look` as they come.
    pub(super) async fn pass(
        &self,
        length: u64,
        fate: Fate,
        mut look: impl FnMut(&[u8]),
    ) -> Result<(), Refusal> {
        let mut left = length;
        if left == 0 {
            return Ok(());
        }
        self.scan(fate, |bytes| {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            look(bytes.get(..here).unwrap_or_default());
            left -= here as u64;
            Ok(Step(here, (left == 0).then_some(())))
        })
        .await
    }

    /// Reads and keeps `length` bytes.
    pub(super) async fn keep(&self, length: u64) -> Result<(), Refusal> {
        self.pass(length, Fate::Keep, |_| {}).await
    }

    /// Reads, keeps and gives `length` bytes. The caller bounds the length.
    pub(super) async fn hold(&self, length: u64) -> Result<Vec<u8>, Refusal> {
        let mut held = Vec::new();
        self.pass(length, Fate::Keep, |bytes| held.extend_from_slice(bytes))
            .await?;
        Ok(held)
    }

    /// Reads, keeps and gives all that is left, of at most `limit` bytes.
    pub(super) async fn hold_all(&self, limit: usize) -> Result<Vec<u8>, Refusal> {
        let mut held = Vec::new();
        while !self.is_at_end().await {
            self.scan(Fate::Keep, |bytes| {
                if bytes.len() > limit.saturating_sub(held.len()) {
                    let reason =
                        format!("files of this type are held in memory, up to {limit} bytes");
                    return Err(Refusal::new(RefusalKind::TooLarge, reason));
                }
                held.extend_from_slice(bytes);
                Ok(Step(bytes.len(), Some(())))
            })
            .await?;
        }
        Ok(held)
    }

    /// Shows `step` what is there until it is done. What it leaves is shown again, with more.
    pub(super) async fn scan<T>(
        &self,
        fate: Fate,
        mut step: impl FnMut(&[u8]) -> Result<Step<T>, Refusal>,
    ) -> Result<T, Refusal> {
        poll_fn(|_| {
            loop {
                let mut buffer = self.buffer();
                let Step(read, result) = step(buffer.unread())?;
                buffer.consume(read, fate);
                if let Some(result) = result {
                    return Poll::Ready(Ok(result));
                }
                if read == 0 || buffer.unread().is_empty() {
                    return match buffer.is_over {
                        true => Poll::Ready(Err(truncated())),
                        false => Poll::Pending,
                    };
                }
            }
        })
        .await
    }

    /// Whether no byte is left, as soon as that is known.
    pub(super) async fn is_at_end(&self) -> bool {
        poll_fn(|_| {
            let buffer = self.buffer();
            match (buffer.unread().is_empty(), buffer.is_over) {
                (false, _) => Poll::Ready(false),
                (true, true) => Poll::Ready(true),
                (true, false) => Poll::Pending,
            }
        })
        .await
    }
}

fn truncated() -> Refusal {
    Refusal::new(RefusalKind::Truncated, "it ends too early")
}

type Parser = Pin<Box<dyn Future<Output = Result<Facts, Refusal>> + Send>>;

/// A parser at work on a file that comes in pieces.
pub(super) struct Scanner {
    feed: Feed,
    /// None when it is done.
    parser: Option<Parser>,
    facts: Facts,
}

impl Scanner {
    pub(super) fn new(start: impl FnOnce(Feed) -> Parser) -> Self {
        let feed = Feed(Arc::default());
        Self {
            parser: Some(start(feed.clone())),
            feed,
            facts: Facts::default(),
        }
    }

    /// Takes the next piece. What is to be kept is appended to `kept`.
    pub(super) fn push(&mut self, piece: &[u8], kept: &mut Vec<u8>) -> Result<(), Refusal> {
        {
            let buffer = &mut *self.feed.buffer();
            buffer.input.drain(..buffer.at);
            buffer.at = 0;
            buffer.input.extend_from_slice(piece);
            std::mem::swap(&mut buffer.kept, kept);
        }
        let result = self.run();
        std::mem::swap(&mut self.feed.buffer().kept, kept);
        result
    }

    /// There is no more.
    pub(super) fn finish(mut self, kept: &mut Vec<u8>) -> Result<Facts, Refusal> {
        self.feed.buffer().is_over = true;
        self.push(&[], kept)?;
        Ok(self.facts)
    }

    fn run(&mut self) -> Result<(), Refusal> {
        if let Some(parser) = &mut self.parser {
            match parser
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
            {
                Poll::Pending => return Ok(()),
                Poll::Ready(facts) => {
                    self.parser = None;
                    self.facts = facts?;
                }
            }
        }
        match self.feed.buffer().unread() {
            [] => Ok(()),
            _ => Err(super::refusal::polyglot("data follows its end")),
        }
    }
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").finish_non_exhaustive()
    }
}
