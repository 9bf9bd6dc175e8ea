//! What it costs to look at a file to its end, beside hashing it alone; and
//! what it costs to say what it is, beside the library that knows the most types.

#![allow(clippy::expect_used, reason = "a bench that cannot run has to say so")]

mod common;

use common::Race;
use portcullis::input::upload::{FileType, UploadPolicy, detect};
use sha2::{Digest, Sha256};
use std::hint::black_box;

const LENGTH: usize = 8 << 20;
/// As a body comes.
const PIECE: usize = 64 << 10;

fn main() {
    scans();
    decisions();
}

/// Bytes that look like compressed data.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 2) as u16;
    [&[0xFF, marker][..], &length.to_be_bytes(), content].concat()
}

fn jpeg() -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    file.extend(segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"));
    file.extend(segment(0xE1, &[&b"Exif\0\0"[..], &noise(2000)].concat()));
    file.extend(segment(0xDB, &[1; 65]));
    file.extend(segment(0xC0, b"\x08\x0F\xA0\x0B\xB8\x01\x01\x11\0"));
    file.extend(segment(0xDA, b"\x01\x01\0\0\x3f\0"));
    for byte in noise(LENGTH) {
        file.push(byte);
        if byte == 0xFF {
            file.push(0);
        }
    }
    file.extend([0xFF, 0xD9]);
    file
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let checked = [name, content].concat();
    let checksum = crc32fast::hash(&checked);
    [
        &(content.len() as u32).to_be_bytes()[..],
        &checked,
        &checksum.to_be_bytes(),
    ]
    .concat()
}

fn png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", b"\0\0\x0F\xA0\0\0\x0B\xB8\x08\x02\0\0\0"));
    file.extend(chunk(b"tEXt", b"Software\0a program"));
    let data = [&b"\x78\x9C"[..], &noise(LENGTH)].concat();
    for piece in data.chunks(PIECE) {
        file.extend(chunk(b"IDAT", piece));
    }
    file.extend(chunk(b"IEND", b""));
    file
}

/// Judges a file in pieces; gives how many bytes would be stored.
fn inspect(policy: &UploadPolicy, name: &str, file: &[u8]) -> u64 {
    let mut inspection = policy.begin(name, None).expect("a plain name");
    let mut kept = Vec::with_capacity(2 * PIECE);
    for piece in file.chunks(PIECE) {
        inspection.push(piece, &mut kept).expect("a whole file");
        kept.clear();
    }
    inspection.finish(&mut kept).expect("a whole file").length()
}

fn scans() {
    for (title, name, file) in [
        ("upload/jpeg", "a.jpg", jpeg()),
        ("upload/png", "a.png", png()),
    ] {
        let policy = UploadPolicy::images();
        let times = Race::new(title)
            .operation("inspect", || inspect(&policy, name, black_box(&file)))
            .operation("sha256", || Sha256::digest(black_box(&file)))
            .run();
        // The content hash is part of an inspection; the scan is what comes on top.
        let [inspect, hash] = ["inspect", "sha256"].map(|name| times.nanos(name));
        let length = file.len() as f64;
        println!("{title}/inspect {:.2} GB/s", length / inspect);
        println!("{title}/scan-alone {:.2} GB/s", length / (inspect - hash));
        times.ratio(title, "inspect", "sha256");
    }
}

fn decisions() {
    let text = "a line of text, as it stands in a file\n".repeat(300);
    let heads: [(&'static str, Vec<u8>); 3] = [
        ("type/jpeg", jpeg()),
        ("type/text", text.into_bytes()),
        ("type/unknown", noise(LENGTH)),
    ];
    for (title, head) in &heads {
        let head = head.get(..8192).unwrap_or(head);
        let times = Race::new(title)
            .operation("ours", || detect(black_box(head)))
            .operation("infer", || {
                infer::get(black_box(head)).map(|kind| kind.mime_type())
            })
            .run();
        println!("{title} {:.0} ns", times.nanos("ours"));
        times.ratio(title, "ours", "infer");
    }
    let policy = UploadPolicy::new(FileType::ALL.iter().copied());
    Race::new("upload/begin")
        .operation("ours", || {
            policy
                .begin(black_box("photo.jpg"), Some("image/jpeg"))
                .is_ok()
        })
        .run();
}
