use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind};
use std::fmt;

/// Why a code was refused. For logs and events alone: whoever typed the code learns only that
/// it was refused, so that nobody learns who has a second factor, whose account is locked, or
/// how close a guess came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not the code.
    Wrong,
    /// It is the code, or an older one, and was used before.
    Used,
    /// Its time is over.
    Expired,
    /// There is nothing that a code could be checked against.
    Absent,
    /// There were too many wrong ones before, so it was not looked at.
    Locked,
    /// It is not the code, and one wrong code too many.
    LockedNow,
}

impl Refusal {
    /// A stable code, for logs and alerts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Absent => "absent",
            Self::Locked => "locked",
            Self::LockedNow => "locked_now",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Wrong => "the code is wrong",
            Self::Used => "the code, or a later one, was used before",
            Self::Expired => "the code has expired",
            Self::Absent => "there is no code or secret to check it against",
            Self::Locked => "the second factor is locked after too many wrong codes",
            Self::LockedNow => "the code is wrong, and one too many: the second factor is locked",
        }
    }

    const fn event(self) -> EventKind {
        match self {
            Self::Used => EventKind::AuthnTokenReuse,
            Self::Locked => EventKind::AuthnLoginFailMax,
            Self::LockedNow => EventKind::AuthnLoginLock,
            Self::Wrong | Self::Expired | Self::Absent => EventKind::AuthnLoginFail,
        }
    }
}

/// The same for every reason: what a client may be told.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the code was refused")
    }
}

/// 401 `wrong_code`, the same for every reason; the reason goes into the event.
impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::new(RejectionKind::Unauthenticated)
            .with_code("wrong_code")
            .with_challenge(&Challenge::new("Bearer"))
            .with_reason(refusal.text())
            .with_event(Some(refusal.event()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_client_cannot_tell_reasons_apart_and_the_operator_can() {
        let all = [
            Refusal::Wrong,
            Refusal::Used,
            Refusal::Expired,
            Refusal::Absent,
            Refusal::Locked,
            Refusal::LockedNow,
        ];
        let rejections = all.map(Rejection::from);
        let seen: HashSet<_> = rejections
            .iter()
            .map(|r| {
                (
                    r.status(),
                    r.code().to_owned(),
                    format!("{:?}", r.headers()),
                )
            })
            .collect();
        assert_eq!(seen.len(), 1);
        let reasons: HashSet<_> = rejections.iter().filter_map(Rejection::reason).collect();
        let codes: HashSet<_> = all.map(Refusal::code).into();
        assert_eq!((reasons.len(), codes.len()), (all.len(), all.len()));
        assert_eq!(
            HashSet::from(all.map(|refusal| refusal.to_string())).len(),
            1
        );
    }
}
