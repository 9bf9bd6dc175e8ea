use super::address::AddressError;
use std::time::Duration;

/// Why a [`RedisStore`](super::RedisStore) could not be opened. It never shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// A URL is none.
    #[error("the URL of redis is wrong: {0}")]
    Url(#[from] AddressError),
    /// The prefix of keys cannot be.
    #[error(
        "the prefix {0:?} cannot be: use 1 to 64 characters, printable ASCII without spaces and braces"
    )]
    Prefix(String),
    /// The certificates to trust cannot be read, or there are none.
    #[error("the certificates to trust cannot be used: {0}")]
    Certificates(String),
    /// Certificates are given, and TLS is not asked for.
    #[error(
        "certificates are given, but {0} does not use TLS: write rediss:// instead of redis://"
    )]
    CertificatesWithoutTls(String),
    /// Several servers are given that are not one Cluster.
    #[error("several servers are given, but {0} is not part of a Cluster: give one URL")]
    NoCluster(String),
    /// No URL is given.
    #[error("no URL of redis is given")]
    NoUrl,
    /// There is no connection.
    #[error("{address} cannot be reached: {reason}")]
    Unreachable {
        /// Which server.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("{address} did not answer within {within:?}")]
    NoAnswer {
        /// Which server.
        address: String,
        /// How long it had.
        within: Duration,
    },
    /// The server let us in and then refused something.
    #[error("{address} refuses: {reason}")]
    Refused {
        /// Which server.
        address: String,
        /// What it said.
        reason: String,
    },
    /// The server is too old.
    #[error("{address} runs version {version}: Redis 7.0, Valkey 7.2 or later is needed")]
    TooOld {
        /// Which server.
        address: String,
        /// Its version.
        version: String,
    },
    /// The server throws away entries when its memory is full.
    #[error(
        "{address} has maxmemory-policy {policy}, so whoever fills its memory undoes bans, limits and \
         revocations: set it to noeviction, or accept it by dangerous_accept_eviction"
    )]
    Evicts {
        /// Which server.
        address: String,
        /// Its policy.
        policy: String,
    },
}
