//! Stores that break the contract in one place each: the suite must tell them.

use bytes::Bytes;
use portcullis::clock::FakeClock;
use portcullis::store::conformance::{StoreHarness, Task, Tasks, check_store};
use portcullis::store::{
    Charge, Count, Decision, Key, MemoryStore, OwnedEntry, OwnedPut, Owner, OwnerLimit, Store,
    StoreBackend, StoreFuture, Swap,
};
use std::time::Duration;
use tokio::task::yield_now;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    PutIfAbsentInTwoSteps,
    TakeInTwoSteps,
    SwapInTwoSteps,
    SwapIgnoresWhatIsExpected,
    CountInTwoSteps,
    EachCountStartsTheWindow,
    ChargeOneAfterTheOther,
    ChargeNothing,
    PutOwnedInTwoSteps,
    PutOwnedIgnoresTheLimit,
    DeleteOwnedKeepsNone,
    ListsNothing,
    CutsIdsAtNul,
    IgnoresNamespaces,
    NeverExpires,
}

#[derive(Clone, Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
}

impl Faulty {
    fn ttl(&self, ttl: Duration) -> Duration {
        match self.fault {
            Fault::NeverExpires => Store::MAX_TTL,
            _ => ttl,
        }
    }

    fn key<'a>(&self, key: Key<'a>) -> Key<'a> {
        use portcullis::store::Namespace;
        const OTHER: Namespace = Namespace::values("all");
        match (self.fault, key.owner()) {
            (Fault::CutsIdsAtNul, None) => {
                let id = key.id().split(|byte| *byte == 0).next().unwrap();
                Key::new(key.namespace(), id)
            }
            (Fault::IgnoresNamespaces, None) => Key::new(OTHER, key.id()),
            _ => key,
        }
    }
}

/// What an async step needs of a key.
fn kept(key: Key<'_>) -> (portcullis::store::Namespace, Vec<u8>) {
    (key.namespace(), key.id().to_vec())
}

impl StoreBackend for Faulty {
    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.inner.get(self.key(key))
    }

    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        self.inner.put(self.key(key), value, self.ttl(ttl))
    }

    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        if self.fault != Fault::PutIfAbsentInTwoSteps {
            return self
                .inner
                .put_if_absent(self.key(key), value, self.ttl(ttl));
        }
        let (inner, (namespace, id)) = (self.inner.clone(), kept(key));
        let value = value.to_vec();
        StoreFuture::waiting(async move {
            let key = Key::new(namespace, &id);
            let absent = inner.get(key).await?.is_none();
            yield_now().await;
            if absent {
                inner.put(key, &value, ttl).await?;
            }
            Ok(absent)
        })
    }

    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        let swap = |key, expected| {
            self.inner
                .compare_and_swap(key, expected, value, self.ttl(ttl))
        };
        match self.fault {
            Fault::SwapIgnoresWhatIsExpected => {
                let found = self.inner.get(key).try_ready().unwrap().unwrap();
                swap(key, found.as_deref())
            }
            Fault::SwapInTwoSteps if key.owner().is_none() => {
                let (inner, (namespace, id)) = (self.inner.clone(), kept(key));
                let (value, expected) = (value.to_vec(), expected.map(<[u8]>::to_vec));
                StoreFuture::waiting(async move {
                    let key = Key::new(namespace, &id);
                    let found = inner.get(key).await?;
                    yield_now().await;
                    if found.as_deref() != expected.as_deref() {
                        return Ok(Swap::Conflict(found));
                    }
                    inner.put(key, &value, ttl).await?;
                    Ok(Swap::Swapped)
                })
            }
            _ => swap(self.key(key), expected),
        }
    }

    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        if self.fault != Fault::TakeInTwoSteps || key.owner().is_some() {
            return self.inner.take(self.key(key));
        }
        let (inner, (namespace, id)) = (self.inner.clone(), kept(key));
        StoreFuture::waiting(async move {
            let key = Key::new(namespace, &id);
            let found = inner.get(key).await?;
            yield_now().await;
            inner.delete(key).await?;
            Ok(found)
        })
    }

    fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        self.inner.delete(self.key(key))
    }

    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        match self.fault {
            Fault::EachCountStartsTheWindow => {
                let before = self.inner.increment(key, 0, window);
                let before = before.try_ready().unwrap().unwrap().count();
                drop(self.inner.delete(key));
                self.inner.increment(key, before.saturating_add(by), window)
            }
            Fault::CountInTwoSteps => {
                let (inner, (namespace, id)) = (self.inner.clone(), kept(key));
                StoreFuture::waiting(async move {
                    let key = Key::new(namespace, &id);
                    let before = inner.increment(key, 0, window).await?.count();
                    yield_now().await;
                    inner.delete(key).await?;
                    inner
                        .increment(key, before.saturating_add(by), window)
                        .await
                })
            }
            _ => self.inner.increment(self.key(key), by, self.ttl(window)),
        }
    }

    fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        match self.fault {
            Fault::ChargeOneAfterTheOther => {
                for charge in charges {
                    let one = self.inner.charge(&[*charge]).try_ready().unwrap();
                    if !one.unwrap().allowed() {
                        break;
                    }
                }
                let looks: Vec<_> = charges.iter().map(|charge| charge.with_cost(0)).collect();
                self.inner.charge(&looks)
            }
            Fault::ChargeNothing => {
                let looks: Vec<_> = charges.iter().map(|charge| charge.with_cost(0)).collect();
                self.inner.charge(&looks)
            }
            _ => self.inner.charge(charges),
        }
    }

    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        match self.fault {
            Fault::PutOwnedIgnoresTheLimit => {
                let none = OwnerLimit::refuse_above(OwnerLimit::MAX);
                self.inner.put_owned(key, value, ttl, none)
            }
            Fault::PutOwnedInTwoSteps => {
                let (inner, value) = (self.inner.clone(), value.to_vec());
                let (namespace, id) = kept(key);
                let owner = key.owner().unwrap().id().to_vec();
                StoreFuture::waiting(async move {
                    let owner = Owner::new(namespace, &owner);
                    let count = inner.list_owned(owner).await?.len();
                    yield_now().await;
                    if count >= limit.max() {
                        return Ok(OwnedPut::LimitReached);
                    }
                    let none = OwnerLimit::refuse_above(OwnerLimit::MAX);
                    inner.put_owned(owner.key(&id), &value, ttl, none).await
                })
            }
            _ => self.inner.put_owned(key, value, self.ttl(ttl), limit),
        }
    }

    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        match self.fault {
            Fault::ListsNothing => StoreFuture::ready(Ok(Vec::new())),
            _ => self.inner.list_owned(owner),
        }
    }

    fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize> {
        let keep = keep.filter(|_| self.fault != Fault::DeleteOwnedKeepsNone);
        self.inner.delete_owned(owner, keep)
    }
}

