//! The directory at the end (sections 4.3.12 and 4.3.16).

use super::{CENTRAL, END, Entries, SIZES_BEHIND, Shared, UTF_8, extra};
use crate::input::upload::Refusal;
use crate::input::upload::feed::Feed;
use crate::input::upload::format::code::has_code;
use crate::input::upload::format::{le16, le32};
use crate::input::upload::refusal::{RefusalKind, entry, malformed, opaque, polyglot};

/// Types of files in the upper half of the external attributes, as Unix has them.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// Reads the directory, and holds it against the entries.
pub(super) async fn check(feed: &Feed, mut entries: Entries) -> Result<(), Refusal> {
    let start = feed.position();
    let count = entries.by_offset.len();
    while feed.peek().await? == CENTRAL {
        header(feed, &mut entries).await?;
    }
    if !entries.by_offset.is_empty() {
        return Err(entry("an entry that the directory does not tell of"));
    }
    let size = feed.position() - start;
    let end: [u8; 22] = feed.take().await?;
    if !end.starts_with(&END) {
        return Err(malformed("no header where one has to be"));
    }
    let end_of = |at| le16(&end, at).map(u64::from);
    let long_of = |at| le32(&end, at).map(u64::from);
    let expected = [0, 0, count as u64, count as u64].map(Some);
    if [4, 6, 8, 10].map(end_of) != expected || [12, 16].map(long_of) != [Some(size), Some(start)] {
        return Err(malformed("a directory that is not where it should be"));
    }
    let comment = feed.hold(end_of(20).unwrap_or_default()).await?;
    if has_code(&comment) || memchr::memmem::find(&comment, b"PK").is_some() {
        return Err(polyglot("code or an archive in the comment"));
    }
    match feed.is_at_end().await {
        true => Ok(()),
        false => Err(polyglot("data follows its end")),
    }
}

async fn header(feed: &Feed, entries: &mut Entries) -> Result<(), Refusal> {
    let header: [u8; 46] = feed.take().await?;
    let shared = Shared::read(header.get(8..).unwrap_or_default())?;
    let short = |at| le16(&header, at).unwrap_or_default();
    let long = |at| le32(&header, at).unwrap_or_default();
    let (comment, disk) = (short(32), short(34));
    let (attributes, offset) = (long(38), long(42));
    let name = feed.hold(shared.name_length.into()).await?;
    extra(feed, &name, shared.extra_length).await?;
    super::super::pass_ignored(feed, comment.into()).await?;
    if disk != 0 {
        return Err(opaque("an archive of several files"));
    }
    match (attributes >> 16) & TYPE {
        0 | REGULAR | FOLDER => {}
        _ => return Err(entry("a link or a device")),
    }
    // Each is told of once: what was told of is gone.
    let Some(local) = entries.by_offset.remove(&offset.into()) else {
        return Err(Refusal::new(
            RefusalKind::Entry,
            "the directory tells of an entry that is not there, or twice of one",
        ));
    };
    let declared = [shared.checksum, shared.packed, shared.expanded];
    let agrees = local.name == name
        && local.method == shared.method
        && local.flags == shared.flags & (SIZES_BEHIND | UTF_8)
        && local.has(declared);
    match agrees {
        true => Ok(()),
        false => Err(entry("an entry that the directory tells otherwise")),
    }
}
