//! RIFF: the frame of WebP images and WAVE sounds.

use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed};
use crate::input::upload::refusal::{malformed, polyglot};

/// A RIFF file, from behind its header to the end that it names.
pub(super) struct Riff<'a> {
    feed: &'a Feed,
    left: u64,
}

/// The head of a chunk that is still to be read.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) name: [u8; 4],
    pub(super) length: u32,
}

impl Chunk {
    /// With head and padding.
    pub(super) fn whole(self) -> u64 {
        8 + u64::from(self.length) + u64::from(self.length % 2)
    }
}

impl<'a> Riff<'a> {
    /// Reads the header of 12 bytes.
    pub(super) async fn open(feed: &'a Feed) -> Result<Self, Refusal> {
        let [_, _, _, _, a, b, c, d, ..]: [u8; 12] = feed.take().await?;
        match u64::from(u32::from_le_bytes([a, b, c, d])).checked_sub(4) {
            Some(left) => Ok(Self { feed, left }),
            None => Err(malformed("a file shorter than its header")),
        }
    }

    /// The next chunk, which the caller has to pass over, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, Refusal> {
        if self.left == 0 {
            return match self.feed.is_at_end().await {
                true => Ok(None),
                false => Err(polyglot("data follows its end")),
            };
        }
        let [name @ .., a, b, c, d]: [u8; 8] = self.feed.peek().await?;
        let name = name.first_chunk().copied().unwrap_or_default();
        let chunk = Chunk {
            name,
            length: u32::from_le_bytes([a, b, c, d]),
        };
        match self.left.checked_sub(chunk.whole()) {
            Some(left) => self.left = left,
            None => return Err(malformed("a chunk longer than the file")),
        }
        Ok(Some(chunk))
    }

    /// Reads and keeps a chunk.
    pub(super) async fn keep(&self, chunk: Chunk) -> Result<(), Refusal> {
        self.feed.pass(chunk.whole(), Fate::Keep, |_| {}).await
    }
}
