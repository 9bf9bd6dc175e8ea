//! Boxes of the ISO base media file format (ISO/IEC 14496-12), which MP4 and AVIF are made of.

use super::be32;
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::refusal::malformed;

/// The head of a box: its type, and how long head and content are.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) name: [u8; 4],
    pub(super) head: u64,
    pub(super) content: u64,
}

/// Reads the head of the next box. One that reaches to the end of the file, whatever that may
/// be, is refused.
pub(super) async fn next(feed: &Feed) -> Result<Head, Refusal> {
    let [a, b, c, d, name @ ..]: [u8; 8] = feed.take().await?;
    let (head, length) = match u32::from_be_bytes([a, b, c, d]) {
        1 => (16, u64::from_be_bytes(feed.take().await?)),
        length => (8, u64::from(length)),
    };
    match length.checked_sub(head) {
        Some(content) => Ok(Head {
            name,
            head,
            content,
        }),
        None => Err(malformed("a box shorter than its head")),
    }
}

/// The boxes within bytes that are all there. `None` stands for one that is broken.
pub(super) fn children(bytes: &[u8]) -> impl Iterator<Item = Option<([u8; 4], &[u8])>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let child = || {
            let length = usize::try_from(be32(rest, 0)?).ok()?;
            let (this, after) = rest.split_at_checked(length)?;
            let name = *this.get(4..)?.first_chunk()?;
            Some((name, this.get(8..)?, after))
        };
        match child() {
            Some((name, content, after)) => {
                rest = after;
                Some(Some((name, content)))
            }
            None => {
                rest = &[];
                Some(None)
            }
        }
    })
}
