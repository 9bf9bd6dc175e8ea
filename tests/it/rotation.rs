//! A key is retired while the service writes, the process is killed, and the table holds what
//! it should not.

use portcullis::crypto::Reason;
use portcullis::crypto::field::{Encrypted, FieldCipher, FieldColumn, Padding};
use portcullis::crypto::keyring::{Key, KeyId, Keyring, LiveKeyring};
use portcullis::crypto::rotation::{
    ColumnReport, EncryptedColumn, MemoryTable, NotRetirable, Registry, RegistryError, Replacement,
    Rotation, RotationError, RowKey, StoredRow, Table,
};
use portcullis::store::{Collection, Records};
use std::io;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};

mod current;
mod files;
mod killed;
mod namespaces;
mod raced;
mod secrets;

const CHECKPOINTS: Collection = Collection::new("rotation-checkpoint");

/// A table of e-mail addresses, sealed with an old key that is not the primary one any more.
struct Scene {
    keys: LiveKeyring,
    email: FieldColumn,
    registry: Registry,
    table: MemoryTable,
    old: KeyId,
    new: KeyId,
}

impl Scene {
    fn with_rows(rows: i64) -> Self {
        let keys = LiveKeyring::new(Keyring::generate());
        let email = column(&keys, Padding::None);
        let table = MemoryTable::new();
        let old = keys.current().primary().id();
        for row in 1..=rows {
            let sealed = email.seal(&address(row), row).unwrap().into_bytes();
            put(&table, row, Some(sealed));
        }
        let new = promote_another(&keys);
        let registry = Registry::new([EncryptedColumn::new(email.clone())]).unwrap();
        Self {
            keys,
            email,
            registry,
            table,
            old,
            new,
        }
    }

    fn rotation(&self) -> Rotation<'_, MemoryTable> {
        Rotation::new(&self.registry, &self.table)
    }

    fn read(&self, row: i64) -> Result<String, Reason> {
        let sealed = Encrypted::<String>::from_stored(get(&self.table, row).unwrap()).unwrap();
        let opened = self.email.open(&sealed, row);
        opened
            .map(|plain| plain.expose().clone())
            .map_err(|refused| refused.reason())
    }

    fn key_of(&self, row: i64) -> Option<KeyId> {
        Encrypted::<String>::from_stored(get(&self.table, row)?)
            .ok()?
            .key_id()
    }
}

fn column(keys: &LiveKeyring, padding: Padding) -> FieldColumn {
    let fields = FieldCipher::new(keys.clone(), "shop").with_padding(padding);
    fields.column("users", "email").unwrap()
}

fn promote_another(keys: &LiveKeyring) -> KeyId {
    let key = Key::generate();
    let id = key.id();
    let ring = keys
        .current()
        .with_key(key)
        .and_then(|ring| ring.promote(id));
    keys.replace(ring.unwrap());
    id
}

fn address(row: i64) -> String {
    format!("user{row}@example.com")
}

fn put(table: &MemoryTable, row: i64, value: Option<Vec<u8>>) {
    table.put("users", "email", RowKey::Integer(row), value);
}

fn get(table: &MemoryTable, row: i64) -> Option<Vec<u8>> {
    table.get("users", "email", &RowKey::Integer(row))
}

#[tokio::test]
async fn everything_is_sealed_with_the_new_key() {
    let scene = Scene::with_rows(1_234);
    put(&scene.table, 2_000, None);
    let current = scene.email.seal("new@example.com", 2_001).unwrap();
    put(&scene.table, 2_001, Some(current.into_bytes()));
    let report = scene.rotation().page_rows(100).rewrap().await.unwrap();
    let counts = report.totals();
    assert_eq!((counts.rows, counts.resealed), (1_236, 1_234));
    assert_eq!((counts.null, counts.current, counts.sealed), (1, 1, 0));
    assert!(report.is_clean());

    scene
        .keys
        .replace(scene.keys.current().destroy(scene.old).unwrap());
    for row in 1..=1_234 {
        assert_eq!(scene.read(row), Ok(address(row)), "{row}");
        assert_eq!(scene.key_of(row), Some(scene.new));
    }
    assert_eq!(get(&scene.table, 2_000), None);
    let again = scene.rotation().rewrap().await.unwrap().totals();
    assert_eq!((again.resealed, again.current), (0, 1_235));
}

