use super::confirmation::{self, Possession};
use super::scheme::{TokenScheme, is_token68};
use super::{Claims, JwtError, JwtErrorKind, Revocations, VerifiedToken, Verifier};
use crate::authn::authenticate::{Attempt, Authenticator};
use crate::event::EventKind;
use crate::guard::{Challenge, Rejection, RejectionKind, RequestHead};
use crate::principal::{Authentication, Method, Principal};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// When to come back, where the issuer's keys could not be fetched.
pub(super) const KEYS_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Authenticates requests by a token in the `Authorization` header (RFC 6750 section 2.1).
///
/// 1. The header comes once, reads `Bearer` and one token, and there is no `access_token` in
///    the query beside it; else the answer is 400 `invalid_request`. A token in the query
///    alone is not looked at: queries end up in logs.
/// 2. The token passes the [`Verifier`]; else the answer is 401 `invalid_token`. Why goes to
///    the events, except that a client may know that its token has expired. Where the keys
///    of the issuer come from afar, it waits for them, and answers 503 when they do not come.
/// 3. Where it is bound to a certificate (`cnf` with `x5t#S256`, RFC 8705), that is the
///    [`PeerCertificate`](crate::net::peer_certificate::PeerCertificate) of the request. One
///    that is bound to a key, or in a way that is not known, is refused: who stole it could
///    otherwise use it as a plain one (RFC 9449 section 7.2).
/// 4. The claims become a [`Principal`]: `sub` its id, `scope` its scopes, `iss` and `jti`
///    its issuer and credential, `auth_time` and `amr` the authentication, `acr` an
///    attribute of that name. A token without `auth_time` counts as of an authentication long
///    ago. It has no roles, unless [`roles_from`](Self::roles_from) says where they are.
///
/// ```
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use bytes::Bytes;
/// use portcullis::authn::AuthenticateLayer;
/// use portcullis::authn::jwt::{Issuer, JwtBearer, Verifier};
/// use portcullis::crypto::keys::{Algorithm, SigningKey};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let issuer = Issuer::new(key, "https://id.example.com", "https://api.example.com")?;
/// let verifier = Verifier::builder(
///     "https://id.example.com",
///     "https://api.example.com",
///     Algorithm::Es256,
///     issuer.public_keys(),
/// )
/// .build()?;
///
/// let layer = AuthenticateLayer::new(JwtBearer::new(verifier).roles_from("roles"));
/// let service = layer.layer(service_fn(async |_: Request<()>| {
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
/// }));
///
/// let token = issuer.token("user-17").sign()?;
/// let request = |token: &str| {
///     Request::get("/").header("authorization", format!("Bearer {token}")).body(())
/// };
/// let response = service.clone().oneshot(request(&token)?).await?;
/// assert_eq!(response.status(), 200);
///
/// let response = service.oneshot(request("forged")?).await?;
/// assert_eq!(response.status(), 401);
/// assert_eq!(response.headers()["www-authenticate"], r#"Bearer error="invalid_token""#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JwtBearer {
    verifier: Verifier,
    scheme: TokenScheme,
    wants_certificate: bool,
    principal: Arc<MakePrincipal>,
    revocations: Option<Revocations>,
}

type MakePrincipal = dyn Fn(&VerifiedToken) -> Result<Principal, Rejection> + Send + Sync;

impl JwtBearer {
    /// Authenticates by tokens that this verifier accepts.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            scheme: TokenScheme::bearer(),
            wants_certificate: false,
            principal: Arc::new(|token| Ok(principal_of(token.claims())?)),
            revocations: None,
        }
    }

    /// Sets the `realm` of challenges (RFC 9110 section 11.5).
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.scheme.realm = Some(realm.into());
        self
    }

    /// Refuses tokens that are not bound to a certificate of the client (RFC 8705).
    #[must_use]
    pub const fn require_certificate(mut self) -> Self {
        self.wants_certificate = true;
        self
    }

    /// Takes roles from this claim: a list of strings, or words in one string. Only for
    /// issuers that know your roles and let nobody choose their own.
    #[must_use]
    pub fn roles_from(self, claim: impl Into<Box<str>>) -> Self {
        let claim = claim.into();
        let before = Arc::clone(&self.principal);
        self.principal_by(move |token| Ok(before(token)?.with_roles(token.claims().words(&claim))))
    }

    /// Makes the principal by a function of yours, for which [`principal_of`] does the usual.
    #[must_use]
    pub fn principal_by(
        mut self,
        principal: impl Fn(&VerifiedToken) -> Result<Principal, Rejection> + Send + Sync + 'static,
    ) -> Self {
        self.principal = Arc::new(principal);
        self
    }

    /// Asks for each token whether it was revoked. Without this, a token is good until it
    /// expires, and nothing has to be waited for.
    #[must_use]
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    #[cfg(feature = "dpop")]
    pub(in crate::authn) const fn scheme(&self) -> &TokenScheme {
        &self.scheme
    }

    /// The principal of a token, whose sender shows what they hold when the token is known to be
    /// good: who has none has no business with the rest.
    #[cfg(feature = "dpop")]
    pub(in crate::authn) async fn admit_proved<T: Send>(
        &self,
        token: &str,
        prove: impl FnOnce() -> Result<(Possession, T), Rejection> + Send,
    ) -> Result<(Principal, T), Rejection> {
        let verified = self.verifier.verify_waiting(token).await?;
        let (shown, proof) = prove()?;
        let principal = self.admit(&verified, &shown)?;
        self.check_revoked(&verified).await?;
        Ok((principal, proof))
    }

    /// Who the sender of a good token is, if they hold what it is bound to.
    fn admit(&self, verified: &VerifiedToken, shown: &Possession) -> Result<Principal, Rejection> {
        let claims = verified.claims();
        confirmation::check(claims, shown)?;
        if self.wants_certificate && !confirmation::is_bound_to_certificate(claims) {
            return Err(JwtError::missing("cnf: x5t#S256").into());
        }
        (self.principal)(verified)
    }

    /// Asks whether a token was revoked, where that is to be asked.
    async fn check_revoked(&self, token: &VerifiedToken) -> Result<(), Rejection> {
        match &self.revocations {
            Some(revocations) => Ok(revocations.check(token.claims()).await?),
            None => Ok(()),
        }
    }

    /// Who the bearer of the token is, of which the verifier said this.
    fn judge(
        &self,
        token: &str,
        verdict: Result<VerifiedToken, JwtError>,
        shown: &Possession,
    ) -> Result<(VerifiedToken, Principal), Rejection> {
        let verified = verdict.map_err(|error| {
            // What verifies is well formed, so only what does not is looked at again.
            if is_token68(token) {
                self.scheme.invalid_token(error)
            } else {
                self.scheme.not_a_token()
            }
        })?;
        let admitted = self.admit(&verified, shown);
        let principal =
            admitted.map_err(|rejection| self.scheme.challenged(rejection, "invalid_token"))?;
        Ok((verified, principal))
    }

    /// Gives the principal, once the token is known not to have been revoked either.
    async fn unless_revoked(
        &self,
        (token, principal): (VerifiedToken, Principal),
    ) -> Result<Principal, Rejection> {
        let checked = self.check_revoked(&token).await;
        checked.map_err(|rejection| self.scheme.challenged(rejection, "invalid_token"))?;
        Ok(principal)
    }
}

