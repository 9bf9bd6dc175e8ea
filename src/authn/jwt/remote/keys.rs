use super::fetch::{Fetcher, Source};
use super::schedule::{Schedule, Settings};
use super::{FetchError, RemoteConfigError};
use crate::authn::flight::Flight;
use crate::clock::{Clock, nanos};
use crate::crypto::keys::{KeyFeed, KeySet, KeyState, LiveKeys, WantedKeys, WhenFetched};
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::lock::lock;
use crate::net::client::HttpClient;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The keys of an issuer that publishes them elsewhere. See the
/// [module](crate::authn::jwt::remote) for the rules. Cheap to clone; clones share the keys and
/// the fetches.
///
/// It fetches on the runtime of Tokio from which it is used.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    clock: Clock,
    emitter: Emitter,
    /// Without the feed, which would hold itself.
    keys: LiveKeys,
    /// Until then (nanoseconds of the clock) the keys are fresh and there is nothing to do.
    quiet_until: AtomicU64,
    control: Mutex<Control>,
}

struct Control {
    schedule: Schedule,
    flight: Option<Flight<()>>,
    last_failure: Option<FetchError>,
}

/// Sets up [`RemoteKeys`].
#[derive(Clone, Debug)]
#[must_use = "nothing is fetched before `build`"]
pub struct RemoteKeysBuilder {
    source: Source,
    client: HttpClient,
    settings: Settings,
    clock: Clock,
    emitter: Emitter,
}

impl RemoteKeys {
    /// Begins with keys that are at this URL.
    pub fn at(url: impl Into<String>, client: HttpClient) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Source::Url(url.into()), client)
    }

    /// Begins with keys that are where this issuer's discovery document says (OpenID Connect
    /// Discovery 1.0). Give the issuer's name as its tokens have it.
    pub fn discovered(issuer: impl Into<String>, client: HttpClient) -> RemoteKeysBuilder {
        let issuer = issuer.into();
        RemoteKeysBuilder::new(Source::Discovery { issuer }, client)
    }

    /// Fetches the keys unless they are fresh, as when the service starts, so that no request
    /// has to wait.
    ///
    /// # Errors
    /// Why there are none. The service can start all the same: it will be tried again.
    pub async fn fetch(&self) -> Result<(), FetchError> {
        if let Some(fetched) = self.0.fetch(WantedKeys::Fresh) {
            fetched.await;
        }
        let control = self.0.lock();
        match control.schedule.state(self.0.clock.elapsed()) {
            KeyState::Ready => Ok(()),
            _ => Err(control.last_failure.clone().unwrap_or(FetchError::NotNow)),
        }
    }

    /// The keys, for a verifier.
    #[must_use]
    pub fn live(&self) -> LiveKeys {
        self.0.keys.clone().fed_by(self.clone())
    }

    /// Why the last fetch failed, unless it did not.
    #[must_use]
    pub fn last_failure(&self) -> Option<FetchError> {
        self.0.lock().last_failure.clone()
    }
}

impl From<&RemoteKeys> for LiveKeys {
    fn from(keys: &RemoteKeys) -> Self {
        keys.live()
    }
}

impl From<RemoteKeys> for LiveKeys {
    fn from(keys: RemoteKeys) -> Self {
        keys.live()
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys")
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}

impl KeyFeed for RemoteKeys {
    fn state(&self) -> KeyState {
        let now = self.0.clock.elapsed();
        if nanos(now) < self.0.quiet_until.load(Ordering::Acquire) {
            return KeyState::Ready;
        }
        let mut control = self.0.lock();
        let state = control.schedule.state(now);
        if state != KeyState::Missing && now >= control.schedule.quiet_until() {
            // In the background: who waits for it asks for it.
            self.0.join_or_begin(&mut control, WantedKeys::Fresh, now);
        }
        state
    }

    fn fetch(&self, wanted: WantedKeys) -> Option<WhenFetched> {
        self.0.fetch(wanted)
    }
}

impl Inner {
    fn fetch(self: &Arc<Self>, wanted: WantedKeys) -> Option<WhenFetched> {
        let now = self.clock.elapsed();
        let mut control = self.lock();
        let is_ready = control.schedule.state(now) == KeyState::Ready;
        if wanted == WantedKeys::Fresh && is_ready {
            // Another's fetch landed since the keys were found old.
            return Some(Box::pin(std::future::ready(())));
        }
        match self.join_or_begin(&mut control, wanted, now) {
            Some(flight) => Some(Box::pin(async move {
                // Or is lost with the runtime it is on.
                let _landed = flight.landed().await;
            })),
            // A fetch may have landed since the token was looked at: looking again costs
            // little.
            None if is_ready => Some(Box::pin(std::future::ready(()))),
            None => None,
        }
    }

