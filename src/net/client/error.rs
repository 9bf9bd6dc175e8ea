use crate::error_kinds::error_kinds;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use thiserror::Error as ThisError;

error_kinds! {
    /// What sort of failure it was.
    ClientErrorKind:

    /// The URL cannot be called: not absolute, of another scheme, or with credentials in it.
    InvalidUrl = "client_invalid_url", "the URL is not an absolute one of https without credentials";
    /// Plain HTTP to another machine.
    PlainHttp = "client_plain_http", "plain http is for the loopback alone";
    /// The host has no address that may be called.
    ForbiddenAddress = "client_forbidden_address", "the host has no address that may be called";
    /// The host's name does not resolve.
    Unresolved = "client_unresolved", "the host's name does not resolve";
    /// Nobody answers at the host's addresses.
    Unreachable = "client_unreachable", "no connection could be opened";
    /// The host could not prove who it is, or does not speak TLS as we do.
    Tls = "client_tls", "TLS could not be agreed on";
    /// No connection was there in time.
    ConnectTimeout = "client_connect_timeout", "no connection was there in time";
    /// The deadline passed.
    Timeout = "client_timeout", "no whole response was there in time";
    /// The exchange broke off, or was no HTTP.
    Broken = "client_broken", "the exchange broke off";
    /// The response is larger than the limit.
    TooLarge = "client_too_large", "the response is too large";
    /// The origin failed too often, and is not called for a while.
    CircuitOpen = "client_circuit_open", "the origin failed too often and is not called for now";
}

impl ClientErrorKind {
    /// Whether the request cannot have reached the service, so that any may be sent again.
    pub(super) const fn is_unsent(self) -> bool {
        matches!(
            self,
            Self::Unresolved | Self::Unreachable | Self::ConnectTimeout
        )
    }

    /// Whether it says something of the origin's health.
    pub(super) const fn is_failure_of_origin(self) -> bool {
        matches!(
            self,
            Self::Unresolved
                | Self::Unreachable
                | Self::Tls
                | Self::ConnectTimeout
                | Self::Timeout
                | Self::Broken
        )
    }
}

/// Why a call failed. It names the origin called and nothing more of the URL, for paths and
/// queries may hold secrets; so may the [source](Error::source) where the transport is yours.
#[derive(Clone)]
pub struct ClientError {
    kind: ClientErrorKind,
    origin: Option<Arc<str>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ClientError {
    pub(super) fn at(mut self, origin: &Arc<str>) -> Self {
        self.origin = Some(Arc::clone(origin));
        self
    }

    pub(super) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// The failure that a transport told of, which is one of these where it is ours.
    pub(super) fn of_transport(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => *ours,
            Err(foreign) => Self::from(ClientErrorKind::Broken).because(foreign),
        }
    }

    /// What sort of failure it was.
    #[must_use]
    pub const fn kind(&self) -> ClientErrorKind {
        self.kind
    }

    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The origin that was called, as `https://id.example.com`.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

impl From<ClientErrorKind> for ClientError {
    fn from(kind: ClientErrorKind) -> Self {
        Self {
            kind,
            origin: None,
            source: None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message())?;
        match &self.origin {
            Some(origin) => write!(f, ": {origin}"),
            None => Ok(()),
        }
    }
}

/// Without the source, which may be foreign and say more than it should.
impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientError")
            .field("kind", &self.kind)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + Send + Sync) = self.source.as_deref()?;
        Some(source)
    }
}

/// Why a client cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// No call could ever end well.
    #[error("the {0} is zero, so that nothing could ever be called; leave it out for the default")]
    Zero(&'static str),
    /// A deadline that holds nobody to anything.
    #[error("a deadline of {0} seconds is too long; 300 are the most, 10 the default")]
    DeadlineTooLong(u64),
    /// More than one response should take of this machine's memory.
    #[error("responses of {0} bytes are too large to hold in memory; 67108864 are the most")]
    ResponseTooLarge(usize),
    /// More retries than help anybody.
    #[error("{0} retries are too many; 10 are the most, 2 the default")]
    TooManyRetries(u32),
    /// The certificates to trust cannot be read, or there are none.
    #[error("the certificates to trust cannot be used: {0}")]
    Certificates(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique() {
        let codes: HashSet<_> = ClientErrorKind::ALL
            .iter()
            .map(|kind| kind.code())
            .collect();
        assert_eq!(codes.len(), ClientErrorKind::ALL.len());
    }

    #[test]
    fn debug_leaves_the_source_out() {
        let error = ClientError::from(ClientErrorKind::Broken).because("GET /?token=canary");
        assert!(!format!("{error:?} {error}").contains("canary"));
        assert!(error.source().is_some());
    }
}
