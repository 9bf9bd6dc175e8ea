use super::callback::Expected;
use super::login::authorization_url;
use super::transaction::{Transaction, Transactions};
use super::{
    Callback, ConfigError, Endpoints, Identity, LoginError, LoginErrorKind, LoginRequest,
    LogoutOrder, Provider, ReturnPath, TokenResponse, backchannel, userinfo,
};
use crate::clock::{Clock, Timestamp};
use crate::crypto::SecretSealer;
use crate::guard::cookie::{self, CredentialCookie};
use crate::guard::{Rejection, RequestHead};
use crate::random::Random;
use crate::secret::SecretString;
use crate::store::Store;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// As long as a user may take at the provider.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
const MIN_LIFETIME: Duration = Duration::from_secs(60);
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// Logs users in with providers. Cheap to clone. See the [module](super) for the rules.
#[derive(Clone, Debug)]
pub struct RelyingParty(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    providers: Vec<Provider>,
    transactions: Transactions,
}

/// Sets up a [`RelyingParty`].
#[derive(Clone, Debug)]
#[must_use = "nobody can log in before `build`"]
pub struct RelyingPartyBuilder {
    providers: Vec<Provider>,
    store: Store,
    sealer: Arc<dyn SecretSealer>,
    lifetime: Duration,
    is_plain: bool,
    clock: Clock,
    random: Random,
}

/// A login that was begun: the browser goes to the provider, and keeps a cookie meanwhile.
#[derive(Debug)]
#[must_use = "the browser has to be sent on"]
pub struct BegunLogin {
    location: String,
    cookie: HeaderValue,
}

/// A login that went well.
#[derive(Clone, Debug)]
#[must_use = "nobody is logged in yet"]
pub struct FinishedLogin {
    identity: Identity,
    return_to: ReturnPath,
    user: Option<Box<str>>,
    clear: HeaderValue,
}

impl BegunLogin {
    /// Where the browser is sent.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The `Set-Cookie` header.
    #[must_use]
    pub const fn set_cookie(&self) -> &HeaderValue {
        &self.cookie
    }

    /// The answer: 303 to the provider, kept by no cache.
    #[must_use]
    pub fn response<B: Default>(self) -> Response<B> {
        let mut response = see_other(&self.location);
        cookie::apply([self.cookie], response.headers_mut());
        response
    }
}

impl FinishedLogin {
    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where the user wanted to go.
    #[must_use]
    pub const fn return_to(&self) -> &ReturnPath {
        &self.return_to
    }

    /// The user of ours who [began](LoginRequest::begun_by) it, logged in already. Whether that
    /// is still who is logged in, is to be asked.
    #[must_use]
    pub fn begun_by(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// A refusal after all, which takes the cookie of the login away.
    pub(super) fn clearing(&self, rejection: Rejection) -> Rejection {
        rejection.with_header(header::SET_COOKIE, self.clear.clone())
    }

    /// The answer once the user is logged in: 303 to where the user wanted to go, with these
    /// headers, a session's cookie among them. It takes the cookie of the login away.
    #[must_use]
    pub fn response<B: Default>(&self, headers: HeaderMap) -> Response<B> {
        let mut response = see_other(self.return_to.as_str());
        response.headers_mut().extend(headers);
        cookie::apply([self.clear.clone()], response.headers_mut());
        response
    }
}

/// 303, so that whatever came before, the next request is a GET.
pub(super) fn see_other<B: Default>(location: &str) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    // A location that is none sends nobody anywhere; those made here are visible ASCII.
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

impl RelyingParty {
    /// Begins a relying party. The store remembers which logins were finished; the sealer keeps
    /// what a browser carries meanwhile from being read or changed. Machines that share the
    /// users share both.
    pub fn builder(store: Store, sealer: impl SecretSealer + 'static) -> RelyingPartyBuilder {
        RelyingPartyBuilder {
            providers: Vec::new(),
            store,
            sealer: Arc::new(sealer),
            lifetime: DEFAULT_LIFETIME,
            is_plain: false,
            clock: Clock::system(),
            random: Random::secure(),
        }
    }

    /// The providers, in the order they were added.
    pub fn providers(&self) -> impl ExactSizeIterator<Item = &Provider> {
        self.0.providers.iter()
    }

    /// The provider of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn provider(&self, name: &str) -> Result<&Provider, LoginError> {
        let found = self.providers().find(|provider| provider.name() == name);
        found.ok_or_else(|| LoginErrorKind::UnknownProvider.into())
    }

    /// Begins a login with this provider.
    ///
    /// # Errors
    /// When there is none of the name, or its metadata cannot be had.
    pub async fn begin(
        &self,
        provider: &str,
        request: &LoginRequest,
    ) -> Result<BegunLogin, LoginError> {
        let provider = self.provider(provider)?;
        let endpoints = provider.endpoints().await?;
        let (transaction, cookie) = self.0.transactions.begin(provider.name(), request)?;
        let location = authorization_url(provider, &endpoints, &transaction, request).await?;
        Ok(BegunLogin { location, cookie })
    }

