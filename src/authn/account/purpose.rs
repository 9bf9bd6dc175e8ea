//! What links and notices are sent for. A [`CodeSender`](crate::authn::one_time_code::CodeSender)
//! finds the words by it.

use crate::authn::one_time_code::Purpose;

/// A link that shows a new account's address to be its user's.
pub const VERIFY_EMAIL: Purpose = Purpose::new("account-verify");
/// A link that sets a new password.
pub const RESET_PASSWORD: Purpose = Purpose::new("account-reset");
/// To an address that somebody tried to register once more: a link as for a reset.
pub const ALREADY_REGISTERED: Purpose = Purpose::new("account-already-registered");

/// The links that set a new password.
pub(super) const RESETS: [Purpose; 2] = [RESET_PASSWORD, ALREADY_REGISTERED];

/// A link to the address that an account shall leave. The message is
/// [about](crate::authn::one_time_code::Message::about) the new address: show it, and say what
/// to do for who did not ask for it.
pub const CONFIRM_OLD_EMAIL: Purpose = Purpose::new("account-confirm-old");
/// A link to the address that an account shall have.
pub const CONFIRM_NEW_EMAIL: Purpose = Purpose::new("account-confirm-new");

/// A notice: the password was changed, or reset by a link.
pub const PASSWORD_CHANGED: Purpose = Purpose::new("account-password-changed");
/// A notice, to both addresses: the address was changed.
pub const EMAIL_CHANGED: Purpose = Purpose::new("account-email-changed");
/// A notice: a second factor is in use from now on.
pub const FACTOR_ADDED: Purpose = Purpose::new("account-factor-added");
/// A notice: the second factor is asked for no longer.
pub const FACTOR_REMOVED: Purpose = Purpose::new("account-factor-removed");
/// A notice: there are new recovery codes, and those from before are void.
pub const RECOVERY_CODES_REPLACED: Purpose = Purpose::new("account-recovery-codes-replaced");
/// A notice: somebody logged in by a recovery code.
pub const RECOVERY_CODE_USED: Purpose = Purpose::new("account-recovery-code-used");
/// A notice: the account was disabled.
pub const ACCOUNT_DISABLED: Purpose = Purpose::new("account-disabled");
/// A notice: the account was enabled again.
pub const ACCOUNT_ENABLED: Purpose = Purpose::new("account-enabled");
/// A notice: the account was deleted.
pub const ACCOUNT_DELETED: Purpose = Purpose::new("account-deleted");
