use super::metadata::{Discovery, Source, is_usable};
use super::{ClientAuthentication, ConfigError, Endpoint, Endpoints, LoginError, LoginErrorKind};
use crate::authn::jwt::{
    IdTokenRules, JwtError, JwtErrorKind, Profile, RemoteKeys, VerifiedToken, Verifier,
};
use crate::clock::Clock;
use crate::crypto::keys::{Algorithms, LiveKeys};
use crate::event::Emitter;
use crate::net::client::HttpClient;
use crate::secret::SecretString;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The longest scope or URL that is taken, in bytes.
const MAX_TEXT_LEN: usize = 2048;
const MAX_NAME_LEN: usize = 32;
/// How often ID tokens may have keys fetched. They come from the provider itself, so nobody
/// else makes up the names of keys in them.
const COOL_DOWN: Duration = Duration::from_secs(1);
/// How often logout tokens may, which anybody can send.
pub(super) const ORDER_COOL_DOWN: Duration = Duration::from_secs(30);

/// One provider that users log in with, and this service as its client. Cheap to clone.
///
/// ```no_run
/// use portcullis::authn::oauth2::{ClientAuthentication, Provider};
/// use portcullis::net::client::HttpClient;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shop = ClientAuthentication::secret_basic("shop", "a secret that the provider gave")?;
/// let provider = Provider::openid("corporate", "https://id.example.com", shop)
///     .redirect_uri("https://shop.example.com/auth/corporate/callback")
///     .scopes(["profile", "email"])
///     .build(HttpClient::new()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    settings: Settings,
    source: Source,
    client: HttpClient,
    tokens: Option<Verifiers>,
}

/// What verifies an OpenID provider's tokens, with keys apart: logout tokens come from anybody,
/// and the names of keys that they make up must not use up what ID tokens may fetch.
struct Verifiers {
    id: Verifier,
    logout: Verifier,
    logout_keys: LiveKeys,
    /// By the keys of ID tokens, which is nothing that a logout token can have fetched.
    logout_by_known: Verifier,
}

#[derive(Clone, Debug)]
struct Settings {
    name: Box<str>,
    issuer: Box<str>,
    redirect_uri: String,
    after_logout: Option<String>,
    authentication: ClientAuthentication,
    scopes: Vec<Box<str>>,
    parameters: Vec<(Box<str>, Box<str>)>,
    asks_userinfo: bool,
    pushes: bool,
    subject_member: Cow<'static, str>,
}

/// Sets up a [`Provider`].
#[derive(Clone, Debug)]
#[must_use = "nobody can log in before `build`"]
pub struct ProviderBuilder {
    settings: Settings,
    endpoints: Option<Endpoints>,
    is_openid: bool,
    algorithms: Algorithms,
    profile: Profile,
    takes_untyped_orders: bool,
    clock: Clock,
    emitter: Emitter,
}

impl Provider {
    /// Begins an OpenID provider (OpenID Connect Core 1.0), whose endpoints and keys are where
    /// its discovery document says. `name` is ours, and a part of paths: `corporate`. `issuer`
    /// is the provider's, to the letter: ID tokens and metadata that say anything else are
    /// another's. `us` is our id there, and how we show that it is us.
    pub fn openid(name: &str, issuer: &str, us: ClientAuthentication) -> ProviderBuilder {
        ProviderBuilder::new(name, issuer, us, true)
    }

    /// Begins a provider of plain OAuth 2.0: it gives no ID token, and who the user is stands
    /// in the answer of its userinfo endpoint. `issuer` is what its users are kept under, such
    /// as `https://github.com`.
    ///
    /// What vouches for the user here is an access token, which the provider gives to every
    /// client alike: nothing but PKCE and `state` ties it to this login, so prefer OpenID
    /// Connect where there is a choice.
    pub fn plain_oauth(
        name: &str,
        issuer: &str,
        us: ClientAuthentication,
        endpoints: Endpoints,
    ) -> ProviderBuilder {
        ProviderBuilder {
            endpoints: Some(endpoints),
            ..ProviderBuilder::new(name, issuer, us, false)
        }
    }

