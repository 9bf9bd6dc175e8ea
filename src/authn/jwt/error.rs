use super::bearer::KEYS_RETRY_AFTER;
use crate::crypto::json::JsonError;
use crate::crypto::keys::KeyError;
use crate::error_kinds::{detailed_error, error_kinds};
use crate::guard::{Rejection, RejectionKind};
use std::borrow::Cow;
use thiserror::Error;

error_kinds! {
    /// Why a token was refused.
    JwtErrorKind:

    /// The token, its header or its claims are larger than the profile allows.
    TooLong = "too_long", "the token, its header or its claims are too long";
    /// Not three segments with dots between.
    NotCompact = "not_compact", "the token does not have three segments";
    /// The JSON serialization of RFC 7515 section 7.2, which is not offered.
    JsonSerialization = "json_serialization", "the JSON serialization is not accepted";
    /// Five segments: an encrypted token (RFC 7516), which is not offered.
    Encrypted = "encrypted", "encrypted tokens are not accepted";
    /// A segment is not base64url by the letter.
    NotBase64 = "not_base64url", "a segment is not unpadded base64url";
    /// The header is not strict JSON, or a parameter of it has the wrong type.
    MalformedHeader = "malformed_header", "the header is malformed";
    /// The header has `crit`: something we would have to understand, and do not.
    CriticalHeader = "critical_header", "the header names parameters that must be understood";
    /// The header has `b64` (RFC 7797), which is not offered.
    UnencodedPayload = "unencoded_payload", "unencoded payloads are not accepted";
    /// The header has `zip`, which means nothing in a signed token.
    Compressed = "compressed", "compressed tokens are not accepted";
    /// The token asks not to be verified.
    AlgorithmNone = "algorithm_none", "the token is not signed";
    /// The algorithm is not offered.
    AlgorithmUnsupported = "algorithm_unsupported", "the algorithm is not supported";
    /// The algorithm is not on the verifier's list.
    AlgorithmNotAllowed = "algorithm_not_allowed", "the algorithm is not allowed";
    /// There are no keys of the issuer, or only such as are too old to be used: they could not
    /// be fetched.
    KeysUnavailable = "keys_unavailable", "the issuer's keys could not be fetched";
    /// No key has the token's `kid`.
    UnknownKey = "unknown_key", "no key has the token's kid";
    /// No key, or not the key named, is bound to the token's algorithm.
    NoMatchingKey = "no_matching_key", "no key is bound to the token's algorithm";
    /// The token names no key, and there are too many to try.
    AmbiguousKey = "ambiguous_key", "the token names no key, and there are too many to try";
    /// The signature does not verify.
    BadSignature = "bad_signature", "the signature does not verify";
    /// The header's `typ` is not that of the tokens expected here.
    WrongType = "wrong_type", "the token is of another type";
    /// The claims are not strict JSON.
    MalformedClaims = "malformed_claims", "the claims are malformed";
    /// A claim has the wrong type, or a value that it cannot have.
    MalformedClaim = "malformed_claim", "a claim is malformed";
    /// A claim is missing.
    MissingClaim = "missing_claim", "a claim is missing";
    /// A claim is there that may not be.
    ForbiddenClaim = "forbidden_claim", "a claim may not be in this token";
    /// `exp` has passed.
    Expired = "expired", "the token has expired";
    /// `nbf` has not come.
    NotYetValid = "not_yet_valid", "the token is not valid yet";
    /// `exp` comes before the token begins to be valid.
    ExpiryBeforeStart = "expiry_before_start", "the token expires before it begins";
    /// `iat` lies in the future.
    IssuedInFuture = "issued_in_future", "the token was issued in the future";
    /// The token is good for longer than the profile allows.
    LifetimeTooLong = "lifetime_too_long", "the token is valid for too long";
    /// The token was issued longer ago than the profile allows.
    TooOld = "too_old", "the token was issued too long ago";
    /// Another issuer's token.
    WrongIssuer = "wrong_issuer", "the token is of another issuer";
    /// A token for somebody else.
    WrongAudience = "wrong_audience", "the token is for another audience";
    /// `azp` names another client.
    WrongAuthorizedParty = "wrong_authorized_party", "the token was issued to another client";
    /// `nonce` is not the one sent.
    WrongNonce = "wrong_nonce", "the nonce is not the one that was sent";
    /// `at_hash` is not that of the access token.
    WrongAccessTokenHash = "wrong_access_token_hash", "the access token does not belong to the ID token";
    /// The user was authenticated too long ago.
    AuthenticationTooOld = "authentication_too_old", "the user was authenticated too long ago";
    /// `events` does not say that this is a logout token.
    NotALogoutToken = "not_a_logout_token", "the token does not announce a logout";
    /// The token was revoked.
    Revoked = "revoked", "the token was revoked";
    /// The issuer was asked, and says that the token is not good (RFC 7662 section 2.2).
    Inactive = "inactive", "the issuer says that the token is not active";
}

detailed_error! {
    /// Why a token was refused. For events and logs: a client is told no more than that its
    /// token is no good.
    JwtError: JwtErrorKind
}

impl JwtError {
    pub(super) fn json(kind: JwtErrorKind, error: JsonError) -> Self {
        Self::with(kind, error.code())
    }

