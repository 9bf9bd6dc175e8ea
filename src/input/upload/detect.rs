//! What a file is, by its first bytes.

use super::format::is_control;
use super::refusal::entry;
use super::{FileType, Refusal};
use std::fmt;

/// What the first bytes of a file say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detected {
    /// One of the types that can be checked. Office documents look like [`FileType::Zip`] and
    /// tables and JSON like [`FileType::Text`]; which they are, the rest has to show.
    Known(FileType),
    /// Something else, by its media type.
    Other(&'static str),
}

impl Detected {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Known(kind) => kind.media_type(),
            Self::Other(media_type) => media_type,
        }
    }
}

impl fmt::Display for Detected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media_type())
    }
}

/// How many bytes are looked at together.
const PIECE: usize = 64;

/// Says what a file is by its first bytes: 8 KiB are enough, or all there are.
///
/// ```
/// use portcullis::input::upload::{Detected, FileType, detect};
///
/// assert_eq!(detect(b"\xFF\xD8\xFF\xE0..."), Detected::Known(FileType::Jpeg));
/// assert_eq!(detect(b"<?php system($_GET['c']);"), Detected::Other("text/x-php"));
/// ```
#[must_use]
pub fn detect(head: &[u8]) -> Detected {
    if let Some(kind) = by_magic(head) {
        return Detected::Known(kind);
    }
    if is_text(head) {
        return text(head);
    }
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Detected::Other("text/plain; charset=utf-16");
    }
    let known = infer::get(head);
    Detected::Other(known.map_or("application/octet-stream", |kind| kind.mime_type()))
}

/// How files of one kind begin, all of them.
const SIGNATURES: &[(&[u8], FileType)] = &[
    (b"\xFF\xD8\xFF", FileType::Jpeg),
    (b"\x89PNG\r\n\x1A\n", FileType::Png),
    (b"GIF87a", FileType::Gif),
    (b"GIF89a", FileType::Gif),
    (b"II\x2A\0", FileType::Tiff),
    (b"MM\0\x2A", FileType::Tiff),
    (b"%PDF-", FileType::Pdf),
    (b"PK\x03\x04", FileType::Zip),
    (b"PK\x05\x06", FileType::Zip),
    (b"\x1F\x8B\x08", FileType::Gzip),
];

fn by_magic(head: &[u8]) -> Option<FileType> {
    let signed = SIGNATURES.iter().find(|(start, _)| head.starts_with(start));
    if let Some((_, kind)) = signed {
        return Some(*kind);
    }
    match head {
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] if form.starts_with(b"WEBP") => {
            Some(FileType::Webp)
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] if form.starts_with(b"WAVE") => {
            Some(FileType::Wav)
        }
        // With the size of a header that there is: "BM" alone begins many a text.
        [b'B', b'M', ..] => match head.get(14..18)? {
            [40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0] => Some(FileType::Bmp),
            _ => None,
        },
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => by_brand(head),
        _ => None,
    }
}

/// ISO/IEC 14496-12 section 4.3: the major brand, or one that it is compatible with.
fn by_brand(head: &[u8]) -> Option<FileType> {
    let length = u32::from_be_bytes(*head.first_chunk()?);
    let brands = head.get(8..usize::try_from(length).ok()?.min(head.len()))?;
    let (major, others) = brands.split_first_chunk::<4>()?;
    let kind = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(FileType::Avif),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"iso7" | b"iso8" | b"iso9"
        | b"mp41" | b"mp42" | b"mp71" | b"avc1" | b"dash" | b"M4V " | b"MSNV" => {
            Some(FileType::Mp4)
        }
        _ => None,
    };
    match major {
        // Images whose exact kind only the compatible brands tell.
        b"mif1" | b"msf1" => others.get(4..)?.chunks_exact(4).find_map(kind),
        major => kind(major),
    }
}

/// Whether it is the beginning of a text in UTF-8.
fn is_text(head: &[u8]) -> bool {
    let has_controls = |piece: &[u8]| {
        // All of a piece, without a way out: so the compiler looks at many bytes at once.
        piece
            .iter()
            .fold(false, |found, byte| found | is_control(*byte))
    };
    if head.chunks(PIECE).any(has_controls) {
        return false;
    }
    match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut off at the end.
        Err(error) => error.error_len().is_none(),
    }
}

/// How texts begin that are none to a browser, a shell or a server.
const STARTS: &[(&[u8], &str)] = &[
    (b"#!", "text/x-shellscript"),
    (b"%!PS", "application/postscript"),
    (b"{\\rtf", "text/rtf"),
    (b"<?php", "text/x-php"),
    (b"<?=", "text/x-php"),
    (b"<? ", "text/x-php"),
    (b"<%", "text/x-jsp"),
];

/// The tags that a page begins with, as in the WHATWG MIME sniffing standard, section 7.1.
const TAGS: &[&[u8]] = &[
    b"!doctype html",
    b"html",
    b"head",
    b"script",
    b"iframe",
    b"h1",
    b"div",
    b"font",
    b"table",
    b"a",
    b"style",
    b"title",
    b"b",
    b"body",
    b"br",
    b"p",
    b"img",
    b"form",
    b"meta",
    b"link",
    b"object",
    b"embed",
    b"base",
    b"video",
    b"audio",
];

