//! A store that fails, or answers later: nobody is let in on a guess.

use super::*;
use bytes::Bytes;
use portcullis::authn::session::remember::RememberMe;
use portcullis::guard::Rejection;
use portcullis::store::{
    Charge, Count, Decision, Key, OwnedEntry, OwnedPut, Owner, OwnerLimit, StoreBackend,
    StoreError, StoreErrorKind, StoreFuture, Swap,
};
use std::sync::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    AtOnce,
    Later,
    Fail(StoreErrorKind),
    /// What reads succeeds, what writes fails.
    ReadOnly,
    /// All succeeds but deleting a single entry.
    NoDelete,
}

/// A store in memory that does as it is told, and remembers what was written.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    memory: MemoryStore,
    mode: Arc<Mutex<Mode>>,
    written: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Backend {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            memory: MemoryStore::builder().clock(clock).build(),
            mode: Arc::new(Mutex::new(Mode::AtOnce)),
            written: Arc::default(),
        }
    }

    pub(super) fn store(&self) -> Store {
        Store::new(self.clone())
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Every value, and every id, in the order they were written.
    pub(super) fn written(&self) -> Vec<Vec<u8>> {
        self.written.lock().unwrap().clone()
    }

    fn answer<T: Send + 'static>(
        &self,
        is_write: bool,
        answer: impl FnOnce() -> StoreFuture<T>,
    ) -> StoreFuture<T> {
        let mode = *self.mode.lock().unwrap();
        match mode {
            Mode::AtOnce | Mode::NoDelete => answer(),
            Mode::Later => {
                let answer = answer();
                StoreFuture::waiting(async {
                    tokio::task::yield_now().await;
                    answer.await
                })
            }
            Mode::ReadOnly if !is_write => answer(),
            Mode::ReadOnly => StoreError::new(StoreErrorKind::Unavailable, "read only").into(),
            Mode::Fail(kind) => StoreError::new(kind, "as it was told").into(),
        }
    }

    fn write(&self, key: Key<'_>, value: &[u8]) {
        let mut written = self.written.lock().unwrap();
        written.push([key.id(), value].concat());
    }
}

impl StoreBackend for Backend {
    fn get(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.answer(false, || self.memory.get(key))
    }

