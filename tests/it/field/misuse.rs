//! What an attacker with write access to the database tries.

use super::{EMAIL, email, fields, key, open};
use portcullis::crypto::aead::Backend;
use portcullis::crypto::field::{Encrypted, FieldCipher, FieldError, Padding, RowId};
use portcullis::crypto::keyring::{KeyId, Keyring};
use portcullis::crypto::{Reason, SecretSealer};
use portcullis::random::Random;
use proptest::prelude::*;
use std::collections::HashSet;

/// A value of every suite.
fn of_every_suite() -> Vec<(FieldCipher, Vec<u8>)> {
    let mut all = Vec::new();
    for padding in [Padding::None, Padding::Block(16), Padding::Padme] {
        for cipher in [fields(), fields().with_full_commitment()] {
            let cipher = cipher.with_padding(padding);
            let column = cipher.column("users", "email").unwrap();
            let sealed = column.seal(EMAIL, 1).unwrap().into_bytes();
            assert_eq!(open(&column, &sealed).as_deref(), Ok(EMAIL));
            all.push((cipher, sealed));
        }
    }
    all
}

#[test]
fn a_value_opens_in_its_place_alone() {
    let sealed = email().seal(EMAIL, 1).unwrap();
    let column = |namespace: &str, table: &str, column: &str| {
        let fields = FieldCipher::new(Keyring::new(key(1)), namespace);
        fields.column(table, column).unwrap()
    };
    let cases = [
        (
            "another row",
            column("shop", "users", "email"),
            RowId::from(2),
        ),
        (
            "the same number as text",
            column("shop", "users", "email"),
            "1".into(),
        ),
        (
            "the same number as UUID",
            column("shop", "users", "email"),
            1_u128.to_be_bytes().into(),
        ),
        (
            "no row",
            column("shop", "users", "email"),
            RowId::dangerous_unbound(),
        ),
        ("another column", column("shop", "users", "name"), 1.into()),
        ("another table", column("shop", "staff", "email"), 1.into()),
        (
            "another tenant",
            column("shop2", "users", "email"),
            1.into(),
        ),
        (
            "names cut elsewhere",
            column("shop", "user", "semail"),
            1.into(),
        ),
        (
            "names joined",
            column("shopusers", "email", "users"),
            1.into(),
        ),
    ];
    for (name, column, row) in cases {
        let refused = column.open(&sealed, row).unwrap_err();
        assert_eq!(refused.reason(), Reason::NotAuthentic, "{name}");
    }
}

#[test]
fn a_secret_opens_for_its_purpose_and_owner_alone() {
    let column = email();
    let sealed = column.seal_secret("totp", "ann", b"secret").unwrap();
    for (purpose, owner) in [
        ("oauth", "ann"),
        ("totp", "bob"),
        ("", "ann"),
        ("totpann", ""),
    ] {
        assert!(
            column.open_secret(purpose, owner, &sealed).is_err(),
            "{purpose} {owner}"
        );
    }
    let as_value = Encrypted::<Vec<u8>>::from_bytes(sealed);
    assert!(
        column.open(&as_value, "ann").is_err(),
        "without its purpose"
    );
}

#[test]
fn no_bit_can_be_flipped() {
    for (cipher, sealed) in of_every_suite() {
        let column = cipher.column("users", "email").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&column, &forged).is_err(), "bit {bit} of {sealed:?}");
        }
    }
}

#[test]
fn nothing_can_be_cut_off_or_added() {
    for (cipher, sealed) in of_every_suite() {
        let column = cipher.column("users", "email").unwrap();
        for length in 0..sealed.len() {
            assert!(open(&column, &sealed[..length]).is_err(), "{length}");
            assert!(
                open(&column, &sealed[length + 1..]).is_err(),
                "from {length}"
            );
        }
        for byte in [0, 1, 0x80, 0xFF] {
            assert!(open(&column, &[&sealed[..], &[byte]].concat()).is_err());
            assert!(open(&column, &[&[byte], &sealed[..]].concat()).is_err());
        }
    }
}

#[test]
fn a_suite_is_not_another() {
    let column = email();
    for (_, sealed) in of_every_suite() {
        for version in 0..=u8::MAX {
            for suite in 0..=u8::MAX {
                let mut forged = sealed.clone();
                forged[..2].copy_from_slice(&[version, suite]);
                assert_eq!(
                    open(&column, &forged).is_ok(),
                    forged == sealed,
                    "{version} {suite}"
                );
            }
        }
    }
}

