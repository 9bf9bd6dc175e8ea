//! ZIP (APPNOTE 6.3.10), read from its first byte to its last.
//!
//! Programs find their way through an archive by the directory at its end, or by the headers
//! on the way, and traps live where the two disagree. Here both are read and have to agree:
//! entries follow each other without a gap or an overlap, each is expanded to its end, and the
//! directory tells of the very same ones. Held in memory is the list of the entries: their
//! number is limited, and so is the length of their names.

mod directory;
mod fields;
mod name;
mod office;

use super::inflate::{Meter, inflate};
use super::{Facts, le16, le32};
use crate::input::upload::Refusal;
use crate::input::upload::detect::Packed;
use crate::input::upload::feed::{Fate, Feed};
use crate::input::upload::policy::Rules;
use crate::input::upload::refusal::{bomb, entry, malformed, opaque};
use office::Office;
use std::collections::{HashMap, HashSet};

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Bits of the general purpose flags (section 4.4.4): the level of compression, sizes behind
/// the data, names in UTF-8.
const LEVEL: u16 = 0b110;
const SIZES_BEHIND: u16 = 1 << 3;
const UTF_8: u16 = 1 << 11;

/// What is known of an entry when it was read.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    checksum: u32,
    packed: u64,
    expanded: u64,
}

#[derive(Default)]
struct Entries {
    by_offset: HashMap<u64, Entry>,
    /// Names as file systems compare them that do not tell cases apart.
    names: HashSet<String>,
}

pub(super) async fn scan(feed: Feed, rules: Rules) -> Result<Facts, Refusal> {
    let mut entries = Entries::default();
    let mut meter = Meter::new(rules.archive);
    let mut office = Office::default();
    while feed.peek().await? == LOCAL {
        if entries.by_offset.len() >= rules.archive.max_entries {
            return Err(bomb(format!(
                "more than {} entries",
                rules.archive.max_entries
            )));
        }
        let offset = feed.position();
        let entry = local(&feed, &rules, &mut entries, &mut meter, &mut office).await?;
        entries.by_offset.insert(offset, entry);
    }
    directory::check(&feed, entries).await?;
    Ok(Facts {
        kind: Some(office.judge(rules.expected)?),
        ..Facts::default()
    })
}

/// The fields that a local header and one of the directory share.
struct Shared {
    flags: u16,
    method: u16,
    checksum: u32,
    packed: u32,
    expanded: u32,
    name_length: u16,
    extra_length: u16,
}

impl Shared {
    /// Reads them from the flags on.
    fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let fields = || {
            Some(Self {
                flags: le16(bytes, 0)?,
                method: le16(bytes, 2)?,
                checksum: le32(bytes, 8)?,
                packed: le32(bytes, 12)?,
                expanded: le32(bytes, 16)?,
                name_length: le16(bytes, 20)?,
                extra_length: le16(bytes, 22)?,
            })
        };
        let shared = fields().ok_or_else(|| malformed("a header that is too short"))?;
        if shared.flags & !(LEVEL | SIZES_BEHIND | UTF_8) != 0 {
            return Err(opaque("an entry that is encrypted or patched"));
        }
        if !matches!(shared.method, STORED | DEFLATED) {
            let method = shared.method;
            return Err(opaque(format!("an entry packed by method {method}")));
        }
        if shared.packed == u32::MAX || shared.expanded == u32::MAX {
            return Err(opaque("an archive of more than 4 GiB"));
        }
        Ok(shared)
    }
}

async fn local(
    feed: &Feed,
    rules: &Rules,
    entries: &mut Entries,
    meter: &mut Meter,
    office: &mut Office,
) -> Result<Entry, Refusal> {
    let header: [u8; 30] = feed.take().await?;
    let header = Shared::read(header.get(6..).unwrap_or_default())?;
    let name = feed.hold(header.name_length.into()).await?;
    let folded = name::check(&name, rules.archive.max_depth)?;
    if !entries.names.insert(folded) {
        return Err(entry("two entries of one name"));
    }
    extra(feed, &name, header.extra_length).await?;
    let mut part = office.part(&name)?;
    let mut packed = Packed::default();
    let mut checksum = crc32fast::Hasher::new();
    let mut look = |bytes: &[u8]| {
        checksum.update(bytes);
        packed.push(bytes)?;
        part.push(bytes)
    };
    let has_descriptor = header.flags & SIZES_BEHIND != 0;
    let (read, expanded) = if header.method == DEFLATED {
        let sizes = inflate(feed, meter, look).await?;
        (sizes.read, sizes.expanded)
    } else if has_descriptor {
        return Err(opaque("an entry that does not say where it ends"));
    } else {
        let length = u64::from(header.packed);
        stored(feed, meter, length, &mut look).await?;
        (length, length)
    };
    packed.finish()?;
    office.add(part)?;
    let entry = Entry {
        name,
        flags: header.flags & (SIZES_BEHIND | UTF_8),
        method: header.method,
        checksum: checksum.finalize(),
        packed: read,
        expanded,
    };
    let declared = match has_descriptor {
        true => descriptor(feed, &header).await?,
        false => [header.checksum, header.packed, header.expanded],
    };
    match entry.has(declared) {
        true => Ok(entry),
        false => Err(malformed("an entry that is not as its header says")),
    }
}

impl Entry {
    fn has(&self, [checksum, packed, expanded]: [u32; 3]) -> bool {
        self.checksum == checksum
            && self.packed == u64::from(packed)
            && self.expanded == u64::from(expanded)
    }
}

/// Data that is there as it is.
async fn stored(
    feed: &Feed,
    meter: &mut Meter,
    length: u64,
    look: &mut impl FnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut result = Ok(());
    feed.pass(length, Fate::Keep, |bytes| {
        if result.is_ok() {
            result = meter.note(bytes.len(), u64::MAX).and_then(|()| look(bytes));
        }
    })
    .await?;
    result
}

/// Checksum and sizes behind the data (section 4.3.9). What the header said before, if it said
/// anything, has to be the same.
async fn descriptor(feed: &Feed, header: &Shared) -> Result<[u32; 3], Refusal> {
    if feed.peek().await? == DESCRIPTOR {
        feed.keep(4).await?;
    }
    let bytes: [u8; 12] = feed.take().await?;
    let declared = [0, 4, 8].map(|at| le32(&bytes, at).unwrap_or_default());
    let early = [header.checksum, header.packed, header.expanded];
    match early == [0; 3] || early == declared {
        true => Ok(declared),
        false => Err(malformed("sizes that do not agree")),
    }
}

/// Extra fields (section 4.5): none may give the entry another name, or sizes of 64 bits.
async fn extra(feed: &Feed, name: &[u8], length: u16) -> Result<(), Refusal> {
    let extra = feed.hold(length.into()).await?;
    let mut rest = &*extra;
    while let (Some(id), Some(length)) = (le16(rest, 0), le16(rest, 2)) {
        let Some(content) = rest.get(4..).and_then(|rest| rest.get(..length.into())) else {
            break;
        };
        match id {
            0x0001 => return Err(opaque("sizes of 64 bits")),
            // Info-ZIP Unicode path: version, checksum of the other name, the name.
            0x7075 if content.get(5..) != Some(name) => {
                return Err(entry("an entry of two names"));
            }
            0x9901 | 0x0017 => return Err(opaque("an entry that is encrypted")),
            _ => {}
        }
        rest = rest.get(4 + usize::from(length)..).unwrap_or_default();
    }
    match super::code::has_code(&extra) {
        true => Err(entry("code in an extra field")),
        false => Ok(()),
    }
}
