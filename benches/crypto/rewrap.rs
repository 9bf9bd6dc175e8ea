//! Values of 32 bytes, opened with an old key and sealed with the new one, as a rotation does:
//! by the page, from a table in memory, whose copying of rows is measured beside.
//!
//! Values that an import or an earlier rotation sealed have the first half of the nonce in
//! common, and so the cipher; those that a service sealed singly have a cipher each.
//!
//! Bar: 3 million values a second of one core, the table not counted. The peer opens and seals
//! each value by the crate `xaes-256-gcm`, with nonces from the same generator as ours. What no
//! rotation can be faster than stands beside: `ring` alone, which expands the key of each value
//! that was sealed singly, opens the value and seals it again, in place and for no row.

use crate::common::Race;
use portcullis::crypto::Refused;
use portcullis::crypto::field::{Encrypted, FieldCipher};
use portcullis::crypto::keyring::{Key, Keyring, LiveKeyring};
use portcullis::crypto::rotation::{
    EncryptedColumn, Registry, Replacement, Rotation, RowKey, StoredRow, Table,
};
use portcullis::random::Random;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::convert::Infallible;
use std::hint::black_box;
use xaes_256_gcm::Xaes256Gcm;
use xaes_256_gcm::aead::{Aead, KeyInit, Payload};

const VALUE: &[u8; 32] = b"ann.example@mail.example.com 123";
const ROWS: i64 = 1_000;

/// Gives the same rows again for each rotation, and forgets what is written.
struct Rows(Vec<StoredRow>);

impl Table for Rows {
    type Error = Infallible;

    async fn page(
        &self,
        _column: &EncryptedColumn,
        after: Option<&RowKey>,
        _limit: usize,
    ) -> Result<Vec<StoredRow>, Infallible> {
        let is_first = after.is_none();
        Ok(if is_first { self.0.clone() } else { Vec::new() })
    }

    async fn replace(
        &self,
        _column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, Infallible> {
        Ok(vec![true; changes.len()])
    }
}

pub(crate) fn run() {
    let keys = LiveKeyring::new(Keyring::generate());
    let fields = FieldCipher::new(keys.clone(), "shop");
    let column = fields.column("users", "email").expect("good names");
    let row = |id, sealed: Result<Encrypted<Vec<u8>>, Refused>| {
        let sealed = sealed.expect("it is short").into_bytes();
        StoredRow::new(RowKey::Integer(id), Some(sealed))
    };
    let mut batch = column.batch();
    let singly = Rows(
        (1..=ROWS)
            .map(|id| row(id, column.seal(&VALUE[..], id)))
            .collect(),
    );
    let at_once = Rows(
        (1..=ROWS)
            .map(|id| row(id, batch.seal(&VALUE[..], id)))
            .collect(),
    );
    let key = Key::generate();
    let id = key.id();
    let promoted = keys
        .current()
        .with_key(key)
        .and_then(|ring| ring.promote(id));
    keys.replace(promoted.expect("the key is new"));
    let registry = Registry::new([EncryptedColumn::new(column)]).expect("one column");
    let page = ROWS.unsigned_abs() as usize;
    let rewrap = async |rows: &Rows| {
        let rotation = Rotation::new(&registry, rows).page_rows(page);
        let report = rotation.rewrap().await.expect("it does not fail");
        assert_eq!(report.totals().resealed, ROWS.unsigned_abs());
    };

    let random = Random::secure();
    let xaes = || Xaes256Gcm::new(&random.bytes::<32>().into());
    let (old, new) = (xaes(), xaes());
    let aad = [7; 53];
    let seal = |cipher: &Xaes256Gcm, msg: &[u8]| {
        let nonce = random.bytes::<24>();
        let sealed = cipher.encrypt(&nonce.into(), Payload { msg, aad: &aad });
        (nonce, sealed.expect("it is short"))
    };
    let sealed: Vec<_> = (0..ROWS).map(|_| seal(&old, VALUE)).collect();

    let bare_secret = random.bytes::<32>();
    let (old_key, new_key) = (bare_key(&bare_secret), bare_key(&random.bytes()));
    let nonce = || Nonce::assume_unique_for_key([9; 12]);
    let mut first = *VALUE;
    let tag = old_key.seal_in_place_separate_tag(nonce(), Aad::from(aad), &mut first);
    let tag = tag.expect("it is short");
    let bare = |key: &dyn Fn() -> Option<LessSafeKey>| {
        (0..ROWS).all(|_| {
            let (own, mut data) = (key(), black_box(first));
            let aad = Aad::from(black_box(aad));
            let key = own.as_ref().unwrap_or(&old_key);
            let opened = key.open_in_place_separate_tag(nonce(), aad, tag, &mut data, 0..);
            let is_open = opened.is_ok();
            let sealed = new_key.seal_in_place_separate_tag(nonce(), aad, &mut data);
            is_open && black_box(sealed).is_ok()
        })
    };
    let times = Race::new("rewrap-1000")
        .asynchronous("singly", async || rewrap(&singly).await)
        .asynchronous("at-once", async || rewrap(&at_once).await)
        .operation("table", || black_box(&singly).0.clone())
        .operation("xaes-256-gcm", || {
            let again = |(nonce, msg): &([u8; 24], Vec<u8>)| {
                let payload = Payload { msg, aad: &aad };
                let plain = old.decrypt(&(*nonce).into(), payload).expect("as sealed");
                seal(&new, &plain)
            };
            black_box(&sealed).iter().map(again).collect::<Vec<_>>()
        })
        .operation("bare-singly", || bare(&|| Some(bare_key(&bare_secret))))
        .operation("bare-at-once", || bare(&|| None))
        .run();
    times.ratio("rewrap", "at-once", "xaes-256-gcm");
    times.ratio("rewrap-singly", "singly", "xaes-256-gcm");
    times.ratio("rewrap-floor", "at-once", "bare-at-once");
    times.ratio("rewrap-singly-floor", "singly", "bare-singly");
    let rate = |name, nanos: f64| {
        let millions = ROWS as f64 / nanos * 1e3;
        println!("rate {name} rows/core-second {millions:.2} M");
    };
    let table = times.nanos("table");
    rate("rewrap", times.nanos("at-once") - table);
    rate("rewrap-singly", times.nanos("singly") - table);
    rate("rewrap-floor", times.nanos("bare-at-once"));
    rate("rewrap-singly-floor", times.nanos("bare-singly"));
}

fn bare_key(secret: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, black_box(secret));
    LessSafeKey::new(key.expect("32 bytes"))
}