#[test]
fn each_refusal_has_its_reason() {
    let column = email();
    let sealed = column.seal(EMAIL, 1).unwrap().into_bytes();
    let with = |at: usize, byte: u8| {
        let mut forged = sealed.clone();
        forged[at] = byte;
        forged
    };
    let committed = fields()
        .with_full_commitment()
        .column("users", "email")
        .unwrap();
    let mut other_commitment = committed.seal(EMAIL, 1).unwrap().into_bytes();
    other_commitment[10] ^= 1;
    let not_text = column.seal(&[0xFF_u8][..], 1).unwrap().into_bytes();
    let cases = [
        ("nothing", Vec::new(), Reason::Malformed),
        ("only a head", sealed[..10].to_vec(), Reason::Malformed),
        ("a tag too short", sealed[..49].to_vec(), Reason::Malformed),
        ("only a tag", sealed[..50].to_vec(), Reason::NotAuthentic),
        ("a version to come", with(0, 2), Reason::Version),
        ("deterministic encryption", with(1, 2), Reason::Suite),
        ("an unknown suite", with(1, 0x21), Reason::Suite),
        ("an unknown key", with(9, !sealed[9]), Reason::UnknownKey),
        ("another commitment", other_commitment, Reason::WrongKey),
        ("another nonce", with(12, !sealed[12]), Reason::NotAuthentic),
        ("no text", not_text, Reason::Unreadable),
        ("longer than any", vec![1; 20 << 20], Reason::Malformed),
    ];
    for (name, bytes, reason) in cases {
        assert_eq!(open(&column, &bytes), Err(reason), "{name}");
    }
}

#[test]
fn padding_cannot_be_told_away() {
    // What is sealed without padding, and said to be padded: the suite is authenticated.
    let mut sealed = email().seal("a\u{80}\0\0", 1).unwrap().into_bytes();
    sealed[1] |= 0x40;
    assert_eq!(open(&email(), &sealed), Err(Reason::NotAuthentic));
}

#[test]
fn bounds_of_length() {
    let column = email();
    let longest = vec![7_u8; 16 << 20];
    let sealed = column.seal(&longest, 1).unwrap();
    assert_eq!(column.open(&sealed, 1).unwrap().expose(), &longest);
    let longer = vec![7_u8; (16 << 20) + 1];
    for refused in [column.seal(&longer, 1), column.batch().seal(&longer, 1)] {
        assert_eq!(refused.unwrap_err().reason(), Reason::TooLong);
    }
    assert_eq!(column.seal("", 1).unwrap().as_bytes().len(), 50);
    let committed = fields().with_full_commitment();
    let committed = committed.column("users", "email").unwrap();
    assert_eq!(committed.seal("", 1).unwrap().as_bytes().len(), 82);
}

#[test]
fn names_are_checked_at_the_start() {
    let long = "x".repeat(256);
    for (name, table, column, error) in [
        ("no column", "users", "", FieldError::Name("column", 0)),
        ("no table", "", "email", FieldError::Name("table", 0)),
        (
            "a long table",
            &long,
            "email",
            FieldError::Name("table", 256),
        ),
    ] {
        assert_eq!(fields().column(table, column).unwrap_err(), error, "{name}");
    }
    let nameless = FieldCipher::new(Keyring::generate(), "");
    let error = nameless.column("users", "email").unwrap_err();
    assert_eq!(error, FieldError::Name("namespace", 0));
    let blocks = fields().with_padding(Padding::Block(0));
    assert_eq!(
        blocks.column("users", "email").unwrap_err(),
        FieldError::NoBlock
    );
}

#[test]
fn all_backends_write_and_read_the_same() {
    let column = |backend: Backend| {
        let fields = fields().with_random(Random::insecure_seeded(5));
        fields
            .with_backend(backend)
            .column("users", "email")
            .unwrap()
    };
    let sealed: Vec<_> = Backend::ALL
        .iter()
        .map(|backend| {
            let column = column(*backend);
            let mut batch = column.batch();
            [
                column.seal(EMAIL, 1),
                batch.seal(EMAIL, 1),
                batch.seal("", 1),
            ]
            .map(Result::unwrap)
        })
        .collect();
    assert!(sealed.windows(2).all(|pair| pair[0] == pair[1]));
    for backend in Backend::ALL {
        for value in &sealed[0] {
            assert!(column(*backend).open(value, 1).is_ok(), "{backend:?}");
        }
    }
}

