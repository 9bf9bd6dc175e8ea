//! A field of 32 bytes, sealed and opened whole: header, associated data and a new `Vec`.
//!
//! Peers: `ring` with a nonce of the operating system for each value, as its users do; the
//! crate `xaes-256-gcm`, with a nonce from the same generator as ours. The floor is bare `ring`:
//! a prepared key, one nonce for all, in place.
//!
//! Bars: in a batch 0.30 of `ring` with its nonces and 1.35 of the floor; one by one 0.80 of
//! `xaes-256-gcm`.

use crate::common::Race;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::field::{FieldCipher, FieldColumn};
use portcullis::crypto::keyring::Keyring;
use portcullis::random::Random;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::hint::black_box;
use xaes_256_gcm::Xaes256Gcm;
use xaes_256_gcm::aead::{Aead, KeyInit, Payload};

const VALUE: [u8; 32] = *b"ann.example@mail.example.com 123";
const ROW: i64 = 42;
/// As long as ours, with a row of the same kind.
const ASSOCIATED: [u8; 53] = [7; 53];
const NONCE: [u8; 12] = [9; 12];

pub(crate) fn run() {
    seal();
    open();
    backends();
}

fn column(backend: Backend) -> FieldColumn {
    let fields = FieldCipher::new(Keyring::generate(), "shop").with_backend(backend);
    fields.column("users", "email").expect("the names are fine")
}

fn ring_key() -> LessSafeKey {
    let key = Random::secure().bytes::<32>();
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"))
}

fn xaes() -> Xaes256Gcm {
    Xaes256Gcm::new(&Random::secure().bytes::<32>().into())
}

fn bare_seal(key: &LessSafeKey, data: &mut [u8]) -> Tag {
    let nonce = Nonce::assume_unique_for_key(NONCE);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(black_box(ASSOCIATED)), data);
    tag.expect("32 bytes are not too many")
}

fn seal() {
    let column = column(Backend::Ring);
    let mut batch = column.batch();
    let (ring, system, xaes, random) = (ring_key(), SystemRandom::new(), xaes(), Random::secure());
    let mut data = VALUE;
    let times = Race::new("field-seal")
        .operation("bare-ring", || bare_seal(&ring, black_box(&mut data)))
        .operation("batch", || {
            batch.seal(black_box(&VALUE[..]), black_box(ROW))
        })
        .operation("one", || column.seal(black_box(&VALUE[..]), black_box(ROW)))
        .operation("ring-os-nonce", || {
            let mut nonce = NONCE;
            system.fill(&mut nonce).expect("there is randomness");
            let mut sealed = Vec::with_capacity(12 + 32 + 16);
            sealed.extend_from_slice(&nonce);
            sealed.extend_from_slice(black_box(&VALUE));
            let aad = Aad::from(black_box(ASSOCIATED));
            let data = sealed.get_mut(12..).unwrap_or_default();
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = ring.seal_in_place_separate_tag(nonce, aad, data);
            sealed.extend_from_slice(tag.expect("32 bytes are not too many").as_ref());
            sealed
        })
        .operation("xaes-256-gcm", || {
            let nonce = random.bytes::<24>();
            let (msg, aad) = (black_box(&VALUE[..]), black_box(&ASSOCIATED[..]));
            xaes.encrypt(&nonce.into(), Payload { msg, aad })
        })
        .run();
    times.ratio("field-seal-batch", "batch", "ring-os-nonce");
    times.ratio("field-seal-batch-floor", "batch", "bare-ring");
    times.ratio("field-seal-one", "one", "xaes-256-gcm");
    times.ratio("field-seal-one-os", "one", "ring-os-nonce");
}

fn open() {
    let column = column(Backend::Ring);
    let value = column.seal(&VALUE[..], ROW).expect("it is short");
    let (ring, xaes, nonce) = (ring_key(), xaes(), [5; 24]);
    let mut sealed = VALUE;
    let tag = bare_seal(&ring, &mut sealed);
    let (msg, aad) = (&VALUE[..], &ASSOCIATED[..]);
    let by_xaes = xaes.encrypt(&nonce.into(), Payload { msg, aad });
    let by_xaes = by_xaes.expect("it is short");
    let times = Race::new("field-open")
        .operation("bare-ring", || {
            let mut data = black_box(sealed);
            let nonce = Nonce::assume_unique_for_key(NONCE);
            let aad = Aad::from(black_box(ASSOCIATED));
            let opened = ring.open_in_place_separate_tag(nonce, aad, tag, &mut data, 0..);
            opened.expect("it is what was sealed").len()
        })
        .operation("one", || {
            column
                .open(black_box(&value), black_box(ROW))
                .expect("it is what was sealed")
        })
        .operation("xaes-256-gcm", || {
            let (msg, aad) = (black_box(&by_xaes[..]), black_box(&ASSOCIATED[..]));
            xaes.decrypt(&nonce.into(), Payload { msg, aad })
        })
        .run();
    times.ratio("field-open-one", "one", "xaes-256-gcm");
    times.ratio("field-open-one-floor", "one", "bare-ring");
}

/// The same by each library, in batches and one by one.
fn backends() {
    for backend in Backend::ALL {
        let title: &'static str = format!("field-{backend:?}").to_lowercase().leak();
        let column = column(*backend);
        let mut batch = column.batch();
        let value = column.seal(&VALUE[..], ROW).expect("it is short");
        Race::new(title)
            .operation("seal-batch", || batch.seal(black_box(&VALUE[..]), ROW))
            .operation("seal-one", || column.seal(black_box(&VALUE[..]), ROW))
            .operation("open-one", || column.open(black_box(&value), ROW))
            .run();
    }
}
