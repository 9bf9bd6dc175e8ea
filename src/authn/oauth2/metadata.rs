//! Where a provider's endpoints are: fixed, or as its discovery document says, kept fresh.

use super::{LoginError, LoginErrorKind};
use crate::authn::jwt::remote::{Schedule, Settings, discover};
use crate::authn::jwt::{FetchError, ProviderMetadata};
use crate::clock::Clock;
use crate::crypto::keys::{KeyState, WantedKeys};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::lock::lock;
use crate::net::client::HttpClient;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::runtime::Handle;
use url::Url;

/// Where a provider is asked for what, and what it says of itself.
///
/// That of an OpenID provider comes from its discovery document. That of another is given:
///
/// ```
/// use portcullis::authn::oauth2::Endpoints;
///
/// let github = Endpoints::new(
///     "https://github.com/login/oauth/authorize",
///     "https://github.com/login/oauth/access_token",
/// )
/// .userinfo("https://api.github.com/user");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Endpoints {
    authorization: String,
    token: String,
    userinfo: Option<String>,
    end_session: Option<String>,
    pushed: Option<String>,
    introspection: Option<String>,
    revocation: Option<String>,
    requires_pushed: bool,
    /// Whether each authorization response has an `iss` (RFC 9207 section 3).
    names_issuer: bool,
}

impl Endpoints {
    /// An authorization endpoint and a token endpoint (RFC 6749 section 3).
    pub fn new(authorization: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            authorization: authorization.into(),
            token: token.into(),
            userinfo: None,
            end_session: None,
            pushed: None,
            introspection: None,
            revocation: None,
            requires_pushed: false,
            names_issuer: false,
        }
    }

    /// Sets where a user's claims are.
    pub fn userinfo(mut self, url: impl Into<String>) -> Self {
        self.userinfo = Some(url.into());
        self
    }

    /// Sets where authorization requests are pushed to (RFC 9126).
    pub fn pushed_authorization(mut self, url: impl Into<String>) -> Self {
        self.pushed = Some(url.into());
        self
    }

    /// Sets where browsers are sent to log out.
    pub fn end_session(mut self, url: impl Into<String>) -> Self {
        self.end_session = Some(url.into());
        self
    }

    /// Requires `iss` in each callback, which the provider is known to send (RFC 9207).
    pub const fn naming_issuer(mut self) -> Self {
        self.names_issuer = true;
        self
    }

    /// Where browsers are sent to log in.
    #[must_use]
    pub fn authorization_url(&self) -> &str {
        &self.authorization
    }

    /// Where codes are redeemed.
    #[must_use]
    pub fn token_url(&self) -> &str {
        &self.token
    }

    /// Where a user's claims are.
    #[must_use]
    pub fn userinfo_url(&self) -> Option<&str> {
        self.userinfo.as_deref()
    }

    /// Where browsers are sent to log out.
    #[must_use]
    pub fn end_session_url(&self) -> Option<&str> {
        self.end_session.as_deref()
    }

    /// Where authorization requests are pushed to.
    #[must_use]
    pub fn pushed_authorization_url(&self) -> Option<&str> {
        self.pushed.as_deref()
    }

    /// Where tokens are introspected (RFC 7662).
    #[must_use]
    pub fn introspection_url(&self) -> Option<&str> {
        self.introspection.as_deref()
    }

    /// Where tokens are revoked (RFC 7009).
    #[must_use]
    pub fn revocation_url(&self) -> Option<&str> {
        self.revocation.as_deref()
    }

    /// Whether the provider takes pushed requests alone.
    #[must_use]
    pub const fn requires_pushed_authorization(&self) -> bool {
        self.requires_pushed
    }

    /// Whether each callback has to name the issuer.
    #[must_use]
    pub const fn names_issuer(&self) -> bool {
        self.names_issuer
    }

    /// What the document says, if a login can be made with it.
    fn of(metadata: &ProviderMetadata, client: &HttpClient) -> Result<Self, LoginError> {
        let missing = |name| LoginError::with(LoginErrorKind::Metadata, format!("no {name}"));
        let required = |name| metadata.text(name).ok_or_else(|| missing(name));
        let methods = metadata.list("code_challenge_methods_supported");
        if !methods.is_empty() && !methods.iter().any(|method| method == "S256") {
            // A provider that says so would leave the challenge out of account.
            let error = "code_challenge_methods_supported lacks S256";
            return Err(LoginError::with(LoginErrorKind::Unsupported, error));
        }
        let endpoints = Self {
            authorization: required("authorization_endpoint")?,
            token: required("token_endpoint")?,
            userinfo: metadata.text("userinfo_endpoint"),
            end_session: metadata.text("end_session_endpoint"),
            pushed: metadata.text("pushed_authorization_request_endpoint"),
            introspection: metadata.text("introspection_endpoint"),
            revocation: metadata.text("revocation_endpoint"),
            requires_pushed: metadata.flag("require_pushed_authorization_requests"),
            names_issuer: metadata.flag("authorization_response_iss_parameter_supported"),
        };
        match endpoints.first_unusable(client) {
            None => Ok(endpoints),
            Some(name) => {
                let error = format!("{name} is no URL to call");
                Err(LoginError::with(LoginErrorKind::Metadata, error))
            }
        }
    }

    /// The first URL that may not be called, or sent to a browser: `javascript:` is one.
    pub(super) fn first_unusable(&self, client: &HttpClient) -> Option<&'static str> {
        let urls = [
            ("authorization_endpoint", Some(&self.authorization)),
            ("token_endpoint", Some(&self.token)),
            ("userinfo_endpoint", self.userinfo.as_ref()),
            ("end_session_endpoint", self.end_session.as_ref()),
            (
                "pushed_authorization_request_endpoint",
                self.pushed.as_ref(),
            ),
            ("introspection_endpoint", self.introspection.as_ref()),
            ("revocation_endpoint", self.revocation.as_ref()),
        ];
        let unusable = |url: &String| !is_usable(url, client);
        let found = urls.into_iter().find(|(_, url)| url.is_some_and(unusable));
        found.map(|(name, _)| name)
    }
}