/// What a text is, by how it begins.
fn text(head: &[u8]) -> Detected {
    let head = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let starts = |start: &[u8]| {
        let beginning = head.get(..start.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
    };
    if let Some((_, kind)) = STARTS.iter().find(|(start, _)| starts(start)) {
        return Detected::Other(kind);
    }
    if TAGS.iter().any(|tag| begins_with_tag(head, tag)) {
        return Detected::Other("text/html");
    }
    if starts(b"<?xml") || starts(b"<!--") || starts(b"<!doctype") || starts(b"<svg") {
        // A document in XML is what its first element says.
        return match first_element(head) {
            Some(name) if name == b"svg" || name.ends_with(b":svg") => {
                Detected::Known(FileType::Svg)
            }
            Some(name) if name.eq_ignore_ascii_case(b"html") => Detected::Other("text/html"),
            _ if starts(b"<!--") => Detected::Other("text/html"),
            _ => Detected::Other("text/xml"),
        };
    }
    Detected::Known(FileType::Text)
}

/// Whether this tag stands at the very beginning.
fn begins_with_tag(text: &[u8], tag: &[u8]) -> bool {
    let name = text
        .strip_prefix(b"<")
        .and_then(|rest| rest.split_at_checked(tag.len()));
    name.is_some_and(|(name, after)| {
        let ends = |byte: &u8| matches!(byte, b' ' | b'>' | b'/' | b'\t' | b'\n' | b'\r' | 0x0C);
        name.eq_ignore_ascii_case(tag) && after.first().is_none_or(ends)
    })
}

/// The name of the first element behind declarations and comments.
fn first_element(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head;
    loop {
        let at = memchr::memchr(b'<', rest)?;
        rest = rest.get(at + 1..)?;
        let end: &[u8] = match rest {
            [b'!', b'-', b'-', ..] => b"-->",
            [b'?', ..] => b"?>",
            [b'!', ..] => b">",
            _ => {
                let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-.".contains(byte);
                let length = rest.iter().take_while(|byte| is_name(byte)).count();
                return rest.get(..length);
            }
        };
        let end_at = memchr::memmem::find(rest, end)?;
        rest = rest.get(end_at + end.len()..)?;
    }
}

/// The first bytes of what is inside an archive: another archive is refused.
#[derive(Debug, Default)]
pub(super) struct Packed {
    head: Vec<u8>,
    is_judged: bool,
}

/// A tape archive says what it is at 257.
const HEAD: usize = 512;

impl Packed {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.is_judged {
            return Ok(());
        }
        let room = HEAD - self.head.len();
        let head = bytes.get(..room).unwrap_or(bytes);
        self.head.extend_from_slice(head);
        match self.head.len() {
            HEAD => self.finish(),
            _ => Ok(()),
        }
    }

    /// Judges what came. To be called when there is no more.
    pub(super) fn finish(&mut self) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.is_judged, true) {
            return Ok(());
        }
        let is_archive = infer::archive::is_7z(&self.head)
            || infer::archive::is_rar(&self.head)
            || infer::archive::is_bz2(&self.head)
            || infer::archive::is_xz(&self.head)
            || infer::archive::is_zst(&self.head)
            || infer::archive::is_cab(&self.head)
            || infer::archive::is_lz(&self.head)
            || infer::archive::is_tar(&self.head)
            || infer::archive::is_lz4(&self.head)
            || infer::archive::is_z(&self.head)
            || matches!(by_magic(&self.head), Some(FileType::Zip | FileType::Gzip));
        match is_archive {
            true => Err(entry("an archive within the archive")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings() {
        let known = Detected::Known;
        let cases: &[(&str, &[u8], Detected)] = &[
            ("nothing", b"", known(FileType::Text)),
            ("text", b"BMW is a make of cars", known(FileType::Text)),
            (
                "a cut character",
                "caf\u{e9}".as_bytes().split_last().unwrap().1,
                known(FileType::Text),
            ),
            ("a sign", b"<3 you", known(FileType::Text)),
            ("html", b" \n<HTML>", Detected::Other("text/html")),
            (
                "html behind a mark",
                b"\xEF\xBB\xBF<script>",
                Detected::Other("text/html"),
            ),
            ("a comment", b"<!-- x --><b>", Detected::Other("text/html")),
            ("svg", b"<svg xmlns='x'/>", known(FileType::Svg)),
            (
                "svg behind a declaration",
                b"<?xml version='1.0'?>\n<!-- x -->\n<svg/>",
                known(FileType::Svg),
            ),
            (
                "svg with a prefix",
                b"<?xml version='1.0'?><s:svg/>",
                known(FileType::Svg),
            ),
            (
                "xml",
                b"<?xml version='1.0'?><x/>",
                Detected::Other("text/xml"),
            ),
            ("php", b"<?php x", Detected::Other("text/x-php")),
            (
                "shell",
                b"#!/bin/sh\n",
                Detected::Other("text/x-shellscript"),
            ),
            (
                "utf-16",
                b"\xFF\xFE<\0",
                Detected::Other("text/plain; charset=utf-16"),
            ),
            (
                "zeros",
                b"\0\x01\x02binary",
                Detected::Other("application/octet-stream"),
            ),
            (
                "a program",
                b"MZ\x90\0\x03\0\0\0",
                Detected::Other("application/vnd.microsoft.portable-executable"),
            ),
            ("avif", b"\0\0\0\x1CftypavifXXXXmif1", known(FileType::Avif)),
            (
                "avif by what it is compatible with",
                b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avif",
                known(FileType::Avif),
            ),
            (
                "heic",
                b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
                Detected::Other("image/heif"),
            ),
        ];
        for (name, head, expected) in cases {
            assert_eq!(detect(head), *expected, "{name}");
        }
    }
}
