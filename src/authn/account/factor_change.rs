use super::{AccountError, Lifecycle, purpose};
use crate::authn::one_time_code::Purpose;
use crate::event::EventKind;

/// What became of the second factor of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FactorChange {
    /// An authenticator app or the like is in use from now on.
    Added,
    /// It is asked for no longer: the password is enough again.
    Removed,
    /// There are new recovery codes, and those from before are void.
    RecoveryCodesReplaced,
    /// A recovery code was used in place of the second factor.
    RecoveryCodeUsed,
}

impl FactorChange {
    /// The stable code, as events have it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Added => "factor_added",
            Self::Removed => "factor_removed",
            Self::RecoveryCodesReplaced => "recovery_codes_replaced",
            Self::RecoveryCodeUsed => "recovery_code_used",
        }
    }

    const fn purpose(self) -> Purpose {
        match self {
            Self::Added => purpose::FACTOR_ADDED,
            Self::Removed => purpose::FACTOR_REMOVED,
            Self::RecoveryCodesReplaced => purpose::RECOVERY_CODES_REPLACED,
            Self::RecoveryCodeUsed => purpose::RECOVERY_CODE_USED,
        }
    }
}

impl Lifecycle {
    /// Changes the second factor of a user by `make`, and tells the user by a notice (ASVS 5.0
    /// 6.3.7) and the operator by an event: whoever got into an account takes its factor away,
    /// or adds one of theirs, and its owner has to hear of it.
    ///
    /// What `make` does is not begun before there is a place for the notice; nothing is sent
    /// where it fails.
    ///
    /// ```
    /// # use portcullis::authn::account::{FactorChange, Lifecycle};
    /// # use portcullis::authn::recovery_codes::RecoveryCodes;
    /// # use portcullis::guard::Rejection;
    /// # use portcullis::secret::SecretString;
    /// # #[cfg(feature = "recovery-codes")]
    /// async fn replace(
    ///     accounts: &Lifecycle,
    ///     codes: &RecoveryCodes,
    ///     user: &str,
    /// ) -> Result<Vec<SecretString>, Rejection> {
    ///     let make = async { Ok(codes.generate(user).await?) };
    ///     let change = FactorChange::RecoveryCodesReplaced;
    ///     accounts.change_factor(user, change, make).await
    /// }
    /// ```
    ///
    /// # Errors
    /// What `make` fails with; and, before it is begun, when there is no such account or nobody
    /// could be told.
    pub async fn change_factor<T, E: From<AccountError>>(
        &self,
        user: &str,
        change: FactorChange,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let account = self.account(user).await?;
        let place = self.reserve()?;
        let made = make.await?;
        self.notify(place, change.purpose(), account.email().as_str());
        self.tell(EventKind::UserUpdated, change.code(), user);
        Ok(made)
    }
}