    /// Goes on with a login when the provider has sent the browser back: checks that this
    /// browser began it, that it is in time and comes once, and who answers; redeems the code;
    /// and checks the ID token.
    ///
    /// # Errors
    /// Why nobody is logged in.
    pub async fn finish(
        &self,
        provider: &str,
        request: &RequestHead<'_>,
    ) -> Result<FinishedLogin, LoginError> {
        let provider = self.provider(provider)?;
        let transactions = &self.0.transactions;
        let clear = || transactions.forget(provider.name());
        let callback = Callback::parse(request.uri().query().unwrap_or_default())?;
        let taken = transactions.take(request, provider.name(), callback.state());
        let transaction = taken.await.map_err(|error| {
            use LoginErrorKind::{ForgedTransaction, LoginExpired, Replayed};
            match error.kind() {
                ForgedTransaction | LoginExpired | Replayed => error.clearing(clear()),
                // Somebody may have made the callback up: the login under way goes on.
                _ => error,
            }
        })?;
        let identified = self.identify(provider, &callback, &transaction).await;
        Ok(FinishedLogin {
            identity: identified.map_err(|error| error.clearing(clear()))?,
            return_to: ReturnPath::parse(&transaction.return_to)?,
            user: transaction.user.as_deref().map(Into::into),
            clear: clear(),
        })
    }

    /// Who it is that has come back.
    async fn identify(
        &self,
        provider: &Provider,
        callback: &Callback,
        transaction: &Transaction,
    ) -> Result<Identity, LoginError> {
        let endpoints = provider.endpoints().await?;
        let names_issuer = endpoints.names_issuer();
        // That of a plain provider is a name of ours; its own redirect URI keeps it apart.
        let has_issuer = provider.is_openid() || names_issuer;
        let code = callback.judge(Expected {
            issuer: has_issuer.then_some(provider.issuer()),
            names_issuer,
        })?;
        let tokens = redeem(provider, &endpoints, code.expose(), transaction).await?;
        let now = self.0.transactions.clock.now();
        identify(provider, &endpoints, tokens, transaction, now).await
    }

    /// Where to send a browser that has logged out here, so that it is logged out at the
    /// provider as well (OpenID Connect RP-Initiated Logout 1.0); `None` where the provider
    /// offers nothing of the kind. The ID token tells it whom, and that it is no other site that
    /// asks; `state` comes back to the post-logout redirect URI.
    ///
    /// # Errors
    /// When there is no provider of the name, or its metadata cannot be had.
    pub async fn logout_url(
        &self,
        provider: &str,
        id_token: Option<&SecretString>,
        state: Option<&str>,
    ) -> Result<Option<String>, LoginError> {
        let provider = self.provider(provider)?;
        let endpoints = provider.endpoints().await?;
        let Some(url) = endpoints.end_session_url() else {
            return Ok(None);
        };
        let bad = |_| LoginError::with(LoginErrorKind::Metadata, "end_session_endpoint");
        let mut url = Url::parse(url).map_err(bad)?;
        let parameters = [
            ("client_id", Some(provider.client_id())),
            ("id_token_hint", id_token.map(SecretString::expose)),
            ("post_logout_redirect_uri", provider.after_logout()),
            ("state", state),
        ];
        let set = parameters.into_iter();
        let set = set.filter_map(|(name, value)| Some((name, value?)));
        url.query_pairs_mut().extend_pairs(set);
        Ok(Some(url.into()))
    }

    /// Gets new tokens for a refresh token. An ID token among them must be of the same user
    /// (OpenID Connect Core section 12.2). The old refresh token may be used up: keep the new
    /// one, where there is one.
    ///
    /// # Errors
    /// [`Grant`](LoginErrorKind::Grant) when the provider does not take it: the login is over.
    pub async fn refresh(
        &self,
        provider: &str,
        subject: &str,
        refresh_token: &SecretString,
    ) -> Result<TokenResponse, LoginError> {
        let provider = self.provider(provider)?;
        let endpoints = provider.endpoints().await?;
        let endpoint = provider.endpoint(endpoints.token_url())?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
        ];
        let tokens = endpoint.token(&form).await?;
        if let Some(id_token) = tokens.id_token().filter(|_| provider.is_openid()) {
            let token = id_token.expose();
            let access_token = tokens.access_token();
            let verified = provider.verify_id_token(token, None, access_token, None);
            if verified.await?.claims().subject() != Some(subject) {
                return Err(LoginError::with(LoginErrorKind::OtherUser, "refresh"));
            }
        }
        Ok(tokens)
    }

    /// Reads a provider's order to end logins (OpenID Connect Back-Channel Logout 1.0 section
    /// 2.5): the body of its request, a form with a `logout_token`.
    ///
    /// # Errors
    /// When the token is no good, or was obeyed before.
    pub async fn logout_order(
        &self,
        provider: &str,
        form: &[u8],
    ) -> Result<LogoutOrder, LoginError> {
        let provider = self.provider(provider)?;
        let token = backchannel::token_of(form)?;
        let verified = provider.verify_logout_token(token.expose()).await?;
        let Transactions { clock, store, .. } = &self.0.transactions;
        let order = LogoutOrder::of(provider, verified.claims(), clock.now())?;
        order.check_new(store).await?;
        Ok(order)
    }

    /// Notes that an order was obeyed, so that it is not taken again. Do this last: a provider
    /// may send an order again that could not be obeyed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn obeyed(&self, order: &LogoutOrder) -> Result<(), LoginError> {
        order.note(&self.0.transactions.store).await
    }
}

