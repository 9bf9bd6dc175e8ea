//! WebP (RFC 9649): chunks up to the end.
//!
//! The size of the file stands at its start, so that metadata cannot be taken out of a stream:
//! zeros take its place, under a name that programs pass over.

use super::riff::{Chunk, Riff};
use super::{Facts, le16, le32};
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed};
use crate::input::upload::format::code::CodeFinder;
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed};

const MAX_FRAMES: u32 = 5_000;
/// Bits of the first byte of VP8X (section 2.7.1).
const EXIF: u8 = 0x08;
const XMP: u8 = 0x04;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut facts = Facts::default();
    let mut riff = Riff::open(&feed).await?;
    let mut seen = Seen::default();
    while let Some(chunk) = riff.next().await? {
        match &chunk.name {
            b"VP8 " | b"VP8L" if !seen.has_picture && seen.frames == 0 => {
                seen.has_picture = true;
                let (width, height) = bitstream_size(&feed, chunk).await?;
                facts.note_size(width, height, &rules)?;
                super::pass_data(&feed, chunk.whole()).await?;
            }
            b"VP8X" if !seen.is_begun && chunk.length == 10 => {
                seen.is_extended = true;
                extended(&feed, &rules, &mut facts).await?;
            }
            b"ANMF" if seen.is_extended && !seen.has_picture => {
                seen.frames += 1;
                frame(&feed, chunk, &rules, &mut facts).await?;
                super::pass_data(&feed, chunk.whole()).await?;
            }
            b"ALPH" if seen.is_extended && !seen.has_alpha && !seen.has_picture => {
                seen.has_alpha = true;
                super::pass_data(&feed, chunk.whole()).await?;
            }
            b"ANIM" if seen.is_extended && !seen.has_animation && chunk.length == 6 => {
                seen.has_animation = true;
                riff.keep(chunk).await?;
            }
            b"ICCP" => super::pass_ignored(&feed, chunk.whole()).await?,
            b"VP8 " | b"VP8L" | b"VP8X" | b"ANMF" | b"ALPH" | b"ANIM" => {
                return Err(malformed("a chunk in a wrong place"));
            }
            _ => metadata(&feed, chunk, &rules, &mut facts).await?,
        }
        if seen.frames > MAX_FRAMES {
            let reason = format!("more than {MAX_FRAMES} frames");
            return Err(Refusal::new(RefusalKind::TooManyPixels, reason));
        }
        seen.is_begun = true;
    }
    match seen.has_picture || seen.frames > 0 {
        false => Err(malformed("no image in it")),
        true => Ok(facts),
    }
}

/// Which chunks there were. What comes where a decoder does not look for it is refused.
#[derive(Default)]
struct Seen {
    is_begun: bool,
    is_extended: bool,
    has_animation: bool,
    has_alpha: bool,
    has_picture: bool,
    frames: u32,
}

async fn extended(feed: &Feed, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let mut head: [u8; 12] = feed.peek().await?;
    if let (true, Some(flags)) = (rules.strips, head.get_mut(8)) {
        *flags &= !(EXIF | XMP);
    }
    feed.replace(head).await?;
    let size: [u8; 6] = feed.take().await?;
    let (width, height) = size_24(&size);
    facts.note_size(width, height, rules)
}

/// Two sizes of 24 bits, each one less than it means.
fn size_24(bytes: &[u8; 6]) -> (u32, u32) {
    let [a, b, c, d, e, f] = *bytes;
    let size = |a, b, c| u32::from_le_bytes([a, b, c, 0]) + 1;
    (size(a, b, c), size(d, e, f))
}

/// A frame of an animation (section 2.7.1.1), the head of which tells its size.
async fn frame(feed: &Feed, chunk: Chunk, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    if chunk.length < 24 {
        return Err(malformed("a frame shorter than its head"));
    }
    let head: [u8; 20] = feed.peek().await?;
    let size = head.last_chunk().copied().unwrap_or_default();
    let (width, height) = size_24(&size);
    facts.note_size(width, height, rules)
}

async fn bitstream_size(feed: &Feed, chunk: Chunk) -> Result<(u32, u32), Refusal> {
    let broken = || malformed("image data that is none");
    if chunk.name == *b"VP8L" {
        if chunk.length < 5 {
            return Err(broken());
        }
        let head: [u8; 13] = feed.peek().await?;
        let bits = le32(&head, 9).unwrap_or_default();
        // Section 3.4: 14 bits each, the alpha hint, and a version that is 0.
        if head.get(8) != Some(&0x2F) || bits >> 29 != 0 {
            return Err(broken());
        }
        return Ok(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1));
    }
    if chunk.length < 10 {
        return Err(broken());
    }
    // RFC 6386 section 9.1: the head of a key frame.
    let head: [u8; 18] = feed.peek().await?;
    let is_key_frame = head.get(8).is_some_and(|tag| tag & 1 == 0);
    if !is_key_frame || head.get(11..14) != Some(&[0x9D, 0x01, 0x2A]) {
        return Err(broken());
    }
    let size = |at| u32::from(le16(&head, at).unwrap_or_default() & 0x3FFF);
    Ok((size(14), size(16)))
}

async fn metadata(
    feed: &Feed,
    chunk: Chunk,
    rules: &Rules,
    facts: &mut Facts,
) -> Result<(), Refusal> {
    if !rules.strips {
        let length = chunk.whole();
        return facts.pass_metadata(feed, rules, length, Fate::Keep).await;
    }
    let [a, b, c, d] = chunk.length.to_le_bytes();
    let [j, u, n, k] = *b"JUNK";
    feed.replace([j, u, n, k, a, b, c, d]).await?;
    let (mut finder, mut is_blank) = (CodeFinder::default(), chunk.name == *b"JUNK");
    let look = |bytes: &[u8]| {
        is_blank &= bytes.iter().all(|byte| *byte == 0);
        finder.push(bytes);
    };
    feed.pass(chunk.whole() - 8, Fate::Blank, look).await?;
    match is_blank {
        true => Ok(()),
        false => facts.judge_metadata(rules, finder.found()),
    }
}
