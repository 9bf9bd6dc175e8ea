//! Records in memory and on SQLite: the conformance suite, and their bounds.

use crate::secure_api::service::sqlite;
use portcullis::store::{Change, Collection, MemoryRecords, Records, StoreErrorKind};

const USERS: Collection = Collection::new("user");

#[cfg(feature = "conformance")]
mod conformance {
    use super::sqlite::SqliteRecords;
    use super::*;
    use portcullis::store::conformance::{RecordsHarness, Task, Tasks, check_records};

    #[derive(Debug)]
    struct Memory;

    impl Tasks for Memory {
        fn run(&self, tasks: Vec<Task>) -> Task {
            crate::support::run_together(tasks)
        }
    }

    impl RecordsHarness for Memory {
        async fn fresh(&self) -> Records {
            Records::memory()
        }

        fn bounded(&self, bytes: usize) -> Option<Records> {
            Some(Records::new(MemoryRecords::with_max_bytes(bytes)))
        }
    }

    /// The records of the example service, in files.
    #[derive(Debug)]
    struct Sqlite(tempfile::TempDir, std::sync::atomic::AtomicUsize);

    impl Tasks for Sqlite {
        fn run(&self, tasks: Vec<Task>) -> Task {
            crate::support::run_together(tasks)
        }

        /// Each round waits for the disk.
        fn rounds(&self) -> usize {
            20
        }
    }

    impl RecordsHarness for Sqlite {
        async fn fresh(&self) -> Records {
            let number = self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let file = self.0.path().join(number.to_string());
            Records::new(SqliteRecords::open(file).await.unwrap())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn records_on_sqlite_keep_the_contract() {
        let harness = Sqlite(tempfile::tempdir().unwrap(), Default::default());
        let report = check_records(&harness).await.unwrap();
        assert_eq!(report.skipped(), ["records::full_records_refuse_and_keep"]);
        assert_eq!(report.passed().len(), 12);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn records_in_memory_keep_the_contract() {
        let report = check_records(&Memory).await.unwrap();
        assert!(report.skipped().is_empty());
        assert_eq!(report.passed().len(), 13);
    }
}

#[tokio::test]
async fn commits_that_make_no_sense_are_refused() {
    let records = Records::memory();
    let ids: Vec<_> = (0u8..26).map(|id| [id]).collect();
    let many: Vec<_> = ids
        .iter()
        .map(|id| Change::insert(USERS, id, b""))
        .collect();
    let (one, long, large) = (Change::insert(USERS, "1", b""), [0; 513], vec![0; 65_537]);
    for (name, changes, kind) in [
        ("none", &[][..], StoreErrorKind::Invalid),
        (
            "twice",
            &[one, Change::delete(USERS, "1", None)],
            StoreErrorKind::Invalid,
        ),
        ("too many", &many, StoreErrorKind::Invalid),
        (
            "long id",
            &[Change::delete(USERS, &long, None)],
            StoreErrorKind::TooLarge,
        ),
        (
            "long owner",
            &[Change::insert_owned(USERS, "1", &long, b"")],
            StoreErrorKind::TooLarge,
        ),
        (
            "large value",
            &[Change::insert(USERS, "1", &large)],
            StoreErrorKind::TooLarge,
        ),
    ] {
        let error = records.commit(changes).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
    assert!(records.list(USERS, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_deleted_gives_its_memory_back() {
    let memory = MemoryRecords::default();
    let records = Records::new(memory.clone());
    let version = records
        .insert_owned(USERS, "1", "ann", b"value")
        .await
        .unwrap();
    let held = memory.bytes();
    let version = records
        .update(USERS, "1", version, b"a longer value")
        .await
        .unwrap();
    assert_eq!(memory.bytes(), held + 9);
    records.delete(USERS, "1", Some(version)).await.unwrap();
    assert_eq!(memory.bytes(), 0);
}

#[tokio::test]
async fn records_on_sqlite_survive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let opened = sqlite::SqliteRecords::open(folder.path().join("file.db")).await;
        Records::new(opened.unwrap())
    };
    let records = open().await;
    let version = records
        .insert_owned(USERS, "1", "ann", b"value")
        .await
        .unwrap();
    drop(records);
    let records = open().await;
    let found = records.get(USERS, "1").await.unwrap().unwrap();
    assert_eq!(found.version(), version);
    let late = records.insert(USERS, "1", b"").await.unwrap_err();
    assert_eq!(late.kind(), StoreErrorKind::Conflict);
    records.delete(USERS, "1", Some(version)).await.unwrap();
    let again = records.insert(USERS, "1", b"").await.unwrap();
    assert_ne!(again, version);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.db");
    std::fs::write(&file, "x".repeat(5_000)).unwrap();
    let error = sqlite::SqliteRecords::open(file).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let error = sqlite::SqliteRecords::open("/nonexistent/file.db")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}
