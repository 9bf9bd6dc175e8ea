//! Whoever can write to where the file lies.

use super::{CHUNK, HEADER, KEY, SLOT, bare, open_in_every_way, text};
use portcullis::crypto::file::{FileCrypt, FileKey};
use portcullis::crypto::keyring::Keyring;
use proptest::prelude::*;

fn refused(files: &FileCrypt, sealed: &[u8], name: &str) -> Vec<&'static str> {
    let ways = open_in_every_way(files, sealed);
    let codes = ways.into_iter().map(Result::err);
    codes
        .collect::<Option<_>>()
        .unwrap_or_else(|| panic!("{name}: opened"))
}

fn all_refused_as(files: &FileCrypt, sealed: &[u8], name: &str, code: &str) {
    for found in refused(files, sealed, name) {
        assert_eq!(found, code, "{name}");
    }
}

/// The slots of a bare file.
fn slots(sealed: &[u8]) -> Vec<&[u8]> {
    sealed[HEADER..].chunks(SLOT).collect()
}

fn file(header: &[u8], slots: &[&[u8]]) -> Vec<u8> {
    [header, &slots.concat()].concat()
}

#[test]
fn cut_off_at_each_boundary_and_around_it() {
    let sealed = bare().seal(&text(5 * CHUNK + 100)).unwrap();
    for cut in 0..HEADER {
        all_refused_as(&bare(), &sealed[..cut], "in the header", "truncated");
    }
    for chunk in 0..=5 {
        let boundary = HEADER + chunk * SLOT;
        for cut in boundary..boundary + 16 {
            all_refused_as(&bare(), &sealed[..cut], "at a boundary", "truncated");
        }
        for cut in [boundary + 16, boundary + 17, boundary + 99, boundary + 100] {
            all_refused_as(&bare(), &sealed[..cut], "in a chunk", "corrupt");
        }
    }
    all_refused_as(
        &bare(),
        &sealed[..sealed.len() - 1],
        "the last byte",
        "corrupt",
    );
}

#[test]
fn chunks_swapped_doubled_dropped_and_added() {
    // The second file has as many chunks, under the same key and context.
    let sealed = bare().seal(&text(3 * CHUNK)).unwrap();
    let other = bare().seal(&text(3 * CHUNK)).unwrap();
    let header = &sealed[..HEADER];
    let [a, b, c, end] = slots(&sealed).try_into().unwrap();
    let [x, _, _, last] = slots(&other).try_into().unwrap();
    assert!(bare().open(&file(header, &[a, b, c, end])).is_ok());
    for (name, slots) in [
        ("swapped", &[b, a, c, end][..]),
        ("the end first", &[end, a, b, c]),
        ("doubled", &[a, a, b, c, end]),
        ("one for another", &[a, b, b, end]),
        ("dropped", &[a, c, end]),
        ("the first dropped", &[b, c, end]),
        ("the end doubled", &[a, b, c, end, end]),
        ("the end early", &[a, b, end]),
        ("only the end", &[end]),
        ("the first of another file", &[x, b, c, end]),
        ("the end of another file", &[a, b, c, last]),
        ("all of another file", &slots(&other)),
    ] {
        all_refused_as(&bare(), &file(header, slots), name, "corrupt");
    }
    for (name, slots) in [("no end", &[a, b, c][..]), ("nothing", &[])] {
        all_refused_as(&bare(), &file(header, slots), name, "truncated");
    }
}

#[test]
fn extended() {
    for length in [0, 100, CHUNK - 1, CHUNK, 2 * CHUNK] {
        let sealed = bare().seal(&text(length)).unwrap();
        for more in [1, 15, 16, 17, SLOT - 1, SLOT, SLOT + 16] {
            let longer = [&sealed[..], &vec![0; more]].concat();
            refused(&bare(), &longer, "extended");
        }
    }
}

#[test]
fn each_bit_of_a_short_file() {
    let sealed = bare().seal(b"short").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let code = if bit / 8 < HEADER {
            "wrong_key"
        } else {
            "corrupt"
        };
        all_refused_as(&bare(), &flipped, "a bit", code);
    }
}

#[test]
fn each_bit_of_a_container() {
    let files = FileCrypt::with_keyring(Keyring::generate()).context(b"context");
    let sealed = files.seal(b"short").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected: &[_] = match bit / 8 {
            0..4 => &["not_a_container"],
            4 => &[
                "unknown_kind",
                "wrong_lock",
                "truncated",
                "malformed_header",
            ],
            5..13 => &["unknown_key"],
            13..69 => &["wrong_key"],
            _ => &["corrupt"],
        };
        for found in refused(&files, &flipped, "a bit") {
            assert!(expected.contains(&found), "byte {}: {found}", bit / 8);
        }
    }
}

#[test]
fn another_key_or_context() {
    let sealed = bare().seal(&text(100)).unwrap();
    let other_key = FileCrypt::bare(FileKey::from_bytes([1; 32])).context(b"context");
    for (name, files) in [
        ("another key", other_key),
        ("another context", bare().context(b"contexT")),
        ("a longer context", bare().context(b"context ")),
        ("no context", bare().context(b"")),
    ] {
        all_refused_as(&files, &sealed, name, "wrong_key");
    }
}

#[test]
fn a_header_and_a_context_do_not_run_into_each_other() {
    // Bare, the context may begin as a container does. That makes no container of it.
    let keyring = Keyring::generate();
    let files = FileCrypt::with_keyring(keyring);
    let sealed = files.seal(b"short").unwrap();
    let (header, stream) = sealed.split_at(13);
    let as_bare = FileCrypt::bare(FileKey::from_bytes(KEY)).context(header);
    all_refused_as(&as_bare, stream, "as a bare file", "wrong_key");
    let longer = files.context(b"P");
    all_refused_as(&longer, &sealed, "a context", "wrong_key");
}

#[test]
fn nothing_is_left_of_what_failed() {
    let mut sealed = bare().seal(&text(3 * CHUNK)).unwrap();
    sealed[HEADER + 2 * SLOT] ^= 1;
    let mut plain = vec![1, 2, 3];
    assert!(bare().open_into(&sealed, &mut plain).is_err());
    assert!(plain.is_empty());
    assert!(bare().open_in_place(&mut sealed).is_err());
    assert!(sealed.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_byte_of_any_file(length in 0..4 * CHUNK, at in any::<prop::sample::Index>(), flip in 1..=u8::MAX) {
        let mut sealed = bare().seal(&text(length)).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= flip;
        refused(&bare(), &sealed, "a byte");
    }

    #[test]
    fn cut_off_anywhere(length in 0..4 * CHUNK, at in any::<prop::sample::Index>()) {
        let sealed = bare().seal(&text(length)).unwrap();
        refused(&bare(), &sealed[..at.index(sealed.len())], "a part");
    }

    #[test]
    fn any_bytes_are_no_file(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        refused(&bare(), &bytes, "any bytes");
        let container = FileCrypt::with_keyring(Keyring::generate());
        refused(&container, &bytes, "any bytes");
        refused(&container, &[b"PCF1", &bytes[..]].concat(), "any bytes");
    }
}
