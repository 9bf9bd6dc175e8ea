//! When keys are fetched, on plain numbers.

use super::RemoteConfigError;
use crate::crypto::keys::{KeyState, WantedKeys};
use std::time::Duration;

const MIN_LIFETIME: Duration = Duration::from_secs(10);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_MAX_STALE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MAX_COOL_DOWN: Duration = Duration::from_secs(3600);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const MAX_PAUSE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(in crate::authn) struct Settings {
    pub(in crate::authn) least: Duration,
    pub(in crate::authn) most: Duration,
    /// Where the provider does not say.
    pub(in crate::authn) usual: Duration,
    pub(in crate::authn) max_stale: Duration,
    pub(in crate::authn) cool_down: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            least: Duration::from_secs(300),
            most: MAX_LIFETIME,
            usual: Duration::from_secs(3600),
            max_stale: MAX_LIFETIME,
            cool_down: Duration::from_secs(30),
        }
    }
}

impl Settings {
    pub(in crate::authn) fn check(&self) -> Result<(), RemoteConfigError> {
        if self.least < MIN_LIFETIME || self.most > MAX_LIFETIME || self.least > self.most {
            return Err(RemoteConfigError::Freshness {
                least: self.least.as_secs(),
                most: self.most.as_secs(),
            });
        }
        if self.max_stale < self.most || self.max_stale > MAX_MAX_STALE {
            return Err(RemoteConfigError::MaxStale(self.max_stale.as_secs()));
        }
        if self.cool_down < Duration::from_secs(1) || self.cool_down > MAX_COOL_DOWN {
            return Err(RemoteConfigError::CoolDown(self.cool_down.as_secs()));
        }
        Ok(())
    }
}

/// From when on what holds of the keys at hand. All times are of a clock that never goes back.
#[derive(Clone, Copy, Debug)]
struct Span {
    refresh: Duration,
    due: Duration,
    gone: Duration,
}

#[derive(Clone, Debug)]
pub(in crate::authn) struct Schedule {
    settings: Settings,
    span: Option<Span>,
    begun: Option<Duration>,
    failures: u32,
    /// Nothing is fetched before.
    not_before: Duration,
}

impl Schedule {
    pub(in crate::authn) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            span: None,
            begun: None,
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    pub(in crate::authn) fn state(&self, now: Duration) -> KeyState {
        match self.span {
            Some(span) if now < span.due => KeyState::Ready,
            Some(span) if now < span.gone => KeyState::Due,
            _ => KeyState::Missing,
        }
    }

    /// Until when there is nothing to think about.
    pub(in crate::authn) fn quiet_until(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |span| span.refresh)
    }

    /// Whether a fetch may begin.
    pub(in crate::authn) fn may_begin(&self, wanted: WantedKeys, now: Duration) -> bool {
        let is_cool = self
            .begun
            .is_none_or(|begun| now.saturating_sub(begun) >= self.settings.cool_down);
        now >= self.not_before && (wanted != WantedKeys::Unknown || is_cool)
    }

    pub(in crate::authn) const fn begin(&mut self, now: Duration) {
        self.begun = Some(now);
    }

    /// Keys came, for which the provider says how long they are fresh.
    pub(in crate::authn) fn succeed(&mut self, lifetime: Option<Duration>, now: Duration) {
        let settings = &self.settings;
        let lifetime = lifetime.unwrap_or(settings.usual);
        let lifetime = lifetime.clamp(settings.least, settings.most);
        self.span = Some(Span {
            refresh: now.saturating_add(lifetime / 5 * 4),
            due: now.saturating_add(lifetime),
            gone: now.saturating_add(settings.max_stale),
        });
        self.failures = 0;
    }

    /// None came.
    pub(in crate::authn) fn fail(&mut self, now: Duration) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8));
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.saturating_add(pause.min(MAX_PAUSE));
    }
}

#[cfg(test)]
mod tests {
    use super::KeyState::*;
    use super::WantedKeys::*;
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn keys_grow_old() {
        let mut schedule = Schedule::new(Settings::default());
        assert_eq!(schedule.state(seconds(0)), Missing);
        schedule.succeed(Some(seconds(1000)), seconds(100));
        assert_eq!(schedule.quiet_until(), seconds(900));
        for (now, expected) in [
            (100, Ready),
            (1099, Ready),
            (1100, Due),
            (86_499, Due),
            (86_500, Missing),
        ] {
            assert_eq!(schedule.state(seconds(now)), expected, "{now}");
        }
    }

    #[test]
    fn the_provider_is_believed_within_bounds() {
        for (name, said, fresh) in [
            ("nothing", None, 3600),
            ("not at all", Some(0), 300),
            ("something", Some(1000), 1000),
            ("for ever", Some(u64::MAX), 86_400),
        ] {
            let mut schedule = Schedule::new(Settings::default());
            schedule.succeed(said.map(seconds), seconds(0));
            assert_eq!(schedule.state(seconds(fresh - 1)), Ready, "{name}");
            assert_ne!(schedule.state(seconds(fresh)), Ready, "{name}");
        }
    }

    #[test]
    fn unknown_names_cause_one_fetch_a_cool_down() {
        let mut schedule = Schedule::new(Settings::default());
        assert!(schedule.may_begin(Unknown, seconds(0)));
        schedule.begin(seconds(0));
        schedule.succeed(None, seconds(1));
        assert!(!schedule.may_begin(Unknown, seconds(29)));
        assert!(schedule.may_begin(Fresh, seconds(29)));
        assert!(schedule.may_begin(Unknown, seconds(30)));
    }

    #[test]
    fn failures_are_paused_for_longer_and_longer() {
        let mut schedule = Schedule::new(Settings::default());
        let mut now = seconds(0);
        for pause in [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60] {
            schedule.begin(now);
            schedule.fail(now);
            assert!(
                !schedule.may_begin(Fresh, now + seconds(pause - 1)),
                "{pause}"
            );
            now += seconds(pause);
            assert!(schedule.may_begin(Fresh, now), "{pause}");
        }
        schedule.succeed(None, now);
        schedule.fail(now);
        assert!(schedule.may_begin(Fresh, now + seconds(2)));
    }

    #[test]
    fn settings_that_make_no_sense() {
        type Change = fn(&mut Settings);
        let cases: [(&str, Change); 8] = [
            ("no time", |it| it.least = seconds(1)),
            ("weeks", |it| it.most = seconds(86_401)),
            ("crossed", |it| it.most = seconds(299)),
            ("gone while fresh", |it| it.max_stale = seconds(86_399)),
            ("never gone", |it| it.max_stale = Duration::MAX),
            ("no cool-down", |it| it.cool_down = Duration::ZERO),
            ("a blink", |it| it.cool_down = Duration::from_millis(999)),
            ("a day", |it| it.cool_down = seconds(86_400)),
        ];
        assert!(Settings::default().check().is_ok());
        for (name, change) in cases {
            let mut settings = Settings::default();
            change(&mut settings);
            assert!(settings.check().is_err(), "{name}");
        }
    }
}
