use super::error::ConfigError;
use super::family::Terms;
use super::tokens::{RefreshTokens, Settings};
use crate::authn::Epochs;
use crate::clock::Clock;
use crate::random::Random;
use crate::store::{OwnerLimit, Store};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest grace.
const MAX_GRACE: Duration = Duration::from_secs(60);

/// Sets up [`RefreshTokens`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct RefreshTokensBuilder {
    store: Store,
    terms: Terms,
    limit: OwnerLimit,
    is_strict: bool,
    clock: Clock,
    random: Random,
}

impl RefreshTokensBuilder {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            terms: Terms {
                idle: 7 * DAY,
                absolute: 30 * DAY,
                grace: Duration::ZERO,
            },
            limit: OwnerLimit::evict_above(16),
            is_strict: false,
            clock: Clock::system(),
            random: Random::secure(),
        }
    }

    /// Sets how long a token lives that is not used: 7 days by default.
    pub const fn idle_lifetime(mut self, lifetime: Duration) -> Self {
        self.terms.idle = lifetime;
        self
    }

    /// Sets how long a family lives, however much it is used: 30 days by default, at most 400
    /// (ASVS 5.0 10.4.8).
    pub const fn absolute_lifetime(mut self, lifetime: Duration) -> Self {
        self.terms.absolute = lifetime;
        self
    }

    /// Lets the last token used give the same successor again for so long after its first use:
    /// at most a minute, 10 seconds will do. For clients that lose an answer, or that refresh in
    /// several tabs at once, and would be logged out.
    ///
    /// There is still one good token at a time. But of two who have one token, both go on until
    /// the grace is over, and theft is noticed so much later.
    pub const fn grace_for_lost_answers(mut self, grace: Duration) -> Self {
        self.terms.grace = grace;
        self
    }

    /// Sets how many families a user may have at a time: 16 by default, and at one more the one
    /// goes that would expire first.
    pub const fn limit(mut self, limit: OwnerLimit) -> Self {
        self.limit = limit;
        self
    }

    /// The strict profile (ASVS 5.0 level 3): there is no grace, and every token is bound to a
    /// key of its client (10.4.14).
    pub const fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets where secrets come from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    pub fn build(self) -> Result<RefreshTokens, ConfigError> {
        let Terms {
            idle,
            absolute,
            grace,
        } = self.terms;
        if idle.is_zero() {
            return Err(ConfigError::IdleZero);
        }
        if absolute < idle {
            return Err(ConfigError::AbsoluteTooShort { absolute, idle });
        }
        ConfigError::check_absolute(absolute)?;
        if grace > MAX_GRACE {
            return Err(ConfigError::GraceTooLong {
                given: grace,
                most: MAX_GRACE,
            });
        }
        if self.is_strict && !grace.is_zero() {
            return Err(ConfigError::GraceInStrict);
        }
        if self.limit.max() == 0 {
            return Err(ConfigError::LimitZero);
        }
        Ok(RefreshTokens::of(Settings {
            epochs: Epochs::new(self.store.clone()),
            store: self.store,
            terms: self.terms,
            limit: self.limit,
            is_strict: self.is_strict,
            clock: self.clock,
            random: self.random,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told() {
        let builder = || RefreshTokens::builder(Store::memory());
        let second = Duration::from_secs;
        let cases = [
            ("the usual", builder(), None),
            ("strict", builder().strict(), None),
            (
                "the longest grace",
                builder().grace_for_lost_answers(second(60)),
                None,
            ),
            (
                "no idle time",
                builder().idle_lifetime(Duration::ZERO),
                Some(ConfigError::IdleZero),
            ),
            (
                "absolute below idle",
                builder().absolute_lifetime(DAY),
                Some(ConfigError::AbsoluteTooShort {
                    absolute: DAY,
                    idle: 7 * DAY,
                }),
            ),
            (
                "longer than epochs",
                builder().absolute_lifetime(401 * DAY),
                Some(ConfigError::AbsoluteTooLong(401 * DAY)),
            ),
            (
                "a long grace",
                builder().grace_for_lost_answers(second(61)),
                Some(ConfigError::GraceTooLong {
                    given: second(61),
                    most: second(60),
                }),
            ),
            (
                "strict, with grace",
                builder().strict().grace_for_lost_answers(second(1)),
                Some(ConfigError::GraceInStrict),
            ),
            (
                "no family",
                builder().limit(OwnerLimit::evict_above(0)),
                Some(ConfigError::LimitZero),
            ),
        ];
        for (name, builder, expected) in cases {
            assert_eq!(builder.build().err(), expected, "{name}");
        }
    }
}
