use super::ConfigError;
use crate::clock::Timestamp;
use std::time::Duration;

/// Failures beyond the one that locks are counted up to this many: by then each lock lasts as
/// long as any does.
const MAX_DOUBLINGS: u32 = 32;

/// What failures cost: so many are free, then each next try has to wait, and from some number
/// on it is locked for a time. Waits and locks double with each failure, and end by themselves.
///
/// A failure is forgiven after some time, one after the other. So that time is also how often
/// somebody who never stops can guess in the long run.
///
/// ```
/// use portcullis::authn::throttle::Steps;
/// use std::time::Duration;
///
/// let minutes = |count: u64| Duration::from_secs(60 * count);
/// let strict = Steps::new(3, 6)
///     .delaying(Duration::from_secs(2), minutes(1))
///     .locking(minutes(30), minutes(24 * 60))
///     .forgiving(minutes(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Steps {
    free: u32,
    first_delay: Duration,
    longest_delay: Duration,
    lock_at: u32,
    first_lock: Duration,
    longest_lock: Duration,
    forgive: Duration,
}

/// How things stand for who wants to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    /// For this much longer there is no try.
    Delayed(Duration),
    Locked(Duration),
}

impl Steps {
    /// The most failures before a lock. NIST SP 800-63B-4 section 3.2.2 allows an account 100.
    pub const MAX_FAILURES: u32 = 1_000;

    /// The longest delay, lock, and time to forgive a failure: 30 days.
    pub const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// Of all strangers at one account: the 10th failure delays, the 50th locks, and one is
    /// forgiven every 6 hours, which in the long run leaves them 4 guesses a day, together.
    pub const PER_ACCOUNT: Self = Self::new(10, 50).forgiving(Duration::from_secs(6 * 60 * 60));

    /// Of one client at all accounts: the 30th failure delays, the 100th locks for 15 minutes to
    /// an hour, and one is forgiven every 30 seconds.
    pub const PER_CLIENT: Self = Self::new(30, 100)
        .locking(Duration::from_secs(15 * 60), Duration::from_secs(60 * 60))
        .forgiving(Duration::from_secs(30));

    /// Of one client at one account: the 3rd failure delays, the 10th locks, and one is forgiven
    /// every 15 minutes.
    pub const PER_PAIR: Self = Self::new(3, 10);

    /// Of a known device: as of a pair.
    pub const PER_DEVICE: Self = Self::PER_PAIR;

    /// From the failure of number `free` on, the next try has to wait; from that of number
    /// `lock_at` on, it is locked. Delays go from 1 second to 30, locks from 15 minutes to 24
    /// hours, and a failure is forgiven every 15 minutes.
    pub const fn new(free: u32, lock_at: u32) -> Self {
        Self {
            free,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            lock_at,
            first_lock: Duration::from_secs(15 * 60),
            longest_lock: Duration::from_secs(24 * 60 * 60),
            forgive: Duration::from_secs(15 * 60),
        }
    }

    /// Sets from which failures on there is a delay and a lock, and leaves the times as they
    /// are: `Steps::PER_ACCOUNT.counting(20, 100)`.
    pub const fn counting(mut self, free: u32, lock_at: u32) -> Self {
        self.free = free;
        self.lock_at = lock_at;
        self
    }

    /// Sets the first delay and the longest one.
    pub const fn delaying(mut self, first: Duration, longest: Duration) -> Self {
        self.first_delay = first;
        self.longest_delay = longest;
        self
    }

    /// Sets the first lock and the longest one.
    pub const fn locking(mut self, first: Duration, longest: Duration) -> Self {
        self.first_lock = first;
        self.longest_lock = longest;
        self
    }

    /// Sets how often a failure is forgiven.
    pub const fn forgiving(mut self, one_every: Duration) -> Self {
        self.forgive = one_every;
        self
    }

    /// The failure that locks.
    pub(super) const fn lock_at(&self) -> u32 {
        self.lock_at
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.free == 0 || self.lock_at < self.free || self.lock_at > Self::MAX_FAILURES {
            let (free, lock_at) = (self.free, self.lock_at);
            return Err(ConfigError::Failures { free, lock_at });
        }
        let second = Duration::from_secs(1);
        let times = [
            self.first_delay,
            self.longest_delay,
            self.first_lock,
            self.longest_lock,
            self.forgive,
        ];
        let is_usable = |time: &Duration| (second..=Self::MAX_DURATION).contains(time);
        match times.into_iter().find(|time| !is_usable(time)) {
            None => Ok(()),
            Some(time) => Err(ConfigError::Duration(time)),
        }
    }