    /// Our name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings().name
    }

    /// The issuer: with the subject, who a user is.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings().issuer
    }

    /// Our name at the provider.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.settings().authentication.client_id()
    }

    /// Where the provider sends browsers back to.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.settings().redirect_uri
    }

    /// Whether it gives ID tokens.
    #[must_use]
    pub fn is_openid(&self) -> bool {
        self.0.tokens.is_some()
    }

    /// Where it is asked for what, as it says today.
    ///
    /// # Errors
    /// When the discovery document cannot be fetched, or a login cannot be made with it.
    pub async fn endpoints(&self) -> Result<Arc<Endpoints>, LoginError> {
        self.0.source.endpoints().await
    }

    /// What it is called with.
    #[must_use]
    pub fn client(&self) -> &HttpClient {
        &self.0.client
    }

    /// How this service proves to the provider who it is.
    #[must_use]
    pub fn client_authentication(&self) -> &ClientAuthentication {
        &self.settings().authentication
    }

    /// One of its endpoints, called in our name.
    pub(super) fn endpoint(&self, url: &str) -> Result<Endpoint, LoginError> {
        let us = self.client_authentication().clone();
        let endpoint = Endpoint::new(url, self.client().clone(), us);
        endpoint.map_err(|error| LoginError::with(LoginErrorKind::Metadata, error.to_string()))
    }

    /// What is asked for, as it goes into a request: `openid` first.
    pub(super) fn scope(&self) -> String {
        let openid = self.is_openid().then_some("openid");
        let scopes = self.settings().scopes.iter().map(AsRef::as_ref);
        let all: Vec<&str> = openid.into_iter().chain(scopes).collect();
        all.join(" ")
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.settings().parameters.iter();
        parameters.map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    pub(super) fn after_logout(&self) -> Option<&str> {
        self.settings().after_logout.as_deref()
    }

    pub(super) fn asks_userinfo(&self) -> bool {
        self.settings().asks_userinfo
    }

    pub(super) fn pushes(&self) -> bool {
        self.settings().pushes
    }

    pub(super) fn subject_member(&self) -> &str {
        &self.settings().subject_member
    }

    /// Verifies an ID token; one that comes with a new access token at a refresh, and answers no
    /// request of the browser, has no nonce to fit.
    pub(super) async fn verify_id_token(
        &self,
        token: &str,
        nonce: Option<&str>,
        access_token: &SecretString,
        max_age: Option<Duration>,
    ) -> Result<VerifiedToken, LoginError> {
        let verifier = &self.tokens()?.id;
        let client_id = self.client_id();
        let rules = match nonce {
            Some(nonce) => IdTokenRules::new(client_id, nonce),
            // OpenID Connect Core section 12.2: it may repeat the first one's.
            None => IdTokenRules::insecure_any_nonce(client_id),
        };
        let rules = rules.access_token(access_token.clone());
        let rules = match max_age {
            Some(max_age) => rules.max_age(max_age),
            None => rules,
        };
        verifier.wait_for_keys(token).await;
        let verdict = verifier.verify_id_token(token, &rules);
        let is_unknown = |error: &JwtError| error.kind() == JwtErrorKind::UnknownKey;
        if !verdict.as_ref().is_err_and(is_unknown) {
            return Ok(verdict?);
        }
        // The provider has changed its keys since the last fetch, a moment ago. The user has
        // logged in and should not have to do so again.
        tokio::time::sleep(COOL_DOWN).await;
        verifier.wait_for_keys(token).await;
        Ok(verifier.verify_id_token(token, &rules)?)
    }

    /// Verifies a logout token.
    pub(super) async fn verify_logout_token(
        &self,
        token: &str,
    ) -> Result<VerifiedToken, LoginError> {
        let tokens = self.tokens()?;
        let keys = tokens.logout_keys.current();
        tokens.logout.wait_for_keys(token).await;
        let verified = tokens.logout.verify_logout_token(token);
        let verified = verified.or_else(|error| match error.kind() {
            // Strangers may have used up what is fetched for them; who logged in since has
            // brought the provider's new keys.
            JwtErrorKind::UnknownKey => {
                let by_known = tokens.logout_by_known.verify_logout_token(token);
                by_known.map_err(|_| error)
            }
            _ => Err(error),
        });
        verified.map_err(|error| match error.kind() {
            // Nobody has looked since, for somebody did a moment ago, or the provider is down:
            // it may be a new one.
            JwtErrorKind::UnknownKey if Arc::ptr_eq(&keys, &tokens.logout_keys.current()) => {
                LoginErrorKind::UnknownOrderKey.into()
            }
            _ => LoginError::of_logout_token(&error),
        })
    }

    fn tokens(&self) -> Result<&Verifiers, LoginError> {
        let tokens = self.0.tokens.as_ref();
        tokens.ok_or_else(|| {
            let reason = "it is no OpenID provider";
            LoginError::with(LoginErrorKind::Unsupported, reason)
        })
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name())
            .field("issuer", &self.issuer())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

impl ProviderBuilder {
    fn new(name: &str, issuer: &str, us: ClientAuthentication, is_openid: bool) -> Self {
        Self {
            settings: Settings {
                name: name.into(),
                issuer: issuer.into(),
                redirect_uri: String::new(),
                after_logout: None,
                authentication: us,
                scopes: Vec::new(),
                parameters: Vec::new(),
                asks_userinfo: !is_openid,
                pushes: false,
                subject_member: "sub".into(),
            },
            endpoints: None,
            is_openid,
            algorithms: Algorithms::ASYMMETRIC,
            profile: Profile::Strict,
            takes_untyped_orders: false,
            clock: Clock::system(),
            emitter: Emitter::default(),
        }
    }

    /// Sets where the provider sends browsers back to: the URL of our callback, as it is
    /// registered there. No two providers share one.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.settings.redirect_uri = uri.into();
        self
    }

    /// Sets where the provider sends browsers after they logged out there, as it is registered.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.settings.after_logout = Some(uri.into());
        self
    }

    /// Asks for these scopes beside `openid`: no more than what is needed (ASVS 5.0 10.2.3).
    pub fn scopes<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let scopes = scopes.into_iter().map(Into::into);
        self.settings.scopes.extend(scopes);
        self
    }

    /// Sends this in every authorization request, as `audience` or `resource`. What this
    /// library sends itself cannot be replaced.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        let parameter = (name.into(), value.into());
        self.settings.parameters.push(parameter);
        self
    }

    /// Asks the userinfo endpoint for claims at each login. A plain provider is always asked.
    pub const fn with_userinfo(mut self) -> Self {
        self.settings.asks_userinfo = true;
        self
    }

    /// Sends each authorization request to the provider directly, so that the browser carries
    /// nothing but its name (RFC 9126, ASVS 5.0 10.4.13). Without this it is done where the
    /// provider requires it.
    pub const fn pushing_requests(mut self) -> Self {
        self.settings.pushes = true;
        self
    }

    /// Sets the member of a plain provider's userinfo that names the user for good: `sub` by
    /// default, `id` at GitHub. Never a name or an address that can change hands.
    pub fn subject_member(mut self, name: &'static str) -> Self {
        self.settings.subject_member = name.into();
        self
    }

    /// Uses these endpoints instead of those of the discovery document. The keys are still
    /// found by discovery.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Some(endpoints);
        self
    }

    /// Sets what ID tokens may be signed with: any algorithm with a public key by default.
    pub fn algorithms(mut self, algorithms: impl Into<Algorithms>) -> Self {
        self.algorithms = algorithms.into();
        self
    }

    /// Sets how strictly ID tokens are judged: [`Profile::Strict`] by default. Logout tokens
    /// are always judged so.
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Takes logout tokens also where `typ` is missing or `JWT`, for providers that do not say
    /// `logout+jwt`, which OpenID Connect Back-Channel Logout 1.0 section 2.4 recommends and does
    /// not demand. What else tells them from an ID token stays: the event, and no `nonce`.
    pub const fn accept_logout_tokens_without_their_type(mut self) -> Self {
        self.takes_untyped_orders = true;
        self
    }

    /// Sets who hears of discovery and of keys that failed.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The provider, of whom nothing is fetched yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn build(self, client: HttpClient) -> Result<Provider, ConfigError> {
        self.check(&client)?;
        let Self {
            settings,
            endpoints,
            is_openid,
            algorithms,
            profile,
            takes_untyped_orders,
            clock,
            emitter,
        } = self;
        let issuer = &*settings.issuer;
        let source = match endpoints {
            Some(endpoints) => Source::Fixed(Arc::new(endpoints)),
            None => Source::Discovered(Arc::new(Discovery::new(
                issuer,
                client.clone(),
                clock.clone(),
                emitter.clone(),
            ))),
        };
        let tokens = if is_openid {
            let keys = || {
                RemoteKeys::discovered(issuer, client.clone())
                    .emitter(emitter.clone())
                    .clock(clock.clone())
            };
            let verifier = |profile, keys: &LiveKeys| {
                let client_id = settings.authentication.client_id();
                Verifier::builder(issuer, client_id, algorithms, keys.clone())
                    .profile(profile)
                    .clock(clock.clone())
            };
            let order_verifier = |keys: &LiveKeys| {
                let verifier = verifier(Profile::Strict, keys);
                match takes_untyped_orders {
                    true => verifier.accept_logout_tokens_without_their_type().build(),
                    false => verifier.build(),
                }
            };
            let id_keys = keys().cool_down(COOL_DOWN).build()?.live();
            let logout_keys = keys().cool_down(ORDER_COOL_DOWN).build()?.live();
            Some(Verifiers {
                id: verifier(profile, &id_keys).build()?,
                logout: order_verifier(&logout_keys)?,
                logout_by_known: order_verifier(&id_keys)?,
                logout_keys,
            })
        } else {
            None
        };
        Ok(Provider(Arc::new(Inner {
            settings,
            source,
            client,
            tokens,
        })))
    }

    fn check(&self, client: &HttpClient) -> Result<(), ConfigError> {
        let settings = &self.settings;
        let name = &*settings.name;
        let usual = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !(1..=MAX_NAME_LEN).contains(&name.len()) || !name.bytes().all(usual) {
            return Err(ConfigError::ProviderName(name.to_owned()));
        }
        let is_text = |text: &str| {
            let visible = |byte: u8| byte.is_ascii_graphic();
            (1..=MAX_TEXT_LEN).contains(&text.len()) && text.bytes().all(visible)
        };
        if let Some(scope) = settings.scopes.iter().find(|scope| !is_text(scope)) {
            return Err(ConfigError::Scope(scope.to_string()));
        }
        let urls = [
            ("issuer", Some(&*settings.issuer)),
            ("redirect URI", Some(&*settings.redirect_uri)),
            ("post-logout redirect URI", settings.after_logout.as_deref()),
        ];
        for (what, url) in urls {
            if url.is_some_and(|url| !is_text(url) || !is_usable(url, client)) {
                return Err(ConfigError::InvalidUrl(what));
            }
        }
        let endpoints = self.endpoints.as_ref();
        match endpoints.and_then(|endpoints| endpoints.first_unusable(client)) {
            None => Ok(()),
            Some(name) => Err(ConfigError::InvalidUrl(name)),
        }
    }
}
