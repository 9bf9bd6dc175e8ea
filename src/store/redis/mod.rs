//! The store on Redis or Valkey, alone or as a Cluster.
//!
//! All machines that share it see one truth: a one-time code is used once, a limit counts the
//! requests to all of them, a session that is revoked is revoked everywhere.
//!
//! ```no_run
//! use portcullis::store::Store;
//! use portcullis::store::redis::{RedisStore, RedisStoreError};
//! use std::time::Duration;
//!
//! # async fn open() -> Result<(), RedisStoreError> {
//! // Nothing else changes: every control takes it as it takes `Store::memory()`.
//! let store = Store::redis("rediss://portcullis:SECRET@redis.internal:6379").await?;
//!
//! // Or with everything that can be set:
//! let store = RedisStore::builder("redis://10.0.0.5:6379")
//!     .username("portcullis")
//!     .password(std::env::var("REDIS_PASSWORD").unwrap_or_default())
//!     .prefix("shop:")
//!     .deadline(Duration::from_millis(100))
//!     .connect()
//!     .await?;
//! let store = Store::new(store);
//! # Ok(()) }
//! ```
//!
//! What is wrong with the configuration is told when the store is opened, and how to mend it:
//!
//! ```
//! use portcullis::store::Store;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! // The slash in the password should have been `%2F`.
//! let error = Store::redis("redis://:s3/cret@localhost").await.unwrap_err();
//! assert!(error.to_string().contains("percent-encoded"));
//! assert!(!error.to_string().contains("cret"));
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # The server
//!
//! Redis 7.0 or Valkey 7.2, or later; the scripts use nothing that is newer. Time is the
//! server's; an entry lives as long as it was given, rounded up to a whole millisecond, and up
//! to one millisecond more, for Redis goes by whole milliseconds. Entries under an owner go by
//! the microsecond.
//!
//! 1. **`maxmemory-policy noeviction`**, with a `maxmemory` that leaves room for the operating
//!    system. Under any other policy whoever fills the memory, with limits of invented clients,
//!    pushes out bans and used one-time codes. Such a server is refused when the store is opened;
//!    [`dangerous_accept_eviction`](RedisStoreBuilder::dangerous_accept_eviction) accepts it. A
//!    server that is full answers [`Full`](super::StoreErrorKind::Full), changes nothing, and
//!    goes on reading. Do not share it with caches, which need the opposite.
//! 2. **Persistence** as dear as the entries are: without any, a restart forgets sessions, which
//!    is a nuisance, and revocations and used codes, which is a risk for as long as what they
//!    refused is still valid. `appendonly yes` with `appendfsync everysec` loses one second.
//! 3. **Replication is asynchronous**: at a failover the new primary may lack the last writes that
//!    were acknowledged, on Sentinel, Cluster and managed services alike. A code may then be used
//!    twice, a revoked session live on. `min-replicas-to-write 1` with a small `min-replicas-max-lag`
//!    bounds that to the lag; nothing on Redis excludes it. What must never be lost belongs into
//!    [`Records`](super::Records).
//! 4. **A user of its own** that may do no more than is needed. These rules do (replace the
//!    secret, and the prefix if yours is another):
//!
//! ```text
//! user portcullis on >SECRET resetchannels resetkeys ~portcullis:* -@all +ping +select +asking +info +evalsha +eval +script|load +time +get +set +del +exists +getdel +mget +setrange +pttl +pexpireat +hget +hset +hdel +zadd +zrem +zscore +zcount +zrange +zrangebyscore +cluster|slots
//! ```
//!
//! 5. **TLS**, by `rediss://`, on any network that is not yours alone: the password and the ids
//!    of sessions travel on it. It runs on `rustls` with `ring`, whatever provider the process
//!    has as its default. Certificates are always verified.
//!
//! # When it fails
//!
//! An operation waits until the [deadline](RedisStoreBuilder::deadline) (a quarter of a second
//! unless told otherwise) and then fails with [`Timeout`](super::StoreErrorKind::Timeout). After
//! three in a row, or at once when the connection is lost, the breaker opens: the connection is
//! closed, and every operation fails at once with
//! [`Unavailable`](super::StoreErrorKind::Unavailable), in microseconds. In the background the
//! server is dialed again, after 10 ms and then less and less often, at least every half second.
//! The breaker closes when a connection is there, the server takes a write, and answers within the
//! deadline: no request has to try it out. A server that is loading its data, or that became a
//! replica, counts as gone.
//!
//! After `Timeout` and `Unavailable` the operation may have been done, and it is never repeated
//! here: a charge would be charged twice, a code taken in vain. Only what the server says it did
//! not do is sent again: when it has forgotten the scripts, or a slot has moved.
//!
//! The operations under way are [bounded](RedisStoreBuilder::max_in_flight); what is beyond waits
//! its turn until the deadline, and charges beyond the bound are refused at once. A future that is
//! dropped leaves nothing behind.
//!
//! # Charging quotas
//!
//! The charges of all tasks that come while another call is under way go to a single server in one
//! call of one script, which decides each batch for itself, in the order they came. On a Cluster
//! quotas under one [`Owner`](super::Owner) take one trip. Those in different slots take one trip
//! each, at the same time, and when one refuses, a second for those that had admitted, to give
//! back what they took. **The error**: for that time, about two round trips, a quota can look
//! fuller than it is by what is about to be given back, so a request may be refused that would
//! have fitted. None is admitted that would not. When the refund itself fails, because the
//! connection broke in between, the quota stays charged and refills by itself. The one exception:
//! if a quota is deleted between charge and refund and charged again by others, the refund gives
//! back as much of theirs.
//!
//! # Cluster
//!
//! Any member stands for all of it: the others are found by `CLUSTER SLOTS`. Each server has its
//! own connection and its own breaker, so that one that is gone takes only its slots with it.
//! Redirections (`MOVED`, `ASK`, `TRYAGAIN`) are followed within the deadline. While a primary is
//! replaced, operations on its slots fail at once, and come back when the replica has taken over.
//! All that is written and read goes to primaries.
//!
//! # Keys
//!
//! `portcullis:{` kind and namespace `:` owner or id `}` id. What is plain text stays readable, after
//! `~`; anything else is base64, after `=`. Ids are no secret from whoever may look into the server:
//! hash what must be, as the controls of this library do.

