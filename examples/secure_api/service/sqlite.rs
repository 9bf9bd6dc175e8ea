//! `Records` on SQLite: one file, durable, for a service of one machine.
//!
//! It writes by one connection, in transactions that take the write lock at their start, and
//! reads by others, which the write-ahead log lets go on meanwhile. Each commit is on the disk
//! before it is confirmed.

use bytes::Bytes;
use portcullis::store::{
    Action, Change, Collection, Record, RecordsBackend, StoreError, StoreErrorKind, StoreFuture,
    Version,
};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// Connections that read.
const READERS: u32 = 4;
/// How long an operation waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// What SQLite answers when the disk, or the bound of the file, is full (`SQLITE_FULL`).
const FULL: &str = "13";

/// Versions come from one counter, so that none is ever used twice.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS records (
    collection TEXT NOT NULL,
    id BLOB NOT NULL,
    owner BLOB,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (collection, id)
) STRICT;
CREATE INDEX IF NOT EXISTS records_of_owner ON records (collection, owner, id)
    WHERE owner IS NOT NULL;
CREATE TABLE IF NOT EXISTS records_version (last INTEGER NOT NULL) STRICT;
INSERT INTO records_version SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM records_version);
";

/// Records in a file. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SqliteRecords {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteRecords {
    /// Opens the file, or makes it. Other tables in it are left alone.
    pub(crate) async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        create(path.as_ref()).map_err(|error| failed(sqlx::Error::Io(error)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(TURN);
        let pool = |connections| {
            let pool = SqlitePoolOptions::new().max_connections(connections);
            pool.acquire_timeout(TURN)
        };
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        // Before the readers, which must find the tables.
        let made = sqlx::raw_sql(SCHEMA).execute(&writer).await;
        made.map_err(failed)?;
        let readers = pool(READERS).connect_with(options.read_only(true));
        let readers = readers.await.map_err(failed)?;
        Ok(Self { writer, readers })
    }
}

/// Makes the file, unless it is there, for nobody else to read: password hashes are in it.
/// SQLite gives the files beside it the same mode.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

impl RecordsBackend for SqliteRecords {
    fn get(&self, collection: Collection, id: &[u8]) -> StoreFuture<Option<Record>> {
        let (pool, id) = (self.readers.clone(), id.to_vec());
        StoreFuture::waiting(async move {
            let select = "SELECT id, owner, version, value FROM records \
                          WHERE collection = ? AND id = ?";
            let select = sqlx::query(select).bind(collection.name()).bind(id);
            let found = select.fetch_optional(&pool).await.map_err(failed)?;
            found.as_ref().map(record).transpose()
        })
    }

    fn list(
        &self,
        collection: Collection,
        owner: Option<&[u8]>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>> {
        let pool = self.readers.clone();
        let (owner, after) = (owner.map(<[u8]>::to_vec), after.map(<[u8]>::to_vec));
        StoreFuture::waiting(async move {
            // Two queries, so that each has its index.
            let select = match owner {
                None => {
                    "SELECT id, owner, version, value FROM records WHERE collection = ?1 \
                     AND (?2 IS NULL OR id > ?2) AND ?3 IS NULL ORDER BY id LIMIT ?4"
                }
                Some(_) => {
                    "SELECT id, owner, version, value FROM records WHERE collection = ?1 \
                     AND (?2 IS NULL OR id > ?2) AND owner = ?3 ORDER BY id LIMIT ?4"
                }
            };
            let select = sqlx::query(select)
                .bind(collection.name())
                .bind(after)
                .bind(owner)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX));
            let found = select.fetch_all(&pool).await.map_err(failed)?;
            found.iter().map(record).collect()
        })
    }

    fn commit(&self, changes: &[Change<'_>]) -> StoreFuture<Version> {
        let pool = self.writer.clone();
        let changes: Vec<_> = changes.iter().map(Owned::of).collect();
        StoreFuture::waiting(async move {
            // Dropped before its end, it is rolled back.
            let begun = pool.begin_with("BEGIN IMMEDIATE").await;
            let mut transaction = begun.map_err(failed)?;
            let next = "UPDATE records_version SET last = last + 1 RETURNING last";
            let version = sqlx::query_scalar(next).fetch_one(&mut *transaction);
            let version: i64 = version.await.map_err(failed)?;
            for (place, change) in changes.into_iter().enumerate() {
                if !change.apply(&mut transaction, version).await? {
                    return Err(StoreError::conflict(place));
                }
            }
            transaction.commit().await.map_err(failed)?;
            Ok(Version::from_number(version.cast_unsigned()))
        })
    }
}

