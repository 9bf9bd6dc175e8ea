//! The rules that OpenID Connect adds for its own tokens.

use super::JwtErrorKind::*;
use super::verifier::Kind;
use super::{Claims, JwtError, VerifiedToken, Verifier};
use crate::clock::Timestamp;
use crate::crypto::json::Value;
use crate::crypto::keys::Algorithm;
use crate::secret::SecretString;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// OpenID Connect Back-Channel Logout 1.0 section 2.4.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What an ID token has to fit: the request that it answers.
#[derive(Clone, Debug)]
pub struct IdTokenRules {
    client_id: Box<str>,
    nonce: Nonce,
    access_token: Option<SecretString>,
    max_age: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Nonce {
    Sent(SecretString),
    NotSent,
    Unknown,
}

impl IdTokenRules {
    /// The token answers a request of this client that had this `nonce`.
    #[must_use]
    pub fn new(client_id: impl Into<Box<str>>, nonce: impl Into<SecretString>) -> Self {
        Self::with(client_id, Nonce::Sent(nonce.into()))
    }

    /// The token answers a request of this client that had no `nonce`; one that has a nonce
    /// answers another request, and is refused.
    #[must_use]
    pub fn without_nonce(client_id: impl Into<Box<str>>) -> Self {
        Self::with(client_id, Nonce::NotSent)
    }

    /// Does not look at the `nonce`. A token stolen from one login can then be used to
    /// finish another.
    #[must_use]
    pub fn insecure_any_nonce(client_id: impl Into<Box<str>>) -> Self {
        Self::with(client_id, Nonce::Unknown)
    }

    fn with(client_id: impl Into<Box<str>>, nonce: Nonce) -> Self {
        Self {
            client_id: client_id.into(),
            nonce,
            access_token: None,
            max_age: None,
        }
    }

    /// The access token that came with the ID token. Where there is an `at_hash`, it must be
    /// of this one.
    #[must_use]
    pub fn access_token(mut self, token: impl Into<SecretString>) -> Self {
        self.access_token = Some(token.into());
        self
    }

    /// How long ago the user may have been authenticated. Makes `auth_time` required.
    #[must_use]
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }
}

impl Verifier {
    /// Verifies an ID token: OpenID Connect Core section 3.1.3.7. The verifier's audience is
    /// the client's id.
    ///
    /// # Errors
    /// Why the token was refused.
    pub fn verify_id_token(
        &self,
        token: &str,
        rules: &IdTokenRules,
    ) -> Result<VerifiedToken, JwtError> {
        let verified = self.verify_kind(token, Kind::Id)?;
        let claims = verified.claims();
        must_have(claims, &["iss", "sub", "aud", "exp", "iat"])?;
        check_client(claims, &rules.client_id)?;
        check_nonce(claims, &rules.nonce)?;
        let authenticated_at = claims.optional_date("auth_time")?;
        if let Some(max_age) = rules.max_age {
            let latest = max_age.saturating_add(self.rules().leeway);
            check_age(authenticated_at, self.now(), latest)?;
        }
        let algorithm = verified.header().algorithm();
        check_access_token(claims, algorithm, rules.access_token.as_ref())?;
        if announces_logout(claims) {
            return Err(WrongType.into());
        }
        Ok(verified)
    }

    /// Verifies a logout token: OpenID Connect Back-Channel Logout 1.0 section 2.6. That its
    /// `jti` was not seen before is left to whoever ends the sessions, or to
    /// [`revoked_if`](super::VerifierBuilder::revoked_if).
    ///
    /// # Errors
    /// Why the token was refused.
    pub fn verify_logout_token(&self, token: &str) -> Result<VerifiedToken, JwtError> {
        let verified = self.verify_kind(token, Kind::Logout)?;
        let claims = verified.claims();
        must_have(claims, &["iss", "aud", "iat", "exp", "jti"])?;
        if !announces_logout(claims) {
            return Err(NotALogoutToken.into());
        }
        if claims.raw("nonce").is_some() {
            return Err(JwtError::with(ForbiddenClaim, "nonce"));
        }
        let session = claims.optional_text("sid")?;
        // What names nobody would be obeyed, and end nothing.
        if session.as_deref() == Some("") {
            return Err(JwtError::malformed("sid"));
        }
        if claims.subject() == Some("") {
            return Err(JwtError::malformed("sub"));
        }
        if claims.subject().is_none() && session.is_none() {
            return Err(JwtError::missing("sub or sid"));
        }
        Ok(verified)
    }
}

fn must_have(claims: &Claims, names: &[&'static str]) -> Result<(), JwtError> {
    match names.iter().find(|name| !claims.has(name)) {
        Some(missing) => Err(JwtError::missing(*missing)),
        None => Ok(()),
    }
}

/// Rules 3 to 5: the client is an audience, and the party the token was issued to.
fn check_client(claims: &Claims, client_id: &str) -> Result<(), JwtError> {
    if !claims.audiences().any(|audience| audience == client_id) {
        return Err(WrongAudience.into());
    }
    match claims.optional_text("azp")? {
        Some(party) if party != client_id => Err(WrongAuthorizedParty.into()),
        None if claims.audiences().len() > 1 => Err(JwtError::missing("azp")),
        _ => Ok(()),
    }
}

fn check_nonce(claims: &Claims, expected: &Nonce) -> Result<(), JwtError> {
    let found = claims.optional_text("nonce")?.map(SecretString::from);
    match (expected, found) {
        (Nonce::Sent(_), None) => Err(JwtError::missing("nonce")),
        (Nonce::Sent(sent), Some(found)) if *sent != found => Err(WrongNonce.into()),
        (Nonce::NotSent, Some(_)) => Err(WrongNonce.into()),
        _ => Ok(()),
    }
}

fn check_age(
    authenticated_at: Option<Timestamp>,
    now: Timestamp,
    latest: Duration,
) -> Result<(), JwtError> {
    let time = authenticated_at.ok_or_else(|| JwtError::missing("auth_time"))?;
    if now.since(time) > latest {
        return Err(AuthenticationTooOld.into());
    }
    Ok(())
}

/// Section 3.1.3.6: the left half of the access token's hash.
fn check_access_token(
    claims: &Claims,
    algorithm: Algorithm,
    access_token: Option<&SecretString>,
) -> Result<(), JwtError> {
    let hash = claims.optional_text("at_hash")?;
    let (Some(hash), Some(token)) = (hash, access_token) else {
        return Ok(());
    };
    let expected = access_token_hash(algorithm, token.expose());
    if bool::from(hash.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(WrongAccessTokenHash.into())
    }
}

/// The `at_hash` of an access token, for an ID token of this algorithm.
#[must_use]
pub fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let digest = algorithm.digest(access_token.as_bytes());
    let digest = digest.as_ref();
    let half = digest.get(..digest.len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

/// Whether `events` has the logout event, with an object for its value.
fn announces_logout(claims: &Claims) -> bool {
    let events = claims.raw("events").and_then(Value::as_object);
    let event = events.as_ref().and_then(|it| it.get(LOGOUT_EVENT));
    event.is_some_and(|it| it.as_object().is_some())
}
