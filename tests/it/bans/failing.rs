//! A store that is far away, fails, is full, or takes its time.

use super::*;
use portcullis::store::{
    Charge, Count, Decision, Key, Namespace, OwnedEntry, OwnedPut, Owner, OwnerLimit, StoreBackend,
    StoreError, StoreErrorKind, StoreFuture, Swap,
};
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};
use tokio::sync::Semaphore;

/// A store across a network: every answer has to be waited for.
#[derive(Clone, Debug)]
struct Remote {
    inner: MemoryStore,
    switch: Arc<Switch>,
}

#[derive(Debug)]
pub(super) struct Switch {
    is_down: AtomicBool,
    /// Answers at once, as the memory store does.
    is_near: AtomicBool,
    /// Writes wait here for a permit each.
    writes: Semaphore,
    trips: AtomicUsize,
}

impl Switch {
    fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn hold_writes(&self) {
        self.writes.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn release_writes(&self) {
        self.writes.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

/// A store that is far away, and the switch to break it.
pub(super) fn remote(time: &FakeClock) -> (Store, Arc<Switch>) {
    remote_over(MemoryStore::builder().clock(time.clock()).build())
}

fn remote_over(inner: MemoryStore) -> (Store, Arc<Switch>) {
    let switch = Arc::new(Switch {
        is_down: AtomicBool::new(false),
        is_near: AtomicBool::new(false),
        writes: Semaphore::new(Semaphore::MAX_PERMITS / 2),
        trips: AtomicUsize::new(0),
    });
    let remote = Remote {
        inner,
        switch: Arc::clone(&switch),
    };
    (Store::new(remote), switch)
}

/// A key to keep.
struct Kept {
    namespace: Namespace,
    owner: Option<Vec<u8>>,
    id: Vec<u8>,
}

impl Kept {
    fn of(key: Key<'_>) -> Self {
        Self {
            namespace: key.namespace(),
            owner: key.owner().map(|owner| owner.id().to_vec()),
            id: key.id().to_vec(),
        }
    }

    fn key(&self) -> Key<'_> {
        match &self.owner {
            None => Key::new(self.namespace, &self.id),
            Some(owner) => Owner::new(self.namespace, owner).key(&self.id),
        }
    }
}

impl Remote {
    fn trip<T: Send + 'static>(
        &self,
        is_write: bool,
        operation: impl FnOnce(&MemoryStore) -> StoreFuture<T> + Send + 'static,
    ) -> StoreFuture<T> {
        self.switch.trips.fetch_add(1, Ordering::SeqCst);
        if self.switch.is_down.load(Ordering::SeqCst) {
            return StoreError::new(StoreErrorKind::Unavailable, "nobody there").into();
        }
        if self.switch.is_near.load(Ordering::SeqCst) {
            return operation(&self.inner);
        }
        let Self { inner, switch } = self.clone();
        StoreFuture::waiting(async move {
            tokio::task::yield_now().await;
            if is_write {
                switch.writes.acquire().await.unwrap().forget();
            }
            let answer = operation(&inner).await;
            tokio::task::yield_now().await;
            answer
        })
    }
}

impl StoreBackend for Remote {
    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        let key = Kept::of(key);
        self.trip(false, move |store| store.get(key.key()))
    }

    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        let (key, value) = (Kept::of(key), value.to_vec());
        self.trip(true, move |store| store.put(key.key(), &value, ttl))
    }

    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        let (key, value) = (Kept::of(key), value.to_vec());
        self.trip(true, move |store| {
            store.put_if_absent(key.key(), &value, ttl)
        })
    }

    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        let (key, value) = (Kept::of(key), value.to_vec());
        let expected = expected.map(<[u8]>::to_vec);
        self.trip(true, move |store| {
            store.compare_and_swap(key.key(), expected.as_deref(), &value, ttl)
        })
    }

    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        let key = Kept::of(key);
        self.trip(true, move |store| store.take(key.key()))
    }

    fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        let key = Kept::of(key);
        self.trip(true, move |store| store.delete(key.key()))
    }

    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        let key = Kept::of(key);
        self.trip(true, move |store| store.increment(key.key(), by, window))
    }

    fn charge(&self, _charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        StoreError::new(StoreErrorKind::Invalid, "bans charge nothing").into()
    }

    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        let (key, value) = (Kept::of(key), value.to_vec());
        self.trip(true, move |store| {
            store.put_owned(key.key(), &value, ttl, limit)
        })
    }

    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        let key = Kept::of(owner.key(""));
        self.trip(false, move |store| {
            store.list_owned(key.key().owner().unwrap())
        })
    }

    fn delete_owned(&self, owner: Owner<'_>, _keep: Option<&[u8]>) -> StoreFuture<usize> {
        let key = Kept::of(owner.key(""));
        self.trip(true, move |store| {
            store.delete_owned(key.key().owner().unwrap(), None)
        })
    }
}

