use super::super::{Algorithm, KeyError, SigningKey};
use super::age::Age;
use super::error::{ConfigError, RotationError};
use super::keys::RotatingKeys;
use super::seal::Workshop;
use super::series::Schedule;
use crate::clock::Clock;
use crate::crypto::SecretSealer;
use crate::event::Emitter;
use crate::store::Records;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest time a key signs.
const MAX_PERIOD: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// The longest time between two looks.
const MAX_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The longest time for which keys are believed that cannot be read anew.
const MAX_MAX_STALE: Duration = DAY;
/// Periods for which retired keys are kept at most.
const MAX_KEPT_PERIODS: u32 = 4;
/// By how much the clock of a verifier may be late, and it still takes a token.
const LATE_CLOCKS: Duration = Duration::from_secs(300);

/// Sets up [`RotatingKeys`].
#[derive(Clone, Debug)]
#[must_use = "there are no keys before `build`"]
pub struct RotatingKeysBuilder {
    records: Records,
    workshop: Workshop,
    period: Duration,
    lead: Duration,
    token_lifetime: Duration,
    interval: Duration,
    /// None where the keys are in this process alone.
    max_stale: Option<Duration>,
    clock: Clock,
    emitter: Emitter,
}

impl RotatingKeysBuilder {
    pub(super) fn new(
        algorithm: Algorithm,
        records: Records,
        sealer: Arc<dyn SecretSealer>,
    ) -> Self {
        Self {
            records,
            workshop: Workshop {
                name: "access-token".into(),
                algorithm,
                generate: None,
                sealer,
            },
            period: 30 * DAY,
            lead: DAY,
            token_lifetime: DAY,
            interval: MINUTE,
            max_stale: Some(60 * MINUTE),
            clock: Clock::system(),
            emitter: Emitter::default(),
        }
    }

    /// Nobody but this process can change its keys.
    pub(super) const fn alone(mut self) -> Self {
        self.max_stale = None;
        self
    }

