use crate::authn::Refusal;
use crate::crypto;
use crate::guard::{Rejection, RejectionKind};
use crate::store::StoreError;

/// What is wrong with the configuration of TOTP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The issuer is the name of the service in the user's app.
    #[error("the issuer {0:?} must be 1 to 64 bytes long, without colons and control characters")]
    Issuer(String),
    /// Codes that are shorter can be guessed, and longer ones are not known to apps.
    #[error("codes have 6 to 8 digits, not {0}")]
    Digits(u8),
    /// Steps that are shorter leave no time for typing, and ASVS 5.0 6.5.5 allows no longer ones.
    #[error("a step lasts 15 to 30 seconds, not {0}")]
    Period(u64),
    /// Each step more makes guessing easier, and stolen codes live longer.
    #[error("a window of {0} steps is too wide; codes may come at most 2 steps early or late")]
    Window(u8),
    /// The larger the gap, the older the codes that pass.
    #[error("a drift of {0} steps is too much; follow clocks for at most 60 steps")]
    Drift(u8),
    /// The sealer seals nothing.
    #[error("the sealer does not seal a secret of 20 bytes")]
    Sealer(#[source] crypto::Refused),
}

/// Why a code was not accepted, or an operation not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TotpError {
    /// The code is no good.
    #[error("{0}")]
    Refused(Refusal),
    /// The store failed. The code was not accepted, though it may have been used up.
    #[error("the second factor cannot be read or written")]
    Store(#[from] StoreError),
    /// The secret could not be sealed or opened: is its key missing?
    #[error("the secret of an authenticator cannot be sealed or opened")]
    Sealed(#[from] crypto::Refused),
    /// A record is not what this library wrote.
    #[error("the record of an authenticator cannot be understood")]
    Corrupt,
}

/// 401 for a code that was refused, the same for every reason; 503 when the store failed; 500
/// for the rest.
impl From<TotpError> for Rejection {
    fn from(error: TotpError) -> Self {
        let internal = || Self::new(RejectionKind::Internal).with_reason(error.to_string());
        match &error {
            TotpError::Refused(refusal) => (*refusal).into(),
            TotpError::Store(error) => error.into(),
            TotpError::Sealed(refused) => internal().with_event(Some(refused.event().kind())),
            TotpError::Corrupt => internal(),
        }
    }
}