#[tokio::test]
async fn what_was_text_stays_text_and_what_was_padded_stays_padded() {
    let scene = Scene::with_rows(1);
    let padded = column(&scene.keys, Padding::Block(64));
    let scene = Scene {
        registry: Registry::new([EncryptedColumn::new(padded.clone())]).unwrap(),
        email: padded,
        ..scene
    };
    let old = LiveKeyring::new(scene.keys.current().promote(scene.old).unwrap());
    let text = column(&old, Padding::Block(64))
        .seal("text@example.com", 2)
        .unwrap();
    put(&scene.table, 2, Some(text.to_text().into_bytes()));
    scene.rotation().rewrap().await.unwrap();
    assert_eq!(scene.read(1), Ok(address(1)), "not padded before");
    let stored = get(&scene.table, 2).unwrap();
    assert!(stored.starts_with(b"pc1."));
    assert_eq!(scene.read(2).unwrap(), "text@example.com");
    assert_eq!(get(&scene.table, 1).unwrap().len(), 50 + 64);
    assert_eq!(
        (scene.key_of(1), scene.key_of(2)),
        (Some(scene.new), Some(scene.new))
    );
}

#[tokio::test]
async fn every_kind_of_row_key_is_bound() {
    let keys = LiveKeyring::new(Keyring::generate());
    let email = column(&keys, Padding::None);
    let registry = Registry::new([EncryptedColumn::new(email.clone())]).unwrap();
    for key in [
        RowKey::Integer(-7),
        RowKey::Uuid([7; 16]),
        RowKey::Text("ann".to_owned()),
    ] {
        let table = MemoryTable::new();
        let sealed = email.seal("ann@example.com", key.row_id()).unwrap();
        table.put("users", "email", key.clone(), Some(sealed.into_bytes()));
        promote_another(&keys);
        let report = Rotation::new(&registry, &table).rewrap().await.unwrap();
        assert_eq!(report.totals().resealed, 1, "{key:?}");
        let stored = table.get("users", "email", &key).unwrap();
        let sealed = Encrypted::<String>::from_bytes(stored);
        assert!(email.open(&sealed, key.row_id()).is_ok(), "{key:?}");
    }
}

#[tokio::test]
async fn a_dry_run_and_a_verification_write_nothing() {
    let scene = Scene::with_rows(10);
    let before: Vec<_> = (1..=10).map(|row| get(&scene.table, row)).collect();
    let dry = scene.rotation().dry_run().await.unwrap();
    let verified = scene.rotation().verify().await.unwrap();
    assert_eq!(
        (dry.totals().resealed, verified.totals().resealed),
        (10, 10)
    );
    assert!((1..=10).all(|row| get(&scene.table, row) == before[row as usize - 1]));
}

#[tokio::test]
async fn what_cannot_be_opened_is_reported_and_left() {
    let scene = Scene::with_rows(3);
    let stranger = LiveKeyring::new(Keyring::generate());
    let unknown = column(&stranger, Padding::None)
        .seal("x@example.com", 4)
        .unwrap();
    let foreign = stranger.current().primary().id();
    let disabled = Key::generate();
    let off = disabled.id();
    let ring = scene.keys.current().with_key(disabled).unwrap();
    let live = LiveKeyring::new(ring.promote(off).unwrap());
    let unusable = column(&live, Padding::None)
        .seal("x@example.com", 5)
        .unwrap();
    scene.keys.replace(ring.disable(off).unwrap());
    let mut changed = get(&scene.table, 3).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    let rows = [
        (1, b"plain@example.com".to_vec(), None, Reason::Plaintext),
        (2, vec![1, 1, 2], None, Reason::Malformed),
        (3, changed, Some(scene.old), Reason::NotAuthentic),
        (4, unknown.into_bytes(), Some(foreign), Reason::UnknownKey),
        (5, unusable.into_bytes(), Some(off), Reason::DisabledKey),
        (6, b"pc1.***".to_vec(), None, Reason::Malformed),
        (
            7,
            get(&scene.table, 2).unwrap(),
            Some(scene.old),
            Reason::NotAuthentic,
        ),
    ];
    for (row, value, ..) in &rows {
        put(&scene.table, *row, Some(value.clone()));
    }
    let report = scene.rotation().rewrap().await.unwrap();
    assert!(!report.is_clean());
    let [column] = report.columns() else { panic!() };
    assert_eq!((column.counts.problems, column.counts.resealed), (7, 0));
    assert_eq!(column.problems.len(), 7);
    for ((row, value, key, reason), problem) in rows.iter().zip(&column.problems) {
        assert_eq!(problem.row, RowKey::Integer(*row));
        assert_eq!((problem.key, problem.reason), (*key, *reason), "{row}");
        assert_eq!(get(&scene.table, *row).as_ref(), Some(value), "{row}");
    }
    let census = scene.rotation().census().await.unwrap();
    let not_ready = census.check_ready(&scene.keys.current()).unwrap_err();
    assert_eq!(
        not_ready
            .keys()
            .keys()
            .copied()
            .collect::<std::collections::BTreeSet<_>>(),
        [foreign, off].into()
    );
    assert!(
        not_ready
            .to_string()
            .contains(&format!("{foreign} (1 values)"))
    );
}

