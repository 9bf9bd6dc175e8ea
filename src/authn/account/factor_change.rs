use super::{Account, AccountError, Lifecycle, purpose};
use crate::authn::one_time_code::{Place, Purpose};
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
    /// where it fails. When whoever waits for it gives up meanwhile, as by hanging up, the notice
    /// is sent all the same: the change may have been made.
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
        let mut notice = Notice {
            place: Some(self.reserve()?),
            life: self,
            account,
            change,
        };
        let made = make.await;
        if made.is_err() {
            notice.place = None;
        }
        made
    }
}

/// Told when it is dropped, unless its place was given back.
struct Notice<'a> {
    place: Option<Place>,
    life: &'a Lifecycle,
    account: Account,
    change: FactorChange,
}

impl Drop for Notice<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let (life, change) = (self.life, self.change);
        let address = self.account.email().as_str();
        life.notify(place, change.purpose(), address);
        life.tell(EventKind::UserUpdated, change.code(), self.account.id());
    }
}
