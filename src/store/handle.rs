use super::key::check_len;
use super::quota::check_batch;
use super::{
    Charge, Count, Decision, EntryKind, Key, MemoryStore, OwnedEntry, OwnedPut, Owner, OwnerLimit,
    StoreBackend, StoreError, StoreFuture, Swap,
};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// Where shared, passing state lives. Cheap to clone; give one to every control.
///
/// Every operation is atomic; what each promises to the letter is the contract of
/// [`StoreBackend`]. Errors are for the control to decide on: what guards identity or against
/// replay refuses, what counts may fall back on something local.
#[derive(Clone, Debug)]
pub struct Store(Arc<dyn StoreBackend>);

/// Returns the error of a check as the answer of the operation.
macro_rules! checked {
    ($check:expr) => {
        match $check {
            Ok(checked) => checked,
            Err(error) => return StoreFuture::from(error),
        }
    };
}

impl Store {
    /// The longest value, in bytes: 64 KiB.
    pub const MAX_VALUE_LEN: usize = 64 * 1024;

    /// The longest time to live: 100 years. A longer one is cut to it.
    pub const MAX_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

    /// A store in this process's memory, with the bounds of [`MemoryStore`].
    #[must_use]
    pub fn memory() -> Self {
        Self::new(MemoryStore::default())
    }

    /// A store of your own.
    #[must_use]
    pub fn new(backend: impl StoreBackend) -> Self {
        Self(Arc::new(backend))
    }

    /// The value of this entry.
    pub fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.0.get(checked!(key.checked(EntryKind::Value)))
    }

    /// Sets the value of an entry. Of an entry under an owner,
    /// [`put_owned`](Self::put_owned) does.
    pub fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        let key = checked!(unowned_value(key, value));
        self.0.put(key, value, cut(ttl))
    }

    /// Makes an entry unless there is one, and tells whether it did. This is what finds a
    /// replay: of many that present one id, exactly one is told `true`.
    pub fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        let key = checked!(unowned_value(key, value));
        self.0.put_if_absent(key, value, cut(ttl))
    }

    /// Sets the value of an entry if its value is `expected`; `None` expects no entry. A
    /// value that changed and changed back counts as expected.
    pub fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        let key = checked!(match expected {
            None => unowned_value(key, value),
            Some(_) => value_key(key, value),
        });
        self.0.compare_and_swap(key, expected, value, cut(ttl))
    }

    /// Deletes an entry and tells what it held. Of many that take one entry, one gets it:
    /// this is how something is used once.
    pub fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.0.take(checked!(key.checked(EntryKind::Value)))
    }

    /// Deletes a value, a counter or a quota, and tells whether there was one.
    pub fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        self.0.delete(checked!(key.checked_len()))
    }

    /// Counts `by` more in a fixed window that begins with the first count. Counting zero
    /// only looks.
    pub fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        let key = checked!(key.checked(EntryKind::Counter));
        self.0.increment(key, by, cut(window))
    }

    /// Charges up to [`Charge::MAX_BATCH`] quotas together: all of them, or none.
    pub fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        checked!(check_batch(charges));
        self.0.charge(charges)
    }

    /// Sets the value of an entry under an owner, within the owner's limit.
    pub fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        let key = checked!(value_key(key, value));
        if key.owner().is_none() {
            return StoreError::invalid("the key has no owner").into();
        }
        self.0.put_owned(key, value, cut(ttl), limit)
    }

    /// The entries of an owner, those that expire soonest first.
    pub fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        self.0.list_owned(checked!(owner.checked()))
    }

    /// Deletes the entries of an owner, all or all but one, and tells how many there were.
    pub fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize> {
        let owner = checked!(owner.checked());
        checked!(keep.map_or(Ok(()), check_len));
        self.0.delete_owned(owner, keep)
    }
}

fn value_key<'a>(key: Key<'a>, value: &[u8]) -> Result<Key<'a>, StoreError> {
    check_value(value)?;
    key.checked(EntryKind::Value)
}

fn unowned_value<'a>(key: Key<'a>, value: &[u8]) -> Result<Key<'a>, StoreError> {
    if key.owner().is_some() {
        // Made by other means, an owner's entries would escape the owner's limit.
        return Err(StoreError::invalid(
            "an entry under an owner is made by put_owned",
        ));
    }
    value_key(key, value)
}

pub(super) fn check_value(value: &[u8]) -> Result<(), StoreError> {
    if value.len() <= Store::MAX_VALUE_LEN {
        return Ok(());
    }
    Err(StoreError::too_large(format!(
        "a value of {} bytes is too large, the limit is {}",
        value.len(),
        Store::MAX_VALUE_LEN
    )))
}

fn cut(ttl: Duration) -> Duration {
    ttl.min(Store::MAX_TTL)
}

#[cfg(test)]
mod tests {
    use super::super::{Namespace, StoreErrorKind};
    use super::*;

    const VALUES: Namespace = Namespace::values("test");
    const COUNTERS: Namespace = Namespace::counters("test");
    const MINUTE: Duration = Duration::from_secs(60);

    fn kind<T>(answer: StoreFuture<T>) -> Option<StoreErrorKind> {
        answer.try_ready().ok()?.err().map(|error| error.kind())
    }

    #[test]
    fn mistakes_are_told_before_the_backend_is_asked() {
        let store = Store::memory();
        let (plain, counter) = (Key::new(VALUES, "x"), Key::new(COUNTERS, "x"));
        let owner = Owner::new(VALUES, "ann");
        let (owned, limit) = (owner.key("x"), OwnerLimit::refuse_above(1));
        let invalid = Some(StoreErrorKind::Invalid);
        for (name, found) in [
            ("get", kind(store.get(counter))),
            ("take", kind(store.take(counter))),
            ("put", kind(store.put(counter, b"", MINUTE))),
            ("increment", kind(store.increment(plain, 1, MINUTE))),
            ("put under an owner", kind(store.put(owned, b"", MINUTE))),
            (
                "put_if_absent under an owner",
                kind(store.put_if_absent(owned, b"", MINUTE)),
            ),
            (
                "swap nothing under an owner",
                kind(store.compare_and_swap(owned, None, b"", MINUTE)),
            ),
            (
                "put_owned without one",
                kind(store.put_owned(plain, b"", MINUTE, limit)),
            ),
            (
                "list counters",
                kind(store.list_owned(Owner::new(COUNTERS, "ann"))),
            ),
        ] {
            assert_eq!(found, invalid, "{name}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let store = Store::memory();
        let value = vec![0; Store::MAX_VALUE_LEN + 1];
        let id = vec![0; Key::MAX_ID_LEN + 1];
        let (key, long) = (Key::new(VALUES, "x"), Key::new(VALUES, &id));
        let owner = Owner::new(VALUES, "ann");
        let limit = OwnerLimit::refuse_above(1);
        for (name, found) in [
            ("put", kind(store.put(key, &value, MINUTE))),
            (
                "put_if_absent",
                kind(store.put_if_absent(key, &value, MINUTE)),
            ),
            (
                "swap",
                kind(store.compare_and_swap(key, None, &value, MINUTE)),
            ),
            (
                "put_owned",
                kind(store.put_owned(owner.key("x"), &value, MINUTE, limit)),
            ),
            ("get", kind(store.get(long))),
            ("delete", kind(store.delete(long))),
            ("list", kind(store.list_owned(Owner::new(VALUES, &id)))),
            ("keep", kind(store.delete_owned(owner, Some(&id)))),
        ] {
            assert_eq!(found, Some(StoreErrorKind::TooLarge), "{name}");
        }
    }
}