/// A change that owns its parts, for it outlives the call.
struct Owned {
    collection: &'static str,
    id: Vec<u8>,
    action: OwnedAction,
}

enum OwnedAction {
    Insert(Option<Vec<u8>>, Vec<u8>),
    Update(i64, Vec<u8>),
    Delete(Option<i64>),
    Require(i64),
}

impl Owned {
    fn of(change: &Change<'_>) -> Self {
        let number = |version: Version| version.number().cast_signed();
        Self {
            collection: change.collection().name(),
            id: change.id().to_vec(),
            action: match change.action() {
                Action::Insert { owner, value } => {
                    OwnedAction::Insert(owner.map(<[u8]>::to_vec), value.to_vec())
                }
                Action::Update { expected, value } => {
                    OwnedAction::Update(number(expected), value.to_vec())
                }
                Action::Delete { expected } => OwnedAction::Delete(expected.map(number)),
                Action::Require { expected } => OwnedAction::Require(number(expected)),
            },
        }
    }

    /// Whether the record was as the change expects it.
    async fn apply(
        self,
        transaction: &mut Transaction<'_, Sqlite>,
        version: i64,
    ) -> Result<bool, StoreError> {
        let Self {
            collection,
            id,
            action,
        } = self;
        let is_any_good = matches!(action, OwnedAction::Delete(None));
        let query = match action {
            OwnedAction::Insert(owner, value) => sqlx::query(
                "INSERT INTO records (collection, id, owner, version, value) \
                 VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(collection)
            .bind(id)
            .bind(owner)
            .bind(version)
            .bind(value),
            OwnedAction::Update(expected, value) => sqlx::query(
                "UPDATE records SET version = ?, value = ? \
                 WHERE collection = ? AND id = ? AND version = ?",
            )
            .bind(version)
            .bind(value)
            .bind(collection)
            .bind(id)
            .bind(expected),
            OwnedAction::Delete(expected) => sqlx::query(
                "DELETE FROM records WHERE collection = ?1 AND id = ?2 \
                 AND (?3 IS NULL OR version = ?3)",
            )
            .bind(collection)
            .bind(id)
            .bind(expected),
            // Changes nothing, and says whether there is such a row.
            OwnedAction::Require(expected) => sqlx::query(
                "UPDATE records SET version = version \
                 WHERE collection = ? AND id = ? AND version = ?",
            )
            .bind(collection)
            .bind(id)
            .bind(expected),
        };
        let done = query.execute(&mut **transaction).await.map_err(failed)?;
        Ok(is_any_good || done.rows_affected() == 1)
    }
}

fn record(row: &SqliteRow) -> Result<Record, StoreError> {
    let read = || {
        let id: Vec<u8> = row.try_get(0)?;
        let owner: Option<Vec<u8>> = row.try_get(1)?;
        let version: i64 = row.try_get(2)?;
        let value: Vec<u8> = row.try_get(3)?;
        let version = Version::from_number(version.cast_unsigned());
        Ok(Record::new(
            Bytes::from(id),
            owner.map(Bytes::from),
            version,
            Bytes::from(value),
        ))
    };
    read().map_err(|error: sqlx::Error| {
        StoreError::new(StoreErrorKind::Corrupt, "a row is not a record").with_source(error)
    })
}

fn failed(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(DatabaseError::code);
    let (kind, message) = match &error {
        sqlx::Error::PoolTimedOut => (StoreErrorKind::Timeout, "no connection became free"),
        _ if code.as_deref() == Some(FULL) => (StoreErrorKind::Full, "the disk is full"),
        _ => (StoreErrorKind::Unavailable, "the database failed"),
    };
    StoreError::new(kind, message).with_source(error)
}