/// Whether this is a URL of https, or of http on the loopback, without credentials and fragment.
pub(super) fn is_usable(url: &str, client: &HttpClient) -> bool {
    client.may_call(url) && Url::parse(url).is_ok_and(|url| url.fragment().is_none())
}

/// The endpoints of one provider.
#[derive(Debug)]
pub(super) enum Source {
    Fixed(Arc<Endpoints>),
    Discovered(Arc<Discovery>),
}

/// Endpoints that are fetched, kept while they are fresh, and used for a day where the provider
/// does not answer.
#[derive(Debug)]
pub(super) struct Discovery {
    issuer: Box<str>,
    client: HttpClient,
    clock: Clock,
    emitter: Emitter,
    known: Mutex<Known>,
    /// One fetch at a time: who comes meanwhile, and has nothing that could still be used, waits
    /// for its end, which has a deadline.
    flight: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Known {
    schedule: Schedule,
    endpoints: Option<Arc<Endpoints>>,
    failure: Option<LoginError>,
}

impl Source {
    pub(super) async fn endpoints(&self) -> Result<Arc<Endpoints>, LoginError> {
        match self {
            Self::Fixed(endpoints) => Ok(Arc::clone(endpoints)),
            Self::Discovered(discovery) => discovery.endpoints().await,
        }
    }
}

impl Discovery {
    pub(super) fn new(issuer: &str, client: HttpClient, clock: Clock, emitter: Emitter) -> Self {
        Self {
            issuer: issuer.into(),
            client,
            clock,
            emitter,
            known: Mutex::new(Known {
                schedule: Schedule::new(Settings::default()),
                endpoints: None,
                failure: None,
            }),
            flight: Arc::default(),
        }
    }

    async fn endpoints(self: &Arc<Self>) -> Result<Arc<Endpoints>, LoginError> {
        if let Ok(known) = self.usable() {
            self.renew_in_time();
            return Ok(known);
        }
        let _flight = self.flight.lock().await;
        if self.usable().is_err() && self.begin() {
            let fetched = self.fetch().await;
            self.settle(fetched);
        }
        self.usable()
    }

    /// Begins to fetch what will soon be old or is, if nobody does: on its own, for no login
    /// should wait while there is something to go by.
    fn renew_in_time(self: &Arc<Self>) {
        let is_quiet = || self.clock.elapsed() < self.lock().schedule.quiet_until();
        if is_quiet() {
            return;
        }
        let (Ok(flight), Ok(runtime)) = (
            Arc::clone(&self.flight).try_lock_owned(),
            Handle::try_current(),
        ) else {
            return;
        };
        // Another's may have landed in between.
        if is_quiet() || !self.begin() {
            return;
        }
        let discovery = Arc::clone(self);
        runtime.spawn(async move {
            let fetched = discovery.fetch().await;
            discovery.settle(fetched);
            drop(flight);
        });
    }

    /// Whether a fetch is to be made now: not a moment after one failed.
    fn begin(&self) -> bool {
        let now = self.clock.elapsed();
        let mut known = self.lock();
        let may = known.schedule.may_begin(WantedKeys::Fresh, now);
        if may {
            known.schedule.begin(now);
        }
        may
    }

    async fn fetch(&self) -> Result<(Endpoints, Option<std::time::Duration>), LoginError> {
        let (metadata, lifetime) = discover(&self.client, &self.issuer).await?;
        Ok((Endpoints::of(&metadata, &self.client)?, lifetime))
    }

    fn settle(&self, fetched: Result<(Endpoints, Option<std::time::Duration>), LoginError>) {
        let now = self.clock.elapsed();
        let mut known = self.lock();
        match fetched {
            Ok((endpoints, lifetime)) => {
                known.schedule.succeed(lifetime, now);
                known.endpoints = Some(Arc::new(endpoints));
                known.failure = None;
            }
            Err(error) => {
                known.schedule.fail(now);
                let event = SecurityEvent::new(EventKind::SysControlDegraded)
                    .with_code(error.code())
                    .with_reason(format!("discovery of {}: {error}", self.issuer));
                self.emitter.emit(event);
                known.failure = Some(error);
            }
        }
    }

    /// What there is, old or not, unless it is too old.
    fn usable(&self) -> Result<Arc<Endpoints>, LoginError> {
        let known = self.lock();
        let is_gone = known.schedule.state(self.clock.elapsed()) == KeyState::Missing;
        let endpoints = known.endpoints.clone().filter(|_| !is_gone);
        endpoints.ok_or_else(|| {
            let failure = known.failure.clone();
            failure.unwrap_or_else(|| FetchError::NotNow.into())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }
}
