use super::token::back_off;
use super::{AccessToken, CredentialsConfigError, CredentialsError};
use crate::authn::flight::Flight;
use crate::authn::oauth2::token_response::in_scope;
use crate::authn::oauth2::{Endpoint, EndpointError};
use crate::clock::Clock;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::lock::lock;
use http::Uri;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const MAX_SCOPES: usize = 64;
const MAX_SCOPE_LEN: usize = 256;
const MAX_RESOURCES: usize = 8;

/// A token as young as this is not renewed because a service does not take it: another would not
/// be taken either, and each request would cause a fetch.
const TOO_YOUNG: Duration = Duration::from_secs(10);

/// Tokens of one client, with one set of scopes. See the [module](super) for the rules. Cheap to
/// clone; clones share the token and the fetch under way.
#[derive(Clone)]
pub struct ClientCredentials(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    form: Vec<(&'static str, Box<str>)>,
    clock: Clock,
    emitter: Emitter,
    state: Mutex<State>,
}

type Outcome = Result<AccessToken, EndpointError>;

#[derive(Default)]
struct State {
    held: Option<Held>,
    flight: Option<Flight<Outcome>>,
    failure: Option<Failure>,
}

struct Held {
    token: AccessToken,
    /// When it was asked for.
    since: Duration,
}

struct Failure {
    error: EndpointError,
    times: u32,
    again_at: Duration,
}

enum Step {
    Here(AccessToken),
    Wait(Flight<Outcome>),
    Failed(CredentialsError),
}

/// Sets up [`ClientCredentials`].
#[derive(Clone, Debug)]
#[must_use = "nothing is fetched before `build`"]
pub struct ClientCredentialsBuilder {
    endpoint: Endpoint,
    scopes: Vec<Box<str>>,
    resources: Vec<Box<str>>,
    audience: Option<Box<str>>,
    takes_public_client: bool,
    clock: Clock,
    emitter: Emitter,
}

impl ClientCredentials {
    /// Begins with the token endpoint, and the client that it is asked as.
    pub fn builder(endpoint: Endpoint) -> ClientCredentialsBuilder {
        ClientCredentialsBuilder {
            endpoint,
            scopes: Vec::new(),
            resources: Vec::new(),
            audience: None,
            takes_public_client: false,
            clock: Clock::system(),
            emitter: Emitter::default(),
        }
    }

    /// A token that is good for a while, fetched where there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn token(&self) -> Result<AccessToken, CredentialsError> {
        let step = Inner::step(&self.0, &mut self.0.lock());
        match step {
            Step::Here(token) => Ok(token),
            Step::Failed(error) => Err(error),
            Step::Wait(flight) => landed(flight).await,
        }
    }

    /// Another token than this one, which a service does not take. Nothing where this one is so
    /// young that another would be no better, or where there is none.
    pub async fn instead_of(&self, refused: &AccessToken) -> Option<AccessToken> {
        let flight = {
            let mut state = self.0.lock();
            let held = state.held.as_ref()?;
            if !held.token.is(refused) {
                return Some(held.token.clone());
            }
            if self.0.age(held) < TOO_YOUNG {
                return None;
            }
            Inner::join_or_begin(&self.0, &mut state).ok()?
        };
        landed(flight).await.ok()
    }
}

async fn landed(flight: Flight<Outcome>) -> Result<AccessToken, CredentialsError> {
    let outcome = flight.landed().await.ok_or(CredentialsError::NotNow)?;
    Ok(outcome?)
}

impl Inner {
    fn step(self: &Arc<Self>, state: &mut State) -> Step {
        let held = state
            .held
            .as_ref()
            .map(|held| (held.token.clone(), self.age(held)));
        if let Some((token, age)) = held
            && age < token.used_for()
        {
            if age >= token.renewed_after() {
                // In the background: this one is still good, whatever comes of it.
                let _renewal = self.join_or_begin(state);
            }
            return Step::Here(token);
        }
        match self.join_or_begin(state) {
            Ok(flight) => Step::Wait(flight),
            Err(error) => Step::Failed(error),
        }
    }

    fn age(&self, held: &Held) -> Duration {
        self.clock.elapsed().saturating_sub(held.since)
    }

