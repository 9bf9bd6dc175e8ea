//! TIFF 6.0: directories, and what they point to, within the file.
//!
//! Directories may stand anywhere, so a TIFF is held in memory, up to [`MAX_BYTES`]. What
//! nothing points to is zeros, or refused. Metadata cannot be taken out without moving
//! everything else: a policy that strips refuses it, and every tag that is not known to say how
//! the image looks.

use super::Facts;
use super::code::{has_code, has_code_in_data};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed, polyglot};
use std::ops::RangeInclusive;

const MAX_BYTES: usize = 16 << 20;
const MAX_DIRECTORIES: usize = 256;
/// Programs round the end up, with zeros.
const MAX_PADDING: u64 = 3;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const STRIP_OFFSETS: u16 = 273;
const STRIP_LENGTHS: u16 = 279;
const TILE_OFFSETS: u16 = 324;
const TILE_LENGTHS: u16 = 325;
const SUB_DIRECTORIES: u16 = 330;
/// Image data coded as in an old JPEG, and how long it is.
const JPEG_OFFSET: u16 = 513;
const JPEG_LENGTH: u16 = 514;
/// Directories of Exif, GPS and interoperability.
const DIRECTORIES_OF_METADATA: &[u16] = &[34665, 34853, 40965];
/// Tags that say how the image looks, or where its data is: of TIFF 6.0 but for what tells of
/// people and devices, of its supplements, and the color profile. All others are metadata.
const VISUAL: &[RangeInclusive<u16>] = &[
    254..=259,
    262..=268,
    273..=284,
    286..=293,
    296..=297,
    301..=301,
    317..=334,
    336..=336,
    338..=347,
    512..=532,
    34675..=34675,
];

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let bytes = feed.hold_all(MAX_BYTES).await?;
    let mut tiff = Tiff {
        bytes: &bytes,
        is_little: bytes.starts_with(b"II"),
        parts: vec![(0, 8)],
        budget: bytes.len() as u64 * 2,
    };
    let facts = tiff.walk(&rules)?;
    tiff.check_gaps()?;
    match has_code_in_data(&bytes) {
        true => Err(polyglot("code in the data of an image or a sound")),
        false => Ok(facts),
    }
}

struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
    /// Where what something points to begins and ends.
    parts: Vec<(u64, u64)>,
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
        self.parts.push((at, end));
        let left = self.budget.checked_sub(length);
        self.budget = left.ok_or_else(|| malformed("parts that overlap"))?;
        Ok(())
    }

    /// What no program reads may be there to fill up, with zeros.
    fn check_gaps(&mut self) -> Result<(), Refusal> {
        self.parts.sort_unstable();
        let mut passed = 0;
        let whole = self.bytes.len() as u64;
        for (at, end) in self.parts.iter().copied().chain([(whole, whole)]) {
            let gap = usize::try_from(passed).ok().zip(usize::try_from(at).ok());
            let gap = gap.and_then(|(from, to)| self.bytes.get(from..to));
            if gap.is_some_and(|gap| gap.iter().any(|byte| *byte != 0)) {
                return Err(polyglot("data that nothing points to"));
            }
            passed = passed.max(end);
        }
        match whole - passed.min(whole) <= MAX_PADDING {
            true => Ok(()),
            false => Err(polyglot("data follows its end")),
        }
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
        if let (Some(offset), Some(length)) = (find(JPEG_OFFSET), find(JPEG_LENGTH)) {
            self.reach(self.value(offset, 0)?.into(), self.value(length, 0)?.into())?;
        }
        for directory in DIRECTORIES_OF_METADATA.iter().filter_map(|tag| find(*tag)) {
            open.push(self.value(directory, 0)?);
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
        let is_visual = VISUAL.iter().any(|tags| tags.contains(&entry.tag));
        if rules.strips && !is_visual {
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
            true => Err(polyglot("code in a tag")),
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
