//! Files of each type, made here.

use crc32fast::hash;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use std::io::Write;

pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let checked = [name, content].concat();
    let length = u32::try_from(content.len()).unwrap();
    [
        &length.to_be_bytes()[..],
        &checked,
        &hash(&checked).to_be_bytes(),
    ]
    .concat()
}

/// One gray pixel, and these chunks before its data.
pub(super) fn png(extra: &[u8]) -> Vec<u8> {
    let header = png_chunk(b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\0\0\0\0");
    let data = png_chunk(b"IDAT", &zlib(b"\0\0"));
    let end = png_chunk(b"IEND", b"");
    [b"\x89PNG\r\n\x1a\n", &header[..], extra, &data, &end].concat()
}

pub(super) fn jpeg_segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap();
    [&[0xFF, marker][..], &length.to_be_bytes(), content].concat()
}

/// Segments of an image, and these behind the first.
pub(super) fn jpeg(extra: &[u8]) -> Vec<u8> {
    let frame = jpeg_segment(0xC0, b"\x08\0\x08\0\x08\x01\x01\x11\0");
    let scan = jpeg_segment(0xDA, b"\x01\x01\0\0\x3f\0");
    let parts = [
        &[0xFF, 0xD8][..],
        &jpeg_segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        extra,
        &jpeg_segment(0xDB, &[1; 65]),
        &frame,
        &scan,
        b"entropy\xFF\0coded\xFF\xD0data",
        &[0xFF, 0xD9],
    ];
    parts.concat()
}

pub(super) const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// A still image with these blocks before the frame.
pub(super) fn gif(extra: &[u8]) -> Vec<u8> {
    [&GIF[..13], extra, &GIF[13..]].concat()
}

pub(super) fn riff_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let padding = &[0][..content.len() % 2];
    [name, &length.to_le_bytes()[..], content, padding].concat()
}

pub(super) fn riff(form: &[u8; 4], chunks: &[u8]) -> Vec<u8> {
    riff_chunk(b"RIFF", &[form, chunks].concat())
}

/// A lossless image of one pixel, extended, with these chunks behind it.
pub(super) fn webp(extra: &[u8]) -> Vec<u8> {
    let head = riff_chunk(b"VP8X", b"\x0C\0\0\0\0\0\0\0\0\0");
    let image = riff_chunk(b"VP8L", b"\x2F\0\0\0\0\x07");
    riff(b"WEBP", &[head, image, extra.to_vec()].concat())
}

pub(super) fn wav(extra: &[u8]) -> Vec<u8> {
    let format = riff_chunk(b"fmt ", b"\x01\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0");
    let data = riff_chunk(b"data", &[0x80; 8]);
    riff(b"WAVE", &[format, extra.to_vec(), data].concat())
}

pub(super) fn bmp() -> Vec<u8> {
    let mut file =
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    file.resize(54, 0);
    file.extend([1, 2, 3, 0]);
    file
}

/// Little-endian, with one strip and these entries of 12 bytes behind the usual ones.
pub(super) fn tiff(extra: &[[u8; 12]]) -> Vec<u8> {
    let entry = |tag: u16, value: u32| {
        let mut entry = [0; 12];
        entry[..2].copy_from_slice(&tag.to_le_bytes());
        entry[2..8].copy_from_slice(&[4, 0, 1, 0, 0, 0]);
        entry[8..].copy_from_slice(&value.to_le_bytes());
        entry
    };
    let entries = [entry(256, 1), entry(257, 1), entry(273, 8), entry(279, 2)];
    let entries: Vec<_> = entries.iter().chain(extra).copied().collect();
    let count = u16::try_from(entries.len()).unwrap();
    let directory = [&count.to_le_bytes()[..], &entries.concat(), &[0; 4]].concat();
    [&b"II\x2A\0\x0A\0\0\0\xAA\xBB"[..], &directory].concat()
}

pub(super) fn mp4_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes()[..], name, content].concat()
}

pub(super) fn mp4(extra: &[u8]) -> Vec<u8> {
    let parts = [
        mp4_box(b"ftyp", b"isom\0\0\x02\0isommp41"),
        mp4_box(b"moov", &mp4_box(b"mvhd", &[0; 100])),
        extra.to_vec(),
        mp4_box(b"mdat", &[0; 16]),
    ];
    parts.concat()
}

