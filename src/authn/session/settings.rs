use super::Sessions;
use super::error::ConfigError;
use super::timeouts::Timeouts;
use crate::authn::Epochs;
use crate::clock::Clock;
use crate::event::Emitter;
use crate::guard::cookie::CredentialCookie;
use crate::random::Random;
use crate::store::{OwnerLimit, Store};
use std::sync::Arc;
use std::time::Duration;

/// The longest life of a session or a remembered browser: no longer than the epoch that would
/// end it.
pub(super) const MAX_LIFETIME: Duration = Epochs::KEPT;

/// What all handles of one [`Sessions`] share.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) store: Store,
    pub(super) epochs: Epochs,
    pub(super) timeouts: Timeouts,
    pub(super) limit: OwnerLimit,
    pub(super) cookie: CredentialCookie,
    pub(super) remember_cookie: CredentialCookie,
    /// The cookie outlives the browser.
    pub(super) is_persistent: bool,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

/// Configures [`Sessions`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionsBuilder {
    store: Store,
    idle: Duration,
    absolute: Duration,
    interval: Option<Duration>,
    limit: OwnerLimit,
    name: String,
    is_strict: bool,
    is_plain: bool,
    is_persistent: bool,
    clock: Clock,
    random: Random,
}

impl SessionsBuilder {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 60 * 60),
            interval: None,
            limit: OwnerLimit::evict_above(16),
            name: "session".to_owned(),
            is_strict: false,
            is_plain: false,
            is_persistent: false,
            clock: Clock::system(),
            random: Random::secure(),
        }
    }

    /// How long a session lives that is not used: 30 minutes by default (NIST SP 800-63B-3
    /// section 4.2.3, ASVS 5.0 7.3.1). Any request counts as use.
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// How long a session lives at most, used or not: 12 hours by default (NIST SP 800-63B-3
    /// section 4.2.3, ASVS 5.0 7.3.2). 400 days are the most.
    pub const fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute = timeout;
        self
    }

    /// How often the use of a session is written down: a tenth of the idle timeout by default,
    /// and a minute at most. A session may end that much before its idle timeout, never after
    /// it.
    pub const fn activity_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// How many sessions a user may have at a time, and what happens when there would be more
    /// (ASVS 5.0 7.1.2). By default 16; at one more, the one goes that would time out first,
    /// which is the one that was not used for longest. With
    /// [`refuse_above`](OwnerLimit::refuse_above) the login is refused instead.
    pub const fn limit(mut self, limit: OwnerLimit) -> Self {
        self.limit = limit;
        self
    }

    /// The name of the cookie without its prefix: `session` by default, which becomes
    /// `__Host-session`.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sends the cookie with no request that comes from another site, not even a click on a
    /// link (`SameSite=Strict` instead of `Lax`): who follows a link to this site seems to be
    /// logged out on the first page.
    pub const fn same_site_strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Has the browser keep the cookie when it is closed, for as long as the absolute timeout
    /// (`Max-Age`). The timeouts hold on the server all the same.
    pub const fn outlive_browser(mut self) -> Self {
        self.is_persistent = true;
        self
    }

    /// Sends the cookie over plain HTTP too, without `Secure` and without the prefix `__Host-`:
    /// whoever listens on the way has the session, and any subdomain can plant one. Only for
    /// trying things out on this machine with a browser that keeps no `Secure` cookie of
    /// `http://localhost` (Safari).
    pub const fn insecure_cookie_over_plain_http(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Sets where the time comes from, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where ids and secrets come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        let timeouts = self.timeouts()?;
        if self.limit.max() == 0 {
            return Err(ConfigError::LimitZero);
        }
        let Some(cookie) = CredentialCookie::new(&self.name) else {
            return Err(ConfigError::CookieName(self.name));
        };
        let cookie = cookie.strict(self.is_strict).plain(self.is_plain);
        Ok(Sessions {
            settings: Arc::new(Settings {
                epochs: Epochs::new(self.store.clone()),
                store: self.store,
                timeouts,
                limit: self.limit,
                remember_cookie: cookie.with_suffix("remember"),
                cookie,
                is_persistent: self.is_persistent,
                clock: self.clock,
                random: self.random,
            }),
            emitter: Emitter::default(),
        })
    }

    fn timeouts(&self) -> Result<Timeouts, ConfigError> {
        let (idle, absolute) = (self.idle, self.absolute);
        if idle.is_zero() {
            return Err(ConfigError::IdleTimeoutZero);
        }
        if absolute < idle {
            return Err(ConfigError::AbsoluteTimeoutTooShort { absolute, idle });
        }
        if absolute > MAX_LIFETIME {
            return Err(ConfigError::LifetimeTooLong(absolute));
        }
        let usual = (idle / 10).min(Duration::from_secs(60));
        let interval = self.interval.unwrap_or(usual);
        if interval > idle / 2 {
            return Err(ConfigError::ActivityIntervalTooLong { interval, idle });
        }
        Ok(Timeouts {
            idle,
            absolute,
            interval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told() {
        let second = Duration::from_secs;
        let builder = || Sessions::builder(Store::memory());
        let cases = [
            ("the usual", builder(), None),
            (
                "no idle time",
                builder().idle_timeout(Duration::ZERO),
                Some(ConfigError::IdleTimeoutZero),
            ),
            (
                "absolute below idle",
                builder().absolute_timeout(second(60)),
                Some(ConfigError::AbsoluteTimeoutTooShort {
                    absolute: second(60),
                    idle: second(1800),
                }),
            ),
            (
                "longer than a cookie",
                builder().absolute_timeout(MAX_LIFETIME + second(1)),
                Some(ConfigError::LifetimeTooLong(MAX_LIFETIME + second(1))),
            ),
            (
                "as long as a cookie",
                builder().absolute_timeout(MAX_LIFETIME),
                None,
            ),
            (
                "activity written too seldom",
                builder().activity_interval(second(901)),
                Some(ConfigError::ActivityIntervalTooLong {
                    interval: second(901),
                    idle: second(1800),
                }),
            ),
            (
                "a short idle time alone",
                builder().idle_timeout(second(1)),
                None,
            ),
            (
                "no session",
                builder().limit(OwnerLimit::evict_above(0)),
                Some(ConfigError::LimitZero),
            ),
            (
                "a name that breaks the header",
                builder().cookie_name("a; Domain=evil.example"),
                Some(ConfigError::CookieName("a; Domain=evil.example".to_owned())),
            ),
        ];
        for (name, builder, expected) in cases {
            assert_eq!(builder.build().err(), expected, "{name}");
        }
    }
}