/// Redeems a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
async fn redeem(
    provider: &Provider,
    endpoints: &Endpoints,
    code: &str,
    transaction: &Transaction,
) -> Result<TokenResponse, LoginError> {
    let endpoint = provider.endpoint(endpoints.token_url())?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", provider.redirect_uri()),
        ("code_verifier", &*transaction.verifier),
    ];
    Ok(endpoint.token(&form).await?)
}

/// Who the tokens are of.
async fn identify(
    provider: &Provider,
    endpoints: &Endpoints,
    tokens: TokenResponse,
    transaction: &Transaction,
    now: Timestamp,
) -> Result<Identity, LoginError> {
    let access_token = tokens.access_token().clone();
    let begun = transaction.begun();
    if !provider.is_openid() {
        let claims = userinfo_of(provider, endpoints, &access_token).await?;
        return Identity::of_userinfo(provider, claims, tokens, begun);
    }
    let missing = || LoginError::with(LoginErrorKind::BadAnswer, "no id_token");
    let id_token = tokens.id_token().ok_or_else(missing)?;
    let verified = provider
        .verify_id_token(
            id_token.expose(),
            Some(&transaction.nonce),
            &access_token,
            transaction.max_age(),
        )
        .await?;
    let mut identity = Identity::of_id_token(provider, &verified, tokens, [begun, now])?;
    check_level(&transaction.acr_values, identity.level())?;
    if provider.asks_userinfo() {
        identity.add_userinfo(userinfo_of(provider, endpoints, &access_token).await?)?;
    }
    Ok(identity)
}

/// Rule 12 of OpenID Connect Core section 3.1.3.7: the level is one that was asked for.
fn check_level(asked: &[String], level: Option<&str>) -> Result<(), LoginError> {
    let is_asked = |level: &str| asked.iter().any(|asked| asked == level);
    if asked.is_empty() || level.is_some_and(is_asked) {
        Ok(())
    } else {
        Err(LoginError::with(LoginErrorKind::TooWeak, "acr"))
    }
}

async fn userinfo_of(
    provider: &Provider,
    endpoints: &Endpoints,
    access_token: &SecretString,
) -> Result<Map<String, Value>, LoginError> {
    let none = || LoginError::with(LoginErrorKind::Unsupported, "userinfo");
    let url = endpoints.userinfo_url().ok_or_else(none)?;
    userinfo::fetch(provider, url, access_token).await
}

impl RelyingPartyBuilder {
    /// Adds a provider.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.providers.push(provider);
        self
    }

    /// Sets how long a user may take at the provider: 10 minutes by default.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sends the cookie of a login under way over plain HTTP too, without `Secure` and without
    /// the prefix `__Host-`: whoever listens on the way can finish the login in place of the
    /// user, and any subdomain can plant one. Only for trying things out on this machine with
    /// a browser that keeps no `Secure` cookie of `http://localhost` (Safari).
    pub const fn insecure_cookie_over_plain_http(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where `state`, `nonce` and the PKCE verifier come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    #[expect(clippy::expect_used, reason = "the name is fixed, and a good one")]
    pub fn build(self) -> Result<RelyingParty, ConfigError> {
        check_apart(&self.providers)?;
        if self.lifetime < MIN_LIFETIME || self.lifetime > MAX_LIFETIME {
            return Err(ConfigError::Lifetime(self.lifetime.as_secs()));
        }
        // Lax, for the provider sends the browser back from another site.
        let cookie = CredentialCookie::new("login").expect("the name is made of letters");
        Ok(RelyingParty(Arc::new(Inner {
            providers: self.providers,
            transactions: Transactions {
                sealer: self.sealer,
                store: self.store,
                cookie: cookie.plain(self.is_plain),
                lifetime: self.lifetime,
                random: self.random,
                clock: self.clock,
            },
        })))
    }
}

/// Each provider has a name and a redirect URI of its own.
fn check_apart(providers: &[Provider]) -> Result<(), ConfigError> {
    if providers.is_empty() {
        return Err(ConfigError::NoProvider);
    }
    let mut rest = providers;
    while let [one, others @ ..] = rest {
        for other in others {
            let name = |provider: &Provider| provider.name().to_owned();
            if one.name() == other.name() {
                return Err(ConfigError::SameName(name(one)));
            }
            if one.redirect_uri() == other.redirect_uri() {
                return Err(ConfigError::SameRedirect(name(one), name(other)));
            }
        }
        rest = others;
    }
    Ok(())
}
