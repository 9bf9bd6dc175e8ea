use super::InvalidBanPolicy;
use crate::event::EventKind;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger(What);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Event(EventKind),
    Code(&'static str),
    Status(StatusCode),
}

impl Trigger {
    /// Events and rejections of this code, such as `csrf_token_invalid`.
    #[must_use]
    pub const fn code(code: &'static str) -> Self {
        Self(What::Code(code))
    }

    /// Whether this counts what happened: an event, or the event of a rejection, and the code
    /// of either.
    pub(super) fn is_event(self, kind: Option<EventKind>, code: Option<&str>) -> bool {
        match self.0 {
            What::Event(counted) => kind == Some(counted),
            What::Code(counted) => code == Some(counted),
            What::Status(_) => false,
        }
    }

    pub(super) fn is_status(self, status: StatusCode) -> bool {
        self.0 == What::Status(status)
    }
}

/// Events of this kind, emitted inside, and rejections that will be recorded as one.
impl From<EventKind> for Trigger {
    fn from(kind: EventKind) -> Self {
        Self(What::Event(kind))
    }
}

/// Responses of this status.
impl From<StatusCode> for Trigger {
    fn from(status: StatusCode) -> Self {
        Self(What::Status(status))
    }
}

/// So much of this, within so long, is too much.
///
/// ```
/// use portcullis::event::EventKind;
/// use portcullis::limit::ban::{BanRule, Trigger};
/// use std::time::Duration;
///
/// let logins = BanRule::new("failed-logins", 10, Duration::from_secs(600))
///     .on(EventKind::AuthnLoginFail)
///     .on_weighing(Trigger::code("second_factor_wrong"), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct BanRule {
    name: &'static str,
    threshold: u64,
    window: Duration,
    triggers: Vec<(Trigger, u32)>,
}

impl BanRule {
    /// A rule that is broken when what it counts weighs `threshold` or more within a window
    /// that begins with the first offense. The name tells it from others, in the store, in
    /// events and in lists.
    pub const fn new(name: &'static str, threshold: u32, window: Duration) -> Self {
        Self {
            name,
            threshold: threshold as u64,
            window,
            triggers: Vec::new(),
        }
    }

    /// Counts this with weight 1.
    pub fn on(self, trigger: impl Into<Trigger>) -> Self {
        self.on_weighing(trigger, 1)
    }

    /// Counts this with another weight.
    pub fn on_weighing(mut self, trigger: impl Into<Trigger>, weight: u32) -> Self {
        self.triggers.push((trigger.into(), weight));
        self
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How much is too much.
    #[must_use]
    pub const fn threshold(&self) -> u64 {
        self.threshold
    }

    /// Within how long.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The most that any trigger gives for this; zero where none counts it.
    pub(super) fn weight(&self, counts: impl Fn(Trigger) -> bool) -> u32 {
        let found = self.triggers.iter().filter(|(trigger, _)| counts(*trigger));
        found.map(|(_, weight)| *weight).max().unwrap_or(0)
    }

    fn check(&self) -> Result<(), InvalidBanPolicy> {
        let is_named = (1..=32).contains(&self.name.len())
            && (self.name.bytes()).all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if !is_named {
            return Err(InvalidBanPolicy::Name(self.name));
        }
        if self.weight(|_| true) == 0 {
            return Err(InvalidBanPolicy::CountsNothing(self.name));
        }
        if self.threshold == 0 || self.window.is_zero() {
            return Err(InvalidBanPolicy::Bounds(self.name));
        }
        Ok(())
    }
}

/// How long a ban lasts, and how much longer the next.
///
/// The first ban lasts [`first`](Self::new), each further one [`factor`](Self::factor) times
/// as long as the one before, up to the [`ceiling`](Self::ceiling). For each
/// [`forgiven_after`](Self::forgiven_after) that passes after the end of a ban without another, one is forgiven.
///
/// ```
/// use portcullis::limit::ban::Escalation;
/// use std::time::Duration;
///
/// let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
/// let escalation = Escalation::new(hours(1)).factor(3).ceiling(hours(6)).forgiven_after(hours(24));
/// let durations = [1, 2, 3, 99].map(|level| escalation.duration(level));
/// assert_eq!(durations, [hours(1), hours(3), hours(6), hours(6)]);
/// assert_eq!(escalation.level_after(3, hours(47)), 2);
/// assert_eq!(escalation.level_after(3, hours(72)), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Escalation {
    first: Duration,
    factor: u32,
    ceiling: Duration,
    decay: Duration,
}

