//! TIFF 6.0: directories, and what they point to, within the file.
//!
//! Directories may stand anywhere, so a TIFF is held in memory, up to [`MAX_BYTES`]. Metadata
//! cannot be taken out without moving everything else: a policy that strips refuses it.

use super::Facts;
use super::code::has_code;
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed, polyglot};

const MAX_BYTES: usize = 16 << 20;
const MAX_DIRECTORIES: usize = 256;
/// Programs round the end up, with zeros.
const MAX_PADDING: usize = 3;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const STRIP_OFFSETS: u16 = 273;
const STRIP_LENGTHS: u16 = 279;
const TILE_OFFSETS: u16 = 324;
const TILE_LENGTHS: u16 = 325;
const SUB_DIRECTORIES: u16 = 330;
/// What tells of people, places and devices: description, camera, program, time, artist, host,
/// XMP, copyright, IPTC, Photoshop, Exif, GPS.
const METADATA: &[u16] = &[
    269, 270, 271, 272, 285, 305, 306, 315, 316, 700, 33432, 33723, 34377, 34665, 34853, 37724,
];

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let bytes = feed.hold_all(MAX_BYTES).await?;
    let mut tiff = Tiff {
        bytes: &bytes,
        is_little: bytes.starts_with(b"II"),
        end: 8,
        budget: bytes.len() as u64 * 2,
    };
    let facts = tiff.walk(&rules)?;
    match bytes.get(usize::try_from(tiff.end).unwrap_or(usize::MAX)..) {
        Some(rest) if rest.len() <= MAX_PADDING && rest.iter().all(|byte| *byte == 0) => Ok(facts),
        _ => Err(polyglot("data follows its end")),
    }
}

struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
    /// Where the last thing ends that something points to.
    end: u64,
    /// How much more may be pointed to. What does not overlap needs once the length of the
    /// file, and the small values that stand in their entries a little more.
    budget: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// Where its values are.
    at: u64,
}

fn broken() -> Refusal {
    malformed("a directory that is broken")
}

impl Tiff<'_> {
    fn number(&self, at: u64, length: usize) -> Result<u32, Refusal> {
        let at = usize::try_from(at).map_err(|_| broken())?;
        let bytes = self.bytes.get(at..).and_then(|bytes| bytes.get(..length));
        let fold = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        let bytes = bytes.ok_or_else(broken)?;
        Ok(match self.is_little {
            true => bytes.iter().rev().fold(0, fold),
            false => bytes.iter().fold(0, fold),
        })
    }

    fn short(&self, at: u64) -> Result<u16, Refusal> {
        self.number(at, 2).map(|number| number as u16)
    }

    fn reach(&mut self, at: u64, length: u64) -> Result<(), Refusal> {
        let end = at.saturating_add(length);
        if end > self.bytes.len() as u64 {
            return Err(Refusal::new(RefusalKind::Truncated, "it ends too early"));
        }
        self.end = self.end.max(end);
        let left = self.budget.checked_sub(length);
        self.budget = left.ok_or_else(|| malformed("parts that overlap"))?;
        Ok(())
    }

    fn walk(&mut self, rules: &Rules) -> Result<Facts, Refusal> {
        let mut facts = Facts::default();
        let mut open = vec![self.number(4, 4)?];
        let mut seen = Vec::new();
        while let Some(at) = open.pop() {
            if at == 0 {
                continue;
            }
            if seen.contains(&at) || seen.len() >= MAX_DIRECTORIES {
                return Err(malformed("directories in a circle, or too many"));
            }
            seen.push(at);
            self.directory(at.into(), rules, &mut facts, &mut open)?;
        }
        match facts.pixels {
            Some(_) => Ok(facts),
            None => Err(malformed("no image in it")),
        }
    }

    fn directory(
        &mut self,
        at: u64,
        rules: &Rules,
        facts: &mut Facts,
        open: &mut Vec<u32>,
    ) -> Result<(), Refusal> {
        let count = u64::from(self.short(at)?);
        self.reach(at, 2 + count * 12 + 4)?;
        let mut entries = Vec::new();
        for index in 0..count {
            entries.push(self.entry(at + 2 + index * 12)?);
        }
        for entry in &entries {
            self.judge_metadata(entry, rules)?;
        }
        let find = |tag| {
            entries
                .iter()
                .copied()
                .find(|entry: &Entry| entry.tag == tag)
        };
        if let (Some(width), Some(height)) = (find(WIDTH), find(HEIGHT)) {
            facts.note_size(self.value(width, 0)?, self.value(height, 0)?, rules)?;
        }
        for (offsets, lengths) in [(STRIP_OFFSETS, STRIP_LENGTHS), (TILE_OFFSETS, TILE_LENGTHS)] {
            match (find(offsets), find(lengths)) {
                (None, None) => {}
                (Some(offsets), Some(lengths)) if offsets.count == lengths.count => {
                    for index in 0..offsets.count {
                        let at = self.value(offsets, index)?.into();
                        self.reach(at, self.value(lengths, index)?.into())?;
                    }
                }
                _ => return Err(malformed("image data without a length")),
            }
        }
        if let Some(directories) = find(SUB_DIRECTORIES) {
            for index in 0..directories.count.min(MAX_DIRECTORIES as u32) {
                open.push(self.value(directories, index)?);
            }
        }
        open.push(self.number(at + 2 + count * 12, 4)?);
        Ok(())
    }

    fn entry(&mut self, at: u64) -> Result<Entry, Refusal> {
        let (kind, count) = (self.short(at + 2)?, self.number(at + 4, 4)?);
        let length = u64::from(count) * value_length(kind).ok_or_else(broken)?;
        let at_values = match length {
            ..=4 => at + 8,
            _ => self.number(at + 8, 4)?.into(),
        };
        self.reach(at_values, length)?;
        Ok(Entry {
            tag: self.short(at)?,
            kind,
            count,
            at: at_values,
        })
    }

    /// A value of an entry of whole numbers.
    fn value(&self, entry: Entry, index: u32) -> Result<u32, Refusal> {
        let length = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            _ => return Err(broken()),
        };
        if index >= entry.count {
            return Err(broken());
        }
        self.number(entry.at + u64::from(index) * length as u64, length)
    }

    fn judge_metadata(&self, entry: &Entry, rules: &Rules) -> Result<(), Refusal> {
        if !METADATA.contains(&entry.tag) {
            return Ok(());
        }
        if rules.strips {
            let reason = format!(
                "tag {} cannot be taken out without encoding it anew",
                entry.tag
            );
            return Err(Refusal::new(RefusalKind::Metadata, reason));
        }
        let length = u64::from(entry.count) * value_length(entry.kind).unwrap_or_default();
        let range = usize::try_from(entry.at)
            .ok()
            .zip(usize::try_from(length).ok());
        let values = range.and_then(|(at, length)| self.bytes.get(at..)?.get(..length));
        match values.is_some_and(has_code) {
            true => Err(polyglot("code in the metadata")),
            false => Ok(()),
        }
    }
}

/// How long a value of this kind is (section 2, "types").
const fn value_length(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}
