use super::{Action, Change, Collection, MemoryRecords, RecordsBackend, Version};
use crate::store::handle::check_value;
use crate::store::key::check_len;
use crate::store::{StoreError, StoreFuture};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Where lives what must not be lost: accounts, password hashes, second factors, API keys,
/// signing keys. Cheap to clone.
///
/// A record has an id that is unique in its collection, maybe an owner, and a version that
/// changes with every write. A write names the version it read and fails with
/// [`Conflict`](crate::store::StoreErrorKind::Conflict) if another came first. Several writes
/// go into one [`commit`](Self::commit): all of them happen, or none.
///
/// Something that must be unique beside the id, such as the e-mail address of an account, is
/// a record of its own in another collection:
///
/// ```
/// use portcullis::store::{Change, Collection, Records, StoreErrorKind};
///
/// const USERS: Collection = Collection::new("user");
/// const EMAILS: Collection = Collection::new("user-email");
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let records = Records::memory();
/// let register = |id: &'static str, email: &'static str| {
///     records.commit(&[
///         Change::insert_owned(EMAILS, email, id, id.as_bytes()),
///         Change::insert(USERS, id, b"{\"name\": \"Ann\"}"),
///     ])
/// };
/// register("17", "ann@example.com").await?;
///
/// let taken = register("18", "ann@example.com").await.unwrap_err();
/// assert_eq!(taken.kind(), StoreErrorKind::Conflict);
/// assert!(records.get(USERS, "18").await?.is_none(), "all or nothing");
/// # Ok::<(), portcullis::store::StoreError>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Records(Arc<dyn RecordsBackend>);

/// Returns the error of a check as the answer of the operation.
macro_rules! check {
    ($check:expr) => {
        if let Err(error) = $check {
            return error.into();
        }
    };
}

impl Records {
    /// The most records that one call lists.
    pub const MAX_PAGE: usize = 1_000;

    /// Records in this process's memory, for tests and examples: they are lost with it. The
    /// bounds are those of [`MemoryRecords`].
    #[must_use]
    pub fn memory() -> Self {
        Self::new(MemoryRecords::default())
    }

    /// Records in a store of your own.
    #[must_use]
    pub fn new(backend: impl RecordsBackend) -> Self {
        Self(Arc::new(backend))
    }

    /// The record of this id.
    pub fn get<T: AsRef<[u8]> + ?Sized>(
        &self,
        collection: Collection,
        id: &T,
    ) -> StoreFuture<Option<Record>> {
        check!(check_len(id.as_ref()));
        self.0.get(collection, id.as_ref())
    }

    /// The records of a collection in the order of their ids, at most `limit` and at most
    /// [`MAX_PAGE`](Self::MAX_PAGE). The next page begins after the last id of this one.
    pub fn list(
        &self,
        collection: Collection,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>> {
        check!(after.map_or(Ok(()), check_len));
        self.0
            .list(collection, None, after, limit.min(Self::MAX_PAGE))
    }

    /// The records of an owner, by pages as in [`list`](Self::list).
    pub fn list_owned<O: AsRef<[u8]> + ?Sized>(
        &self,
        collection: Collection,
        owner: &O,
        after: Option<&[u8]>,
        limit: usize,
    ) -> StoreFuture<Vec<Record>> {
        let owner = owner.as_ref();
        check!(check_len(owner));
        check!(after.map_or(Ok(()), check_len));
        let limit = limit.min(Self::MAX_PAGE);
        self.0.list(collection, Some(owner), after, limit)
    }

    /// Makes a record that is not there yet.
    pub fn insert<T: AsRef<[u8]> + ?Sized>(
        &self,
        collection: Collection,
        id: &T,
        value: &[u8],
    ) -> StoreFuture<Version> {
        self.commit(&[Change::insert(collection, id, value)])
    }

    /// Makes a record of this owner that is not there yet.
    pub fn insert_owned<T: AsRef<[u8]> + ?Sized, O: AsRef<[u8]> + ?Sized>(
        &self,
        collection: Collection,
        id: &T,
        owner: &O,
        value: &[u8],
    ) -> StoreFuture<Version> {
        self.commit(&[Change::insert_owned(collection, id, owner, value)])
    }

    /// Sets what a record holds that still has this version.
    pub fn update<T: AsRef<[u8]> + ?Sized>(
        &self,
        collection: Collection,
        id: &T,
        expected: Version,
        value: &[u8],
    ) -> StoreFuture<Version> {
        self.commit(&[Change::update(collection, id, expected, value)])
    }

    /// Deletes a record; with a version, only if it still has it.
    pub fn delete<T: AsRef<[u8]> + ?Sized>(
        &self,
        collection: Collection,
        id: &T,
        expected: Option<Version>,
    ) -> StoreFuture<Version> {
        self.commit(&[Change::delete(collection, id, expected)])
    }

    /// Makes up to [`Change::MAX_BATCH`] changes of different records together: all of them,
    /// or none. The records that were written have the version that comes back.
    pub fn commit(&self, changes: &[Change<'_>]) -> StoreFuture<Version> {
        check!(check_commit(changes));
        self.0.commit(changes)
    }
}

fn check_commit(changes: &[Change<'_>]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Err(StoreError::invalid("a commit has at least one change"));
    }
    if changes.len() > Change::MAX_BATCH {
        return Err(StoreError::invalid("a commit has at most 25 changes"));
    }
    let mut rest = changes;
    while let [change, others @ ..] = rest {
        check_change(change)?;
        let same = |other: &Change<'_>| {
            other.collection() == change.collection() && other.id() == change.id()
        };
        if others.iter().any(same) {
            return Err(StoreError::invalid("a record is in the commit twice"));
        }
        rest = others;
    }
    Ok(())
}

fn check_change(change: &Change<'_>) -> Result<(), StoreError> {
    check_len(change.id())?;
    match change.action() {
        Action::Insert { owner, value } => {
            owner.map_or(Ok(()), check_len)?;
            check_value(value)
        }
        Action::Update { value, .. } => check_value(value),
        Action::Delete { .. } | Action::Require { .. } => Ok(()),
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    id: Bytes,
    owner: Option<Bytes>,
    version: Version,
    value: Bytes,
}

impl Record {
    /// For backends: a record with these parts.
    #[must_use]
    pub const fn new(id: Bytes, owner: Option<Bytes>, version: Version, value: Bytes) -> Self {
        Self {
            id,
            owner,
            version,
            value,
        }
    }

    /// Its id, unique in the collection.
    #[must_use]
    pub const fn id(&self) -> &Bytes {
        &self.id
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(&self) -> Option<&Bytes> {
        self.owner.as_ref()
    }

    /// What a write has to name to replace it.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What it holds.
    #[must_use]
    pub const fn value(&self) -> &Bytes {
        &self.value
    }
}

/// Ids, owners and values can be secrets or personal data, so none is shown.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