/// An image of these items, whose one pixel is eight bytes of data.
pub(super) fn avif(item: &[u8; 4]) -> Vec<u8> {
    let info = mp4_box(
        b"infe",
        &[b"\x02\0\0\0\0\x01\0\0", &item[..], b"\0"].concat(),
    );
    let size = mp4_box(b"ispe", b"\0\0\0\0\0\0\0\x01\0\0\0\x01");
    let meta = |offset: u32| {
        let location = [
            b"\0\0\0\0\x44\0\0\x01\0\x01\0\0\0\x01",
            &offset.to_be_bytes()[..],
            b"\0\0\0\x08",
        ];
        let parts = [
            vec![0; 4],
            mp4_box(b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            mp4_box(b"iloc", &location.concat()),
            mp4_box(b"iinf", &[b"\0\0\0\0\0\x01", &info[..]].concat()),
            mp4_box(b"iprp", &mp4_box(b"ipco", &size)),
        ];
        mp4_box(b"meta", &parts.concat())
    };
    let kind = mp4_box(b"ftyp", b"avif\0\0\0\0avifmif1");
    let offset = kind.len() + meta(0).len() + 8;
    [
        kind,
        meta(u32::try_from(offset).unwrap()),
        mp4_box(b"mdat", &[7; 8]),
    ]
    .concat()
}

/// A PDF of these objects, with a table.
pub(super) fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).bytes());
    }
    let (start, count) = (file.len(), objects.len() + 1);
    let trailer = format!("trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.extend(format!("xref\n0 {count}\n{table}{trailer}").bytes());
    file
}

/// An archive that is written by hand, so that anything in it can be wrong.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) central_name: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) packed: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) attributes: u32,
}

impl Entry {
    pub(super) fn deflated(name: &str, content: &[u8]) -> Self {
        Self {
            packed: deflated(content),
            method: 8,
            ..Self::stored(name, content)
        }
    }

    pub(super) fn stored(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            central_name: name.into(),
            content: content.to_vec(),
            packed: content.to_vec(),
            method: 0,
            flags: 0,
            attributes: 0o100_644 << 16,
        }
    }

    fn shared(&self, name: &[u8]) -> Vec<u8> {
        let long = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let parts = [
            &self.flags.to_le_bytes()[..],
            &self.method.to_le_bytes(),
            &[0; 4],
            &hash(&self.content).to_le_bytes(),
            &long(self.packed.len()),
            &long(self.content.len()),
            &u16::try_from(name.len()).unwrap().to_le_bytes(),
            &[0; 2],
        ];
        parts.concat()
    }
}

pub(super) fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = u32::try_from(file.len()).unwrap();
        file.extend(
            [
                &b"PK\x03\x04\x14\0"[..],
                &entry.shared(&entry.name),
                &entry.name,
            ]
            .concat(),
        );
        file.extend(&entry.packed);
        directory.extend(
            [
                &b"PK\x01\x02\x14\x03\x14\0"[..],
                &entry.shared(&entry.central_name),
            ]
            .concat(),
        );
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.central_name);
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let [offset, size] =
        [file.len(), directory.len()].map(|n| u32::try_from(n).unwrap().to_le_bytes());
    file.extend(directory);
    file.extend(
        [
            &b"PK\x05\x06\0\0\0\0"[..],
            &count,
            &count,
            &size,
            &offset,
            &[0; 2],
        ]
        .concat(),
    );
    file
}

pub(super) const MAIN: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

/// A document with this main type, and these parts.
pub(super) fn docx(main: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Override PartName=\"/word/document.xml\" ContentType=\"{main}\"/></Types>"
    );
    let relations = "<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>";
    let mut entries = vec![
        Entry::deflated("[Content_Types].xml", types.as_bytes()),
        Entry::deflated("_rels/.rels", relations.as_bytes()),
        Entry::deflated("word/document.xml", b"<w:document/>"),
    ];
    entries.extend(
        parts
            .iter()
            .map(|(name, content)| Entry::deflated(name, content.as_bytes())),
    );
    zip(&entries)
}
