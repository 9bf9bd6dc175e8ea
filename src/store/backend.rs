use super::{
    Charge, Count, Decision, Key, OwnedEntry, OwnedPut, Owner, OwnerLimit, StoreFuture, Swap,
};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// The contract of a store, for those who implement one: on Redis, SQL, DynamoDB.
///
/// Users call the operations on a [`Store`](super::Store), which checks every argument
/// against the bounds below before it asks the backend. Run
#[cfg_attr(
    feature = "conformance",
    doc = "[`conformance::check_store`](super::conformance::check_store)"
)]
#[cfg_attr(
    not(feature = "conformance"),
    doc = "`store::conformance::check_store`"
)]
/// against yours; it tries what is written here, races included.
///
/// # For every operation
///
/// 1. **Atomic.** It happens at one moment, all of it or nothing. Operations on one key, from
///    any number of tasks and machines, happen one after the other, and each sees the ones
///    before it.
/// 2. **One trip.** Each is one exchange with the database. Keys under one
///    [`Owner`](super::Owner) must live together (one hash tag, one partition), so that this
///    holds for [`put_owned`](Self::put_owned), [`list_owned`](Self::list_owned) and
///    [`delete_owned`](Self::delete_owned) too. [`charge`](Self::charge) may take a trip for
///    each owner, and must then give back what it charged when a later one refuses.
/// 3. **One clock.** Time is that of the database, not of the machines that ask it. An entry
///    lives from its write until its time to live has passed, and at that very instant it is
///    gone: no operation sees it, lists it, counts it or compares with it. Whether its memory
///    is free by then is another matter. A store may count in whole milliseconds, rounding
///    up: an entry then lives up to two milliseconds longer, never shorter.
/// 4. **A time to live of zero** writes an entry that is gone at once: what was there is gone
///    too, and the operation answers as if the entry had lived.
/// 5. **Never silent loss.** An entry that has not expired stays until an operation deletes
///    it. A store at its bound answers [`Full`](super::StoreErrorKind::Full) and changes
///    nothing; it does not evict: these entries are revocations, used one-time codes, bans
///    and spent quotas, and whoever could push them out by filling the store would undo them.
/// 6. **Failure** is an error and never a made-up answer. After
///    [`Unavailable`](super::StoreErrorKind::Unavailable) and
///    [`Timeout`](super::StoreErrorKind::Timeout) the operation may have been done; after
///    any other error it was not.
/// 7. **Kinds.** Keys carry the kind of their namespace, and [`Key::encode`] keeps kinds apart:
///    a value, a counter and a quota never share an entry.
///
/// # Bounds
///
/// Names of namespaces are at most [`Namespace::MAX_NAME_LEN`](super::Namespace::MAX_NAME_LEN)
/// bytes, ids and owners at most [`Key::MAX_ID_LEN`] each, values at most
/// [`Store::MAX_VALUE_LEN`](super::Store::MAX_VALUE_LEN), and no time to live is longer than
/// [`Store::MAX_TTL`](super::Store::MAX_TTL). Ids, owners and values are any bytes, also none.
///
/// # Futures
///
/// They own what they need: take what you want of the arguments, clone the handle of your
/// connection pool, and return [`StoreFuture::waiting`]. A future may be dropped at any time.
pub trait StoreBackend: fmt::Debug + Send + Sync + 'static {
    /// The value of this entry.
    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>>;

    /// Sets the value of an entry, whether there is one or not, and its time to live anew.
    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()>;

    /// Makes an entry unless there is one. Of many that try at once, exactly one is told
    /// `true`. An entry that is there is left alone, its time to live too.
    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool>;

    /// Sets the value and the time to live of an entry whose value is `expected`, to the
    /// byte. `None` expects that there is no entry. A conflict tells what there is.
    ///
    /// It compares values, not history: when a value changes and changes back in between,
    /// the swap succeeds (the ABA problem). Whom that would hurt keeps a version or a random
    /// number in the value.
    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap>;

    /// Deletes an entry and tells what it held. Of many that take at once, one gets it.
    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>>;

    /// Deletes an entry of any kind, and tells whether there was one.
    fn delete(&self, key: Key<'_>) -> StoreFuture<bool>;

    /// Counts `by` more within a window.
    ///
    /// The first count starts the window, and with it the time to live; later ones leave it
    /// as it is, whatever `window` they name. The count stops at [`Count::MAX`]. Counting
    /// zero tells the count and makes no entry: of a counter that is not there, it is zero
    /// with a remaining time of zero.
    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count>;

    /// Charges up to [`Charge::MAX_BATCH`] different quotas, all or none, by
    /// [`gcra`](super::gcra).
    ///
    /// A refused batch, and a cost of zero, change nothing. A quota that was never charged
    /// has no backlog, and one whose backlog is used up may be forgotten.
    fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision>;

    /// Sets the value of an entry under an owner, whether there is one or not, and its time
    /// to live anew.
    ///
    /// When that makes a new entry and the owner has [`OwnerLimit::max`] already, it is
    /// refused or others go, those that expire soonest first. Expired ones do not count.
    /// Setting the value of an entry that is there is always allowed.
    ///
    /// The key has an owner. This is the only operation that makes entries under owners;
    /// [`compare_and_swap`](Self::compare_and_swap), [`take`](Self::take) and
    /// [`delete`](Self::delete) change them like others, and the list of the owner follows.
    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut>;

    /// The entries of an owner, those that expire soonest first.
    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>>;

    /// Deletes the entries of an owner, except the one with the id `keep`, and tells how
    /// many there were. An entry that is put at the same moment is either among them or
    /// survives: it comes before or after.
    fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize>;
}