impl Escalation {
    /// A first ban of this long; each further one twice as long, up to a week (or the first,
    /// if that is longer); one forgiven a day.
    pub fn new(first: Duration) -> Self {
        Self {
            first,
            factor: 2,
            ceiling: first.max(7 * 24 * HOUR),
            decay: 24 * HOUR,
        }
    }

    /// 10 minutes, 40 minutes, 2 h 40 min, 10 h 40 min, and 24 hours from then on; one ban
    /// forgiven a day.
    pub fn recommended() -> Self {
        Self::new(10 * MINUTE).factor(4).ceiling(24 * HOUR)
    }

    /// Each ban lasts so many times as long as the one before. With 1 they do not escalate.
    pub const fn factor(mut self, factor: u32) -> Self {
        self.factor = factor;
        self
    }

    /// No ban lasts longer than this.
    pub const fn ceiling(mut self, ceiling: Duration) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// How long after the end of a ban one is forgiven.
    pub const fn forgiven_after(mut self, decay: Duration) -> Self {
        self.decay = decay;
        self
    }

    /// How long after the end of a ban one is forgiven.
    #[must_use]
    pub const fn decay(&self) -> Duration {
        self.decay
    }

    /// How long a ban of this level lasts. The first is of level 1.
    #[must_use]
    pub fn duration(&self, level: u32) -> Duration {
        let factor = self.factor.saturating_pow(level.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.ceiling)
    }

    /// What is left of a level so long after the end of the ban.
    #[must_use]
    pub fn level_after(&self, level: u32, since_end: Duration) -> u32 {
        let forgiven = since_end.as_nanos() / self.decay.as_nanos().max(1);
        level.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }

    const fn is_sound(&self) -> bool {
        !self.first.is_zero()
            && !self.decay.is_zero()
            && self.factor > 0
            && self.ceiling.as_nanos() >= self.first.as_nanos()
    }
}

/// What gets a client banned, and for how long. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct BanPolicy {
    rules: Arc<[BanRule]>,
    escalation: Escalation,
}

impl BanPolicy {
    /// A policy of these rules, and the recommended escalation. Without any rule, bans are
    /// set by hand alone.
    ///
    /// # Errors
    /// When a rule counts nothing, has no name of its own, or cannot be broken or not be
    /// broken.
    pub fn new(rules: impl IntoIterator<Item = BanRule>) -> Result<Self, InvalidBanPolicy> {
        let rules: Arc<[BanRule]> = rules.into_iter().collect();
        for (n, rule) in rules.iter().enumerate() {
            rule.check()?;
            if rules.iter().take(n).any(|other| other.name == rule.name) {
                return Err(InvalidBanPolicy::SameName(rule.name));
            }
        }
        let escalation = Escalation::recommended();
        Ok(Self { rules, escalation })
    }

    /// What hardly an honest client does, also where an office shares one address:
    ///
    /// | rule | what | how often |
    /// |---|---|---|
    /// | `failed-logins` | wrong passwords and codes | 10 in 10 minutes |
    /// | `refused-credentials` | forged, expired or reused tokens, wrong signatures | 100 in 10 minutes; a reused one counts 10 |
    /// | `attacks` | what a WAF or a check calls an attack | 10 in 10 minutes |
    /// | `not-found` | 404, as scanners cause them | 100 a minute |
    /// | `rate-limit` | requests beyond the rate limit | 100 a minute |
    ///
    /// Large networks behind one IPv4 address (campuses, carriers) can reach ten failed logins
    /// on a bad morning: where those are your clients, use rules of your own, and limit logins
    /// by account.
    pub fn recommended() -> Self {
        let rules = [
            BanRule::new("failed-logins", 10, 10 * MINUTE).on(EventKind::AuthnLoginFail),
            BanRule::new("refused-credentials", 100, 10 * MINUTE)
                .on(EventKind::AuthnTokenFail)
                .on_weighing(EventKind::AuthnTokenReuse, 10),
            BanRule::new("attacks", 10, 10 * MINUTE)
                .on(EventKind::MaliciousAttackTool)
                .on(EventKind::MaliciousExtraneous)
                .on(EventKind::MaliciousDirectReference),
            BanRule::new("not-found", 100, MINUTE).on(StatusCode::NOT_FOUND),
            BanRule::new("rate-limit", 100, MINUTE).on(EventKind::ExcessRateLimitExceeded),
        ];
        Self {
            rules: rules.into(),
            escalation: Escalation::recommended(),
        }
    }

