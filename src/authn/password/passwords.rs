use super::pool::{Limits, Pool};
use super::{ConfigError, PasswordError, PasswordHash, PasswordScheme, Verification};
use crate::secret::SecretString;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How many may wait for each thread, by default: about two seconds' worth.
const QUEUE_PER_WORKER: usize = 32;

/// Hashes and verifies passwords on threads of its own.
///
/// A hash takes tens of milliseconds and tens of mebibytes, on purpose. So only so many run
/// at a time, none on the threads of the asynchronous runtime (any runtime will do), and
/// memory stays below threads times the memory of one hash: 100 logins at once take no more
/// than two do on two cores. (One stored hash that asks for more than all of that runs alone.)
/// So many more wait, about two seconds' worth; the rest is refused at once with
/// [`PasswordError::Busy`], which as a [`Rejection`](crate::guard::Rejection) is a 503 with
/// `Retry-After`. One that is dropped while it waits, as when the client hangs up, costs no
/// hash.
///
/// Cheap to clone; the clones share the threads, which end when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Passwords {
    scheme: Arc<PasswordScheme>,
    pool: Arc<Pool>,
}

impl Passwords {
    /// Argon2id as OWASP recommends it, on as many threads as there are cores.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn new() -> Result<Self, ConfigError> {
        Self::builder().build()
    }

    /// Starts from the same, and lets you change it.
    pub fn builder() -> PasswordsBuilder {
        PasswordsBuilder::default()
    }

    /// A hash of `password` to store. Judge the password by a
    /// [policy](super::PasswordPolicy) first.
    ///
    /// # Errors
    /// When too many others wait, or hashing failed.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        let (scheme, password) = (Arc::clone(&self.scheme), password.clone());
        let memory = scheme.memory_kib(None);
        self.pool
            .run(memory, move || scheme.hash(&password))
            .await?
    }

    /// Whether `password` is the one that `stored` was made of. Hand over what you found for
    /// the user, `None` for a user who is not there: that takes as long, and is rejected.
    ///
    /// # Errors
    /// When too many others wait, or hashing failed. Answer the same for each user then.
    pub async fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &SecretString,
    ) -> Result<Verification, PasswordError> {
        let (scheme, password) = (Arc::clone(&self.scheme), password.clone());
        let memory = scheme.memory_kib(stored);
        let stored = stored.cloned();
        let work = move || scheme.verify(stored.as_ref(), &password);
        self.pool.run(memory, work).await?
    }

    /// Refuses what waits and what comes, and returns when what runs has ended: at most the
    /// time of one hash. Blocks, so call it last.
    pub fn shut_down(&self) {
        self.pool.shut_down();
    }
}

/// Sets up [`Passwords`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing starts before `build`"]
pub struct PasswordsBuilder {
    scheme: PasswordScheme,
    workers: Option<NonZeroUsize>,
    queue: Option<usize>,
}

impl PasswordsBuilder {
    /// Sets how passwords are hashed, and which hashes are verified.
    pub fn scheme(mut self, scheme: PasswordScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sets the number of threads: how many hashes run at a time. As many as cores without it.
    pub const fn workers(mut self, workers: NonZeroUsize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Sets how many may wait while all threads are busy: 32 for each thread without it.
    pub const fn queue(mut self, length: usize) -> Self {
        self.queue = Some(length);
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn build(self) -> Result<Passwords, ConfigError> {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let workers = self.workers.unwrap_or_else(cores);
        let threads = u64::try_from(workers.get()).unwrap_or(u64::MAX);
        let limits = Limits {
            workers,
            queue: self
                .queue
                .unwrap_or_else(|| workers.get().saturating_mul(QUEUE_PER_WORKER)),
            memory_kib: threads.saturating_mul(self.scheme.memory_kib(None).into()),
        };
        Ok(Passwords {
            pool: Arc::new(Pool::start(limits).map_err(ConfigError::Thread)?),
            scheme: Arc::new(self.scheme),
        })
    }
}
