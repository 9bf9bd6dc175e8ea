//! What others are told of our tokens when they ask (RFC 7662), and how they give one back
//! (RFC 7009).
//!
//! [`OwnTokens`] knows the access tokens that we issued and, with feature `refresh-token`, the
//! refresh tokens. Both functions are plain: a handler of yours reads the form, authenticates
//! the client that asks (RFC 7662 section 2.1, RFC 7009 section 2.1), and sends what comes back
//! as JSON with `Cache-Control: no-store`. Whoever may ask without authentication can try out
//! tokens.
//!
//! 1. A token that is not good for any reason is `{"active": false}` and nothing else: expired,
//!    revoked, used up, forged, of somebody else.
//! 2. When the store fails, or an issuer's keys cannot be had, there is no answer, but an error:
//!    503. Nothing is said to be revoked that was not.
//! 3. A client gives back its own tokens only. A token that is no good is given back already.
//!    With a refresh token its family ends; access tokens beside it go by their own.
//!
//! ```
//! use portcullis::authn::introspection::OwnTokens;
//! use portcullis::authn::jwt::{Issuer, Revocations, Verifier};
//! use portcullis::crypto::keys::{Algorithm, SigningKey};
//! use portcullis::store::Store;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (name, audience) = ("https://id.example.com", "https://api.example.com");
//! let key = SigningKey::generate(Algorithm::Es256)?;
//! let issuer = Issuer::new(key, name, audience)?.rfc9068();
//! let verifier =
//!     Verifier::builder(name, audience, Algorithm::Es256, issuer.public_keys()).build()?;
//! let tokens = OwnTokens::new(verifier, Revocations::new(Store::memory(), name));
//!
//! let token = issuer.token("user-17").client("app").scopes(["notes:read"]).sign()?;
//! let answer = tokens.introspect(&token).await?;
//! assert!(answer.is_active());
//! assert_eq!(answer.get("scope"), Some(&"notes:read".into()));
//!
//! assert!(tokens.revoke(&token, Some("other")).await.is_err());
//! tokens.revoke(&token, Some("app")).await?;
//! let answer = tokens.introspect(&token).await?;
//! assert_eq!(serde_json::to_string(&answer)?, r#"{"active":false}"#);
//! # Ok(())
//! # }
//! ```

use super::jwt::{
    Claims, JwtError, JwtErrorKind, RevocationError, Revocations, VerifiedToken, Verifier,
};
#[cfg(feature = "refresh-token")]
use super::refresh_token::{FamilyInfo, Presented, RefreshError, RefreshTokens};
use crate::guard::{Rejection, RejectionKind};
use serde::Serialize;
use serde_json::{Map, Value};

/// The claims of an access token that are told: those of RFC 7662 section 2.2, RFC 9068 section
/// 2.2, RFC 9470 section 6.2 and RFC 7800.
const TOLD: [&str; 15] = [
    "scope",
    "client_id",
    "username",
    "exp",
    "iat",
    "nbf",
    "sub",
    "aud",
    "iss",
    "jti",
    "cnf",
    "auth_time",
    "acr",
    "amr",
    "act",
];

/// The tokens that we issued.
#[derive(Clone, Debug)]
pub struct OwnTokens {
    verifier: Verifier,
    revocations: Revocations,
    #[cfg(feature = "refresh-token")]
    refresh: Option<RefreshTokens>,
}