    pub(in crate::authn) fn missing(claim: impl Into<Cow<'static, str>>) -> Self {
        Self::with(JwtErrorKind::MissingClaim, claim)
    }

    pub(in crate::authn) fn malformed(claim: &'static str) -> Self {
        Self::with(JwtErrorKind::MalformedClaim, claim)
    }
}

/// Why a verifier or an issuer cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No algorithm is allowed.
    #[error("no algorithm is allowed; name those that the issuer signs with")]
    NoAlgorithm,
    /// Symmetric and asymmetric algorithms are allowed at once.
    #[error("symmetric and asymmetric algorithms are allowed at once; use two verifiers")]
    MixedAlgorithms,
    /// A key is no good.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// None of the keys can do any of the allowed algorithms.
    #[error("none of the keys is bound to any of the allowed algorithms")]
    NoKeyForAlgorithms,
    /// An issuer or audience is empty.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// An issuer over plain HTTP: whoever is on the path can publish keys in its name.
    #[error("the issuer {0:?} uses plain http; use https, or http on the loopback")]
    InsecureIssuer(String),
    /// More leeway than clocks need.
    #[error("a leeway of {0} seconds is too much; 300 are the most, 60 the default")]
    LeewayTooLarge(u64),
    /// Tokens that have expired when they are issued.
    #[error("tokens that are good for less than a second are no good; 600 seconds are the default")]
    NoLifetime,
    /// Tokens that a thief could use for long.
    #[error(
        "a lifetime of {0} seconds is too long; 86400 are the most, \
         or call `insecure_long_lifetime`"
    )]
    LifetimeTooLong(u64),
    /// Tokens whose key is gone before they expire.
    #[error(
        "tokens of {lifetime} seconds outlive the keys, which are kept for tokens of {kept}; \
         set `token_lifetime` of the keys"
    )]
    LongerThanKeys {
        /// How long tokens would be good for, in seconds.
        lifetime: u64,
        /// How long they may be.
        kept: u64,
    },
    /// Keys that are secrets.
    #[error("the keys are symmetric, which nobody publishes; sign with ES256 or EdDSA instead")]
    NothingToPublish,
    /// Others would ask all the time, or know a key too late.
    #[error("a max-age of {0} seconds is out of range; use 1 to 86400, 300 are the default")]
    MaxAge(u64),
    /// A cache that keeps nothing, or that nobody has room for.
    #[error("a cache of {0} tokens is out of range; use 64 to 1048576, or leave it out")]
    CacheCapacity(usize),
}

impl ConfigError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoAlgorithm => "config_no_algorithm",
            Self::MixedAlgorithms => "config_mixed_algorithms",
            Self::Key(error) => error.code(),
            Self::NoKeyForAlgorithms => "config_no_key_for_algorithms",
            Self::Empty(_) => "config_empty",
            Self::InsecureIssuer(_) => "config_insecure_issuer",
            Self::LeewayTooLarge(_) => "config_leeway_too_large",
            Self::NoLifetime => "config_no_lifetime",
            Self::LifetimeTooLong(_) => "config_lifetime_too_long",
            Self::LongerThanKeys { .. } => "config_longer_than_keys",
            Self::NothingToPublish => "config_nothing_to_publish",
            Self::MaxAge(_) => "config_max_age",
            Self::CacheCapacity(_) => "config_cache_capacity",
        }
    }
}

/// Why a token could not be issued.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The claim is one that the issuer sets.
    #[error("the claim {0:?} is set by the issuer and cannot be given")]
    ReservedClaim(String),
    /// The claim was given twice.
    #[error("the claim {0:?} was given twice")]
    RepeatedClaim(String),
    /// A value cannot be written as JSON.
    #[error("the claim cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The token names no audience, or an empty one.
    #[error(
        "the token names no audience, or an empty one; leave `audiences` out for the usual one"
    )]
    NoAudience,
    /// The token names an audience that the issuer may not.
    #[error("the issuer may not name the audience {0:?}; add it by `or_audience`")]
    UnknownAudience(String),
    /// An access token that does not say to which client it is given (RFC 9068 section 2.2).
    #[error("an access token of RFC 9068 names its client; call `client`")]
    NoClient,
    /// The token would be longer than verifiers take.
    #[error("the token would have {0} bytes, more than verifiers take; put less into it")]
    TooLong(usize),
    /// The signing keys have not been seen for too long: one of them may have been withdrawn.
    #[error("the signing keys have not been seen for too long; can their records be read?")]
    StaleKeys,
    /// The key could not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// 503 where the signing keys cannot be believed for now; else the token was asked for in a way
/// that is wrong here: 500.
impl From<IssueError> for Rejection {
    fn from(error: IssueError) -> Self {
        let rejection = match error {
            IssueError::StaleKeys => Self::new(RejectionKind::Unavailable)
                .with_code("keys_unavailable")
                .with_retry_after(KEYS_RETRY_AFTER),
            _ => Self::new(RejectionKind::Internal),
        };
        rejection.with_reason(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique() {
        let codes: HashSet<_> = JwtErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), JwtErrorKind::ALL.len());
    }
}
