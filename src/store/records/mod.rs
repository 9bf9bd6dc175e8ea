//! What must not be lost: accounts, password hashes, keys.

mod change;
mod handle;
mod memory;

pub use change::{Action, Change, Collection, Version};
pub use handle::{Record, Records};
pub use memory::MemoryRecords;

use super::StoreFuture;
use std::fmt;

/// The contract of a durable store, for those who implement one: on SQLite, PostgreSQL,
/// DynamoDB.
///
/// Users call [`Records`], which checks every argument against the bounds before it asks the
/// backend. Run
#[cfg_attr(
    feature = "conformance",
    doc = "[`conformance::check_records`](super::conformance::check_records)"
)]
#[cfg_attr(
    not(feature = "conformance"),
    doc = "`store::conformance::check_records`"
)]
/// against yours.
///
/// 1. **Durable.** What [`commit`](Self::commit) has confirmed survives a crash.
/// 2. **Atomic.** A commit happens at one moment, all of its changes or none; what reads
///    sees commits whole. One commit after another: of many whose conditions exclude each
///    other, one succeeds.
/// 3. **Nothing expires**, and nothing is ever evicted. A store at its bound answers
///    [`Full`](super::StoreErrorKind::Full).
/// 4. **Versions are never reused**, also not for an id that was deleted and came back: who
///    read the old record must not overwrite the new one. A counter for the whole store
///    does, or 64 random bits.
/// 5. **Ids are bytes**, also none, and are compared and ordered as such: no collation, no
///    trimming, no Unicode normalization. They are at most
///    [`Key::MAX_ID_LEN`](super::Key::MAX_ID_LEN) long, values at most
///    [`Store::MAX_VALUE_LEN`](super::Store::MAX_VALUE_LEN).
///
/// Futures own what they need, as for a [`StoreBackend`](super::StoreBackend).
pub trait RecordsBackend: fmt::Debug + Send + Sync + 'static {
    /// The record of this id.
    fn get(&self, collection: Collection, id: &[u8]) -> StoreFuture<Option<Record>>;

    /// The first `limit` records of a collection, or of one owner in it, whose ids come after
    /// `after`, in the order of their ids.
    fn list(
        &self,
        collection: Collection,
        owner: Option<&[u8]>,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>>;

    /// Makes all the changes, if every one of them meets what it expects, and tells the
    /// version that the records written now have. Otherwise changes nothing and answers
    /// [`StoreError::conflict`](super::StoreError::conflict). No record is in it twice.
    fn commit(&self, changes: &[Change<'_>]) -> StoreFuture<Version>;
}
