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
    sub_blocks(feed, Fate::Keep, |_| {}).await
}

async fn extension(feed: &Feed, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let fate = if rules.strips { Fate::Drop } else { Fate::Keep };
    let is_visual = match feed.peek().await? {
        [_, 0xF9, 4] => true,
        // An application's: how often an animation runs.
        [_, 0xFF, 11] => {
            let [_, _, _, name @ ..]: [u8; 14] = feed.peek().await?;
            matches!(&name, b"NETSCAPE2.0" | b"ANIMEXTS1.0")
        }
        // A comment, plain text, or what another application has to say.
        [_, 0xFE | 0x01 | 0xFF, _] => false,
        _ => return Err(malformed("an extension that nobody knows")),
    };
    let fate = if is_visual { Fate::Keep } else { fate };
    feed.pass(2, fate, |_| {}).await?;
    let mut finder = CodeFinder::default();
    sub_blocks(feed, fate, |bytes| finder.push(bytes)).await?;
    match (is_visual, finder.found()) {
        (true, true) => Err(malformed("code in an extension")),
        (true, false) => Ok(()),
        (false, found) => facts.judge_metadata(rules, found),
    }
}

async fn sub_blocks(feed: &Feed, fate: Fate, mut look: impl FnMut(&[u8])) -> Result<(), Refusal> {
    loop {
        let [length] = feed.peek().await?;
        feed.pass(1, fate, |_| {}).await?;
        if length == 0 {
            return Ok(());
        }
        feed.pass(length.into(), fate, &mut look).await?;
    }
}
