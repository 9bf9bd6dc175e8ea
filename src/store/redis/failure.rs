use crate::store::{StoreError, StoreErrorKind};
use redis::{RedisError, ServerError, ServerErrorKind};
use std::borrow::Cow;
use std::time::Duration;

/// Why a server did not do what it was asked, and what to do about it.
///
/// It can be cloned, for one failure may concern many who wait.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    kind: StoreErrorKind,
    message: Cow<'static, str>,
    remedy: Remedy,
}

/// What helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing that can be done here.
    None,
    /// Another connection, maybe to another server.
    Reconnect,
    /// To ask anew which server has the slot.
    Refresh,
    /// To send the text of the script.
    ScriptText,
    /// To ask this server from now on.
    Moved(String),
    /// To ask this server this once.
    Ask(String),
    /// To try again in a moment.
    Again,
}

impl Failure {
    pub(super) fn new(kind: StoreErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            remedy: Remedy::None,
        }
    }

    pub(super) fn and(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }

    pub(super) fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StoreErrorKind::Unavailable, message)
    }

    pub(super) fn timeout(deadline: Duration) -> Self {
        let message = format!("no answer from redis within {deadline:?}; it may have been done");
        Self::new(StoreErrorKind::Timeout, message)
    }

    pub(super) fn corrupt() -> Self {
        Self::new(
            StoreErrorKind::Corrupt,
            "redis answered with something that this library does not expect",
        )
    }

    /// The connection broke. What was sent may have been done.
    pub(super) fn lost(error: &RedisError) -> Self {
        Self::unavailable(format!(
            "the connection to redis was lost ({error}); the operation may have been done"
        ))
        .and(Remedy::Reconnect)
    }

    /// The server answered with an error, so the operation was not done.
    pub(super) fn answered(error: &ServerError) -> Self {
        let detail = error.details().unwrap_or_default();
        let told = || format!("redis refused: {} {detail}", error.code());
        let address = || {
            let address = detail.split_whitespace().nth(1);
            address.unwrap_or_default().to_owned()
        };
        match error.kind() {
            Some(ServerErrorKind::NoScript) => Self::unavailable(told()).and(Remedy::ScriptText),
            Some(ServerErrorKind::Moved) => Self::unavailable(told()).and(Remedy::Moved(address())),
            Some(ServerErrorKind::Ask) => Self::unavailable(told()).and(Remedy::Ask(address())),
            Some(ServerErrorKind::TryAgain) => Self::unavailable(told()).and(Remedy::Again),
            Some(
                ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown,
            ) => Self::unavailable(told()).and(Remedy::Reconnect),
            Some(ServerErrorKind::ClusterDown) => Self::unavailable(told()).and(Remedy::Refresh),
            Some(_) => Self::unavailable(told()),
            None => match error.code() {
                "OOM" => Self::new(
                    StoreErrorKind::Full,
                    "redis has reached its maxmemory, and evicts nothing",
                ),
                "CORRUPT" | "WRONGTYPE" => Self::corrupt(),
                "NOAUTH" => Self::unavailable(told()).and(Remedy::Reconnect),
                _ => Self::unavailable(told()),
            },
        }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) const fn remedy(&self) -> &Remedy {
        &self.remedy
    }

    /// Whether another charge in the same script may have caused it. Nothing was changed.
    pub(super) fn may_be_another_charge(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Full | StoreErrorKind::Corrupt)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}
