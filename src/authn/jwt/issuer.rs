use super::profile::{MAX_LIFETIME, MAX_TOKEN_LEN};
use super::{ConfigError, IssueError};
use crate::clock::{Clock, Timestamp};
use crate::crypto::keys::{KeySet, SigningKey};
use crate::principal::Method;
use crate::random::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The claims that an issuer sets by itself.
const RESERVED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

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
    key: SigningKey,
    name: Box<str>,
    audience: Box<str>,
    lifetime: Duration,
    token_type: Box<str>,
    clock: Clock,
    random: Random,
    /// The header, encoded; it is the same for all tokens.
    header: String,
}

impl Issuer {
    /// An issuer of this name, whose tokens are for this audience and good for 10 minutes.
    ///
    /// # Errors
    /// When the name or the audience is empty.
    pub fn new(
        key: SigningKey,
        name: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
    ) -> Result<Self, ConfigError> {
        let (name, audience) = (name.into(), audience.into());
        for (what, text) in [("issuer", &name), ("audience", &audience)] {
            if text.is_empty() {
                return Err(ConfigError::Empty(what));
            }
        }
        let mut inner = Inner {
            key,
            name,
            audience,
            lifetime: Duration::from_secs(600),
            token_type: "JWT".into(),
            clock: Clock::system(),
            random: Random::secure(),
            header: String::new(),
        };
        inner.encode_header();
        Ok(Self(Arc::new(inner)))
    }

    /// Sets how long tokens are good for; parts of a second are cut off.
    ///
    /// # Errors
    /// When that is less than a second, or more than the 24 hours that the strict profile
    /// takes.
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
    /// When it is less than a second.
    pub fn insecure_long_lifetime(self, lifetime: Duration) -> Result<Self, ConfigError> {
        if lifetime.as_secs() == 0 {
            return Err(ConfigError::NoLifetime);
        }
        Ok(self.with(|inner| inner.lifetime = lifetime))
    }

    /// Sets the `typ` of the header: `JWT` by default, `at+jwt` for access tokens of RFC
    /// 9068.
    #[must_use]
    pub fn token_type(self, token_type: impl Into<Box<str>>) -> Self {
        self.with(|inner| {
            inner.token_type = token_type.into();
            inner.encode_header();
        })
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

    /// How long tokens are good for: the `expires_in` of a token response.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.0.lifetime
    }

    /// The key that verifies what this issuer signs. For HMAC that is the secret itself: use
    /// it in this process only.
    #[must_use]
    pub fn public_keys(&self) -> KeySet {
        self.0.key.verifying_key().into()
    }

    /// Begins a token about this subject.
    pub fn token(&self, subject: impl Into<String>) -> TokenBuilder<'_> {
        TokenBuilder {
            issuer: &self.0,
            subject: subject.into(),
            audiences: None,
            claims: Map::new(),
        }
    }
}

impl Inner {
    fn encode_header(&mut self) {
        let mut header = json!({"alg": self.key.algorithm().as_str(), "typ": self.token_type});
        if let (Some(key_id), Some(members)) = (self.key.key_id(), header.as_object_mut()) {
            members.insert("kid".to_owned(), key_id.into());
        }
        self.header = URL_SAFE_NO_PAD.encode(header.to_string());
    }
}

/// A token that is about to be issued.
#[derive(Clone, Debug)]
#[must_use = "a token is nothing until it is signed"]
pub struct TokenBuilder<'a> {
    issuer: &'a Inner,
    subject: String,
    audiences: Option<Vec<String>>,
    claims: Map<String, Value>,
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    iat: u64,
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
    fn of(audiences: &'a [String]) -> Result<Self, IssueError> {
        match audiences {
            [] => Err(IssueError::NoAudience),
            all if all.iter().any(String::is_empty) => Err(IssueError::NoAudience),
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

    /// Names other audiences than the issuer's usual one. There has to be one, for a token
    /// without audience is good for everybody, and none may be empty.
    pub fn audiences<A: Into<String>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// Says when and how the user was authenticated: `auth_time` and `amr` (RFC 8176).
    pub fn authenticated(mut self, at: Timestamp, methods: &[Method]) -> Self {
        let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
        self.claims
            .insert("auth_time".to_owned(), at.unix_seconds().into());
        self.claims.insert("amr".to_owned(), methods.into());
        self
    }

    /// Signs it.
    ///
    /// # Errors
    /// When it names no audience or an empty one, when it would be too long, or when the key
    /// cannot sign.
    pub fn sign(self) -> Result<String, IssueError> {
        let Self {
            issuer,
            subject,
            audiences,
            claims,
        } = self;
        let now = issuer.clock.now().unix_seconds();
        let end = now.saturating_add(issuer.lifetime.as_secs());
        let id = URL_SAFE_NO_PAD.encode(issuer.random.bytes::<16>());
        let payload = serde_json::to_vec(&Payload {
            iss: &issuer.name,
            sub: &subject,
            aud: match &audiences {
                None => Audience::One(&issuer.audience),
                Some(audiences) => Audience::of(audiences)?,
            },
            iat: now,
            exp: end,
            jti: &id,
            claims: &claims,
        })?;
        let mut token = String::with_capacity(issuer.header.len() + payload.len() * 4 / 3 + 96);
        token.push_str(&issuer.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = issuer.key.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN_LEN {
            return Err(IssueError::TooLong(token.len()));
        }
        Ok(token)
    }
}
