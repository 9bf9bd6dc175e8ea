//! AVIF (AV1 image file format): boxes up to the end, image items within the file.
//!
//! The box that describes the items is held in memory, up to [`MAX_META`] bytes.

use super::boxes;
use super::{Facts, be32, pass_ignored};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{RefusalKind, malformed};

const MAX_META: u64 = 1 << 20;

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut facts = Facts::default();
    let mut end = None;
    let (mut is_first, mut has_data) = (true, false);
    while !feed.is_at_end().await {
        let head = boxes::next(&feed).await?;
        match &head.name {
            b"ftyp" if is_first => pass_ignored(&feed, head.content).await?,
            b"meta" if end.is_none() => {
                if head.content > MAX_META {
                    return Err(malformed("a description that is too long"));
                }
                let content = feed.hold(head.content).await?;
                end = Some(describe(&content, &rules, &mut facts)?);
            }
            b"mdat" => {
                has_data = true;
                feed.keep(head.content).await?;
            }
            b"free" | b"skip" | b"moov" => pass_ignored(&feed, head.content).await?,
            _ => return Err(malformed("a box that no image has here")),
        }
        is_first = false;
    }
    match end {
        Some(end) if has_data && facts.pixels.is_some() => match end <= feed.position() {
            true => Ok(facts),
            false => Err(malformed("an item beyond the end")),
        },
        _ => Err(malformed("no image in it")),
    }
}

/// Reads the description. Gives where the last item ends.
fn describe(meta: &[u8], rules: &Rules, facts: &mut Facts) -> Result<u64, Refusal> {
    let broken = || malformed("a description that is broken");
    let mut end = None;
    let (mut is_picture, mut has_items) = (false, false);
    for child in boxes::children(meta.get(4..).ok_or_else(broken)?) {
        let (name, content) = child.ok_or_else(broken)?;
        match &name {
            b"hdlr" => is_picture = content.get(8..12) == Some(b"pict"),
            b"iloc" => end = Some(last_end(content).ok_or_else(broken)?),
            b"iinf" => {
                has_items = true;
                if rules.strips && has_metadata(content).ok_or_else(broken)? {
                    let reason = "metadata that cannot be taken out without encoding it anew";
                    return Err(Refusal::new(RefusalKind::Metadata, reason));
                }
            }
            b"iprp" => properties(content, rules, facts)?,
            _ => {}
        }
    }
    match is_picture && has_items {
        true => end.ok_or_else(broken),
        false => Err(broken()),
    }
}

fn properties(content: &[u8], rules: &Rules, facts: &mut Facts) -> Result<(), Refusal> {
    let broken = || malformed("a property that is broken");
    for child in boxes::children(content) {
        let (name, content) = child.ok_or_else(broken)?;
        if name != *b"ipco" {
            continue;
        }
        for property in boxes::children(content) {
            let (name, size) = property.ok_or_else(broken)?;
            if name == *b"ispe" {
                let width = be32(size, 4).ok_or_else(broken)?;
                facts.note_size(width, be32(size, 8).ok_or_else(broken)?, rules)?;
            }
        }
    }
    Ok(())
}

/// Whether an item is Exif or XMP, by the list of items.
fn has_metadata(content: &[u8]) -> Option<bool> {
    let (version, rest) = content.split_first()?;
    let entries = rest.get(if *version == 0 { 5 } else { 7 }..)?;
    let mut found = false;
    for entry in boxes::children(entries) {
        let (name, info) = entry?;
        // Versions 2 and 3: version and flags, id, protection, type.
        let kind = match (&name, info.first()?) {
            (b"infe", 2) => info.get(8..12)?,
            (b"infe", 3) => info.get(10..14)?,
            _ => return None,
        };
        found |= matches!(kind, b"Exif" | b"mime" | b"uri ");
    }
    Some(found)
}

/// Where the last extent of the items ends, by their list (ISO/IEC 14496-12 section 8.11.3).
fn last_end(content: &[u8]) -> Option<u64> {
    let mut reader = Reader(content);
    let version = reader.take(1)?;
    reader.take(3)?;
    let sizes = reader.take(2)?;
    let nibble = |shift: u32| usize::try_from((sizes >> shift) & 0xF).unwrap_or_default();
    let (offset, length, base) = (nibble(12), nibble(8), nibble(4));
    let index = if version == 0 { 0 } else { nibble(0) };
    let wide = if version < 2 { 2 } else { 4 };
    let mut last = 0;
    for _ in 0..reader.take(wide)? {
        reader.take(wide)?;
        let method = if version == 0 {
            0
        } else {
            reader.take(2)? & 0xF
        };
        reader.take(2)?;
        let from = reader.take(base)?;
        let extents = reader.take(2)?;
        // Without sizes, extents would cost nothing to claim.
        if extents > 1 && index + offset + length == 0 {
            return None;
        }
        for _ in 0..extents {
            reader.take(index)?;
            let start = from.checked_add(reader.take(offset)?)?;
            let end = start.checked_add(reader.take(length)?)?;
            if method == 0 {
                last = last.max(end);
            }
        }
    }
    reader.0.is_empty().then_some(last)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// A big-endian number of 0 to 8 bytes.
    fn take(&mut self, length: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        (length <= 8).then(|| {
            number
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_end_where_they_say() {
        // Version 0, sizes of 4 bytes, no base; one item with one extent of 7 bytes at 9.
        let one = b"\0\0\0\0\x44\0\0\x01\0\x01\0\0\0\x01\0\0\0\x09\0\0\0\x07";
        assert_eq!(last_end(one), Some(16));
        assert_eq!(last_end(&one[..one.len() - 1]), None);
    }
}