mod address;
mod answer;
mod backend;
mod builder;
mod charge;
mod cluster;
mod dial;
mod error;
mod failure;
mod keys;
mod node;
mod request;
mod scripts;
mod servers;
mod tls;

pub use address::AddressError;
pub use builder::RedisStoreBuilder;
pub use error::RedisStoreError;

use crate::store::Store;
use keys::Keys;
use servers::Servers;
use std::time::Duration;

/// A [`Store`] on Redis or Valkey. Clones share the connection.
#[derive(Clone, Debug)]
pub struct RedisStore {
    keys: Keys,
    servers: Servers,
}

impl RedisStore {
    /// What keys begin with unless told otherwise.
    pub const DEFAULT_PREFIX: &'static str = "portcullis:";

    /// How long an operation may take unless told otherwise: a quarter of a second.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(250);

    /// How long opening a connection may take unless told otherwise: two seconds.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

    /// How many operations may be under way on one connection unless told otherwise.
    pub const DEFAULT_MAX_IN_FLIGHT: usize = 4096;

    /// A store at this URL, with everything else to be set.
    pub fn builder(url: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url)
    }
}

impl Store {
    /// A store on the Redis or Valkey server at this URL: `redis://user:password@host:port/0`,
    /// `rediss://` with TLS, `unix:///path` for a socket. A member of a Cluster stands for all
    /// of it.
    ///
    /// # Errors
    /// See [`RedisStoreBuilder::connect`].
    pub async fn redis(url: &str) -> Result<Self, RedisStoreError> {
        Ok(Self::new(RedisStore::builder(url).connect().await?))
    }

    /// A store on the Redis Cluster which these servers belong to: some of them, to begin
    /// with.
    ///
    /// # Errors
    /// See [`RedisStoreBuilder::connect`].
    pub async fn redis_cluster<'u>(
        urls: impl IntoIterator<Item = &'u str>,
    ) -> Result<Self, RedisStoreError> {
        let mut urls = urls.into_iter();
        let first = urls.next().ok_or(RedisStoreError::NoUrl)?;
        let builder = urls.fold(RedisStore::builder(first), RedisStoreBuilder::seed);
        Ok(Self::new(builder.connect().await?))
    }
}
