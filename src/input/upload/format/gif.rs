//! GIF (version 89a): blocks and sub-blocks, up to the trailer.

use super::code::CodeFinder;
use super::{Facts, le16};
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed};

/// Each frame costs a decoder an image, and may cost the sender a few bytes.
const MAX_FRAMES: u32 = 5_000;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut facts = Facts::default();
    let header: [u8; 13] = feed.take().await?;
    let [width, height] = [le16(&header, 6), le16(&header, 8)].map(Option::unwrap_or_default);
    facts.note_size(width.into(), height.into(), &rules)?;
    let [.., flags, _, _] = header;
    color_table(&feed, flags).await?;
    let mut frames = 0;
    loop {
        match feed.peek().await? {
            [b','] => {
                frames += 1;
                if frames > MAX_FRAMES {
                    let reason = format!("more than {MAX_FRAMES} frames");
                    return Err(Refusal::new(RefusalKind::TooManyPixels, reason));
                }
                frame(&feed, &rules, &mut facts).await?;
            }
            [b'!'] => extension(&feed, &rules, &mut facts).await?,
            [b';'] if frames > 0 => {
                feed.keep(1).await?;
                return Ok(facts);
            }
            _ => return Err(malformed("no block where one has to be")),
        }
    }
}

async fn color_table(feed: &Feed, flags: u8) -> Result<(), Refusal> {
    match flags & 0x80 {
        0 => Ok(()),
        _ => super::pass_ignored(feed, 3 << ((flags & 7) + 1)).await,
    }
}

async fn frame(feed: &Feed, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let header: [u8; 10] = feed.take().await?;
    let [width, height] = [le16(&header, 5), le16(&header, 7)].map(Option::unwrap_or_default);
    facts.note_size(width.into(), height.into(), rules)?;
    let [.., flags] = header;
    color_table(feed, flags).await?;
    let [code_size] = feed.take().await?;
    if !(1..=8).contains(&code_size) {
        return Err(malformed("a code size that no image has"));
    }
    let mut finder = CodeFinder::in_data();
    sub_blocks(feed, Fate::Keep, |bytes| finder.push(bytes), |_| {}).await?;
    super::judge_data(&finder)
}

async fn extension(feed: &Feed, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let fate = if rules.strips { Fate::Drop } else { Fate::Keep };
    let is_visual = match feed.peek().await? {
        [_, 0xF9, 4] => {
            let [.., end]: [u8; 8] = feed.peek().await?;
            match end {
                0 => true,
                _ => return Err(malformed("an extension that is longer than it is")),
            }
        }
        [_, 0xFF, 11] => is_loop(feed).await?,
        // A comment, plain text, or what another application has to say.
        [_, 0xFE | 0x01 | 0xFF, _] => false,
        _ => return Err(malformed("an extension that nobody knows")),
    };
    let fate = if is_visual { Fate::Keep } else { fate };
    feed.pass(2, fate, |_| {}).await?;
    let mut finder = CodeFinder::default();
    // As a server reads them, and as a program does that puts them together.
    let mut raw_finder = CodeFinder::default();
    sub_blocks(
        feed,
        fate,
        |bytes| raw_finder.push(bytes),
        |bytes| finder.push(bytes),
    )
    .await?;
    match (is_visual, finder.found() || raw_finder.found()) {
        (true, true) => Err(malformed("code in an extension")),
        (true, false) => Ok(()),
        (false, found) => facts.judge_metadata(rules, found),
    }
}

/// Whether an application's extension says how often an animation runs, and no more: one
/// sub-block of three bytes.
async fn is_loop(feed: &Feed) -> Result<bool, Refusal> {
    let [_, _, _, name @ ..]: [u8; 14] = feed.peek().await?;
    if !matches!(&name, b"NETSCAPE2.0" | b"ANIMEXTS1.0") {
        return Ok(false);
    }
    let [.., length, kind, _, _, end]: [u8; 19] = feed.peek().await?;
    Ok((length, kind, end) == (3, 1, 0))
}

/// Passes over sub-blocks: `raw` is shown all bytes of them, `look` what they hold.
async fn sub_blocks(
    feed: &Feed,
    fate: Fate,
    mut raw: impl FnMut(&[u8]),
    mut look: impl FnMut(&[u8]),
) -> Result<(), Refusal> {
    loop {
        let [length] = feed.peek().await?;
        feed.pass(1, fate, &mut raw).await?;
        if length == 0 {
            return Ok(());
        }
        let both = |bytes: &[u8]| {
            raw(bytes);
            look(bytes);
        };
        feed.pass(length.into(), fate, both).await?;
    }
}
