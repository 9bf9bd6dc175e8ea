use crate::authn::Epochs;
use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind};
use crate::store::StoreError;
use std::time::Duration;

/// What is wrong with the configuration of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A token that is over at once.
    #[error("the idle lifetime is zero: 7 days are the default")]
    IdleZero,
    /// Nothing would ever time out idle.
    #[error(
        "the absolute lifetime of {absolute:?} is shorter than the idle one of {idle:?}: \
         make it longer"
    )]
    AbsoluteTooShort {
        /// The absolute lifetime.
        absolute: Duration,
        /// The idle lifetime.
        idle: Duration,
    },
    /// Longer than the epoch is kept that would end them.
    #[error("an absolute lifetime of {0:?} is too long: use at most 400 days")]
    AbsoluteTooLong(Duration),
    /// A stolen token would go unnoticed for so long.
    #[error("a grace of {given:?} lets theft go unnoticed for so long: use at most {most:?}")]
    GraceTooLong {
        /// What was given.
        given: Duration,
        /// The most there may be.
        most: Duration,
    },
    /// Two rules that contradict each other.
    #[error("the strict profile has no grace: leave out the one or the other")]
    GraceInStrict,
    /// Nobody could get a token.
    #[error("the limit allows no family at all: allow at least one")]
    LimitZero,
}

impl ConfigError {
    pub(super) fn check_absolute(absolute: Duration) -> Result<(), Self> {
        if absolute > Epochs::KEPT {
            return Err(Self::AbsoluteTooLong(absolute));
        }
        Ok(())
    }
}

/// Why a refresh token was refused. For logs and events: the client learns only that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The text is none that was made here.
    Malformed,
    /// There is no such family: it has expired, was ended, or never was.
    Unknown,
    /// The family is there, and this token is none of it: it is forged.
    Forged,
    /// The token was used before. One of two who have it stole it, so the family was ended.
    Reused,
    /// Not used for too long.
    Idle,
    /// The family is too old.
    Expired,
    /// All credentials of the user were ended since.
    Ended,
    /// It was given to another client.
    WrongClient,
    /// It is bound to a key that the client did not prove.
    WrongKey,
}

impl Refusal {
    /// A stable code, for logs and alerts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Forged => "forged",
            Self::Reused => "reused",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::WrongClient => "wrong_client",
            Self::WrongKey => "wrong_key",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "the refresh token is none that was made here",
            Self::Unknown => "the family of the refresh token has expired, was ended or never was",
            Self::Forged => "the refresh token is forged, with the place of one that is there",
            Self::Reused => "the refresh token was used before: its family was ended",
            Self::Idle => "the refresh token was not used for too long",
            Self::Expired => "the family of the refresh token is too old",
            Self::Ended => "the credentials of the user were ended since",
            Self::WrongClient => "the refresh token was given to another client",
            Self::WrongKey => "the refresh token is bound to a key that was not proved",
        }
    }

    /// Reuse was told where it was found, with what is known of the family.
    const fn event(self) -> Option<EventKind> {
        match self {
            Self::Reused => None,
            _ => Some(EventKind::AuthnTokenFail),
        }
    }
}

/// Why a refresh token was not issued, not taken, or not ended. In a handler, `?` makes it the
/// right [`Rejection`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The token is no good.
    #[error("{}", .0.text())]
    Refused(Refusal),
    /// The token was used before: one of two who have it stole it. Its family was ended; end
    /// the access tokens and the session of this login as well.
    #[error("{}", Refusal::Reused.text())]
    Reused {
        /// The id of the user.
        user: Box<str>,
        /// The public id of the family.
        family: String,
    },
    /// All credentials of the user were ended while the login was under way.
    #[error("the credentials of the user were ended while the login was under way")]
    Overtaken,
    /// The user has as many families as allowed.
    #[error("the user has as many families of refresh tokens as allowed")]
    LimitReached,
    /// The strict profile binds every token to a key of the client, and the grant names none.
    #[error("the strict profile needs the thumbprint of a key of the client; call `bound_to`")]
    NotBound,
    /// What is granted takes too much room.
    #[error("a grant of {0} bytes is too large; 8192 are the most")]
    TooLarge(usize),
    /// The store failed. The token may have been used up.
    #[error("the store of refresh tokens failed")]
    Store(#[from] StoreError),
    /// Others came between every time.
    #[error("others changed the family every time this tried to")]
    Contended,
    /// What the store holds is not as it was written here.
    #[error("the family of a refresh token cannot be understood")]
    Corrupt,
}

impl RefreshError {
    /// Why the token was refused, if that is what happened.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::Reused { .. } => Some(Refusal::Reused),
            _ => None,
        }
    }
}

impl From<Refusal> for RefreshError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// 401 `invalid_grant` for a token that was refused, the same for every reason; 503 when the
/// store failed; 500 for mistakes of the program.
impl From<RefreshError> for Rejection {
    fn from(error: RefreshError) -> Self {
        let of = |kind| Self::new(kind).with_reason(error.to_string());
        match &error {
            RefreshError::Refused(refusal) => invalid_grant(of, refusal.event()),
            RefreshError::Reused { user, .. } => {
                invalid_grant(of, Refusal::Reused.event()).with_subject(user)
            }
            RefreshError::Overtaken => invalid_grant(of, Some(EventKind::AuthnTokenFail)),
            RefreshError::LimitReached => of(RejectionKind::Conflict).with_code("too_many_logins"),
            RefreshError::Store(error) => of(error.kind().into()),
            RefreshError::Contended => of(RejectionKind::Unavailable),
            RefreshError::Corrupt | RefreshError::NotBound | RefreshError::TooLarge(_) => {
                of(RejectionKind::Internal)
            }
        }
    }
}

fn invalid_grant(of: impl Fn(RejectionKind) -> Rejection, event: Option<EventKind>) -> Rejection {
    of(RejectionKind::Unauthenticated)
        .with_code("invalid_grant")
        .with_challenge(&Challenge::new("Bearer").with("error", "invalid_token"))
        .with_event(event)
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for RefreshError {
    fn into_response(self) -> axum_core::response::Response {
        Rejection::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_client_cannot_tell_refusals_apart_and_the_operator_can() {
        let all = [
            Refusal::Malformed,
            Refusal::Unknown,
            Refusal::Forged,
            Refusal::Reused,
            Refusal::Idle,
            Refusal::Expired,
            Refusal::Ended,
            Refusal::WrongClient,
            Refusal::WrongKey,
        ];
        let rejections = all.map(|refusal| Rejection::from(RefreshError::from(refusal)));
        let seen: HashSet<_> = rejections
            .iter()
            .map(|it| {
                (
                    it.status(),
                    it.code().to_owned(),
                    format!("{:?}", it.headers()),
                )
            })
            .collect();
        assert_eq!(seen.len(), 1);
        let reasons: HashSet<_> = rejections.iter().filter_map(Rejection::reason).collect();
        let codes: HashSet<_> = all.map(Refusal::code).into();
        assert_eq!((reasons.len(), codes.len()), (all.len(), all.len()));
    }
}
