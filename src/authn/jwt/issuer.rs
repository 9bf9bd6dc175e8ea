use super::profile::{MAX_LIFETIME, MAX_TOKEN_LEN};
use super::{ConfigError, IssueError};
use crate::clock::{Clock, Timestamp};
use crate::crypto::keys::{KeySet, LiveSigningKey, SigningKey};
use crate::principal::{Assurance, Authentication, Method};
use crate::random::Random;
use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The claims that an issuer sets by itself.
const RESERVED: [&str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", GRANTED, "jti"];

/// When it was found that the bearer may have the token, in microseconds since the epoch, as
/// `iat` is in whole seconds: so that what was given before and after the credentials of the
/// user were ended can be told apart.
pub(super) const GRANTED: &str = "granted";

const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// Issues tokens in one name, for one audience unless told otherwise. Cheap to clone.
///
/// ```
/// use portcullis::authn::jwt::{Issuer, JwtErrorKind, Verifier};
/// use portcullis::crypto::keys::{Algorithm, SigningKey};
/// use std::time::Duration;
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let issuer = Issuer::new(key, "https://id.example.com", "https://api.example.com")?
///     .lifetime(Duration::from_secs(15 * 60))?;
/// let token = issuer.token("user-17").claim("roles", ["editor"])?.sign()?;
///
/// let verifier = |audience: &str| {
///     Verifier::builder(
///         "https://id.example.com",
///         audience,
///         Algorithm::EdDsa,
///         issuer.public_keys(),
///     )
///     .build()
/// };
/// let claims = verifier("https://api.example.com")?.verify(&token)?.into_claims();
/// assert_eq!(claims.subject(), Some("user-17"));
///
/// let error = verifier("https://other.example.com")?.verify(&token).unwrap_err();
/// assert_eq!(error.kind(), JwtErrorKind::WrongAudience);
///
/// assert!(issuer.lifetime(Duration::from_secs(7 * 24 * 60 * 60)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Issuer(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    keys: LiveSigningKey,
    name: Box<str>,
    audience: Box<str>,
    other_audiences: Vec<Box<str>>,
    lifetime: Duration,
    token_type: Box<str>,
    needs_client: bool,
    clock: Clock,
    random: Random,
    header: Arc<ArcSwap<EncodedHeader>>,
}

/// The header, which is the same for all tokens of a key.
#[derive(Debug)]
struct EncodedHeader {
    key: Arc<SigningKey>,
    text: String,
}

impl Issuer {
    /// An issuer of this name, whose tokens are for this audience and good for 10 minutes. It
    /// signs with one key, or with those that
    /// [rotate](crate::crypto::keys::RotatingKeys::signer).
    ///
    /// # Errors
    /// When the name or the audience is empty, or the keys are kept for less than 10 minutes.
    pub fn new(
        key: impl Into<LiveSigningKey>,
        name: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
    ) -> Result<Self, ConfigError> {
        let (name, audience) = (name.into(), audience.into());
        for (what, text) in [("issuer", &name), ("audience", &audience)] {
            if text.is_empty() {
                return Err(ConfigError::Empty(what));
            }
        }
        let keys = key.into();
        let token_type = Box::from("JWT");
        let inner = Inner {
            header: EncodedHeader::shared(keys.peek(), &token_type),
            keys,
            name,
            audience,
            other_audiences: Vec::new(),
            lifetime: Duration::ZERO,
            token_type,
            needs_client: false,
            clock: Clock::system(),
            random: Random::secure(),
        };
        Self(Arc::new(inner)).lifetime(DEFAULT_LIFETIME)
    }

    /// Lets tokens be for this audience as well, where they [say](TokenBuilder::audiences) so: no
    /// token is for one that was not named here, wherever its name comes from (ASVS 5.0 9.2.4).
    ///
    /// # Errors
    /// When it is empty.
    pub fn or_audience(self, audience: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let audience = audience.into();
        if audience.is_empty() {
            return Err(ConfigError::Empty("audience"));
        }
        Ok(self.with(|inner| inner.other_audiences.push(audience)))
    }

    /// Sets how long tokens are good for; parts of a second are cut off.
    ///
    /// # Errors
    /// When that is less than a second, more than the 24 hours that the strict profile takes,
    /// or longer than the keys are kept.
    pub fn lifetime(self, lifetime: Duration) -> Result<Self, ConfigError> {
        if lifetime > MAX_LIFETIME {
            return Err(ConfigError::LifetimeTooLong(lifetime.as_secs()));
        }
        self.insecure_long_lifetime(lifetime)
    }

    /// As [`lifetime`](Self::lifetime), without the bound above. Whoever steals such a token
    /// has it for long, and verifiers with the strict profile refuse more than 24 hours.
    ///
    /// # Errors
    /// When it is less than a second, or longer than the keys are kept.
    pub fn insecure_long_lifetime(self, lifetime: Duration) -> Result<Self, ConfigError> {
        if lifetime.as_secs() == 0 {
            return Err(ConfigError::NoLifetime);
        }
        if let Some(kept) = self.0.keys.longest_token().filter(|kept| lifetime > *kept) {
            return Err(ConfigError::LongerThanKeys {
                lifetime: lifetime.as_secs(),
                kept: kept.as_secs(),
            });
        }
        Ok(self.with(|inner| inner.lifetime = lifetime))
    }

