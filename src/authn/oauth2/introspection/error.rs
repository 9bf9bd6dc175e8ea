use crate::authn::jwt::JwtError;
use crate::authn::oauth2::EndpointError;
use crate::guard::{Rejection, RejectionKind};
use std::time::Duration;
use thiserror::Error;

/// When to come back, where the provider could not be asked.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why a token was not found to be good.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// It is not.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// The provider could not be asked, or its answer is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Too many are being asked about.
    #[error("as many tokens as allowed are being asked about")]
    TooMany,
    /// The call did not end, or none could begin.
    #[error("the call did not end, or there is no runtime of Tokio to make it")]
    NotNow,
}

/// 401 for a token that is no good, 503 where that could not be found out.
impl From<IntrospectionError> for Rejection {
    fn from(error: IntrospectionError) -> Self {
        match error {
            IntrospectionError::Token(error) => error.into(),
            error => Self::new(RejectionKind::Unavailable)
                .with_code("introspection_unavailable")
                .with_reason(error.to_string())
                .with_retry_after(RETRY_AFTER),
        }
    }
}

/// Why tokens cannot be asked about in this way.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IntrospectionConfigError {
    /// There is no issuer, or no audience.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// Everybody could ask.
    #[error(
        "the client shows the provider nothing but its id; give it a secret or a key, or say \
         `insecure_public_client` where its connection shows its certificate"
    )]
    PublicClient,
    /// Answers that are gone by for too long.
    #[error(
        "{good} and {bad} seconds make no sense; up to 300 for good tokens, for bad ones no more \
         than that; 30 and 5 are the default"
    )]
    Remembered {
        /// For good tokens.
        good: u64,
        /// For bad ones.
        bad: u64,
    },
    /// More than should lie in memory, or next to nothing.
    #[error("{0} answers make no sense; 64 to 1048576 do, 8192 are the default")]
    Capacity(usize),
    /// None at all, or a pile-up.
    #[error("{0} calls at once make no sense; 1 to 10000 do, 100 are the default")]
    Calls(usize),
}
