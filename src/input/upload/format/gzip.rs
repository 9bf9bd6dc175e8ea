//! gzip (RFC 1952): one member, expanded to its end.

use super::Facts;
use super::inflate::{Meter, inflate};
use crate::input::upload::Refusal;
use crate::input::upload::detect::Packed;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::malformed;

const CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xE0;
const MAX_TEXT: usize = 4096;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let [_, _, method, flags, ..]: [u8; 10] = feed.take().await?;
    if method != 8 || flags & RESERVED != 0 {
        return Err(malformed("a header that nobody knows"));
    }
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes(feed.take().await?);
        super::pass_ignored(&feed, length.into()).await?;
    }
    if flags & NAME != 0 {
        text(&feed).await?;
    }
    if flags & COMMENT != 0 {
        text(&feed).await?;
    }
    if flags & CHECKSUM != 0 {
        feed.keep(2).await?;
    }
    let mut meter = Meter::new(rules.archive);
    let mut checksum = crc32fast::Hasher::new();
    let mut packed = Packed::default();
    let sizes = inflate(&feed, &mut meter, |bytes| {
        checksum.update(bytes);
        packed.push(bytes)
    })
    .await?;
    packed.finish()?;
    let declared = u32::from_le_bytes(feed.take().await?);
    let length = u32::from_le_bytes(feed.take().await?);
    match declared == checksum.finalize() && length == sizes.expanded as u32 {
        true => Ok(Facts::default()),
        false => Err(malformed("a checksum or a length that is wrong")),
    }
}

/// A text that ends with a zero.
async fn text(feed: &Feed) -> Result<(), Refusal> {
    feed.scan(Fate::Keep, |bytes| {
        match bytes.iter().position(|byte| *byte == 0) {
            Some(at) if !super::code::has_code(bytes.get(..at).unwrap_or_default()) => {
                Ok(Step(at + 1, Some(())))
            }
            None if bytes.len() <= MAX_TEXT => Ok(Step(0, None)),
            _ => Err(malformed("a name or a comment that is none")),
        }
    })
    .await
}
