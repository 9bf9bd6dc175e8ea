use super::charge::Quota;
use super::failure::Failure;
use super::request::Request;
use super::{RedisStore, answer, scripts};
use crate::store::{
    Charge, Count, Decision, EntryKind, Key, OwnedEntry, OwnedPut, Owner, OwnerLimit, StoreBackend,
    StoreError, StoreFuture, Swap,
};
use bytes::Bytes;
use redis::Value;
use std::time::Duration;

impl RedisStore {
    fn ask<T>(
        &self,
        key: Vec<u8>,
        request: Request,
        read: impl FnOnce(Value) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<T> {
        if let Some(refusal) = self.servers.refusal(&key) {
            return StoreError::from(refusal).into();
        }
        let servers = self.servers.clone();
        StoreFuture::waiting(async move { Ok(read(servers.run(&key, &request).await?)?) })
    }
}

/// The owner of a key whose entry is a field among the owner's values.
fn among_values(key: Key<'_>) -> Option<Owner<'_>> {
    let owner = key.owner()?;
    (owner.namespace().kind() == EntryKind::Value).then_some(owner)
}

/// Whole milliseconds, rounded up.
fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Whole microseconds, rounded up.
fn micros(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}

impl StoreBackend for RedisStore {
    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        if let Some(owner) = among_values(key) {
            let keys = self.keys.owner(owner);
            let request = keys.request(&scripts::OWNED_GET).arg(key.id());
            return self.ask(keys.values, request, answer::maybe);
        }
        let name = self.keys.entry(key);
        let request = Request::plain("GET").arg(&name);
        self.ask(name, request, answer::maybe)
    }

    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        let name = self.keys.entry(key);
        let request = match millis(ttl) {
            0 => Request::plain("DEL").arg(&name),
            ttl => Request::plain("SET")
                .arg(&name)
                .arg(value)
                .arg("PX")
                .arg(ttl),
        };
        self.ask(name, request, |_| Ok(()))
    }

    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        let name = self.keys.entry(key);
        if ttl.is_zero() {
            let request = Request::plain("EXISTS").arg(&name);
            return self.ask(name, request, |there| Ok(answer::number(&there)? == 0));
        }
        let request = Request::plain("SET").arg(&name).arg(value);
        let request = request.arg("PX").arg(millis(ttl)).arg("NX");
        self.ask(name, request, |made| answer::done(&made))
    }

    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        if let Some(owner) = among_values(key) {
            let Some(expected) = expected else {
                return StoreError::invalid("an entry under an owner is made by put_owned").into();
            };
            let keys = self.keys.owner(owner);
            let request = keys.request(&scripts::OWNED_SWAP);
            let request = request
                .arg(key.id())
                .arg(expected)
                .arg(value)
                .arg(micros(ttl));
            return self.ask(keys.values, request, answer::swap);
        }
        let name = self.keys.entry(key);
        let request = Request::script(&scripts::SWAP, &[&name]);
        let request = request
            .arg(u8::from(expected.is_some()))
            .arg(expected.unwrap_or_default())
            .arg(value)
            .arg(millis(ttl));
        self.ask(name, request, answer::swap)
    }

    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        if let Some(owner) = among_values(key) {
            let keys = self.keys.owner(owner);
            let request = keys.request(&scripts::OWNED_TAKE).arg(key.id());
            return self.ask(keys.values, request, answer::maybe);
        }
        let name = self.keys.entry(key);
        let request = Request::plain("GETDEL").arg(&name);
        self.ask(name, request, answer::maybe)
    }

    fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        if let Some(owner) = among_values(key) {
            let keys = self.keys.owner(owner);
            let request = keys.request(&scripts::OWNED_TAKE).arg(key.id());
            return self.ask(keys.values, request, |found| Ok(found != Value::Nil));
        }
        let name = self.keys.entry(key);
        let request = Request::plain("DEL").arg(&name);
        self.ask(name, request, |deleted| Ok(answer::number(&deleted)? > 0))
    }

    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        let name = self.keys.entry(key);
        let request = Request::script(&scripts::INCREMENT, &[&name]);
        let request = request.arg(by.min(Count::MAX)).arg(millis(window));
        self.ask(name, request, answer::count)
    }

    fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        let Some(first) = charges.first() else {
            return StoreFuture::ready(Ok(Decision::of(std::iter::empty())));
        };
        let quotas: Vec<_> = charges.iter().map(|c| Quota::of(&self.keys, c)).collect();
        let count = charges.len();
        let mut asked = [(first.rate(), first.cost()); Charge::MAX_BATCH];
        for (asked, charge) in asked.iter_mut().zip(charges) {
            *asked = (charge.rate(), charge.cost());
        }
        self.servers.charge(quotas, move |backlogs| {
            let quotas = asked.iter().zip(&backlogs).take(count);
            Decision::of(quotas.map(|((rate, cost), backlog)| (*rate, *cost, *backlog)))
        })
    }

    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        let Some(owner) = key.owner() else {
            return StoreError::invalid("the key has no owner").into();
        };
        let keys = self.keys.owner(owner);
        let request = keys
            .request(&scripts::OWNED_PUT)
            .arg(key.id())
            .arg(value)
            .arg(micros(ttl))
            .arg(limit.max())
            .arg(u8::from(limit.evicts()));
        self.ask(keys.values, request, answer::owned_put)
    }

    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        let keys = self.keys.owner(owner);
        let request = keys.request(&scripts::OWNED_LIST);
        self.ask(keys.values, request, answer::owned_entries)
    }

    fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize> {
        let keys = self.keys.owner(owner);
        let mut request = keys.request(&scripts::OWNED_DELETE);
        if let Some(id) = keep {
            request = request.arg(id);
        }
        self.ask(keys.values, request, |deleted| {
            usize::try_from(answer::number(&deleted)?).map_err(|_| Failure::corrupt())
        })
    }
}