    /// Sets how long bans last.
    ///
    /// # Errors
    /// When there would be no ban, or bans that get shorter, or are never forgiven.
    pub fn escalation(mut self, escalation: Escalation) -> Result<Self, InvalidBanPolicy> {
        if !escalation.is_sound() {
            return Err(InvalidBanPolicy::Escalation);
        }
        self.escalation = escalation;
        Ok(self)
    }

    /// The rules.
    pub fn rules(&self) -> &[BanRule] {
        &self.rules
    }

    pub(super) const fn escalates(&self) -> &Escalation {
        &self.escalation
    }
}

impl Default for BanPolicy {
    fn default() -> Self {
        Self::recommended()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recommended_policy_is_sound() {
        let policy = BanPolicy::recommended();
        let again = BanPolicy::new(policy.rules().to_vec()).unwrap();
        assert_eq!(again.escalation(*policy.escalates()), Ok(policy));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        use InvalidBanPolicy as E;
        let rule = |name, threshold, seconds| {
            BanRule::new(name, threshold, Duration::from_secs(seconds)).on(StatusCode::NOT_FOUND)
        };
        let cases = [
            ("fine", vec![rule("a", 1, 1), rule("b", 1, 1)], None),
            ("none", vec![], None),
            ("no name", vec![rule("", 1, 1)], Some(E::Name(""))),
            ("a colon", vec![rule("a:b", 1, 1)], Some(E::Name("a:b"))),
            (
                "twice",
                vec![rule("a", 1, 1), rule("a", 2, 2)],
                Some(E::SameName("a")),
            ),
            ("no threshold", vec![rule("a", 0, 1)], Some(E::Bounds("a"))),
            ("no window", vec![rule("a", 1, 0)], Some(E::Bounds("a"))),
            (
                "no trigger",
                vec![BanRule::new("a", 1, MINUTE)],
                Some(E::CountsNothing("a")),
            ),
            (
                "no weight",
                vec![BanRule::new("a", 1, MINUTE).on_weighing(StatusCode::OK, 0)],
                Some(E::CountsNothing("a")),
            ),
        ];
        for (name, rules, error) in cases {
            assert_eq!(BanPolicy::new(rules).err(), error, "{name}");
        }
    }

    #[test]
    fn escalations() {
        let hour = Escalation::new(HOUR);
        let cases = [
            ("fine", hour, true),
            ("constant", hour.factor(1), true),
            ("longer than a week", Escalation::new(1000 * HOUR), true),
            ("nothing", Escalation::new(Duration::ZERO), false),
            ("no factor", hour.factor(0), false),
            ("a low ceiling", hour.ceiling(MINUTE), false),
            ("no decay", hour.forgiven_after(Duration::ZERO), false),
        ];
        for (name, escalation, is_sound) in cases {
            let policy = BanPolicy::recommended().escalation(escalation);
            assert_eq!(policy.is_ok(), is_sound, "{name}");
        }
        let endless = hour.factor(u32::MAX).ceiling(Duration::MAX);
        for level in [0, 1, 2, 32, u32::MAX] {
            assert!(endless.duration(level) >= HOUR);
            assert_eq!(endless.level_after(level, Duration::ZERO), level);
            assert_eq!(endless.level_after(level, Duration::MAX), 0);
        }
    }
}
