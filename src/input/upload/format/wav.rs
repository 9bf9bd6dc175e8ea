//! WAVE: chunks up to the end.

use super::riff::Riff;
use super::{Facts, pass_data, pass_ignored};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::refusal::malformed;
use std::ops::RangeInclusive;

/// From plain samples to the coefficients of ADPCM.
const FORMAT: RangeInclusive<u32> = 16..=50;

pub(super) async fn scan(feed: Feed) -> Result<Facts, Refusal> {
    let mut riff = Riff::open(&feed).await?;
    let (mut has_format, mut has_data) = (false, false);
    while let Some(chunk) = riff.next().await? {
        match &chunk.name {
            b"fmt " if !has_format && FORMAT.contains(&chunk.length) => {
                has_format = true;
                pass_ignored(&feed, chunk.whole()).await?;
            }
            b"data" if has_format && !has_data => {
                has_data = true;
                pass_data(&feed, chunk.whole()).await?;
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