/// The first half of the nonce stays for 2^20 values and then changes; the second counts.
#[test]
fn an_epoch_ends_after_a_million_values() {
    let column = email();
    let mut batch = column.batch();
    let mut nonce = || {
        let sealed = batch.seal(&1_u16, 1).unwrap();
        let (epoch, count) = sealed.as_bytes()[10..34].split_at(12);
        let count = count
            .iter()
            .fold(0, |number, byte| number << 8 | u128::from(*byte));
        (epoch.to_vec(), count)
    };
    let (first, start) = nonce();
    for offset in 1..1 << 20 {
        let (epoch, count) = nonce();
        assert_eq!(epoch, first, "{offset}");
        assert_eq!(count, (start + offset) % (1 << 96));
    }
    let (second, _) = nonce();
    assert_ne!(second, first);
    assert_eq!(nonce().0, second);
}

#[test]
fn no_nonce_comes_twice() {
    let column = email();
    let mut nonces = HashSet::new();
    let mut batches = [column.batch(), column.batch()];
    for _ in 0..10_000 {
        let alone = column.seal("", 1).unwrap();
        let together = batches.each_mut().map(|batch| batch.seal("", 1).unwrap());
        for sealed in together.iter().chain([&alone]) {
            assert!(nonces.insert(sealed.as_bytes()[10..34].to_vec()));
        }
    }
}

/// A small generator of mutations: fast, repeatable, and no matter of security.
struct Mutations(u64);

impl Mutations {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    /// One to four changes: a byte set, cut, added, moved, or a part of another value put in.
    fn mutate(&mut self, value: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.next(4) {
            let at = self.next(value.len() + 1);
            match self.next(6) {
                0 => value.truncate(at),
                1 => value.insert(at, self.next(256) as u8),
                2 if at < value.len() => {
                    value.remove(at);
                }
                3 => {
                    let from = self.next(other.len());
                    for (to, from) in value.iter_mut().skip(at).zip(&other[from..]) {
                        *to = *from;
                    }
                }
                4 if at < value.len() => {
                    let to = self.next(value.len());
                    value.swap(at, to);
                }
                _ if at < value.len() => value[at] ^= 1 << self.next(8),
                _ => {}
            }
        }
    }
}

fn no_mutation_is_accepted(times: u32) {
    let sealed = of_every_suite();
    let columns: Vec<_> = sealed
        .iter()
        .map(|(cipher, _)| cipher.column("users", "email").unwrap())
        .collect();
    let mut mutations = Mutations(1);
    let (mut tried, mut value) = (0, Vec::new());
    while tried < times {
        let at = mutations.next(sealed.len());
        value.clone_from(&sealed[at].1);
        let other = &sealed[mutations.next(sealed.len())].1;
        mutations.mutate(&mut value, other);
        if sealed.iter().any(|(_, good)| *good == value) {
            continue;
        }
        tried += 1;
        let value = Encrypted::<String>::from_bytes(std::mem::take(&mut value));
        assert!(
            columns[at].open(&value, 1).is_err(),
            "{:?}",
            value.as_bytes()
        );
    }
}

#[test]
fn no_mutation_of_twenty_thousand_is_accepted() {
    no_mutation_is_accepted(20_000);
}

#[test]
#[ignore = "takes a minute: cargo test --release --all-features -- --ignored ten_million"]
fn no_mutation_of_ten_million_is_accepted() {
    no_mutation_is_accepted(10_000_000);
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        value: Vec<u8>, row: i64, block in 1_u16..300, padme: bool, committed: bool, batch: bool,
    ) {
        let padding = if padme { Padding::Padme } else { Padding::Block(block) };
        let mut fields = fields().with_padding(padding);
        if committed {
            fields = fields.with_full_commitment();
        }
        let column = fields.column("users", "email").unwrap();
        let sealed = if batch {
            column.batch().seal(&value, row).unwrap()
        } else {
            column.seal(&value, row).unwrap()
        };
        let opened = email().open(&sealed, row).unwrap();
        prop_assert_eq!(opened.expose(), &value);
        prop_assert!(column.open(&sealed, row.wrapping_add(1)).is_err());
        let text: Encrypted<Vec<u8>> = sealed.to_text().parse().unwrap();
        prop_assert_eq!(text, sealed);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, suite in 0..4_u8, id: [u8; 8]) {
        let head = [&[1, 0x01 | suite << 6], &id[..]].concat();
        let known = [&[1, 0x01 | suite << 6], &key(1).id().to_bytes()[..]].concat();
        for head in [&[][..], &head, &known] {
            prop_assert!(open(&email(), &[head, &bytes].concat()).is_err());
        }
        prop_assert_eq!(KeyId::from_bytes(id).to_string().parse(), Ok(KeyId::from_bytes(id)));
    }
}
