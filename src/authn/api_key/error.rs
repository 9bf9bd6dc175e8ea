use crate::event::EventKind;
use crate::guard::{FieldError, Rejection, RejectionKind};
use crate::store::StoreError;
use std::time::Duration;

/// What is wrong with the configuration of API keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Scanners and people could not tell the keys.
    #[error(
        "{0:?} cannot begin keys: use 1 to 32 of a-z, 0-9 and single _ between them, and begin with a letter, such as acme_live"
    )]
    Prefix(String),
    /// Nobody could make a key.
    #[error("the limit allows no key at all: allow 1 to 500 for each owner")]
    LimitOutOfRange(usize),
    /// Nobody could make a key that lives.
    #[error("the longest lifetime is zero: 90 days are usual")]
    LifetimeZero,
}

/// Why something with API keys could not be done. In a handler, `?` makes it the right
/// [`Rejection`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The records failed.
    #[error("the records of API keys failed: {0}")]
    Records(#[from] StoreError),
    /// What was asked for is not valid, field by field.
    #[error("an API key cannot be made as asked: {} fields are not valid", .0.len())]
    Invalid(Vec<FieldError>),
    /// The owner has as many keys as allowed.
    #[error("the owner has {0} API keys, which is the limit: revoke one that is not needed")]
    LimitReached(usize),
    /// There is no such key, or it is somebody else's.
    #[error("the owner has no such API key")]
    NotFound,
    /// The key was revoked by time or replaced already, or is one that signs.
    #[error("the API key has expired, was rotated before or signs requests: make a new one")]
    NotRotatable,
    /// Who is limited asks for more than it may do itself, or a key asks for another one.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The old key would live on for too long.
    #[error("an overlap of {0:?} keeps the old key alive for too long: 30 days are the most")]
    OverlapTooLong(Duration),
    /// The secret of a signing key was not sealed.
    #[error("the secret of a signing key could not be sealed: has the sealer a key to seal with?")]
    NotSealed,
    /// Others came between every time.
    #[error("others changed the API keys of the owner every time this tried to")]
    Contended,
}

impl ApiKeyError {
    fn rejection(&self) -> Rejection {
        match self {
            Self::Records(error) => error.into(),
            Self::Contended => Rejection::new(RejectionKind::Unavailable),
            Self::Invalid(fields) => Rejection::invalid(fields.iter().cloned()),
            Self::NotSealed => Rejection::new(RejectionKind::Internal)
                .with_event(Some(EventKind::CryptEncryptFail)),
            Self::LimitReached(_) => {
                Rejection::new(RejectionKind::Conflict).with_code("too_many_api_keys")
            }
            Self::NotFound => Rejection::new(RejectionKind::NotFound),
            Self::NotRotatable => {
                Rejection::new(RejectionKind::Conflict).with_code("api_key_not_rotatable")
            }
            Self::NotAllowed(_) => Rejection::new(RejectionKind::Forbidden)
                .with_code("api_key_not_allowed")
                .with_event(Some(EventKind::AuthzFail)),
            Self::OverlapTooLong(_) => Rejection::invalid([FieldError::new(
                "/overlap",
                "too_long",
                "must be 30 days at most",
            )]),
        }
    }
}

impl From<ApiKeyError> for Rejection {
    fn from(error: ApiKeyError) -> Self {
        error.rejection().with_reason(error.to_string())
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for ApiKeyError {
    fn into_response(self) -> axum_core::response::Response {
        Rejection::from(self).into_response()
    }
}
