//! MP4 (ISO/IEC 14496-14): boxes up to the end, with a movie among them.

use super::boxes::{self, Head};
use super::{Facts, pass_ignored};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::refusal::malformed;

pub(super) async fn scan(feed: Feed) -> Result<Facts, Refusal> {
    let (mut movies, mut has_data) = (0, false);
    let mut is_first = true;
    while !feed.is_at_end().await {
        let head = boxes::next(&feed).await?;
        match &head.name {
            b"ftyp" if is_first => pass_ignored(&feed, head.content).await?,
            b"moov" => {
                movies += 1;
                movie(&feed, head).await?;
            }
            b"mdat" => {
                has_data = true;
                feed.keep(head.content).await?;
            }
            b"moof" | b"mfra" | b"sidx" | b"ssix" | b"styp" | b"emsg" | b"prft" | b"pdin"
            | b"free" | b"skip" | b"wide" | b"uuid" | b"meta" | b"udta" => {
                pass_ignored(&feed, head.content).await?;
            }
            _ => return Err(malformed("a box that no video has here")),
        }
        is_first = false;
    }
    match movies == 1 && has_data {
        true => Ok(Facts::default()),
        false => Err(malformed("no video in it")),
    }
}

async fn movie(feed: &Feed, movie: Head) -> Result<(), Refusal> {
    let mut left = movie.content;
    let mut has_header = false;
    while left > 0 {
        let child = boxes::next(feed).await?;
        has_header |= child.name == *b"mvhd";
        left = left
            .checked_sub(child.head)
            .and_then(|left| left.checked_sub(child.content))
            .ok_or_else(|| malformed("a box longer than the one around it"))?;
        pass_ignored(feed, child.content).await?;
    }
    match has_header {
        true => Ok(()),
        false => Err(malformed("a movie without a header")),
    }
}
