//! The proof itself: what can be said of it without a store.

use super::DpopErrorKind::*;
use super::target::{Base, Target};
use super::{DpopError, DpopErrorKind};
use crate::authn::jwt::{Claims, JwsVerifier, JwtError, JwtErrorKind};
use crate::clock::Timestamp;
use crate::crypto::json::{Object, Value};
use crate::crypto::keys::{Algorithm, Algorithms, KeySet, VerifyingKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use ring::digest::{SHA256, digest};
use std::time::Duration;

/// The longest proof that is looked at. One with an RSA key of 4096 bits has some 1.7 kB.
const MAX_PROOF: usize = 8 * 1024;
/// The longest `jti`.
const MAX_ID: usize = 256;

/// What a proof has to be for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ProofUse<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// Its path, without query.
    pub path: &'a str,
    /// The access token that comes with it, if one does: none comes to where tokens are issued.
    pub access_token: Option<&'a str>,
}

impl<'a> ProofUse<'a> {
    /// A request with an access token.
    #[must_use]
    pub const fn with_token(method: &'a Method, path: &'a str, access_token: &'a str) -> Self {
        Self {
            method,
            path,
            access_token: Some(access_token),
        }
    }

    /// A request for a token.
    #[must_use]
    pub const fn without_token(method: &'a Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            access_token: None,
        }
    }
}

/// A proof that was checked; whether it came before is another question.
#[derive(Clone, Debug)]
pub struct Proof {
    key: String,
    id: String,
    issued_at: Timestamp,
    nonce: Option<String>,
}

impl Proof {
    /// The thumbprint of the key (RFC 7638), which a token that is bound to it has as
    /// `cnf.jkt`.
    #[must_use]
    pub fn key_thumbprint(&self) -> &str {
        &self.key
    }

    /// `jti`: the proof's own name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `iat`: when it was made.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// `nonce`, as it was given out by whoever.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

/// What is asked of proofs.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    pub(super) bases: Vec<Base>,
    pub(super) algorithms: Algorithms,
    pub(super) window: Duration,
}

impl Checks {
    pub(super) fn check(
        &self,
        proof: &str,
        wanted: ProofUse<'_>,
        now: Timestamp,
    ) -> Result<Proof, DpopError> {
        if proof.len() > MAX_PROOF {
            return Err(TooLong.into());
        }
        let (algorithm, key) = self.header(proof)?;
        let thumbprint = key.thumbprint().ok_or(BadKey)?;
        let verifier = JwsVerifier::new(KeySet::from(key), algorithm)
            .map_err(|error| DpopError::with(BadKey, error.to_string()))?;
        let verified = verifier.verify(proof).map_err(|error| of_jws(&error))?;
        let claims = Claims::parse(verified.into_payload()).map_err(|error| of_jws(&error))?;
        self.claims(&claims, wanted)?;
        let issued_at = claims.issued_at().ok_or_else(|| missing("iat"))?;
        self.time(&claims, issued_at, now)?;
        let id = claims
            .id()
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID);
        Ok(Proof {
            key: thumbprint,
            id: id.ok_or_else(|| missing("jti"))?.to_owned(),
            issued_at,
            nonce: claims.text("nonce"),
        })
    }

    /// The header says by what key the proof is signed: the one place where that may be said
    /// by whoever sends it, for the token says which key it has to be.
    fn header(&self, proof: &str) -> Result<(Algorithm, VerifyingKey), DpopError> {
        let (header, _) = proof.split_once('.').ok_or(Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Malformed)?;
        let header = str::from_utf8(&header).map_err(|_| Malformed)?;
        let header =
            Object::parse(header).map_err(|error| DpopError::with(Malformed, error.code()))?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        if !text("typ").is_some_and(|it| is_of_type(&it)) {
            return Err(WrongType.into());
        }
        let algorithm = text("alg").and_then(|name| Algorithm::named(&name));
        let algorithm = algorithm
            .filter(|it| self.algorithms.contains(*it))
            .ok_or(AlgorithmNotAllowed)?;
        let jwk = header.get("jwk").ok_or(BadKey)?;
        let key = VerifyingKey::from_public_jwk(jwk.raw())
            .map_err(|error| DpopError::with(BadKey, error.to_string()))?;
        Ok(match text("kid") {
            // It names the key that stands beside it, by whatever name.
            Some(key_id) => (algorithm, key.with_key_id(&*key_id)),
            None => (algorithm, key),
        })
    }

    fn claims(&self, claims: &Claims, wanted: ProofUse<'_>) -> Result<(), DpopError> {
        let method = claims.text("htm").ok_or_else(|| missing("htm"))?;
        if method != wanted.method.as_str() {
            return Err(WrongMethod.into());
        }
        let target = claims.text("htu").ok_or_else(|| missing("htu"))?;
        let target = Target::parse(&target).ok_or(WrongTarget)?;
        if !self
            .bases
            .iter()
            .any(|base| base.is_target(&target, wanted.path))
        {
            return Err(WrongTarget.into());
        }
        if let Some(token) = wanted.access_token {
            let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
            if claims.text("ath") != Some(hash) {
                return Err(WrongToken.into());
            }
        }
        Ok(())
    }

    fn time(&self, claims: &Claims, issued_at: Timestamp, now: Timestamp) -> Result<(), DpopError> {
        let is_near = now.since(issued_at) <= self.window && issued_at.since(now) <= self.window;
        let has_begun = claims
            .not_before()
            .is_none_or(|it| it.since(now) <= self.window);
        let has_ended = claims.expires_at().is_some_and(|it| it <= now);
        if is_near && has_begun && !has_ended {
            Ok(())
        } else {
            Err(OutOfTime.into())
        }
    }
}

/// A media type, of which `application/` may be left out (RFC 7515 section 4.1.9).
fn is_of_type(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.strip_prefix("application/").unwrap_or(&lower) == "dpop+jwt"
}

fn missing(claim: &'static str) -> DpopError {
    DpopError::with(MissingClaim, claim)
}

fn of_jws(error: &JwtError) -> DpopError {
    let kind: DpopErrorKind = match error.kind() {
        JwtErrorKind::BadSignature => BadSignature,
        // The key cannot do what the header says.
        JwtErrorKind::NoMatchingKey => BadKey,
        JwtErrorKind::TooLong => TooLong,
        JwtErrorKind::MalformedClaim => MissingClaim,
        _ => Malformed,
    };
    DpopError::with(kind, error.to_string())
}
