use crate::authn::Refusal;
use crate::guard::{Rejection, RejectionKind};
use crate::store::StoreError;

/// Why a recovery code was not accepted, or an operation not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryCodeError {
    /// The code is no good.
    #[error("{0}")]
    Refused(Refusal),
    /// The store failed. The code was not accepted, though it may have been used up.
    #[error("the recovery codes cannot be read or written")]
    Store(#[from] StoreError),
    /// A record is not what this library wrote.
    #[error("the record of recovery codes cannot be understood")]
    Corrupt,
}

/// 401 for a code that was refused, the same for every reason; 503 when the store failed.
impl From<RecoveryCodeError> for Rejection {
    fn from(error: RecoveryCodeError) -> Self {
        match &error {
            RecoveryCodeError::Refused(refusal) => (*refusal).into(),
            RecoveryCodeError::Store(error) => error.into(),
            RecoveryCodeError::Corrupt => {
                Self::new(RejectionKind::Internal).with_reason(error.to_string())
            }
        }
    }
}
