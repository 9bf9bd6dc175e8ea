//! With another implementation of the same format, both ways.

use super::{CHUNK, HEADER, KEY, LENGTHS, bare, open_in_every_way, text};
use crate::aead::hex;
use cobblestone::Key256;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::file::{FileCrypt, FileKey};
use portcullis::crypto::keyring::Keyring;

fn peer() -> Key256 {
    Key256::from_bytes(&KEY)
}

#[test]
fn we_open_what_another_sealed() {
    for length in LENGTHS {
        let sealed = cobblestone::encrypt(&peer(), b"context", &text(length)).unwrap();
        for backend in Backend::ALL {
            let files = bare().backend(*backend);
            for opened in open_in_every_way(&files, &sealed) {
                assert!(opened.as_ref() == Ok(&text(length)), "{backend:?} {length}");
            }
        }
    }
}

#[test]
fn another_opens_what_we_sealed() {
    for length in LENGTHS {
        for backend in Backend::ALL {
            let sealed = bare().backend(*backend).seal(&text(length)).unwrap();
            let chunks = length / CHUNK + 1;
            assert_eq!(sealed.len(), HEADER + length + 16 * chunks);
            let opened = cobblestone::decrypt(&peer(), b"context", &sealed);
            assert!(opened == Ok(text(length)), "{backend:?} {length}");
        }
    }
}

#[test]
fn several_mebibytes() {
    let plain = text(3 * 1024 * 1024);
    let sealed = bare().seal(&plain).unwrap();
    assert!(cobblestone::decrypt(&peer(), b"context", &sealed).unwrap() == plain);
    let sealed = cobblestone::encrypt(&peer(), b"context", &plain).unwrap();
    assert!(bare().open(&sealed).unwrap() == plain);
}

/// The examples of `docs/formats.md`, which the `cryptography` package for Python made.
#[test]
fn the_examples_of_the_documentation() {
    let formats = include_str!("../../../docs/formats.md");
    let example = |name: &str| {
        let line = formats.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no example {name:?}")).trim()
    };
    let keyring = Keyring::parse(example("keyring  ")).unwrap();
    let key = || FileKey::from_bytes(std::array::from_fn(|at| at as u8));
    let wrapped = b"wrapped elsewhere".to_vec();
    for (name, files) in [
        ("of a keyring", FileCrypt::with_keyring(keyring)),
        (
            "of a password",
            FileCrypt::with_password("correct horse battery staple".into()),
        ),
        (
            "of a wrapped",
            FileCrypt::with_wrapped_key(key(), wrapped).unwrap(),
        ),
        ("of a bare key", FileCrypt::bare(key())),
    ] {
        let opened = files.context(b"notes/1").open(&hex(example(name)));
        assert_eq!(opened.unwrap(), b"three crates of apples", "{name}");
    }
}

/// Made by the `cryptography` package for Python, version 50.
#[test]
fn a_file_made_by_a_third() {
    let sealed = hex(PYTHON);
    assert_eq!(bare().open(&sealed).unwrap(), b"hello from elsewhere");
}

const PYTHON: &str = "6decf25381ea26beeef43f0de4ba40dec363a9e02d5b70312aa1f41c536c479cff6b028902e465db1fc585065ea365b890a121c0f3f6ef61c68b4c75f65df5cc61a9c0ab3cd7050a47b81c89c81d1260bd54e7c24a84a2e800863b4d";