    /// The fetch that is under way, or a new one, if there may be one now.
    fn join_or_begin(
        self: &Arc<Self>,
        control: &mut Control,
        wanted: WantedKeys,
        now: Duration,
    ) -> Option<Flight<()>> {
        if let Some(flight) = &control.flight
            && flight.is_under_way()
        {
            return Some(flight.clone());
        }
        if !control.schedule.may_begin(wanted, now) {
            return None;
        }
        let inner = Arc::clone(self);
        let flight = Flight::begin(async move {
            let fetched = inner.fetcher.fetch(now).await;
            inner.land(fetched);
        })?;
        control.schedule.begin(now);
        control.flight = Some(flight.clone());
        Some(flight)
    }

    fn land(&self, fetched: Result<(KeySet, Option<Duration>), FetchError>) {
        let now = self.clock.elapsed();
        let mut control = self.lock();
        match fetched {
            Ok((set, lifetime)) => {
                self.tell_ignored(&set);
                self.keys.replace(set);
                control.schedule.succeed(lifetime, now);
                control.last_failure = None;
            }
            Err(error) => {
                control.schedule.fail(now);
                let event = SecurityEvent::new(EventKind::SysControlDegraded)
                    .with_code("keys_fetch_failed")
                    .with_reason(error.to_string());
                self.emitter.emit(event);
                control.last_failure = Some(error);
            }
        }
        let quiet_until = nanos(control.schedule.quiet_until());
        self.quiet_until.store(quiet_until, Ordering::Release);
    }

    fn tell_ignored(&self, set: &KeySet) {
        for key in set
            .ignored()
            .iter()
            .filter(|key| !key.reason.is_not_for_us())
        {
            let event = SecurityEvent::new(EventKind::SysControlDegraded)
                .with_code(key.reason.code())
                .with_reason(format!("key {} of the set: {}", key.index, key.reason));
            self.emitter.emit(event);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        lock(&self.control)
    }
}

impl RemoteKeysBuilder {
    fn new(source: Source, client: HttpClient) -> Self {
        Self {
            source,
            client,
            settings: Settings::default(),
            clock: Clock::system(),
            emitter: Emitter::default(),
        }
    }

    /// Sets between what bounds the provider's `Cache-Control` is believed: 5 minutes and 24
    /// hours by default. Without one, keys are fresh for an hour, or what of these bounds is
    /// nearest.
    pub const fn freshness(mut self, least: Duration, most: Duration) -> Self {
        self.settings.least = least;
        self.settings.most = most;
        self
    }

    /// Sets how old keys may be that could not be replaced: 24 hours by default. A key that
    /// the issuer took back is believed for so long, if an attacker can keep the answer away.
    pub const fn max_stale(mut self, age: Duration) -> Self {
        self.settings.max_stale = age;
        self
    }

    /// Sets how long names of keys that are not there cause no second fetch: 30 seconds by
    /// default.
    pub const fn cool_down(mut self, cool_down: Duration) -> Self {
        self.settings.cool_down = cool_down;
        self
    }

    /// Sets who hears of fetches that failed and of keys that were passed over.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The keys, of which none is fetched yet.
    ///
    /// # Errors
    /// When the URL or issuer cannot be called, or a setting is out of bounds.
    pub fn build(self) -> Result<RemoteKeys, RemoteConfigError> {
        self.settings.check()?;
        let (name, url) = match &self.source {
            Source::Url(url) => ("URL", url),
            Source::Discovery { issuer } => ("issuer", issuer),
        };
        let has_query = name == "issuer" && url.contains(['?', '#']);
        if has_query || !self.client.may_call(url) {
            return Err(RemoteConfigError::InvalidUrl(name));
        }
        Ok(RemoteKeys(Arc::new(Inner {
            fetcher: Fetcher::new(self.source, self.client),
            clock: self.clock,
            emitter: self.emitter,
            keys: LiveKeys::new(KeySet::default()),
            quiet_until: AtomicU64::new(0),
            control: Mutex::new(Control {
                schedule: Schedule::new(self.settings),
                flight: None,
                last_failure: None,
            }),
        })))
    }
}