#[derive(Debug)]
struct Harness(Fault, FakeClock);

impl Tasks for Harness {
    fn run(&self, tasks: Vec<Task>) -> Task {
        crate::support::run_together(tasks)
    }

    fn rounds(&self) -> usize {
        10
    }
}

impl StoreHarness for Harness {
    async fn fresh(&self) -> Store {
        let inner = MemoryStore::builder().clock(self.1.clock()).build();
        let fault = self.0;
        Store::new(Faulty { inner, fault })
    }

    async fn pass(&self, time: Duration) {
        self.1.advance(time);
    }

    /// A store that evicts would answer here; the faults are elsewhere.
    fn bounded(&self, _entries: usize) -> Option<Store> {
        None
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_finds_what_is_wrong() {
    let clock = || FakeClock::at_unix_seconds(0);
    let right = check_store(&Harness(Fault::None, clock())).await;
    assert!(right.is_ok());
    for (fault, case) in [
        (
            Fault::PutIfAbsentInTwoSteps,
            "races::one_put_if_absent_wins",
        ),
        (Fault::TakeInTwoSteps, "races::one_take_wins"),
        (Fault::SwapInTwoSteps, "races::no_swap_is_lost"),
        (
            Fault::SwapIgnoresWhatIsExpected,
            "values::swap_compares_to_the_byte",
        ),
        (Fault::CountInTwoSteps, "races::no_count_is_lost"),
        (
            Fault::EachCountStartsTheWindow,
            "counters::the_first_count_starts_the_window",
        ),
        (Fault::ChargeOneAfterTheOther, "quotas::all_or_nothing"),
        (Fault::ChargeNothing, "races::no_quota_admits_too_much"),
        (
            Fault::PutOwnedInTwoSteps,
            "races::owners_stay_within_their_limit",
        ),
        (
            Fault::PutOwnedIgnoresTheLimit,
            "owners::above_the_limit_is_refused",
        ),
        (
            Fault::DeleteOwnedKeepsNone,
            "owners::deletes_all_or_all_but_one",
        ),
        (Fault::ListsNothing, "races::lists_and_entries_agree"),
        (Fault::CutsIdsAtNul, "keys::any_bytes_are_an_id"),
        (
            Fault::IgnoresNamespaces,
            "keys::kinds_and_namespaces_never_meet",
        ),
        (
            Fault::NeverExpires,
            "values::an_entry_is_gone_at_its_expiry",
        ),
    ] {
        let found = check_store(&Harness(fault, clock())).await;
        let failures = found.expect_err("the store is faulty");
        let named = failures.iter().any(|failure| failure.case() == case);
        assert!(
            named,
            "{fault:?} is found by {case}, but found was: {failures}"
        );
    }
}
