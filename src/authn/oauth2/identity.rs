use super::linking::IdentityKey;
use super::{LoginError, LoginErrorKind, Provider, TokenResponse};
use crate::authn::jwt::VerifiedToken;
use crate::clock::Timestamp;
use crate::principal::{Authentication, Method};
use serde_json::{Map, Value};
use std::fmt;

/// How many methods of an `amr` are kept, and how long one may be.
const MAX_METHODS: usize = 16;
const MAX_METHOD_LEN: usize = 64;

/// Who logged in with a provider, and how: all of it checked.
///
/// A user is issuer and subject together (OpenID Connect Core section 5.7, ASVS 5.0 10.3.3 and
/// 10.5.2). Everything else, an e-mail address above all, is what the provider says, and may be
/// somebody else's tomorrow.
#[derive(Clone)]
pub struct Identity {
    provider: Box<str>,
    issuer: Box<str>,
    subject: Box<str>,
    session: Option<Box<str>>,
    level: Option<Box<str>>,
    methods: Vec<Method>,
    /// When the user was authenticated, where the provider says so.
    authenticated: Option<Timestamp>,
    /// When the login was begun here.
    begun: Timestamp,
    issued: Timestamp,
    pub(super) claims: Map<String, Value>,
    tokens: TokenResponse,
}

impl Identity {
    /// Of an ID token that was verified.
    pub(super) fn of_id_token(
        provider: &Provider,
        token: &VerifiedToken,
        tokens: TokenResponse,
        [begun, now]: [Timestamp; 2],
    ) -> Result<Self, LoginError> {
        let claims = token.claims();
        let bad = |claim: &'static str| LoginError::with(LoginErrorKind::IdToken, claim);
        let all: Map<String, Value> = claims.deserialize().map_err(|_| bad("claims"))?;
        let seconds = |name| all.get(name).and_then(Value::as_f64);
        let time = |seconds: f64| Timestamp::from_unix_seconds(seconds as u64);
        let methods = claims.words("amr");
        Ok(Self {
            provider: provider.name().into(),
            issuer: provider.issuer().into(),
            subject: claims.subject().ok_or_else(|| bad("sub"))?.into(),
            session: claims.text("sid").map(Into::into),
            level: claims.text("acr").map(Into::into),
            methods: methods
                .iter()
                .filter(|method| method.len() <= MAX_METHOD_LEN)
                .take(MAX_METHODS)
                .map(|method| Method::from(&**method))
                .collect(),
            // The provider's clock may be ahead of ours.
            authenticated: seconds("auth_time").map(|it| time(it).min(now)),
            begun,
            issued: claims.issued_at().unwrap_or(begun),
            claims: all,
            tokens,
        })
    }

    /// Of the userinfo of a plain provider.
    pub(super) fn of_userinfo(
        provider: &Provider,
        claims: Map<String, Value>,
        tokens: TokenResponse,
        begun: Timestamp,
    ) -> Result<Self, LoginError> {
        let subject = super::userinfo::subject(&claims, provider.subject_member());
        let subject = subject
            .ok_or_else(|| LoginError::with(LoginErrorKind::BadAnswer, "no subject in userinfo"))?;
        Ok(Self {
            provider: provider.name().into(),
            issuer: provider.issuer().into(),
            subject: subject.into(),
            session: None,
            level: None,
            methods: Vec::new(),
            authenticated: None,
            begun,
            issued: begun,
            claims,
            tokens,
        })
    }

    /// Our name for the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject: who it is among the users of the issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Issuer and subject, by which an account is [found](super::linking::Links).
    ///
    /// # Errors
    /// When one of them is too long or otherwise none.
    pub fn key(&self) -> Result<IdentityKey, LoginError> {
        let key = IdentityKey::new(&*self.issuer, &*self.subject);
        key.map_err(|error| LoginError::with(LoginErrorKind::BadAnswer, error.to_string()))
    }

    /// The provider's name for this login (`sid`), by which it ends it later.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// How strong the authentication was, in the provider's words (`acr`).
    #[must_use]
    pub fn level(&self) -> Option<&str> {
        self.level.as_deref()
    }

    /// The address, where the provider says that it is the user's and was verified: to write
    /// to, never to find an account by.
    #[must_use]
    pub fn verified_email(&self) -> Option<&str> {
        let is_verified = self.claims.get("email_verified") == Some(&Value::Bool(true));
        let email = self.claims.get("email").and_then(Value::as_str);
        email.filter(|_| is_verified)
    }

    /// A claim, of the ID token or of the userinfo.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The tokens. They are for this server: keep them
    /// [sealed](super::Logins), and send none to the browser (ASVS 5.0 10.1.1).
    #[must_use]
    pub const fn tokens(&self) -> &TokenResponse {
        &self.tokens
    }

    /// How and when the user was authenticated, for a
    /// [`Principal`](crate::principal::Principal): by the provider's `auth_time` where there is
    /// one. Where not, at the beginning of all time: the provider may have let the user through
    /// who logged in yesterday, so nothing that asks for a recent proof is met. A login with
    /// [`max_age`](super::LoginRequest::max_age) has the provider say it. It was
    /// [shown](Authentication::shown_at) when the login was begun here.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        let time = self.authenticated.unwrap_or_default();
        let proof = Authentication::new(time).with_shown_at(self.begun);
        let proof = proof.with_issuer(&*self.issuer);
        let methods = self.methods.iter().cloned();
        methods.fold(proof, Authentication::with_method)
    }

    /// Since when there is this login: an order to end what there is may come between its
    /// beginning and the provider's statement of it.
    pub(super) fn since(&self) -> Timestamp {
        self.issued.min(self.begun)
    }

    /// Adds what the userinfo says, which must be of the same user (section 5.3.2). What the ID
    /// token says stays: it is signed.
    pub(super) fn add_userinfo(&mut self, claims: Map<String, Value>) -> Result<(), LoginError> {
        let subject = super::userinfo::subject(&claims, "sub");
        if subject.as_deref() != Some(&*self.subject) {
            return Err(LoginError::with(LoginErrorKind::OtherUser, "userinfo"));
        }
        for (name, value) in claims {
            self.claims.entry(name).or_insert(value);
        }
        Ok(())
    }
}

/// Whose it is, and nothing of what the provider tells.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
