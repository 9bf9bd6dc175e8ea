//! JPEG (ITU-T T.81): markers and segments up to the end of the image.

use super::{Facts, be16};
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::malformed;
use memchr::memchr_iter;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DHT: u8 = 0xC4;
const JPG: u8 = 0xC8;
const DAC: u8 = 0xCC;
const DQT: u8 = 0xDB;
const DNL: u8 = 0xDC;
const DRI: u8 = 0xDD;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut facts = Facts::default();
    let (mut has_frame, mut has_scan) = (false, false);
    feed.keep(2).await?;
    loop {
        match feed.peek().await? {
            [0xFF, 0xFF] => feed.pass(1, Fate::Drop, |_| {}).await?,
            [0xFF, EOI] if has_scan => {
                feed.keep(2).await?;
                return Ok(facts);
            }
            [0xFF, SOS] if has_frame => {
                has_scan = true;
                segment(&feed).await?;
                entropy(&feed).await?;
            }
            [0xFF, DHT | DAC | DQT | DNL | DRI] => segment(&feed).await?,
            [0xFF, 0xC0..=0xCF] if !has_frame => {
                has_frame = true;
                frame(&feed, &rules, &mut facts).await?;
            }
            [0xFF, marker @ (0xE0..=0xEF | 0xFE)] => {
                application(&feed, &rules, marker, &mut facts).await?;
            }
            [0xFF, 0x00 | SOI..] => return Err(malformed("a marker in a wrong place")),
            [0xFF, _] => return Err(malformed("a marker that no image has here")),
            _ => return Err(malformed("bytes where a marker has to be")),
        }
    }
}

async fn length(feed: &Feed) -> Result<u64, Refusal> {
    let [_, _, high, low] = feed.peek().await?;
    match u16::from_be_bytes([high, low]) {
        0 | 1 => Err(malformed("a segment shorter than its length")),
        length => Ok(u64::from(length) + 2),
    }
}

async fn segment(feed: &Feed) -> Result<(), Refusal> {
    feed.keep(length(feed).await?).await
}

async fn frame(feed: &Feed, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let header: [u8; 10] = feed.peek().await?;
    if header.get(1) == Some(&JPG) || be16(&header, 2).is_none_or(|length| length < 11) {
        return Err(malformed("a frame header that is none"));
    }
    // A height of 0 is told later, by DNL: next to no program reads that.
    let (height, width) = (be16(&header, 5), be16(&header, 7));
    facts.note_size(
        width.unwrap_or_default().into(),
        height.unwrap_or_default().into(),
        rules,
    )?;
    segment(feed).await
}

/// Application data and comments. What says how to show the colors stays.
async fn application(
    feed: &Feed,
    rules: &Rules,
    marker: u8,
    facts: &mut Facts,
) -> Result<(), Refusal> {
    let length = length(feed).await?;
    let name = match length {
        ..16 => [0; 12],
        _ => {
            let start: [u8; 16] = feed.peek().await?;
            start.last_chunk().copied().unwrap_or_default()
        }
    };
    let shows_colors = match marker {
        0xE0 => name.starts_with(b"JFIF\0"),
        0xE2 => name == *b"ICC_PROFILE\0",
        0xEE => length == 16 && name.starts_with(b"Adobe"),
        _ => false,
    };
    match shows_colors {
        true => super::pass_ignored(feed, length).await,
        false => facts.pass_metadata(feed, rules, length, Fate::Drop).await,
    }
}

/// Entropy-coded data, up to the marker behind it.
async fn entropy(feed: &Feed) -> Result<(), Refusal> {
    feed.scan(Fate::Keep, |bytes| {
        let mut next = 0;
        for at in memchr_iter(0xFF, bytes) {
            if at < next {
                continue;
            }
            match bytes.get(at + 1) {
                None => return Ok(Step(at, None)),
                // A stuffed byte, or a restart.
                Some(0x00 | 0xD0..=0xD7) => next = at + 2,
                Some(0xFF) => next = at + 1,
                Some(_) => return Ok(Step(at, Some(()))),
            }
        }
        Ok(Step(bytes.len(), None))
    })
    .await
}