    /// Names the set, where there are several: `access-token` by default.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.workshop.name = name.into();
        self
    }

    /// Sets how long a key signs: 30 days by default, at least the lead, at most 400 days.
    pub const fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// Sets for how long a key is published before it signs: a day by default. Longer than
    /// verifiers elsewhere keep a copy of the published set.
    pub const fn lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// Sets the longest lifetime of a token that is signed with these keys: a day by default.
    /// Retired keys are kept for so long, and an issuer of longer tokens is refused.
    pub const fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Sets how often [`keep_fresh`](RotatingKeys::keep_fresh) looks what others have changed:
    /// once a minute by default. So long a withdrawn key may live on other machines.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets for how long keys are believed while the records cannot be read, or nobody
    /// [looks](RotatingKeys::keep_fresh): an hour by default, at least twice the interval, at
    /// most a day. So long a key that was withdrawn on another machine may sign and verify on
    /// this one. After that nothing is signed, verified or published until the records were
    /// read. Keys in memory do not grow old.
    pub const fn max_stale(mut self, age: Duration) -> Self {
        if self.max_stale.is_some() {
            self.max_stale = Some(age);
        }
        self
    }

    /// Makes keys by this function: for RSA, whose keys cannot be made here. They have to be
    /// new each time, and asymmetric.
    pub fn generate_with(
        mut self,
        generate: impl Fn() -> Result<SigningKey, KeyError> + Send + Sync + 'static,
    ) -> Self {
        self.workshop.generate = Some(Arc::new(generate));
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets who hears of keys that were changed by hand, and of failures. Nobody without it.
    pub fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    /// Reads the keys, and makes those that are missing.
    ///
    /// # Errors
    /// When the configuration is no good, or the keys cannot be read, opened or made.
    pub async fn build(self) -> Result<RotatingKeys, RotationError> {
        let schedule = self.schedule()?;
        RotatingKeys::begin(
            self.records,
            self.workshop,
            schedule,
            self.token_lifetime,
            self.interval,
            Age::new(self.max_stale, self.clock),
            self.emitter,
        )
        .await
    }

    fn schedule(&self) -> Result<Schedule, ConfigError> {
        let Workshop {
            name,
            algorithm,
            generate,
            ..
        } = &self.workshop;
        let is_usual = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=64).contains(&name.len()) || !name.chars().all(is_usual) {
            return Err(ConfigError::Name(name.to_string()));
        }
        if algorithm.rsa_signing().is_some() && generate.is_none() {
            return Err(ConfigError::NoGenerator(algorithm.as_str()));
        }
        let &Self {
            period,
            lead,
            interval,
            token_lifetime,
            ..
        } = self;
        if !(Duration::from_secs(1)..=MAX_INTERVAL).contains(&interval) {
            return Err(ConfigError::Interval(interval));
        }
        if lead < 2 * interval {
            let least = 2 * interval;
            return Err(ConfigError::Lead { given: lead, least });
        }
        if !(lead..=MAX_PERIOD).contains(&period) {
            return Err(ConfigError::Period {
                given: period,
                least: lead,
            });
        }
        if let Some(given) = self.max_stale
            && !(2 * interval..=MAX_MAX_STALE).contains(&given)
        {
            let least = 2 * interval;
            return Err(ConfigError::MaxStale { given, least });
        }
        let most = MAX_KEPT_PERIODS * period;
        if !(Duration::from_secs(1)..=most).contains(&token_lifetime) {
            return Err(ConfigError::TokenLifetime {
                given: token_lifetime,
                most,
            });
        }
        Ok(Schedule {
            period,
            lead,
            // Another machine may sign with it until it has looked.
            kept: token_lifetime + LATE_CLOCKS + 2 * interval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::NotSealed;
    use super::*;

    fn sealer() -> Arc<dyn SecretSealer> {
        Arc::new(NotSealed)
    }

    #[tokio::test]
    async fn mistakes_are_told() {
        let builder = || RotatingKeys::in_memory(Algorithm::Es256);
        let shared = || RotatingKeysBuilder::new(Algorithm::Es256, Records::memory(), sealer());
        let second = Duration::from_secs;
        for (name, builder, expected) in [
            ("the usual", builder(), None),
            ("no name", builder().name(""), Some("Name")),
            ("a path", builder().name("../x"), Some("Name")),
            (
                "no period",
                builder().period(Duration::ZERO),
                Some("Period"),
            ),
            ("for ever", builder().period(Duration::MAX), Some("Period")),
            (
                "shorter than the lead",
                builder().period(DAY / 2),
                Some("Period"),
            ),
            ("no lead", builder().lead(Duration::ZERO), Some("Lead")),
            ("a short lead", builder().lead(second(119)), Some("Lead")),
            (
                "no interval",
                builder().interval(Duration::ZERO),
                Some("Interval"),
            ),
            (
                "seldom",
                builder().interval(2 * MAX_INTERVAL),
                Some("Interval"),
            ),
            (
                "stale at once",
                shared().max_stale(second(119)),
                Some("MaxStale"),
            ),
            (
                "stale for long",
                shared().max_stale(DAY + second(1)),
                Some("MaxStale"),
            ),
            ("stale for a day", shared().max_stale(DAY), None),
            ("never stale", builder().max_stale(Duration::ZERO), None),
            (
                "no token",
                builder().token_lifetime(Duration::ZERO),
                Some("TokenLifetime"),
            ),
            (
                "tokens for ever",
                builder().token_lifetime(Duration::MAX),
                Some("TokenLifetime"),
            ),
            (
                "RSA of nowhere",
                RotatingKeys::in_memory(Algorithm::Rs256),
                Some("NoGenerator"),
            ),
        ] {
            let found = match builder.build().await {
                Ok(_) => None,
                Err(RotationError::Config(error)) => {
                    assert!(error.to_string().contains(';'), "{error} mends nothing");
                    Some(format!("{error:?}"))
                }
                Err(error) => panic!("{name}: {error}"),
            };
            match (&found, expected) {
                (None, None) => {}
                (Some(found), Some(expected)) => {
                    assert!(found.starts_with(expected), "{name}: {found}");
                }
                _ => panic!("{name}: {found:?}"),
            }
        }
    }
}
