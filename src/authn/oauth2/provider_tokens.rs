use super::PrincipalRules;
use crate::authn::authenticate::{Attempt, Authenticator};
use crate::authn::jwt::{
    ConfigError, FetchError, JwtBearer, RemoteConfigError, RemoteKeys, Verifier,
};
use crate::clock::Clock;
use crate::crypto::keys::Algorithms;
use crate::event::Emitter;
use crate::guard::{Challenge, RequestHead};
use crate::net::client::HttpClient;
use thiserror::Error;

/// Authenticates requests by access tokens of a provider that are JWTs (RFC 9068), with the keys
/// that it publishes.
///
/// It is a [`JwtBearer`] with a [`Verifier`] and [`RemoteKeys`], set up as a provider's tokens
/// ask for:
///
/// 1. The keys are where the issuer's discovery document says, and kept fresh; a provider that
///    is down costs a bounded wait, and nothing at all while its keys are good.
/// 2. Tokens are of type `at+jwt`, of this issuer, for this audience, and have `exp`, `sub`,
///    `client_id`, `iat` and `jti`: an ID token is none of them.
/// 3. Principals are made by [`PrincipalRules`].
/// 4. A token that is bound to a certificate needs that certificate (RFC 8705). One that is
///    bound to a key is refused, unless [`into_bearer`](Self::into_bearer) is given to a
#[cfg_attr(
    feature = "dpop",
    doc = "   [`DpopBearer`](crate::authn::dpop::DpopBearer) (RFC 9449)."
)]
#[cfg_attr(not(feature = "dpop"), doc = "   `DpopBearer` (RFC 9449).")]
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use portcullis::authn::AuthenticateLayer;
/// use portcullis::authn::oauth2::{PrincipalRules, ProviderTokens, ScopeMap};
/// # use portcullis::authn::jwt::Issuer;
/// # use portcullis::crypto::keys::{Algorithm, SigningKey};
/// # use portcullis::net::client::{FakeAnswer, FakeTransport};
/// use portcullis::net::client::HttpClient;
/// use portcullis::principal::Principal;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.with_key_id("2026-11");
/// # let issuer = Issuer::new(key, "https://id.example.com", "https://api.example.com")?.rfc9068();
/// # let published = issuer.public_keys().to_public_json();
/// # let http = HttpClient::builder().build_over(FakeTransport::answering(move |request| {
/// #     match request.uri().path() {
/// #         "/.well-known/openid-configuration" => FakeAnswer::body(
/// #             r#"{"issuer": "https://id.example.com", "jwks_uri": "https://id.example.com/keys"}"#
/// #         ),
/// #         _ => FakeAnswer::body(published.clone()),
/// #     }
/// # }))?;
/// # #[cfg(any())]
/// let http = HttpClient::new()?;
/// let scopes = ScopeMap::new().permissions("orders", ["orders:read", "orders:write"]);
/// let tokens = ProviderTokens::builder("https://id.example.com", "https://api.example.com", http)
///     .principals(PrincipalRules::new().scopes(scopes))
///     .build()?;
///
/// let service = AuthenticateLayer::new(tokens).layer(service_fn(async |request: Request<()>| {
///     let principal = request.extensions().get::<Principal>().unwrap();
///     assert_eq!(principal.id(), "https://id.example.com user-17");
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
/// }));
///
/// # let token = issuer.token("user-17").client("app").scopes(["orders"]).sign()?;
/// let request = |token: &str| {
///     Request::builder().header("authorization", format!("Bearer {token}")).body(())
/// };
/// assert_eq!(service.clone().oneshot(request(&token)?).await?.status(), 200);
/// assert_eq!(service.oneshot(request("made-up")?).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ProviderTokens {
    bearer: JwtBearer,
    keys: RemoteKeys,
}

/// Sets up [`ProviderTokens`].
#[derive(Clone, Debug)]
#[must_use = "nothing is fetched before `build`"]
pub struct ProviderTokensBuilder {
    issuer: Box<str>,
    audience: Box<str>,
    client: HttpClient,
    algorithms: Algorithms,
    takes_any_type: bool,
    cache: Option<usize>,
    principals: PrincipalRules,
    emitter: Emitter,
    clock: Clock,
}