#[tokio::test]
async fn many_problems_are_counted_and_some_are_listed() {
    let scene = Scene::with_rows(0);
    for row in 0..300 {
        put(&scene.table, row, Some(b"plain".to_vec()));
    }
    let report = scene.rotation().page_rows(7).rewrap().await.unwrap();
    let [column] = report.columns() else { panic!() };
    assert_eq!(column.counts.problems, 300);
    assert_eq!(column.problems.len(), ColumnReport::MAX_PROBLEMS);
}

#[tokio::test]
async fn plaintext_is_sealed_where_that_is_asked_for() {
    let keys = LiveKeyring::new(Keyring::generate());
    let fields = FieldCipher::new(keys.clone(), "shop");
    let (email, age) = (
        fields.column("users", "email").unwrap(),
        fields.column("users", "age").unwrap(),
    );
    let registry = Registry::new([
        EncryptedColumn::new(email.clone()).sealing_plaintext_as::<String>(),
        EncryptedColumn::new(age.clone()).sealing_plaintext_as::<i64>(),
    ])
    .unwrap();
    let table = MemoryTable::new();
    let row = |row| RowKey::Integer(row);
    table.put("users", "email", row(1), Some(b"ann@example.com".to_vec()));
    table.put("users", "age", row(1), Some(b"42".to_vec()));
    table.put("users", "age", row(2), Some(b"unknown".to_vec()));
    let report = Rotation::new(&registry, &table).rewrap().await.unwrap();
    assert_eq!((report.totals().sealed, report.totals().problems), (2, 1));
    assert_eq!(report.columns()[1].problems[0].reason, Reason::Unreadable);
    let stored = |column| table.get("users", column, &row(1)).unwrap();
    let sealed = Encrypted::<String>::from_bytes(stored("email"));
    assert_eq!(email.open(&sealed, 1).unwrap().expose(), "ann@example.com");
    let sealed = Encrypted::<i64>::from_bytes(stored("age"));
    assert_eq!(*age.open(&sealed, 1).unwrap().expose(), 42);
}

/// A table that gives what it should not.
struct Wrong(fn(Option<&RowKey>, usize) -> Vec<i64>, usize);

impl Table for Wrong {
    type Error = std::convert::Infallible;