impl fmt::Debug for JwtBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtBearer")
            .field("verifier", &self.verifier)
            .field("realm", &self.scheme.realm)
            .field("revocations", &self.revocations)
            .finish_non_exhaustive()
    }
}

impl Authenticator for JwtBearer {
    fn challenges(&self) -> Vec<Challenge> {
        vec![self.scheme.challenge()]
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        let token = match self.scheme.find(request) {
            None => return Attempt::Absent,
            Some(Err(rejection)) => return Attempt::Rejected(rejection),
            Some(Ok(token)) => token,
        };
        let shown = Possession {
            key: None,
            certificate: request.extensions().get().cloned(),
        };
        let verdict = self.verifier.verify(token);
        if let Some(fetched) = self.verifier.awaited_keys(&verdict) {
            let (bearer, token) = (self.clone(), token.to_owned());
            return Attempt::now_or_later(async move {
                fetched.await;
                let judged = bearer.judge(&token, bearer.verifier.verify(&token), &shown)?;
                bearer.unless_revoked(judged).await
            });
        }
        match (self.judge(token, verdict, &shown), &self.revocations) {
            (Ok((_, principal)), None) => Attempt::Authenticated(principal.into()),
            (Ok(judged), Some(_)) => {
                let bearer = self.clone();
                Attempt::now_or_later(async move { bearer.unless_revoked(judged).await })
            }
            (Err(rejection), _) => Attempt::Rejected(rejection),
        }
    }
}

/// The principal that a token stands for, when nothing else is configured: see [`JwtBearer`].
///
/// # Errors
/// When the token has no `sub`, or an empty one: it is about nobody.
pub fn principal_of(claims: &Claims) -> Result<Principal, JwtError> {
    let subject = claims.subject().filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| JwtError::missing("sub"))?;
    let mut principal = Principal::new(subject, authentication_of(claims));
    if claims.has("scope") {
        principal = principal.with_scopes(claims.words("scope"));
    }
    if let Some(class) = claims.text("acr") {
        principal = principal.with_attribute("acr", class);
    }
    Ok(principal)
}

/// How and when the subject was authenticated, as far as the token says.
pub(in crate::authn) fn authentication_of(claims: &Claims) -> Authentication {
    let time = claims.optional_date("auth_time").ok().flatten();
    let mut authentication = Authentication::new(time.unwrap_or_default());
    for method in claims.words("amr") {
        authentication = authentication.with_method(Method::from(&*method));
    }
    if let Some(issuer) = claims.issuer() {
        authentication = authentication.with_issuer(issuer);
    }
    if let Some(id) = claims.id() {
        authentication = authentication.with_credential(id);
    }
    authentication
}

/// A 401 whose reason the operator learns and the client does not; a 503 where the issuer's
/// keys could not be fetched.
impl From<JwtError> for Rejection {
    fn from(error: JwtError) -> Self {
        if error.kind() == JwtErrorKind::KeysUnavailable {
            return Self::new(RejectionKind::Unavailable)
                .with_code("keys_unavailable")
                .with_reason(error.to_string())
                .with_retry_after(KEYS_RETRY_AFTER);
        }
        Self::new(RejectionKind::Unauthenticated)
            .with_code("invalid_token")
            .with_reason(error.to_string())
            .with_event(Some(EventKind::AuthnTokenFail))
    }
}
