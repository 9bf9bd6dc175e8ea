//! The store on Redis or Valkey, alone or as a Cluster.

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
