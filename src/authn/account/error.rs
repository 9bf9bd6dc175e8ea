use super::NotAnEmail;
use crate::authn::one_time_code::CodeError;
use crate::authn::password::{PasswordError, Violations};
use crate::authn::throttle::ThrottleError;
use crate::event::EventKind;
use crate::guard::{Challenge, FieldError, Rejection, RejectionKind};
use crate::store::StoreError;

/// Why somebody was not let in, for the operator's eyes alone: the answer is the same for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub(super) reason: Why,
    pub(super) subject: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no such account, or it has no such password.
    Password(crate::authn::password::Mismatch),
    Unknown,
    Unverified,
    Disabled,
    Locked,
}

impl Refused {
    /// A stable code, for logs and alerts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.reason {
            Why::Password(mismatch) => mismatch.code(),
            Why::Unknown => "unknown_account",
            Why::Unverified => "unverified_account",
            Why::Disabled => "disabled_account",
            Why::Locked => "locked",
        }
    }

    /// The id of the account, where there is one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

/// Why something was not done with an account. In a handler, `?` makes it the right
/// [`Rejection`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The name or the password is wrong, or nobody may log in to the account now.
    #[error("the name or the password is wrong")]
    Refused(Refused),
    /// It is not an e-mail address.
    #[error("{0}")]
    Email(#[from] NotAnEmail),
    /// The new password is refused by the policy.
    #[error("{0}")]
    Policy(#[from] Violations),
    /// The link is no good, or none can be sent now.
    #[error("{0}")]
    Link(#[from] CodeError),
    /// There were too many tries.
    #[error("{0}")]
    Throttled(#[from] ThrottleError),
    /// The password could be neither hashed nor verified.
    #[error("{0}")]
    Hashing(#[from] PasswordError),
    /// There is no such account, or not any more.
    #[error("there is no such account")]
    Gone,
    /// The password that was confirmed is another by now: somebody changed it meanwhile.
    #[error("the password was changed meanwhile")]
    PasswordChanged,
    /// Another account has the address by now.
    #[error("another account has this address")]
    EmailTaken,
    /// The account was changed, but what its user holds was not ended, or not all of it. Do
    /// it again.
    #[error("what the user holds could not be ended: {}", .0.reason().unwrap_or("no reason given"))]
    NotEnded(Rejection),
    /// The accounts cannot be read or written.
    #[error("the accounts cannot be read or written")]
    Store(#[from] StoreError),
}

impl AccountError {
    pub(super) fn refused(reason: Why, subject: Option<&str>) -> Self {
        let subject = subject.map(Into::into);
        Self::Refused(Refused { reason, subject })
    }
}

/// 401 `wrong_credentials`, byte for byte the same for every reason, which goes into the event;
/// 422 for what was typed wrong; 404, 409, 429 and 503 for the others.
impl From<AccountError> for Rejection {
    fn from(error: AccountError) -> Self {
        let reason = error.to_string();
        match error {
            AccountError::Refused(refused) => wrong_credentials(&refused),
            AccountError::Email(_) => {
                Self::invalid([FieldError::new("/email", "not_an_email", reason)])
            }
            AccountError::Policy(violations) => Self::invalid(violations.at("/password")),
            AccountError::Link(error) => error.into(),
            AccountError::Throttled(error) => error.into(),
            AccountError::Hashing(error) => error.into(),
            AccountError::Gone => Self::new(RejectionKind::NotFound).with_code("account_gone"),
            AccountError::PasswordChanged => {
                Self::new(RejectionKind::Conflict).with_code("password_changed_meanwhile")
            }
            AccountError::EmailTaken => Self::new(RejectionKind::Conflict).with_code("email_taken"),
            AccountError::NotEnded(rejection) => rejection,
            AccountError::Store(error) => error.into(),
        }
    }
}

fn wrong_credentials(refused: &Refused) -> Rejection {
    let event = match refused.reason {
        Why::Locked => EventKind::AuthnLoginFailMax,
        _ => EventKind::AuthnLoginFail,
    };
    let rejection = Rejection::new(RejectionKind::Unauthenticated)
        .with_code("wrong_credentials")
        .with_challenge(&Challenge::new("Bearer"))
        .with_reason(refused.code())
        .with_event(Some(event));
    match refused.subject() {
        Some(subject) => rejection.with_subject(subject),
        None => rejection,
    }
}
