use crate::error_kinds::{detailed_error, error_kinds};
use crate::store::StoreError;
use thiserror::Error;

error_kinds! {
    /// Why a proof was refused.
    DpopErrorKind:

    /// There is none, or more than one.
    NotOne = "dpop_not_one_proof", "there is not exactly one proof";
    /// It is larger than any proof needs to be.
    TooLong = "dpop_too_long", "the proof is too long";
    /// It is no compact JWS, or its JSON is not strict.
    Malformed = "dpop_malformed", "the proof is malformed";
    /// Its type is not `dpop+jwt`.
    WrongType = "dpop_wrong_type", "the proof is of another type";
    /// Its algorithm is not allowed, or symmetric.
    AlgorithmNotAllowed = "dpop_algorithm_not_allowed", "the proof's algorithm is not allowed";
    /// Its key is no good, or not public.
    BadKey = "dpop_bad_key", "the proof's key cannot be used";
    /// Its signature is not one of its key.
    BadSignature = "dpop_bad_signature", "the proof's signature does not verify";
    /// A claim is missing, or no text.
    MissingClaim = "dpop_missing_claim", "a claim of the proof is missing or malformed";
    /// It is for another method.
    WrongMethod = "dpop_wrong_method", "the proof is for another method";
    /// It is for another URL.
    WrongTarget = "dpop_wrong_target", "the proof is for another URL";
    /// It was made too long ago, or will be.
    OutOfTime = "dpop_out_of_time", "the proof is not of this time";
    /// It is for another access token, or none.
    WrongToken = "dpop_wrong_token", "the proof is for another access token";
    /// It has no nonce of ours, or an old one.
    WantsNonce = "dpop_wants_nonce", "the proof has no nonce of this service that is fresh";
    /// It came before.
    Replayed = "dpop_replayed", "the proof came before";
    /// Whether it came before cannot be said.
    Unavailable = "dpop_unavailable", "the store of proofs cannot be asked";
}

detailed_error! {
    /// Why a proof was refused. For events and logs.
    DpopError: DpopErrorKind
}

impl From<StoreError> for DpopError {
    fn from(error: StoreError) -> Self {
        Self::with(DpopErrorKind::Unavailable, error.to_string())
    }
}

/// Why proofs cannot be checked in this way.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DpopConfigError {
    /// The URL under which the service is reached is none.
    #[error(
        "{0:?} is not the URL of a service: https, or http on the loopback, \
         without credentials, query and fragment"
    )]
    InvalidUrl(String),
    /// No algorithm is allowed.
    #[error("no algorithm is allowed for proofs; ES256 and EdDSA are the usual ones")]
    NoAlgorithm,
    /// A proof by a shared secret proves nothing.
    #[error("symmetric algorithms are allowed for proofs; only asymmetric ones prove anything")]
    SymmetricAlgorithm,
    /// Too little for clocks that differ, or too much for a proof that was stolen.
    #[error("a window of {0} seconds makes no sense; 5 to 300 do, 60 is the default")]
    Window(u64),
    /// Nonces that nobody could use in time, or that are good for hours.
    #[error(
        "a lifetime of nonces of {0} seconds makes no sense; 30 to 3600 do, 300 is the default"
    )]
    NonceLifetime(u64),
    /// A secret that can be guessed.
    #[error("the secret of nonces has {0} bytes, 32 are needed; generate a random one")]
    SecretTooShort(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique() {
        let codes: HashSet<_> = DpopErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), DpopErrorKind::ALL.len());
    }
}
