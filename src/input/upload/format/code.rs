//! Code and archives where an image or a document should have none.

use super::seam::Seam;
use super::{le16, le32};
use memchr::{memchr_iter, memmem};

/// What makes a browser or a server run what follows it, in lower case. Each starts with `<`,
/// and is long enough not to stand in colors and profiles by chance: `<?=` is not.
const CODE: &[&[u8]] = &[
    b"<?php",
    b"<script",
    b"<html",
    b"<body",
    b"<svg ",
    b"<iframe",
    b"<!doctype",
    b"<jsp:",
    b"<!--#",
];
/// The same for compressed pixels and sound: what does not stand in gigabytes of them by chance.
/// White space follows `<?php`.
const CODE_IN_DATA: &[&[u8]] = &[
    b"<?php ",
    b"<?php\t",
    b"<?php\r",
    b"<?php\n",
    b"<script",
    b"<iframe",
    b"<!doctype",
];
const MAX_CODE_LEN: usize = 9;

/// Looks for code in bytes that come in pieces.
#[derive(Debug)]
pub(super) struct CodeFinder {
    words: &'static [&'static [u8]],
    seam: Seam<MAX_CODE_LEN>,
    found: bool,
}

impl Default for CodeFinder {
    fn default() -> Self {
        Self::of(CODE)
    }
}

impl CodeFinder {
    /// For compressed pixels and sound.
    pub(super) fn in_data() -> Self {
        Self::of(CODE_IN_DATA)
    }

    fn of(words: &'static [&'static [u8]]) -> Self {
        Self {
            words,
            seam: Seam::default(),
            found: false,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let words = self.words;
        self.found = self.found || self.seam.any(bytes, |bytes| has_any(bytes, words));
    }

    pub(super) const fn found(&self) -> bool {
        self.found
    }
}

/// Whether there is code of a web page or of a server in it.
pub(super) fn has_code(bytes: &[u8]) -> bool {
    has_any(bytes, CODE)
}

/// Whether there is code among compressed pixels.
pub(super) fn has_code_in_data(bytes: &[u8]) -> bool {
    has_any(bytes, CODE_IN_DATA)
}

fn has_any(bytes: &[u8], words: &[&[u8]]) -> bool {
    memchr_iter(b'<', bytes).any(|at| {
        let text = bytes.get(at..).unwrap_or_default();
        let starts = |code: &&[u8]| {
            let start = text.get(..code.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(code))
        };
        words.iter().any(starts)
    })
}

const END_RECORD: &[u8] = b"PK\x05\x06";
const END_RECORD_LENGTH: usize = 22;

/// Looks for the record that makes a file a ZIP archive for programs which read archives from
/// their end, whatever the file begins with.
#[derive(Debug, Default)]
pub(in crate::input::upload) struct ArchiveTail {
    seam: Seam<END_RECORD_LENGTH>,
    length: u64,
    found: bool,
}

impl ArchiveTail {
    pub(in crate::input::upload) fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let length = self.length;
        self.found |= self.seam.any(bytes, |text| has_end_record(text, length));
    }

    pub(in crate::input::upload) const fn found(&self) -> bool {
        self.found
    }
}

/// Whether there is an end record that points to a directory within the file, as chance will not
/// make one.
fn has_end_record(bytes: &[u8], length: u64) -> bool {
    memmem::find_iter(bytes, END_RECORD).any(|at| {
        let is_record = || {
            let record = bytes.get(at..)?.get(..END_RECORD_LENGTH)?;
            let entries = le16(record, 10)?;
            let [size, offset] = [le32(record, 12)?, le32(record, 16)?];
            let is_within = u64::from(size) + u64::from(offset) <= length;
            Some((entries > 0 && is_within) || (entries == u16::MAX && offset == u32::MAX))
        };
        is_record().unwrap_or(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_wherever_it_is_cut() {
        let text = b"....<sCRipt>....";
        for cut in 0..text.len() {
            let mut finder = CodeFinder::default();
            finder.push(&text[..cut]);
            finder.push(&text[cut..]);
            assert!(finder.found(), "cut at {cut}");
        }
        let mut bytewise = CodeFinder::default();
        text.chunks(1).for_each(|byte| bytewise.push(byte));
        assert!(bytewise.found());
        let mut finder = CodeFinder::default();
        finder.push(b"a < b, <x>, <scrip");
        assert!(!finder.found());
    }

    #[test]
    fn the_end_of_an_archive_is_found_wherever_it_is_cut() {
        let mut file = vec![0; 100];
        file.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x10\0\0\0\x20\0\0\0\0\0");
        for piece in [1, 5, 21, 22, 23, 50, 200] {
            let mut tail = ArchiveTail::default();
            file.chunks(piece).for_each(|piece| tail.push(piece));
            assert!(tail.found(), "in pieces of {piece}");
        }
    }
}