    /// Sets the `typ` of the header: `JWT` by default, `at+jwt` for access tokens of RFC
    /// 9068.
    #[must_use]
    pub fn token_type(self, token_type: impl Into<Box<str>>) -> Self {
        self.with(|inner| {
            inner.token_type = token_type.into();
            inner.header = EncodedHeader::shared(inner.keys.peek(), &inner.token_type);
        })
    }

    /// Issues access tokens of RFC 9068: `typ` is `at+jwt`, and a token is not signed that does
    /// not say to which [client](TokenBuilder::client) it was given. Its verifiers ask for them
    /// by [`rfc9068`](super::VerifierBuilder::rfc9068).
    #[must_use]
    pub fn rfc9068(self) -> Self {
        self.token_type("at+jwt")
            .with(|inner| inner.needs_client = true)
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|inner| inner.clock = clock)
    }

    /// Sets where `jti` comes from.
    #[must_use]
    pub fn random(self, random: Random) -> Self {
        self.with(|inner| inner.random = random)
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Its name: the `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether the key may sign at the moment: to be asked before what is used up by asking for a
    /// token, as a refresh token is.
    ///
    /// # Errors
    /// [`IssueError::StaleKeys`] where the keys have not been seen for too long.
    pub fn can_sign(&self) -> Result<(), IssueError> {
        self.0.can_sign()
    }

    /// How long tokens are good for: the `expires_in` of a token response.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.0.lifetime
    }

    /// The key that verifies what this issuer signs now. For HMAC that is the secret itself:
    /// use it in this process only. Of keys that rotate, take
    /// [all](crate::crypto::keys::RotatingKeys::public).
    #[must_use]
    pub fn public_keys(&self) -> KeySet {
        self.0.keys.current().verifying_key().into()
    }

    /// Begins a token about this subject.
    pub fn token(&self, subject: impl Into<String>) -> TokenBuilder<'_> {
        TokenBuilder {
            issuer: &self.0,
            subject: subject.into(),
            audiences: None,
            as_of: None,
            claims: Map::new(),
        }
    }

    /// Begins the access token that goes with a refresh token: for the same user, proved in the
    /// same way, for the same client and scopes, and bound to the same key. Fewer scopes may be
    /// set, as [`Grant::narrowed_to`](crate::authn::refresh_token::Grant::narrowed_to) tells.
    #[cfg(feature = "refresh-token")]
    pub fn token_with(
        &self,
        refresh: &crate::authn::refresh_token::NewRefreshToken,
    ) -> TokenBuilder<'_> {
        let grant = refresh.grant();
        let mut token = self
            .token(grant.subject())
            .authenticated_as(&grant.authentication())
            .as_of(refresh.as_of());
        if let Some(client) = grant.client_id() {
            token = token.client(client);
        }
        if let Some(scopes) = grant.granted_scopes() {
            token = token.scopes(scopes);
        }
        match grant.key_thumbprint() {
            Some(thumbprint) => token.bound_to_key(thumbprint),
            None => token,
        }
    }
}

impl Inner {
    fn can_sign(&self) -> Result<(), IssueError> {
        match self.keys.is_usable() {
            true => Ok(()),
            false => Err(IssueError::StaleKeys),
        }
    }

    /// Whether tokens may be for this audience.
    fn knows(&self, audience: &str) -> bool {
        let mut others = self.other_audiences.iter();
        *self.audience == *audience || others.any(|other| **other == *audience)
    }

    fn header(&self, key: &Arc<SigningKey>) -> Arc<EncodedHeader> {
        let known = self.header.load_full();
        if Arc::ptr_eq(&known.key, key) {
            return known;
        }
        let new = Arc::new(EncodedHeader::new(Arc::clone(key), &self.token_type));
        self.header.store(Arc::clone(&new));
        new
    }
}

impl EncodedHeader {
    fn new(key: Arc<SigningKey>, token_type: &str) -> Self {
        let mut header = json!({"alg": key.algorithm().as_str(), "typ": token_type});
        if let (Some(key_id), Some(members)) = (key.key_id(), header.as_object_mut()) {
            members.insert("kid".to_owned(), key_id.into());
        }
        let text = URL_SAFE_NO_PAD.encode(header.to_string());
        Self { key, text }
    }

    fn shared(key: Arc<SigningKey>, token_type: &str) -> Arc<ArcSwap<Self>> {
        Arc::new(ArcSwap::from_pointee(Self::new(key, token_type)))
    }
}

/// A token that is about to be issued.
#[derive(Clone, Debug)]
#[must_use = "a token is nothing until it is signed"]
pub struct TokenBuilder<'a> {
    issuer: &'a Inner,
    subject: String,
    audiences: Option<Vec<String>>,
    as_of: Option<Timestamp>,
    claims: Map<String, Value>,
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    iat: u64,
    granted: u64,
    exp: u64,
    jti: &'a str,
    #[serde(flatten)]
    claims: &'a Map<String, Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

impl<'a> Audience<'a> {
    fn of(audiences: &'a [String], issuer: &Inner) -> Result<Self, IssueError> {
        let is_unknown = |name: &&String| !issuer.knows(name);
        match audiences {
            [] => Err(IssueError::NoAudience),
            all if all.iter().any(String::is_empty) => Err(IssueError::NoAudience),
            all if let Some(unknown) = all.iter().find(is_unknown) => {
                Err(IssueError::UnknownAudience(unknown.clone()))
            }
            [only] => Ok(Self::One(only)),
            several => Ok(Self::Several(several)),
        }
    }
}

impl TokenBuilder<'_> {
    /// Adds a claim.
    ///
    /// # Errors
    /// When the claim is one that the issuer sets, was given already, or cannot be written.
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Result<Self, IssueError> {
        if RESERVED.contains(&name) {
            return Err(IssueError::ReservedClaim(name.to_owned()));
        }
        let value = serde_json::to_value(value)?;
        if self.claims.insert(name.to_owned(), value).is_some() {
            return Err(IssueError::RepeatedClaim(name.to_owned()));
        }
        Ok(self)
    }

    /// Names other audiences than the issuer's usual one, of those that the issuer
    /// [may name](Issuer::or_audience). There has to be one, for a token without audience is
    /// good for everybody.
    pub fn audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// Says when and how the user was authenticated: `auth_time` and `amr` (RFC 8176).
    pub fn authenticated(self, at: Timestamp, methods: &[Method]) -> Self {
        let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
        self.set("auth_time", at.unix_seconds()).set("amr", methods)
    }

    /// Says all that is known of how the user was authenticated: `auth_time`, `amr`, and the
    /// level as `acr`, which is `aal1`, `aal2` or `aal3`.
    pub fn authenticated_as(self, authentication: &Authentication) -> Self {
        let token = self.authenticated(authentication.time(), authentication.methods());
        match authentication.assurance().and_then(class_of) {
            Some(class) => token.set("acr", class),
            None => token,
        }
    }

    /// Says to which client the token is given: `client_id` (RFC 9068 section 2.2).
    pub fn client(self, id: impl Into<String>) -> Self {
        self.set("client_id", id.into())
    }

    /// Says what the token may be used for: `scope` (RFC 9068 section 2.2.3).
    pub fn scopes<S: AsRef<str>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let mut all = String::new();
        for scope in scopes {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(scope.as_ref());
        }
        self.set("scope", all)
    }

    /// Binds the token to a key that its bearer has to prove, by the key's thumbprint: `cnf`
    /// with `jkt` (RFC 9449 section 6.1).
    pub fn bound_to_key(self, thumbprint: impl Into<String>) -> Self {
        self.set("cnf", json!({"jkt": thumbprint.into()}))
    }

    /// Says when it was found that the bearer may have the token: when the user proved who it
    /// is, or when the refresh token began. What ends the credentials of the user
    /// [later](crate::authn::Epochs) than that ends this token, also when it was under way while
    /// the token was made. Without it, that is when the token is signed.
    pub const fn as_of(mut self, time: Timestamp) -> Self {
        self.as_of = Some(time);
        self
    }

    fn set(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.to_owned(), value.into());
        self
    }

    /// Signs it.
    ///
    /// # Errors
    /// When it names no audience, or one that the issuer may not, when it would be too long, or when the key
    /// cannot sign, or may not for it was
    /// [not seen for too long](crate::crypto::keys::rotating::RotatingKeysBuilder::max_stale).
    pub fn sign(self) -> Result<String, IssueError> {
        let Self {
            issuer,
            subject,
            audiences,
            as_of,
            claims,
        } = self;
        if issuer.needs_client && !claims.contains_key("client_id") {
            return Err(IssueError::NoClient);
        }
        let now = issuer.clock.now();
        let granted = as_of.map_or(now, |time| time.min(now)).unix_duration();
        let end = now.unix_seconds().saturating_add(issuer.lifetime.as_secs());
        let id = URL_SAFE_NO_PAD.encode(issuer.random.bytes::<16>());
        let payload = serde_json::to_vec(&Payload {
            iss: &issuer.name,
            sub: &subject,
            aud: match &audiences {
                None => Audience::One(&issuer.audience),
                Some(audiences) => Audience::of(audiences, issuer)?,
            },
            iat: now.unix_seconds(),
            granted: u64::try_from(granted.as_micros()).unwrap_or(u64::MAX),
            exp: end,
            jti: &id,
            claims: &claims,
        })?;
        // Fails closed: another machine may have withdrawn the key, and nobody can tell.
        issuer.can_sign()?;
        let key = issuer.keys.peek();
        let header = issuer.header(&key);
        let mut token = String::with_capacity(header.text.len() + payload.len() * 4 / 3 + 96);
        token.push_str(&header.text);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = key.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN_LEN {
            return Err(IssueError::TooLong(token.len()));
        }
        Ok(token)
    }
}

fn class_of(level: Assurance) -> Option<Value> {
    serde_json::to_value(level).ok()
}
