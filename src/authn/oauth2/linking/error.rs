use crate::authn::step_up::Unmet;
use crate::guard::{Rejection, RejectionKind};
use crate::store::StoreError;
use std::time::Duration;
use thiserror::Error;

/// Why an issuer and a subject are no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no issuer, or one that none can be.
    #[error("the issuer is not 1 to 1024 bytes without spaces and control characters")]
    Issuer,
    /// There is no subject, or one that none can be.
    #[error("the subject is not 1 to 255 bytes without control characters")]
    Subject,
}

/// Why an identity was not found, linked or taken off. Nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The user has to log in again first.
    #[error("the authentication is not recent or not strong enough to change identities by")]
    NotFresh {
        /// What is missing.
        unmet: Unmet,
        /// How old an authentication may be.
        max_age: Duration,
    },
    /// Another account has the identity.
    #[error("the identity is linked to another account")]
    LinkedElsewhere,
    /// The account has as many identities as one may have.
    #[error("the account has 16 identities, which are the most")]
    TooMany,
    /// Nobody could log in to the account any more.
    #[error("the identity is the last way to log in to the account")]
    LastLogin,
    /// The account does not have the identity.
    #[error("the account does not have the identity")]
    NotLinked,
    /// The account is not new: it has identities.
    #[error("the account has identities, so that it is not a new one")]
    NotNew,
    /// The records failed.
    #[error("the records of identities failed")]
    Store(#[from] StoreError),
}

/// What the user may know; 503 when the records failed.
impl From<LinkError> for Rejection {
    fn from(error: LinkError) -> Self {
        let (kind, code) = match &error {
            LinkError::NotFresh { unmet, max_age } => {
                return Self::new(RejectionKind::StepUpRequired)
                    .with_reason(unmet.text())
                    .with_member("max_age", max_age.as_secs());
            }
            LinkError::LinkedElsewhere => (RejectionKind::Conflict, "identity_taken"),
            LinkError::TooMany => (RejectionKind::Conflict, "too_many_identities"),
            LinkError::LastLogin => (RejectionKind::Conflict, "last_login"),
            LinkError::NotLinked => (RejectionKind::NotFound, "identity_not_linked"),
            LinkError::NotNew => (RejectionKind::Conflict, "account_not_new"),
            LinkError::Store(store) => {
                return Self::from(store).with_reason(format!("{error}: {store}"));
            }
        };
        Self::new(kind)
            .with_code(code)
            .with_reason(error.to_string())
    }
}
