use super::{DataKey, Kek, KekContext, KekError, KekErrorKind, KekFuture, LocalKek, WrappedKey};
use crate::crypto::keyring::Keyring;
use crate::lock::lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// A KEK for tests: it works, counts its calls, fails as it is told to, and can be held up.
/// Clones are one. Its key is lost with it.
///
/// ```
/// use portcullis::crypto::kek::{DataKey, Kek, KekContext, KekErrorKind, ScriptedKek};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let kek = ScriptedKek::new();
/// let context = KekContext::new("test");
/// kek.fail_next([KekErrorKind::Unavailable]);
/// assert!(kek.wrap(&DataKey::generate(), &context).await.is_err());
/// assert!(kek.wrap(&DataKey::generate(), &context).await.is_ok());
/// assert_eq!((kek.wraps(), kek.unwraps()), (2, 0));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedKek(Arc<Script>);

#[derive(Debug)]
struct Script {
    kek: LocalKek,
    failures: Mutex<VecDeque<KekErrorKind>>,
    wraps: AtomicUsize,
    unwraps: AtomicUsize,
    /// Closed when nobody is held up.
    gate: Mutex<Arc<Semaphore>>,
}

impl Default for ScriptedKek {
    fn default() -> Self {
        let open = Semaphore::new(0);
        open.close();
        Self(Arc::new(Script {
            kek: LocalKek::new(Keyring::generate()),
            failures: Mutex::default(),
            wraps: AtomicUsize::new(0),
            unwraps: AtomicUsize::new(0),
            gate: Mutex::new(Arc::new(open)),
        }))
    }
}

impl ScriptedKek {
    /// One that works.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next calls fail, one for each of these kinds.
    pub fn fail_next(&self, kinds: impl IntoIterator<Item = KekErrorKind>) {
        lock(&self.0.failures).extend(kinds);
    }

    /// Holds up calls until [`release`](Self::release).
    pub fn hold(&self) {
        *lock(&self.0.gate) = Arc::new(Semaphore::new(0));
    }

    /// Lets those go on that are held up, and all that come after.
    pub fn release(&self) {
        self.gate().close();
    }

    /// How often it was asked to wrap.
    #[must_use]
    pub fn wraps(&self) -> usize {
        self.0.wraps.load(Ordering::SeqCst)
    }

    /// How often it was asked to unwrap.
    #[must_use]
    pub fn unwraps(&self) -> usize {
        self.0.unwraps.load(Ordering::SeqCst)
    }

    fn gate(&self) -> Arc<Semaphore> {
        Arc::clone(&lock(&self.0.gate))
    }

    /// What comes of a call, as soon as it is let through.
    fn play<T: Send + 'static>(&self, answer: KekFuture<T>) -> KekFuture<T> {
        let failure = lock(&self.0.failures).pop_front();
        let gate = self.gate();
        Box::pin(async move {
            // It only ever ends by being closed.
            let _closed = gate.acquire().await;
            match failure {
                Some(kind) => Err(KekError::new(kind)),
                None => answer.await,
            }
        })
    }
}

impl Kek for ScriptedKek {
    fn wrap(&self, key: &DataKey, context: &KekContext) -> KekFuture<WrappedKey> {
        self.0.wraps.fetch_add(1, Ordering::SeqCst);
        self.play(self.0.kek.wrap(key, context))
    }

    fn unwrap(&self, key: &WrappedKey, context: &KekContext) -> KekFuture<DataKey> {
        self.0.unwraps.fetch_add(1, Ordering::SeqCst);
        self.play(self.0.kek.unwrap(key, context))
    }
}
