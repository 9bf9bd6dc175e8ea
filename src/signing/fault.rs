use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind};
use crate::store::StoreError;
use std::fmt;

/// Why a signed message was refused. For events and logs alone: whoever sent it learns only
/// that it was refused, so that nobody finds out which keys there are, what was signed before,
/// or how far a forgery came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// There is no signature.
    Absent,
    /// A field is not what it has to be.
    Malformed(&'static str),
    /// There are more signatures, components or bytes than anybody needs.
    TooMuch(&'static str),
    /// Two signatures have one label, or a parameter, component or header comes twice.
    Duplicate(&'static str),
    /// `Signature` and `Signature-Input` do not name the same labels.
    UnknownLabel,
    /// A component that there is not, or with parameters that do not fit it.
    BadComponent(Box<str>),
    /// A covered component is not in the message.
    Missing(Box<str>),
    /// A component's value cannot stand in what is signed.
    BadValue(Box<str>),
    /// What has to be covered is not.
    NotCovered(Box<str>),
    /// The signature does not say by which key it was made.
    NoKeyId,
    /// There is no such key, or not any more.
    UnknownKey,
    /// The key is for another algorithm than the signature says, or for none that is used here.
    WrongAlgorithm,
    /// The signature is not one of this key over this message.
    BadSignature,
    /// It is for another purpose.
    WrongTag,
    /// It is for another host.
    WrongAuthority,
    /// It does not say when it was made.
    NoTime,
    /// It is too old.
    Stale,
    /// It was made later than now.
    FromFuture,
    /// It says itself that it is over.
    Expired,
    /// It has no nonce.
    NoNonce,
    /// The digest of the body is missing, or of none but weak or unknown kinds.
    NoDigest,
    /// The body is not the one that the digest was made of.
    WrongDigest,
    /// It came before.
    Replayed,
    /// Keys or store could not be asked, so nobody can tell.
    Unavailable(Box<str>),
    /// Something that has no waiting for, as an id that is too long for the store.
    Internal(Box<str>),
}

impl Fault {
    /// A stable code, for logs and alerts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Malformed(_) => "malformed",
            Self::TooMuch(_) => "too_much",
            Self::Duplicate(_) => "duplicate",
            Self::UnknownLabel => "unknown_label",
            Self::BadComponent(_) => "bad_component",
            Self::Missing(_) => "missing_component",
            Self::BadValue(_) => "bad_value",
            Self::NotCovered(_) => "not_covered",
            Self::NoKeyId => "no_key_id",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::WrongTag => "wrong_tag",
            Self::WrongAuthority => "wrong_authority",
            Self::NoTime => "no_time",
            Self::Stale => "stale",
            Self::FromFuture => "from_future",
            Self::Expired => "expired",
            Self::NoNonce => "no_nonce",
            Self::NoDigest => "no_digest",
            Self::WrongDigest => "wrong_digest",
            Self::Replayed => "replayed",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no signature"),
            Self::Malformed(what) => write!(f, "{what} is malformed"),
            Self::TooMuch(what) => write!(f, "there is too much of {what}"),
            Self::Duplicate(what) => write!(f, "{what} comes twice"),
            Self::UnknownLabel => {
                f.write_str("Signature and Signature-Input do not name the same labels")
            }
            Self::BadComponent(name) => write!(f, "there is no component {name:?} in this form"),
            Self::Missing(name) => write!(f, "the message has no {name:?}, which is covered"),
            Self::BadValue(name) => write!(f, "the value of {name:?} cannot be signed"),
            Self::NotCovered(name) => write!(f, "{name:?} has to be covered, and is not"),
            Self::NoKeyId => f.write_str("the signature names no key"),
            Self::UnknownKey => f.write_str("the key is unknown, expired or disabled"),
            Self::WrongAlgorithm => f.write_str("the algorithm is not that of the key"),
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::WrongTag => f.write_str("the signature is for another purpose"),
            Self::WrongAuthority => f.write_str("the signature is for another host"),
            Self::NoTime => f.write_str("the signature does not say when it was made"),
            Self::Stale => f.write_str("the signature is too old"),
            Self::FromFuture => f.write_str("the signature was made later than now"),
            Self::Expired => f.write_str("the signature has expired"),
            Self::NoNonce => f.write_str("the signature has no nonce"),
            Self::NoDigest => f.write_str("there is no strong digest of the body"),
            Self::WrongDigest => f.write_str("the body is not the one of the digest"),
            Self::Replayed => f.write_str("the message came before"),
            Self::Unavailable(why) | Self::Internal(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Fault {}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let text = error.to_string().into();
        match error.kind().is_mistake() {
            true => Self::Internal(text),
            false => Self::Unavailable(text),
        }
    }
}

/// 401 `invalid_signature`, the same for every fault of the message; 503 where nobody can tell.
/// The fault goes into the event.
impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Unavailable(_) => RejectionKind::Unavailable,
            Fault::Internal(_) => RejectionKind::Internal,
            _ => RejectionKind::Unauthenticated,
        };
        let rejection = Self::new(kind).with_reason(format!("{}: {fault}", fault.code()));
        if kind != RejectionKind::Unauthenticated {
            return rejection;
        }
        rejection
            .with_code("invalid_signature")
            .with_challenge(&Challenge::new("Signature"))
            .with_event(match fault {
                Fault::Absent => None,
                Fault::Replayed => Some(EventKind::AuthnTokenReuse),
                _ => Some(EventKind::AuthnTokenFail),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    #[test]
    fn the_client_cannot_tell_faults_apart_and_the_operator_can() {
        let faults = [
            Fault::Absent,
            Fault::UnknownKey,
            Fault::BadSignature,
            Fault::Stale,
            Fault::Replayed,
            Fault::WrongDigest,
            Fault::NotCovered("@method".into()),
        ];
        let rejections = faults.clone().map(Rejection::from);
        for rejection in &rejections {
            assert_eq!(rejection.status(), 401);
            assert_eq!(rejection.code(), "invalid_signature");
            assert_eq!(rejection.headers(), rejections[0].headers());
        }
        let mut reasons: Vec<_> = rejections.iter().map(Rejection::reason).collect();
        reasons.dedup();
        assert_eq!(reasons.len(), faults.len());
    }

    #[test]
    fn what_nobody_can_tell_is_503() {
        let down = StoreError::new(StoreErrorKind::Unavailable, "down");
        assert_eq!(Rejection::from(Fault::from(down)).status(), 503);
        let full = StoreError::new(StoreErrorKind::Full, "full");
        assert_eq!(Rejection::from(Fault::from(full)).status(), 503);
        let long = StoreError::new(StoreErrorKind::TooLarge, "too long");
        assert_eq!(Rejection::from(Fault::from(long)).status(), 500);
    }
}