    async fn page(
        &self,
        _column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Self::Error> {
        let row = |row| StoredRow::new(RowKey::Integer(row), Some(b"plain".to_vec()));
        Ok((self.0)(after, limit).into_iter().map(row).collect())
    }

    async fn replace(
        &self,
        _column: &EncryptedColumn,
        _changes: &[Replacement],
    ) -> Result<Vec<bool>, Self::Error> {
        Ok(vec![true; self.1])
    }
}

#[tokio::test]
async fn a_table_that_is_wrong_is_no_endless_loop() {
    let scene = Scene::with_rows(0);
    let column = EncryptedColumn::new(scene.email).sealing_plaintext_as::<String>();
    let registry = Registry::new([column]).unwrap();
    let cases: [(&str, fn(Option<&RowKey>, usize) -> Vec<i64>); 4] = [
        ("the same page again", |_, _| vec![1, 2]),
        ("falling", |_, _| vec![2, 1]),
        ("twice", |_, _| vec![1, 1]),
        ("too many", |_, limit| (0..=limit as i64).collect()),
    ];
    for (name, page) in cases {
        let error = Rotation::new(&registry, &Wrong(page, 2))
            .rewrap()
            .await
            .unwrap_err();
        assert!(matches!(error, RotationError::PageOrder), "{name}");
    }
    let once = |after: Option<&RowKey>, _| if after.is_none() { vec![1, 2] } else { vec![] };
    for answers in [0, 1, 3] {
        let error = Rotation::new(&registry, &Wrong(once, answers))
            .rewrap()
            .await
            .unwrap_err();
        assert!(
            matches!(error, RotationError::Answers { changes: 2, .. }),
            "{answers}"
        );
    }
}

#[tokio::test]
async fn a_census_says_when_a_key_can_go() {
    let scene = Scene::with_rows(5);
    let ring = scene.keys.current();
    let census = async || scene.rotation().page_rows(2).census().await.unwrap();
    let before = census().await;
    assert_eq!(before.keys(), [(scene.old, 5)].into());
    assert_eq!(
        before.check_retirable(scene.old, &ring),
        Err(NotRetirable::InUse {
            key: scene.old,
            values: 5
        })
    );
    assert_eq!(
        before.check_retirable(scene.new, &ring),
        Err(NotRetirable::Primary(scene.new))
    );
    assert_eq!(before.check_ready(&ring), Ok(()));
    let without = Keyring::new(Key::generate());
    assert!(before.check_ready(&without).is_err());
    assert!(
        before
            .check_ready(&ring.disable(scene.old).unwrap())
            .is_err()
    );

    scene.rotation().rewrap().await.unwrap();
    let after = census().await;
    assert_eq!(after.keys(), [(scene.new, 5)].into());
    assert_eq!(after.check_retirable(scene.old, &ring), Ok(()));
    put(&scene.table, 9, Some(vec![1, 2, 3]));
    put(&scene.table, 10, Some(b"plain".to_vec()));
    put(&scene.table, 11, None);
    let census = census().await;
    assert_eq!(
        census.check_retirable(scene.old, &ring),
        Err(NotRetirable::Malformed(1))
    );
    let [column] = census.columns() else { panic!() };
    assert_eq!((column.malformed, column.plaintext, column.null), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn it_is_no_faster_than_it_may() {
    let scene = Scene::with_rows(1_000);
    let start = tokio::time::Instant::now();
    let rate = NonZeroU32::new(100).unwrap();
    let rotation = scene.rotation().page_rows(50).rows_per_second(rate);
    rotation.rewrap().await.unwrap();
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(10), "{took:?}");
    assert!(took < Duration::from_secs(11), "{took:?}");
}

#[tokio::test]
async fn progress_is_told_after_each_page() {
    let scene = Scene::with_rows(25);
    let told = std::sync::Mutex::new(Vec::new());
    let rotation = scene.rotation().page_rows(10).on_progress(|progress| {
        told.lock()
            .unwrap()
            .push((progress.table.to_owned(), progress.counts.rows));
    });
    rotation.rewrap().await.unwrap();
    drop(rotation);
    let rows: Vec<_> = told
        .into_inner()
        .unwrap()
        .into_iter()
        .map(|(_, rows)| rows)
        .collect();
    assert_eq!(rows, [10, 20, 25]);
}

#[test]
fn a_registry_lists_each_column_once() {
    let fields = FieldCipher::new(Keyring::generate(), "shop");
    let column = |table, name| EncryptedColumn::new(fields.column(table, name).unwrap());
    assert!(Registry::new([column("a", "x"), column("a", "y"), column("b", "x")]).is_ok());
    let twice = Registry::new([column("a", "x"), column("b", "x"), column("a", "x")]);
    let (table, column) = ("a".to_owned(), "x".to_owned());
    assert_eq!(
        twice.unwrap_err(),
        RegistryError::Duplicate { table, column }
    );
    assert_eq!(Registry::new([]).unwrap_err(), RegistryError::Empty);
}

#[tokio::test]
async fn nothing_shows_a_value_or_a_key() {
    let canary = "canary@example.com";
    let scene = Scene::with_rows(1);
    let sealed = scene.email.seal(canary, 2).unwrap();
    put(&scene.table, 2, Some(canary.into()));
    let row = StoredRow::new(RowKey::Integer(2), Some(canary.into()));
    let rotation = scene.rotation();
    let report = rotation.rewrap().await.unwrap();
    let census = rotation.census().await.unwrap();
    let shown = format!(
        "{:?} {:?} {row:?} {rotation:?} {report:?} {census:?} {sealed:?} {:?}",
        scene.table,
        scene.registry,
        census.check_ready(&Keyring::generate()),
    );
    assert!(report.columns()[0].counts.problems == 1);
    let ring = scene.keys.current().to_text();
    let keys = ring
        .expose()
        .lines()
        .map(|line| line.rsplit('.').next().unwrap());
    for secret in keys.chain([canary]) {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
