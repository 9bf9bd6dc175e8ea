use super::flight::{EntryId, FlightCache};
use super::{DataKey, Kek, KekContext, KekError, WrappedKey};
use crate::clock::Clock;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Unwrapped data keys, kept for a while so that not every value costs a trip to the
/// [`Kek`]. Cheap to clone; clones share one cache.
///
/// A key is asked for again when it is older than [`max_age`](Self::max_age), or was used for
/// more [messages](Self::max_messages) or [bytes](Self::max_bytes) than allowed: so the service
/// notices, and can refuse a key that was taken out of use. Many that ask for one key at once
/// cause one call. Failures are not kept.
///
/// ```
/// use portcullis::crypto::kek::{DataKey, DataKeyCache, Kek, KekContext, ScriptedKek};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let kek = ScriptedKek::new();
/// let context = KekContext::new("example");
/// let wrapped = kek.wrap(&DataKey::generate(), &context).await?;
///
/// let cache = DataKeyCache::new(kek.clone()).max_messages(2);
/// for _ in 0..4 {
///     cache.unwrap(&wrapped, &context, 100).await?;
/// }
/// assert_eq!(kek.unwraps(), 2, "one for each two messages");
/// # Ok::<(), portcullis::crypto::kek::KekError>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataKeyCache {
    kek: Arc<dyn Kek>,
    keys: FlightCache<DataKey, KekError>,
}

impl DataKeyCache {
    /// Keys are kept for 5 minutes, 2^20 messages or 64 GiB, whatever comes first, and at most
    /// 1024 of them.
    #[must_use]
    pub fn new(kek: impl Kek) -> Self {
        Self {
            kek: Arc::new(kek),
            keys: FlightCache::new(),
        }
    }

    /// Sets for how long a key is used. As long may a key be used that the service has taken
    /// out of use.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.keys.limits.age = age;
        self
    }

    /// Sets for how many messages a key is used.
    #[must_use]
    pub const fn max_messages(mut self, messages: u64) -> Self {
        self.keys.limits.messages = messages;
        self
    }

    /// Sets for how many bytes a key is used.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.keys.limits.bytes = bytes;
        self
    }

    /// Sets how many keys are kept. For one more, the one that was not used for longest goes.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.keys.limits.entries = entries;
        self
    }

    /// Takes time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.keys.clock = clock;
        self
    }

    /// The key, for one message of so many bytes.
    ///
    /// # Errors
    /// Those of the KEK, when it had to be asked.
    pub async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KekContext,
        bytes: u64,
    ) -> Result<DataKey, KekError> {
        let fetch = || self.kek.unwrap(wrapped, context);
        self.keys.get(id(wrapped, context), bytes, fetch).await
    }

    /// Forgets a key, as when it was destroyed.
    pub fn forget(&self, wrapped: &WrappedKey, context: &KekContext) {
        self.keys.forget(&id(wrapped, context));
    }

    /// Forgets all keys.
    pub fn clear(&self) {
        self.keys.clear();
    }

    /// How many keys are kept or being fetched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn id(wrapped: &WrappedKey, context: &KekContext) -> EntryId {
    let mut hash = Sha256::new();
    // The context says where it ends, so the two cannot run into each other.
    hash.update((wrapped.as_bytes().len() as u64).to_be_bytes());
    hash.update(wrapped.as_bytes());
    hash.update(context.encode());
    hash.finalize().into()
}