fn machine(store: &Store, time: &FakeClock) -> Machine {
    Machine::new(Bans::builder(store.clone()).policy(strict()), time)
}

/// What is there when everything that can go on has gone on.
async fn settled<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    for _ in 0..100 {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = std::pin::Pin::new(&mut *future).poll(&mut context) {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn the_response_waits_for_the_ban_and_no_other_does() {
    let time = time();
    let (store, switch) = remote(&time);
    let [here, there] = [(); 2].map(|()| machine(&store, &time));
    let (first, second) = (here.site(), there.site());
    statuses(&first, address(7), "/login", 2).await;

    switch.hold_writes();
    let site = first.clone();
    let mut third = Box::pin(async move { send(&site, request_from(address(7), "/login")).await });
    assert!(
        settled(&mut third).await.is_none(),
        "not sent before the ban is in the store"
    );
    // Those who do no wrong do not wait, not even the same client.
    assert_eq!(statuses(&first, address(8), "/", 1).await, [200]);
    assert_eq!(statuses(&second, address(7), "/", 1).await, [200]);

    // Count, file, ban: only the last makes the ban, and only then the response comes.
    for _ in 0..2 {
        switch.writes.add_permits(1);
        assert!(settled(&mut third).await.is_none());
        assert_eq!(statuses(&second, address(7), "/", 1).await, [200]);
    }
    switch.release_writes();
    assert_eq!(third.await.status(), 401);
    assert_eq!(statuses(&second, address(7), "/", 1).await, [403]);
}

#[tokio::test]
async fn a_client_that_goes_away_at_the_wrong_moment_gains_nothing() {
    let time = time();
    for cut_after in 0..5 {
        let (store, switch) = remote(&time);
        let machine = machine(&store, &time);
        let site = machine.site();
        statuses(&site, address(7), "/login", 2).await;
        switch.hold_writes();
        switch.writes.add_permits(cut_after);
        let hanging = site.clone();
        let mut third =
            Box::pin(async move { send(&hanging, request_from(address(7), "/login")).await });
        let _cut = settled(&mut third).await;
        drop(third);
        switch.release_writes();
        // Whatever was done of the ban by then, one more offense at most completes it.
        statuses(&site, address(7), "/login", 1).await;
        let after = statuses(&site, address(7), "/", 1).await;
        assert_eq!(after, [403], "cut after {cut_after} writes");
        let ban = machine.bans.find(&subject(7)).await.unwrap().unwrap();
        assert_eq!(ban.level, 1, "cut after {cut_after} writes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_nobody_waits_for_holds_up_no_other() {
    let time = time();
    let (store, switch) = remote(&time);
    let site = machine(&store, &time).site();
    switch.hold_writes();
    let hanging = site.clone();
    let mut first =
        Box::pin(async move { send(&hanging, request_from(address(7), "/login")).await });
    assert!(settled(&mut first).await.is_none());
    switch.release_writes();
    // It is there still, but nothing goes on with it.
    let others = statuses(&site, address(7), "/login", 4);
    let found = tokio::time::timeout(MINUTE, others).await.unwrap();
    assert_eq!(found, [401, 401, 401, 403]);
}

#[tokio::test]
async fn each_request_costs_one_trip_and_one_that_is_known_none() {
    let time = time();
    let (store, switch) = remote(&time);
    let machine = machine(&store, &time);
    let site = machine.site();
    let trips_of = async |last: u8, times: usize| {
        let before = switch.trips.load(Ordering::SeqCst);
        statuses(&site, address(last), "/", times).await;
        switch.trips.load(Ordering::SeqCst) - before
    };
    assert_eq!(trips_of(7, 10).await, 10);
    machine.bans.ban(&subject(7), HOUR, "test").await.unwrap();
    assert_eq!(trips_of(7, 10).await, 0);
    time.advance(Bans::LIFT_DELAY);
    assert_eq!(trips_of(7, 10).await, 1);
    // Addresses on lists cost none, nor those that are never banned.
    assert_eq!(trips_of(8, 1).await, 1);
    let before = switch.trips.load(Ordering::SeqCst);
    statuses(&site, [127, 0, 0, 1].into(), "/login", 10).await;
    assert_eq!(switch.trips.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn while_the_store_is_gone() {
    let time = time();
    for is_near in [true, false] {
        let (store, switch) = remote(&time);
        switch.is_near.store(is_near, Ordering::SeqCst);
        let machine = machine(&store, &time);
        let site = machine.site();
        let closed = machine.site_with(BanLayer::refuse_all_while_the_store_is_unavailable);
        statuses(&site, address(7), "/login", 3).await;
        machine.bans.ban(&subject(8), HOUR, "test").await.unwrap();

        switch.set_down(true);
        time.advance(30 * Duration::from_secs(1));
        assert_eq!(
            statuses(&site, address(7), "/", 1).await,
            [403],
            "known here"
        );
        assert_eq!(statuses(&site, address(9), "/login", 20).await, [401; 20]);
        let refused = send(&closed, request_from(address(9), "/")).await;
        let found = (refused.status().as_u16(), code(&refused));
        assert_eq!(found, (503, "bans_unavailable"));
        assert_eq!(
            code(&send(&closed, request_from(address(7), "/")).await),
            "banned"
        );
        time.advance(30 * Duration::from_secs(1));
        assert_eq!(
            statuses(&site, address(7), "/", 1).await,
            [200],
            "its time is over"
        );
        assert_eq!(
            statuses(&site, address(8), "/", 1).await,
            [403],
            "its is not"
        );

        let told = machine.heard(EventKind::SysControlDegraded);
        let mut codes: Vec<_> = told.iter().map(|event| event.code().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["bans_not_checked", "bans_not_counted"], "once each");

        switch.set_down(false);
        assert_eq!(
            statuses(&site, address(9), "/login", 4).await,
            [401, 401, 401, 403]
        );
        assert_eq!(statuses(&closed, address(10), "/", 1).await, [200]);
        time.advance(MINUTE);
        switch.set_down(true);
        statuses(&site, address(10), "/", 5).await;
        let told = machine.heard(EventKind::SysControlDegraded);
        assert_eq!(told.len(), 3, "another outage");
    }
}

#[tokio::test]
async fn a_full_store_bans_here_alone() {
    let time = time();
    // Room for one counter, and for nothing more.
    let full = MemoryStore::builder().max_entries(1).clock(time.clock());
    let store = Store::new(full.build());
    let [here, there] = [(); 2].map(|()| machine(&store, &time));
    let (first, second) = (here.site(), there.site());
    assert_eq!(
        statuses(&first, address(7), "/login", 4).await,
        [401, 401, 401, 403]
    );
    time.advance(30 * Duration::from_secs(1));
    assert_eq!(
        statuses(&first, address(7), "/", 1).await,
        [403],
        "until it is over"
    );
    assert_eq!(statuses(&second, address(7), "/", 1).await, [200]);
    let banned = here.heard(EventKind::ClientBanned);
    assert_eq!(banned.len(), 1);
    let details: Vec<_> = banned[0].details().collect();
    assert!(details.contains(&("scope", "this process alone")));
    assert_eq!(here.heard(EventKind::SysControlDegraded).len(), 1);
    assert!(
        here.bans.lift(&subject(7)).await.unwrap(),
        "it can be lifted here"
    );
    assert_eq!(statuses(&first, address(7), "/", 1).await, [200]);
}

#[tokio::test]
async fn rubbish_in_the_store_is_a_ban_and_no_panic() {
    const BANS: Namespace = Namespace::values("ban");
    let time = time();
    let store = memory(&time);
    let machine = machine(&store, &time);
    let site = machine.site();
    machine.bans.ban(&subject(7), HOUR, "test").await.unwrap();
    for bucket in 0..1024_u16 {
        let bucket = bucket.to_be_bytes();
        let owner = Owner::new(BANS, &bucket);
        for entry in store.list_owned(owner).await.unwrap() {
            let key = owner.key(entry.id());
            let found = Some(entry.value().as_ref());
            let swap = store.compare_and_swap(key, found, b"\xFF{", HOUR).await;
            assert_eq!(swap.unwrap(), Swap::Swapped);
        }
    }
    time.advance(Bans::LIFT_DELAY);
    assert_eq!(statuses(&site, address(7), "/", 1).await, [403]);
    assert_eq!(machine.bans.list().await.unwrap()[0].cause, "unreadable");
    assert!(machine.bans.lift(&subject(7)).await.unwrap());
    assert_eq!(statuses(&site, address(7), "/", 1).await, [200]);
}