/// Why a provider's tokens cannot be verified in this way.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ProviderTokensError {
    /// The keys cannot be fetched.
    #[error(transparent)]
    Keys(#[from] RemoteConfigError),
    /// The tokens cannot be verified.
    #[error(transparent)]
    Verifier(#[from] ConfigError),
}

impl ProviderTokens {
    /// Tokens that this issuer made for this audience, with what is usual otherwise.
    ///
    /// # Errors
    /// As [`ProviderTokensBuilder::build`].
    pub fn new(
        issuer: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        client: HttpClient,
    ) -> Result<Self, ProviderTokensError> {
        Self::builder(issuer, audience, client).build()
    }

    /// Begins with tokens that this issuer made for this audience. Its keys are fetched by this
    /// client.
    pub fn builder(
        issuer: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        client: HttpClient,
    ) -> ProviderTokensBuilder {
        ProviderTokensBuilder {
            issuer: issuer.into(),
            audience: audience.into(),
            client,
            algorithms: Algorithms::ASYMMETRIC,
            takes_any_type: false,
            cache: None,
            principals: PrincipalRules::new(),
            emitter: Emitter::default(),
            clock: Clock::system(),
        }
    }

    /// Fetches the keys unless they are fresh, as when the service starts, so that no request
    /// has to wait.
    ///
    /// # Errors
    /// Why there are none. The service can start all the same: it will be tried again.
    pub async fn fetch_keys(&self) -> Result<(), FetchError> {
        self.keys.fetch().await
    }

    /// The bearer that it is, for what can be set there: realm, revocations, certificates, and
    /// DPoP around it.
    #[must_use]
    pub fn into_bearer(self) -> JwtBearer {
        self.bearer
    }
}

impl Authenticator for ProviderTokens {
    fn challenges(&self) -> Vec<Challenge> {
        self.bearer.challenges()
    }

    fn authenticate(&self, request: &RequestHead<'_>) -> Attempt {
        self.bearer.authenticate(request)
    }
}

impl ProviderTokensBuilder {
    /// Sets what tokens may be signed by: any algorithm with a public key by default.
    pub fn algorithms(mut self, algorithms: impl Into<Algorithms>) -> Self {
        self.algorithms = algorithms.into();
        self
    }

    /// Takes tokens that are not of RFC 9068: of type `JWT` or none, and without `client_id` or
    /// `jti`. For providers that issue no others. An ID token gets in too, where the provider
    /// makes it for the same audience.
    pub const fn insecure_any_token_type(mut self) -> Self {
        self.takes_any_type = true;
        self
    }

    /// Keeps up to so many tokens that were verified: see
    /// [`VerifierBuilder::cache`](crate::authn::jwt::VerifierBuilder::cache).
    pub const fn cache(mut self, tokens: usize) -> Self {
        self.cache = Some(tokens);
        self
    }

    /// Sets how tokens become principals.
    pub fn principals(mut self, rules: PrincipalRules) -> Self {
        self.principals = rules;
        self
    }

    /// Sets who hears of keys that could not be fetched.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The authenticator, which has no keys yet.
    ///
    /// # Errors
    /// When the issuer cannot be called, or would be believed what it should not.
    pub fn build(self) -> Result<ProviderTokens, ProviderTokensError> {
        let keys = RemoteKeys::discovered(&*self.issuer, self.client)
            .emitter(self.emitter)
            .clock(self.clock.clone())
            .build()?;
        let issuer = self.issuer.clone();
        let verifier = Verifier::builder(self.issuer, self.audience, self.algorithms, &keys);
        let mut verifier = verifier.clock(self.clock);
        if !self.takes_any_type {
            verifier = verifier.rfc9068();
        }
        if let Some(tokens) = self.cache {
            verifier = verifier.cache(tokens);
        }
        let principals = self.principals;
        let bearer = JwtBearer::new(verifier.build()?)
            .principal_by(move |token| Ok(principals.principal(&issuer, token.claims())?));
        Ok(ProviderTokens { bearer, keys })
    }
}