/// The answer about a token (RFC 7662 section 2.2). As JSON it is what the client gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Introspection(Map<String, Value>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The token was given to another client, which alone may give it back.
    #[error("the token was given to another client")]
    WrongClient,
    /// Whether an access token is good cannot be said without the keys of its issuer.
    #[error(transparent)]
    Keys(JwtError),
    /// Whether an access token was revoked cannot be asked, or not be written.
    #[error(transparent)]
    Access(#[from] RevocationError),
    /// The store of refresh tokens failed.
    #[cfg(feature = "refresh-token")]
    #[error(transparent)]
    Refresh(#[from] RefreshError),
}

impl OwnTokens {
    /// The access tokens that this verifier takes and that are not revoked. It should take all
    /// of them, whatever their audience.
    #[must_use]
    pub const fn new(verifier: Verifier, revocations: Revocations) -> Self {
        Self {
            verifier,
            revocations,
            #[cfg(feature = "refresh-token")]
            refresh: None,
        }
    }

    /// And these refresh tokens.
    #[cfg(feature = "refresh-token")]
    #[must_use]
    pub fn refresh_tokens(mut self, tokens: RefreshTokens) -> Self {
        self.refresh = Some(tokens);
        self
    }

    /// Tells what a token is. A hint at its type is not needed: the two do not look alike.
    ///
    /// # Errors
    /// When a store fails, or the keys cannot be fetched.
    pub async fn introspect(&self, token: &str) -> Result<Introspection, IntrospectionError> {
        if let Some(verified) = self.verified(token).await? {
            return match self.revocations.check(verified.claims()).await {
                Ok(()) => Ok(Introspection::of_access(verified.claims())),
                Err(RevocationError::Token(_)) => Ok(Introspection::inactive()),
                Err(error) => Err(error.into()),
            };
        }
        #[cfg(feature = "refresh-token")]
        if let Some(refresh) = &self.refresh
            && let Some(family) = refresh.look(token).await?
        {
            return Ok(Introspection::of_refresh(&family));
        }
        Ok(Introspection::inactive())
    }

    /// Takes a token back from the client that it was given to, and that has proved who it is.
    /// `None` is for tokens that were given to no client in particular. A token that is no good
    /// is taken back all the same (RFC 7009 section 2.2).
    ///
    /// # Errors
    /// When it was given to another client, a store fails, or the keys cannot be fetched: then it
    /// may still be good.
    pub async fn revoke(
        &self,
        token: &str,
        client: Option<&str>,
    ) -> Result<(), IntrospectionError> {
        if let Some(verified) = self.verified(token).await? {
            let owner = verified.claims().text("client_id");
            if owner.is_some() && owner.as_deref() != client {
                return Err(IntrospectionError::WrongClient);
            }
            return match self.revocations.revoke(verified.claims()).await {
                // It has no name, so it is refused everywhere already.
                Ok(()) | Err(RevocationError::Token(_)) => Ok(()),
                Err(error) => Err(error.into()),
            };
        }
        #[cfg(feature = "refresh-token")]
        if let Some(refresh) = &self.refresh {
            let presented = Presented::new(token);
            let presented = client.map_or(presented, |client| presented.client(client));
            refresh.revoke_token(presented).await.map_err(|error| {
                if error.refusal().is_some() {
                    IntrospectionError::WrongClient
                } else {
                    error.into()
                }
            })?;
        }
        Ok(())
    }
}

impl OwnTokens {
    /// The access token, if it is one that is good.
    async fn verified(&self, token: &str) -> Result<Option<VerifiedToken>, IntrospectionError> {
        match self.verifier.verify_waiting(token).await {
            Ok(verified) => Ok(Some(verified)),
            Err(error) if error.kind() == JwtErrorKind::KeysUnavailable => {
                Err(IntrospectionError::Keys(error))
            }
            Err(_) => Ok(None),
        }
    }
}

impl Introspection {
    /// The answer about a token that is no good: nothing else is said of it.
    #[must_use]
    pub fn inactive() -> Self {
        Self(Map::from_iter([("active".to_owned(), false.into())]))
    }

    /// The answer about an access token that is good.
    #[must_use]
    pub fn of_access(claims: &Claims) -> Self {
        let mut answer = Self::active();
        for name in TOLD {
            if let Some(value) = claims.get(name) {
                answer.set(name, value);
            }
        }
        let is_bound = claims.get("cnf").is_some_and(|it| it.get("jkt").is_some());
        answer.set("token_type", if is_bound { "DPoP" } else { "Bearer" });
        answer
    }

    /// The answer about a refresh token that is good.
    #[cfg(feature = "refresh-token")]
    #[must_use]
    pub fn of_refresh(family: &FamilyInfo) -> Self {
        let mut answer = Self::active();
        let grant = &family.grant;
        answer.set("sub", grant.subject());
        answer.set("iat", family.last_used.unix_seconds());
        answer.set("exp", family.expires_at.unix_seconds());
        answer.set("auth_time", grant.authentication().time().unix_seconds());
        if let Some(client) = grant.client_id() {
            answer.set("client_id", client);
        }
        if let Some(scopes) = grant.granted_scopes() {
            answer.set("scope", scopes.collect::<Vec<_>>().join(" "));
        }
        if let Some(thumbprint) = grant.key_thumbprint() {
            answer.set("cnf", serde_json::json!({ "jkt": thumbprint }));
        }
        answer
    }

    fn active() -> Self {
        Self(Map::from_iter([("active".to_owned(), true.into())]))
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Whether the token is good.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.get("active") == Some(&Value::Bool(true))
    }

    /// A member of the answer.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// 400 for a token of another client (RFC 7009 section 2.2.1), 503 when a store failed or keys
/// could not be fetched.
impl From<IntrospectionError> for Rejection {
    fn from(error: IntrospectionError) -> Self {
        match error {
            IntrospectionError::WrongClient => Self::new(RejectionKind::Malformed)
                .with_code("unauthorized_client")
                .with_reason("the token was given to another client"),
            IntrospectionError::Keys(error) => error.into(),
            IntrospectionError::Access(error) => error.into(),
            #[cfg(feature = "refresh-token")]
            IntrospectionError::Refresh(error) => error.into(),
        }
    }
}