    fn put(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<()> {
        self.write(key, value);
        self.answer(true, || self.memory.put(key, value, ttl))
    }

    fn put_if_absent(&self, key: Key<'_>, value: &[u8], ttl: Duration) -> StoreFuture<bool> {
        self.write(key, value);
        self.answer(true, || self.memory.put_if_absent(key, value, ttl))
    }

    fn compare_and_swap(
        &self,
        key: Key<'_>,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Duration,
    ) -> StoreFuture<Swap> {
        self.write(key, value);
        let swap = || self.memory.compare_and_swap(key, expected, value, ttl);
        self.answer(true, swap)
    }

    fn take(&self, key: Key<'_>) -> StoreFuture<Option<Bytes>> {
        self.answer(true, || self.memory.take(key))
    }

    fn delete(&self, key: Key<'_>) -> StoreFuture<bool> {
        if *self.mode.lock().unwrap() == Mode::NoDelete {
            return StoreError::new(StoreErrorKind::Unavailable, "nothing is deleted").into();
        }
        self.answer(true, || self.memory.delete(key))
    }

    fn increment(&self, key: Key<'_>, by: u64, window: Duration) -> StoreFuture<Count> {
        self.answer(true, || self.memory.increment(key, by, window))
    }

    fn charge(&self, charges: &[Charge<'_>]) -> StoreFuture<Decision> {
        self.answer(true, || self.memory.charge(charges))
    }

    fn put_owned(
        &self,
        key: Key<'_>,
        value: &[u8],
        ttl: Duration,
        limit: OwnerLimit,
    ) -> StoreFuture<OwnedPut> {
        self.write(key, value);
        self.answer(true, || self.memory.put_owned(key, value, ttl, limit))
    }

    fn list_owned(&self, owner: Owner<'_>) -> StoreFuture<Vec<OwnedEntry>> {
        self.answer(false, || self.memory.list_owned(owner))
    }

    fn delete_owned(&self, owner: Owner<'_>, keep: Option<&[u8]>) -> StoreFuture<usize> {
        self.answer(true, || self.memory.delete_owned(owner, keep))
    }
}

fn house() -> (Backend, House) {
    let time = FakeClock::at_unix_seconds(1_700_000_000);
    let backend = Backend::new(time.clock());
    let house = House::on(backend.store(), time, |builder| builder);
    (backend, house)
}

#[tokio::test]
async fn a_store_that_answers_later_is_waited_for() {
    let (backend, house) = house();
    backend.set(Mode::Later);
    let cookie = house.log_in("ann").await;
    house.time.advance(5 * MINUTE);
    assert_eq!(house.principal(&cookie).await.unwrap().id(), "ann");
    house.time.advance(HOUR);
    let answer = house.send(&[cookie.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(answer.cleared(), [COOKIE]);
    let layer = AuthenticateLayer::new(house.sessions.clone()).allow_anonymous();
    let answer = house.send_to(layer, &[cookie.as_bytes()]).await;
    assert_eq!((answer.status, answer.calls), (StatusCode::OK, 1));
    assert_eq!(answer.cleared(), [COOKIE]);
}

#[tokio::test]
async fn when_the_store_fails_the_answer_is_503_and_nobody_passes() {
    let (backend, house) = house();
    let cookie = house.log_in("ann").await;
    let ann = house.principal(&cookie).await.unwrap();
    for kind in [
        StoreErrorKind::Unavailable,
        StoreErrorKind::Timeout,
        StoreErrorKind::Full,
        StoreErrorKind::Corrupt,
    ] {
        backend.set(Mode::Fail(kind));
        for anonymous in [false, true] {
            let layer = AuthenticateLayer::new(house.sessions.clone());
            let layer = if anonymous {
                layer.allow_anonymous()
            } else {
                layer
            };
            let answer = house.send_to(layer, &[cookie.as_bytes()]).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
            assert_eq!(answer.calls, 0, "{kind:?}");
            assert!(
                answer.cleared().is_empty(),
                "the cookie may be good: {kind:?}"
            );
        }
        let visitor = house.visitor(&[&cookie]);
        let remember = RememberMe::new(house.sessions.clone());
        let remembered = house.visitor(&[&format!("{COOKIE}-remember={}", "A".repeat(86))]);
        let status = |error: SessionError| Rejection::from(error).status();
        let sessions = &house.sessions;
        let failed = [
            sessions.login(&visitor, &ann).await.map(drop),
            sessions.login(&house.visitor(&[]), &ann).await.map(drop),
            sessions.renew(&visitor, &ann).await.map(drop),
            sessions.logout(&visitor).await.map(drop),
            sessions.list("ann").await.map(drop),
            sessions.current(&ann).await.map(drop),
            sessions.update(&ann, |_| {}).await.map(drop),
            sessions.revoke_all("ann").await.map(drop),
            sessions.revoke_others(&ann).await.map(drop),
            remember.recall(&remembered).await.map(drop),
            remember.list("ann").await.map(drop),
        ];
        for (place, failed) in failed.into_iter().enumerate() {
            let status = failed.map_err(status).unwrap_err();
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{kind:?}: {place}");
        }
    }
    // None of this ended the session, nor made one.
    backend.set(Mode::AtOnce);
    assert!(house.principal(&cookie).await.is_some());
    assert_eq!(house.list("ann").await.len(), 1);
}

#[tokio::test]
async fn when_nothing_can_be_written_sessions_end_sooner_and_never_later() {
    let (backend, house) = house();
    let cookie = house.log_in("ann").await;
    backend.set(Mode::ReadOnly);
    house.time.advance(29 * MINUTE);
    assert!(
        house.principal(&cookie).await.is_some(),
        "though use is not written"
    );
    house.time.advance(MINUTE);
    assert_eq!(house.principal(&cookie).await, None);
}

#[tokio::test]
async fn an_end_that_fails_half_way_can_be_tried_again() {
    let (backend, house) = house();
    for is_revoked in [true, false] {
        let visitor = house.visitor(&[]);
        let remember = RememberMe::new(house.sessions.clone());
        let session = house.sessions.login(&visitor, &house.proved("ann")).await;
        let session = remember.issue(&visitor, session.unwrap()).await.unwrap();
        let cookies: Vec<_> = session.set_cookies().map(pair).collect();
        let end = async || {
            if is_revoked {
                return house.sessions.revoke("ann", &session.id()).await;
            }
            // It does not show what it is remembered by.
            let visitor = house.visitor(&[&cookies[0]]);
            let logout = house.sessions.logout(&visitor).await;
            logout.map(|ended| ended.was_there())
        };
        backend.set(Mode::NoDelete);
        assert!(end().await.unwrap_err().is_unavailable());
        backend.set(Mode::AtOnce);
        assert!(end().await.unwrap());
        let recalled = remember.recall(&house.visitor(&[&cookies[1]])).await;
        assert!(recalled.unwrap_err().is_refused());
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_checked_leaves_no_session() {
    let (backend, house) = house();
    let visitor = house.visitor(&[]);
    backend.set(Mode::ReadOnly);
    let login = house.sessions.login(&visitor, &house.proved("ann")).await;
    assert!(login.unwrap_err().is_unavailable());
    backend.set(Mode::AtOnce);
    assert!(house.list("ann").await.is_empty());
    assert!(house.heard(EventKind::SessionCreated).is_empty());
}

#[tokio::test]
async fn what_is_not_as_it_was_written_lets_nobody_in() {
    let (backend, house) = house();
    let cookie = house.log_in("ann").await;
    let session = house.list("ann").await.remove(0);
    let value = {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
        let cookie = cookie.split_once('=').unwrap().1;
        BASE64_URL_SAFE_NO_PAD.decode(cookie).unwrap()
    };
    const SESSIONS: portcullis::store::Namespace = portcullis::store::Namespace::values("session");
    let owner = Owner::new(SESSIONS, &value[..16]);
    let limit = OwnerLimit::evict_above(9);
    for broken in [&b""[..], b"{}", b"null", b"\xff\xff"] {
        let put = backend
            .memory
            .put_owned(owner.key(&value[16..32]), broken, HOUR, limit);
        put.await.unwrap();
        let answer = house.send(&[cookie.as_bytes()]).await;
        assert_eq!((answer.status, answer.calls), (StatusCode::UNAUTHORIZED, 0));
        assert_eq!(answer.cleared(), [COOKIE], "a new login is the way out");
        assert!(house.login(&[&cookie], "bob").await.is_ok());
        assert!(house.list("ann").await.is_empty());
    }
    // It can still be ended.
    assert!(house.sessions.revoke("ann", session.id()).await.unwrap());
    assert_eq!(
        house.send(&[cookie.as_bytes()]).await.status,
        StatusCode::UNAUTHORIZED
    );
}
