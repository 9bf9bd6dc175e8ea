//! WAVE: chunks up to the end.

use super::riff::Riff;
use super::{Facts, pass_ignored};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::refusal::malformed;

pub(super) async fn scan(feed: Feed) -> Result<Facts, Refusal> {
    let mut riff = Riff::open(&feed).await?;
    let (mut has_format, mut has_data) = (false, false);
    while let Some(chunk) = riff.next().await? {
        match &chunk.name {
            b"fmt " if !has_format && chunk.length >= 16 => {
                has_format = true;
                riff.keep(chunk).await?;
            }
            b"data" if has_format && !has_data => {
                has_data = true;
                riff.keep(chunk).await?;
            }
            b"fmt " | b"data" => return Err(malformed("a chunk in a wrong place")),
            _ => pass_ignored(&feed, chunk.whole()).await?,
        }
    }
    match has_data {
        true => Ok(Facts::default()),
        false => Err(malformed("no sound in it")),
    }
}
