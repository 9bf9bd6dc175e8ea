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

fn by_magic(head: &[u8]) -> Option<FileType> {
    Some(match head {
        [0xFF, 0xD8, 0xFF, ..] => FileType::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => FileType::Png,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => FileType::Gif,
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => FileType::Webp,
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'A',
            b'V',
            b'E',
            ..,
        ] => FileType::Wav,
        // With the size of a header that there is: "BM" alone begins many a text.
        [
            b'B',
            b'M',
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            40 | 52 | 56 | 64 | 108 | 124,
            0,
            0,
            0,
            ..,
        ] => FileType::Bmp,
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => FileType::Tiff,
        [b'%', b'P', b'D', b'F', b'-', ..] => FileType::Pdf,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => FileType::Zip,
        [0x1F, 0x8B, 8, ..] => FileType::Gzip,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return by_brand(head),
        _ => return None,
    })
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

/// What a text is, by how it begins. Tags as in the WHATWG MIME sniffing standard, section 7.1.
fn text(head: &[u8]) -> Detected {
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
    let head = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let starts = |start: &[u8]| {
        let beginning = head.get(..start.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
    };
    let is_tag = |tag: &&[u8]| {
        let after = head
            .get(1..)
            .and_then(|rest| rest.split_at_checked(tag.len()));
        after.is_some_and(|(name, after)| {
            name.eq_ignore_ascii_case(tag)
                && after.first().is_none_or(|byte| {
                    matches!(byte, b' ' | b'>' | b'/' | b'\t' | b'\n' | b'\r' | 0x0C)
                })
        })
    };
    if starts(b"#!") {
        return Detected::Other("text/x-shellscript");
    }
    if starts(b"%!PS") {
        return Detected::Other("application/postscript");
    }
    if starts(b"{\\rtf") {
        return Detected::Other("text/rtf");
    }
    if !starts(b"<") {
        return Detected::Known(FileType::Text);
    }
    if starts(b"<?php") || starts(b"<?=") || starts(b"<? ") {
        return Detected::Other("text/x-php");
    }
    if starts(b"<%") {
        return Detected::Other("text/x-jsp");
    }
    if TAGS.iter().any(is_tag) {
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
    if starts(b"<?xml-stylesheet") {
        return Detected::Other("text/xml");
    }
    Detected::Known(FileType::Text)
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
