//! PNG (W3C PNG third edition): chunks and their checksums, up to IEND.

use super::code::CodeFinder;
use super::{Facts, be32};
use crate::input::upload::Refusal;
use crate::input::upload::feed::{Fate, Feed};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{malformed, polyglot};

/// Chunks that say how the image looks. Others are metadata.
const VISUAL: &[[u8; 4]] = &[
    *b"PLTE", *b"tRNS", *b"gAMA", *b"cHRM", *b"sRGB", *b"iCCP", *b"sBIT", *b"bKGD", *b"hIST",
    *b"pHYs", *b"sPLT", *b"cICP", *b"mDCV", *b"cLLI", *b"acTL", *b"fcTL", *b"fdAT",
];
/// Section 5.3.
const MAX_CHUNK: u32 = (1 << 31) - 1;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Header,
    Data,
    AfterData,
}

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut facts = Facts::default();
    feed.keep(8).await?;
    header(&feed, &rules, &mut facts).await?;
    let mut stage = Stage::Header;
    loop {
        let [a, b, c, d, name @ ..]: [u8; 8] = feed.peek().await?;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > MAX_CHUNK || !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a chunk that is none"));
        }
        match &name {
            b"IEND" if stage > Stage::Header && length == 0 => {
                chunk(&feed, length, Fate::Keep).await?;
                return Ok(facts);
            }
            b"IDAT" if stage < Stage::AfterData => {
                if stage == Stage::Header {
                    zlib_header(&feed, length).await?;
                }
                stage = Stage::Data;
                if chunk(&feed, length, Fate::Keep).await? {
                    return Err(polyglot("code in the data of an image or a sound"));
                }
            }
            b"IHDR" | b"IDAT" | b"IEND" => return Err(malformed("a chunk in a wrong place")),
            name => {
                if stage == Stage::Data {
                    stage = Stage::AfterData;
                }
                let is_ancillary = name.first().is_some_and(u8::is_ascii_lowercase);
                if VISUAL.contains(name) {
                    if chunk(&feed, length, Fate::Keep).await? {
                        return Err(polyglot("code in a part that programs pass over"));
                    }
                } else if is_ancillary {
                    let fate = if rules.strips { Fate::Drop } else { Fate::Keep };
                    let has_code = chunk(&feed, length, fate).await?;
                    facts.judge_metadata(&rules, has_code)?;
                } else {
                    return Err(malformed("a critical chunk that nobody knows"));
                }
            }
        }
    }
}

async fn header(feed: &Feed, rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let header: [u8; 21] = feed.peek().await?;
    if !header.starts_with(b"\0\0\0\x0dIHDR") {
        return Err(malformed("no header at its start"));
    }
    let [width, height] = [be32(&header, 8), be32(&header, 12)].map(Option::unwrap_or_default);
    facts.note_size(width, height, rules)?;
    // Table 12: bit depth, color type, compression, filter, interlace.
    let [.., depth, color, compression, filter, interlace] = header;
    let is_allowed = match color {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if !is_allowed || compression != 0 || filter != 0 || interlace > 1 {
        return Err(malformed("a header that no image has"));
    }
    chunk(feed, 13, Fate::Keep).await.map(|_| ())
}

/// The start of the compressed data (RFC 1950 section 2.2).
async fn zlib_header(feed: &Feed, length: u32) -> Result<(), Refusal> {
    if length < 2 {
        return Ok(());
    }
    let [.., first, second]: [u8; 10] = feed.peek().await?;
    let is_zlib = first & 0x0F == 8 && first >> 4 <= 7 && second & 0x20 == 0;
    match is_zlib && u16::from_be_bytes([first, second]).is_multiple_of(31) {
        true => Ok(()),
        false => Err(malformed(
            "image data that is not compressed as it has to be",
        )),
    }
}

/// Passes over a chunk, and says whether there is code in it.
async fn chunk(feed: &Feed, length: u32, fate: Fate) -> Result<bool, Refusal> {
    feed.pass(4, fate, |_| {}).await?;
    let mut checksum = crc32fast::Hasher::new();
    // Image data is no text, and most of the file.
    let mut finder = match feed.peek().await? == *b"IDAT" {
        true => CodeFinder::in_data(),
        false => CodeFinder::default(),
    };
    let content = u64::from(length) + 4;
    let look = |bytes: &[u8]| {
        checksum.update(bytes);
        finder.push(bytes);
    };
    feed.pass(content, fate, look).await?;
    let declared: [u8; 4] = feed.peek().await?;
    feed.pass(4, fate, |_| {}).await?;
    match checksum.finalize() == u32::from_be_bytes(declared) {
        true => Ok(finder.found()),
        false => Err(malformed("a chunk whose checksum is wrong")),
    }
}
