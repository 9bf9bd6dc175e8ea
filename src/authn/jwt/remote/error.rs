use super::MetadataError;
use crate::crypto::keys::KeyError;
use crate::net::client::ClientError;
use thiserror::Error;

/// Why keys could not be fetched.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] ClientError),
    /// The answer was not 200.
    #[error("{origin} answered {status}")]
    Status {
        /// Who.
        origin: String,
        /// What.
        status: u16,
    },
    /// The answer is not UTF-8.
    #[error("the answer is not text")]
    NotText,
    /// The discovery document is none to go by.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The key set cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// None was tried: one failed a moment ago, or there is no runtime of Tokio here.
    #[error("nothing was fetched: it failed a moment ago, or no runtime is there to do it")]
    NotNow,
}

impl FetchError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Call(error) => error.code(),
            Self::Status { .. } => "keys_fetch_status",
            Self::NotText => "keys_fetch_not_text",
            Self::Metadata(_) => "keys_fetch_metadata",
            Self::Keys(error) => error.code(),
            Self::NotNow => "keys_fetch_not_now",
        }
    }
}

/// Why keys cannot be kept in this way.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteConfigError {
    /// The URL or issuer cannot be called.
    #[error(
        "the {0} is not an https URL, or one of http on the loopback, \
         without credentials, query and fragment"
    )]
    InvalidUrl(&'static str),
    /// Bounds the wrong way round, or nothing between them.
    #[error(
        "fresh for {least} to {most} seconds makes no sense; \
         from 10 seconds up to 86400, the first below the second"
    )]
    Freshness {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Keys that are let go while they are fresh, or that are good for weeks.
    #[error(
        "a max-stale of {0} seconds makes no sense; \
         at least as long as keys may be fresh, 604800 at most"
    )]
    MaxStale(u64),
    /// A cool-down that lets made-up names cause fetch after fetch, or keeps new keys out.
    #[error("a cool-down of {0} seconds makes no sense; 1 to 3600 do, 30 is the default")]
    CoolDown(u64),
}