    /// What there is to wait after so many failures.
    fn wait(&self, failures: u32) -> Standing {
        let doubled = |first: Duration, times: u32, longest: Duration| {
            let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
            first.saturating_mul(factor).min(longest)
        };
        if let Some(times) = failures.checked_sub(self.lock_at) {
            return Standing::Locked(doubled(self.first_lock, times, self.longest_lock));
        }
        match failures.checked_sub(self.free) {
            Some(times) => Standing::Delayed(doubled(self.first_delay, times, self.longest_delay)),
            None => Standing::Open,
        }
    }

    /// Milliseconds, and never none.
    fn forgive_millis(&self) -> u64 {
        millis(self.forgive).max(1)
    }
}

/// The failures of somebody: when the last one was, and when all will be forgiven. Unix times
/// in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    last: u64,
    forgiven: u64,
}

impl Tally {
    const LENGTH: usize = 16;

    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let value: &[u8; Self::LENGTH] = value.try_into().ok()?;
        let (last, forgiven) = value.split_first_chunk::<8>()?;
        Some(Self {
            last: u64::from_be_bytes(*last),
            forgiven: u64::from_be_bytes(forgiven.try_into().ok()?),
        })
    }

    pub(super) fn write(self) -> Vec<u8> {
        [self.last.to_be_bytes(), self.forgiven.to_be_bytes()].concat()
    }

    fn failures_at(self, steps: &Steps, time: u64) -> u32 {
        let left = self.forgiven.saturating_sub(time);
        u32::try_from(left.div_ceil(steps.forgive_millis())).unwrap_or(u32::MAX)
    }

    /// The failures that are not forgiven yet.
    pub(super) fn failures(self, steps: &Steps, now: Timestamp) -> u32 {
        self.failures_at(steps, millis_of(now))
    }

    /// Whether there may be a try now.
    pub(super) fn standing(self, steps: &Steps, now: Timestamp) -> Standing {
        // By the failures there were then: what is forgiven since ends no lock.
        let wait = steps.wait(self.failures_at(steps, self.last));
        let left = |wait: Duration| {
            let until = self.last.saturating_add(millis(wait));
            Duration::from_millis(until.saturating_sub(millis_of(now)))
        };
        match wait {
            Standing::Locked(wait) if !left(wait).is_zero() => Standing::Locked(left(wait)),
            Standing::Delayed(wait) if !left(wait).is_zero() => Standing::Delayed(left(wait)),
            _ => Standing::Open,
        }
    }

    /// With one failure more, now.
    pub(super) fn failed(self, steps: &Steps, now: Timestamp) -> Self {
        let now = millis_of(now);
        let most = steps.lock_at.saturating_add(MAX_DOUBLINGS);
        let most = steps.forgive_millis().saturating_mul(most.into());
        let forgiven = self.forgiven.max(now);
        let forgiven = forgiven.saturating_add(steps.forgive_millis());
        Self {
            last: now,
            forgiven: forgiven.min(now.saturating_add(most)),
        }
    }

    /// As if so many of the failures had not been.
    pub(super) fn without(self, steps: &Steps, failures: u32) -> Self {
        let time = steps.forgive_millis().saturating_mul(failures.into());
        Self {
            forgiven: self.forgiven.saturating_sub(time),
            ..self
        }
    }

    /// How long there is something to remember.
    pub(super) fn memory(self, steps: &Steps, now: Timestamp) -> Duration {
        let wait = match self.standing(steps, now) {
            Standing::Open => Duration::ZERO,
            Standing::Delayed(wait) | Standing::Locked(wait) => wait,
        };
        let forgiven = self.forgiven.saturating_sub(millis_of(now));
        wait.max(Duration::from_millis(forgiven))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn millis_of(time: Timestamp) -> u64 {
    millis(time.unix_duration())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: u64 = 1_700_000_000;
    const STEPS: Steps = Steps::new(3, 6);

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(START + second)
    }

    /// How long to wait after each failure in a row, in seconds; locks in minutes.
    fn waits(steps: &Steps, failures: u32) -> Vec<(&'static str, u64)> {
        let (mut tally, mut second, mut waits) = (Tally::default(), 0, Vec::new());
        for _ in 0..failures {
            assert_eq!(tally.standing(steps, at(second)), Standing::Open);
            tally = tally.failed(steps, at(second));
            let (what, wait) = match tally.standing(steps, at(second)) {
                Standing::Open => ("open", Duration::ZERO),
                Standing::Delayed(wait) => ("delayed", wait),
                Standing::Locked(wait) => ("locked", wait),
            };
            waits.push((what, wait.as_secs()));
            second += wait.as_secs();
        }
        waits
    }

    #[test]
    fn free_then_delayed_then_locked() {
        let never = STEPS.forgiving(Steps::MAX_DURATION);
        let found = waits(&never, 15);
        let expected = [
            ("open", 0),
            ("open", 0),
            ("delayed", 1),
            ("delayed", 2),
            ("delayed", 4),
            ("locked", 900),
            ("locked", 1_800),
            ("locked", 3_600),
            ("locked", 7_200),
            ("locked", 14_400),
            ("locked", 28_800),
            ("locked", 57_600),
            ("locked", 86_400),
            ("locked", 86_400),
            ("locked", 86_400),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn in_the_long_run_it_is_one_guess_for_each_forgiven_failure() {
        let day = Duration::from_secs(24 * 60 * 60);
        let steps = Steps::new(10, 50).forgiving(day / 4);
        let (mut tally, mut guesses) = (Tally::default(), 0);
        let mut second = 0;
        while second < 30 * day.as_secs() {
            match tally.standing(&steps, at(second)) {
                Standing::Open => {
                    tally = tally.failed(&steps, at(second));
                    guesses += 1;
                }
                Standing::Delayed(wait) | Standing::Locked(wait) => second += wait.as_secs().max(1),
            }
        }
        // The 50 at first, and four a day.
        assert!((150..=190).contains(&guesses), "{guesses}");
    }

    #[test]
    fn failures_are_forgiven_one_by_one() {
        let mut tally = Tally::default();
        for second in [0, 1, 2] {
            tally = tally.failed(&STEPS, at(second));
        }
        for (second, expected) in [
            (2, 3),
            (899, 3),
            (900, 2),
            (1_800, 1),
            (2_699, 1),
            (2_700, 0),
        ] {
            assert_eq!(tally.failures(&STEPS, at(second)), expected, "{second}");
        }
        assert_eq!(tally.memory(&STEPS, at(2)).as_secs(), 2_698);
    }

    #[test]
    fn what_was_not_is_taken_back_with_its_lock() {
        let mut tally = Tally::default();
        for _ in 0..6 {
            tally = tally.failed(&STEPS, at(0));
        }
        assert!(matches!(tally.standing(&STEPS, at(0)), Standing::Locked(_)));
        let without = tally.without(&STEPS, 1);
        assert!(matches!(
            without.standing(&STEPS, at(0)),
            Standing::Delayed(_)
        ));
        let none = tally.without(&STEPS, 9);
        assert_eq!(none.failures(&STEPS, at(0)), 0);
        assert_eq!(none.standing(&STEPS, at(0)), Standing::Open);
        assert_eq!(none.memory(&STEPS, at(0)), Duration::ZERO);
    }

    #[test]
    fn a_tally_is_read_as_it_was_written_and_nothing_else_is() {
        let tally = Tally::default().failed(&STEPS, at(7));
        assert_eq!(Tally::read(&tally.write()), Some(tally));
        for broken in [&[][..], &[0; 15], &[0; 17]] {
            assert_eq!(Tally::read(broken), None);
        }
    }

    #[test]
    fn steps_that_make_no_sense_are_refused() {
        let second = Duration::from_secs(1);
        for (name, steps) in [
            ("nothing is free", Steps::new(0, 5)),
            ("locked before it is delayed", Steps::new(5, 4)),
            ("never locked", Steps::new(5, 1_001)),
            ("no delay", STEPS.delaying(Duration::ZERO, second)),
            ("no lock", STEPS.locking(second, Duration::ZERO)),
            ("for ever", STEPS.locking(second, Duration::MAX)),
            ("forgiven at once", STEPS.forgiving(Duration::from_nanos(1))),
        ] {
            assert!(steps.check().is_err(), "{name}");
        }
        assert!(STEPS.check().is_ok());
        assert!(Steps::new(1, 1_000).check().is_ok());
    }

    proptest! {
        /// Against a list of the times at which each failure is forgiven.
        #[test]
        fn a_tally_counts_as_a_list_does(
            pauses in proptest::collection::vec(0_u64..2_000, 1..60),
        ) {
            let (mut tally, mut second) = (Tally::default(), 0);
            let mut list: Vec<u64> = Vec::new();
            for pause in pauses {
                second += pause;
                list.retain(|forgiven| *forgiven > second);
                prop_assert_eq!(
                    tally.failures(&STEPS, at(second)),
                    u32::try_from(list.len()).unwrap()
                );
                if tally.standing(&STEPS, at(second)) == Standing::Open {
                    tally = tally.failed(&STEPS, at(second));
                    let first = list.last().copied().unwrap_or(second);
                    list.push(first + 900);
                }
            }
        }

        #[test]
        fn no_value_of_the_store_makes_it_panic(
            value in any::<[u8; 16]>(), now: u64, failures: u32,
        ) {
            let tally = Tally::read(&value).unwrap();
            let now = Timestamp::from_unix_duration(Duration::from_millis(now));
            let _standing = tally.standing(&STEPS, now);
            let _memory = tally.failed(&STEPS, now).without(&STEPS, failures).memory(&STEPS, now);
        }
    }
}