    /// The fetch that is under way, or a new one, if there may be one now.
    fn join_or_begin(
        self: &Arc<Self>,
        state: &mut State,
    ) -> Result<Flight<Outcome>, CredentialsError> {
        if let Some(flight) = &state.flight
            && flight.is_under_way()
        {
            return Ok(flight.clone());
        }
        let now = self.clock.elapsed();
        if let Some(failure) = &state.failure
            && now < failure.again_at
        {
            return Err(failure.error.clone().into());
        }
        let inner = Arc::clone(self);
        let flight = Flight::begin(async move {
            let outcome = inner.fetch().await;
            inner.land(&outcome, now);
            outcome
        });
        let flight = flight.ok_or(CredentialsError::NotNow)?;
        state.flight = Some(flight.clone());
        Ok(flight)
    }

    async fn fetch(&self) -> Outcome {
        let form: Vec<_> = self
            .form
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let response = self.endpoint.token(&form).await?;
        AccessToken::of(&response).map_err(|error| error.at(self.endpoint.origin()))
    }

    fn land(&self, outcome: &Outcome, since: Duration) {
        let mut state = self.lock();
        state.flight = None;
        match outcome {
            Ok(token) => {
                let token = token.clone();
                state.held = Some(Held { token, since });
                state.failure = None;
            }
            Err(error) => {
                let times = state.failure.as_ref().map_or(0, |it| it.times);
                let times = times.saturating_add(1);
                state.failure = Some(Failure {
                    error: error.clone(),
                    times,
                    again_at: self.clock.elapsed().saturating_add(back_off(times)),
                });
                let event = SecurityEvent::new(EventKind::SysControlDegraded)
                    .with_code(error.code())
                    .with_reason(format!("no token for calls to other services: {error}"));
                self.emitter.emit(event);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl ClientCredentialsBuilder {
    /// Asks for these scopes, and no others: as few as the calls need.
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Asks for a token for this resource alone (RFC 8707): the URI by which the provider knows
    /// the service that is called.
    pub fn resource(mut self, resource: impl Into<Box<str>>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// Asks for a token for this audience, where the provider wants a parameter of that name
    /// instead of `resource`.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Asks as a client that shows nothing but its id: where its connection shows its
    /// certificate (RFC 8705).
    pub const fn insecure_public_client(mut self) -> Self {
        self.takes_public_client = true;
        self
    }

    /// Sets who hears of fetches that failed.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The source of tokens, which has none yet.
    ///
    /// # Errors
    /// When the client cannot show who it is, or a scope or resource is none.
    pub fn build(self) -> Result<ClientCredentials, CredentialsConfigError> {
        self.check()?;
        let mut form = vec![("grant_type", Box::from("client_credentials"))];
        if !self.scopes.is_empty() {
            form.push(("scope", self.scopes.join(" ").into()));
        }
        form.extend(self.resources.into_iter().map(|it| ("resource", it)));
        form.extend(self.audience.map(|it| ("audience", it)));
        Ok(ClientCredentials(Arc::new(Inner {
            endpoint: self.endpoint,
            form,
            clock: self.clock,
            emitter: self.emitter,
            state: Mutex::default(),
        })))
    }

    fn check(&self) -> Result<(), CredentialsConfigError> {
        if !self.takes_public_client && !self.endpoint.authentication().is_confidential() {
            return Err(CredentialsConfigError::PublicClient);
        }
        if self.scopes.len() > MAX_SCOPES {
            return Err(CredentialsConfigError::TooManyScopes(self.scopes.len()));
        }
        if let Some(scope) = self.scopes.iter().find(|it| !is_scope(it)) {
            return Err(CredentialsConfigError::Scope(scope.clone()));
        }
        if self.resources.len() > MAX_RESOURCES {
            let found = self.resources.len();
            return Err(CredentialsConfigError::TooManyResources(found));
        }
        match self.resources.iter().find(|it| !is_resource(it)) {
            Some(resource) => Err(CredentialsConfigError::Resource(resource.clone())),
            None => Ok(()),
        }
    }
}

fn is_scope(text: &str) -> bool {
    (1..=MAX_SCOPE_LEN).contains(&text.len()) && text.bytes().all(in_scope)
}

/// RFC 8707 section 2.
fn is_resource(text: &str) -> bool {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_urn = text.to_ascii_lowercase().starts_with("urn:");
    let is_url = || text.parse::<Uri>().is_ok_and(|uri| uri.scheme().is_some());
    is_visible && !text.contains('#') && (is_urn || is_url())
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("endpoint", &self.0.endpoint)
            .finish_non_exhaustive()
    }
}
