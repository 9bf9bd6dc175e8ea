//! Windows bitmaps: sizes that agree with each other and with the file.

use super::{Facts, le16, le32};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::malformed;

/// Programs round the end up to a multiple of four.
const MAX_PADDING: u64 = 3;
const RGB: u32 = 0;
const BIT_FIELDS: u32 = 3;
const ALPHA_BIT_FIELDS: u32 = 6;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let broken = || malformed("a header that no bitmap has");
    let mut facts = Facts::default();
    let head: [u8; 54] = match feed.peek::<18>().await? {
        // The oldest header is shorter and has other fields; next to nobody writes it.
        head if le32(&head, 14).is_none_or(|length| length < 40) => return Err(broken()),
        _ => feed.take().await?,
    };
    let long = |at| le32(&head, at).map(u64::from).ok_or_else(broken);
    let signed = |at| le32(&head, at).map(u32::cast_signed).ok_or_else(broken);
    let (size, offset, header) = (long(2)?, long(10)?, long(14)?);
    let (width, height) = (signed(18)?, signed(22)?);
    let bits = u64::from(le16(&head, 28).ok_or_else(broken)?);
    let compression = le32(&head, 30).ok_or_else(broken)?;
    if width <= 0 || !matches!(bits, 1 | 4 | 8 | 16 | 24 | 32) || offset < 14 + header {
        return Err(broken());
    }
    facts.note_size(width.unsigned_abs(), height.unsigned_abs(), &rules)?;
    let row = (u64::from(width.unsigned_abs()) * bits).div_ceil(32) * 4;
    let pixels = match compression {
        RGB | BIT_FIELDS | ALPHA_BIT_FIELDS => row * u64::from(height.unsigned_abs()),
        // Run lengths: the size is told.
        1 | 2 => long(34)?,
        _ => return Err(broken()),
    };
    let mut end = offset + pixels;
    let mut passed = 54;
    if header == 124 {
        feed.keep(64).await?;
        // BITMAPV5HEADER ends with where a color profile is, from the header on, and its size.
        let tail: [u8; 20] = feed.take().await?;
        passed += 84;
        let [at, length] = [le32(&tail, 8), le32(&tail, 12)].map(Option::unwrap_or_default);
        if length > 0 {
            end = end.max(14 + u64::from(at) + u64::from(length));
        }
    }
    if size < end || size > end + MAX_PADDING || offset < passed {
        return Err(malformed("sizes that do not agree"));
    }
    super::pass_ignored(&feed, offset - passed).await?;
    super::pass_data(&feed, pixels).await?;
    super::pass_ignored(&feed, size - offset - pixels).await?;
    Ok(facts)
}
