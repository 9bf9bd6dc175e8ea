//! JPEG (ITU-T T.81): markers and segments up to the end of the image.
//!
//! What a segment holds says how long it is (annex B.2), so that nothing stands behind it.

use super::code::{CodeFinder, has_code};
use super::{Facts, be16};
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed, Step};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{malformed, polyglot};
use memchr::memchr_iter;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
/// Of the frame headers, which are all built alike.
const SOF: u8 = 0xC0;
const SOS: u8 = 0xDA;
const DHT: u8 = 0xC4;
const JPG: u8 = 0xC8;
const DAC: u8 = 0xCC;
const DQT: u8 = 0xDB;
const DNL: u8 = 0xDC;
const DRI: u8 = 0xDD;
/// Of four tables for each of two kinds, each set twice.
const MAX_CONDITIONS: usize = 16;

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
                segment(&feed, SOS).await?;
                entropy(&feed).await?;
            }
            [0xFF, marker @ (DHT | DAC | DQT | DNL | DRI)] => segment(&feed, marker).await?,
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

/// A segment that says how the image is coded.
async fn segment(feed: &Feed, marker: u8) -> Result<(), Refusal> {
    let segment = feed.hold(length(feed).await?).await?;
    let content = segment.get(4..).unwrap_or_default();
    if has_code(content) {
        return Err(polyglot("code in a part that programs pass over"));
    }
    match is_filled(marker, content) {
        true => Ok(()),
        false => Err(malformed("a segment that is not as long as what it holds")),
    }
}

/// Whether a segment ends with what it holds.
fn is_filled(marker: u8, content: &[u8]) -> bool {
    let counted = |at: usize, size: usize, rest: usize| {
        let count = content.get(at).copied().map_or(0, usize::from);
        count > 0 && content.len() == rest + count * size
    };
    match marker {
        DNL | DRI => content.len() == 2,
        DAC => content.len().is_multiple_of(2) && content.len() <= MAX_CONDITIONS * 2,
        // A precision of 8 or 16 bits, and 64 numbers.
        DQT => has_tables(content, |table| match table.first()? >> 4 {
            precision @ 0..=1 => Some(65 + 64 * usize::from(precision)),
            _ => None,
        }),
        // How many codes there are of each of 16 lengths, and a byte for each.
        DHT => has_tables(content, |table| {
            let counts = table.get(1..17)?;
            Some(17 + counts.iter().copied().map(usize::from).sum::<usize>())
        }),
        SOS => counted(0, 2, 4),
        _ => counted(5, 3, 6),
    }
}

/// Whether there are tables, and nothing else.
fn has_tables(content: &[u8], length: impl Fn(&[u8]) -> Option<usize>) -> bool {
    let mut rest = content;
    while !rest.is_empty() {
        match length(rest).and_then(|length| rest.get(length..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
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
    segment(feed, SOF).await
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
        // With a preview, which may show what was cut off, or with more, it is metadata.
        0xE0 => length == 18 && name.starts_with(b"JFIF\0"),
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
    let mut finder = CodeFinder::in_data();
    feed.scan(Fate::Keep, |bytes| {
        let step = find_marker(bytes);
        finder.push(bytes.get(..step.0).unwrap_or_default());
        Ok(step)
    })
    .await?;
    super::judge_data(&finder)
}

fn find_marker(bytes: &[u8]) -> Step<()> {
    let mut next = 0;
    for at in memchr_iter(0xFF, bytes) {
        if at < next {
            continue;
        }
        match bytes.get(at + 1) {
            None => return Step(at, None),
            // A stuffed byte, or a restart.
            Some(0x00 | 0xD0..=0xD7) => next = at + 2,
            Some(0xFF) => next = at + 1,
            Some(_) => return Step(at, Some(())),
        }
    }
    Step(bytes.len(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_with_what_they_hold() {
        let frame = b"\x08\0\x01\0\x01\x01\x01\x11\0";
        let codes = [&b"\0\x01\x01"[..], &[0; 14], b"ab"].concat();
        for (name, marker, content, expected) in [
            ("a restart interval", DRI, &b"\0\x08"[..], true),
            ("with more", DRI, b"\0\x08more", false),
            ("lines", DNL, b"\0\x08", true),
            ("with more", DNL, b"\0\x08<", false),
            ("a frame", SOF, frame, true),
            ("with more", SOF, &[&frame[..], b"more"].concat(), false),
            ("of nothing", SOF, b"\x08\0\x01\0\x01\0", false),
            ("a scan", SOS, b"\x01\x01\0\0\x3f\0", true),
            ("with more", SOS, b"\x01\x01\0\0\x3f\0\0", false),
            ("a table", DQT, &[1; 65], true),
            ("a precise one", DQT, &[0x10; 129], true),
            ("two", DQT, &[1; 130], true),
            ("with more", DQT, &[1; 66], false),
            ("of no precision", DQT, &[0x20; 193], false),
            ("codes", DHT, &codes, true),
            ("with more", DHT, &[&codes[..], b"c"].concat(), false),
            ("conditions", DAC, b"\0\x10", true),
            ("many of them", DAC, &[0; 34], false),
        ] {
            assert_eq!(is_filled(marker, content), expected, "{marker:x}: {name}");
        }
    }
}
