//! Time, from one place, so that tests can hold it still.
//!
//! Every control that looks at the time takes a [`Clock`]. The default is the system's; a
//! [`FakeClock`] is public, so that your tests can move time without sleeping.
//!
//! ```
//! use portcullis::clock::FakeClock;
//! use std::time::Duration;
//!
//! let time = FakeClock::at_unix_seconds(1_700_000_000);
//! let clock = time.clock();
//! time.advance(Duration::from_secs(60));
//! assert_eq!(clock.now().unix_seconds(), 1_700_000_060);
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The last second that RFC 3339 can write with a four-digit year.
const LAST_RFC3339_SECOND: u64 = 253_402_300_799;

/// A moment, as the time since the Unix epoch. Never before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(Duration);

impl Timestamp {
    /// The moment this many seconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The moment this long after the Unix epoch.
    #[must_use]
    pub const fn from_unix_duration(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// Whole seconds since the Unix epoch (the `NumericDate` of RFC 7519).
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0.as_secs()
    }

    /// Time since the Unix epoch.
    #[must_use]
    pub const fn unix_duration(self) -> Duration {
        self.0
    }

    /// This moment and `later` more; stops at the end of time instead of overflowing.
    #[must_use]
    pub const fn saturating_add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// This moment less `earlier`; stops at the Unix epoch.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }

    /// How long after `earlier` this moment is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before the Unix epoch become the epoch.
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

/// RFC 3339 in UTC with milliseconds, as in `2026-11-22T10:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.min(Duration::from_secs(LAST_RFC3339_SECOND));
        humantime::format_rfc3339_millis(UNIX_EPOCH + shown).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the time comes from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Fake(Arc<FakeTime>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The time of day. It can jump, as when the machine's clock is set.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => SystemTime::now().into(),
            Source::Fake(fake) => Timestamp(fake.wall()),
        }
    }

    /// Time since some fixed moment of this process. It never goes back: for measuring
    /// spans inside one process, never for anything that is stored or shared.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Source::System => START.elapsed(),
            Source::Fake(fake) => Duration::from_nanos(fake.elapsed_nanos.load(Ordering::Acquire)),
        }
    }
}

#[derive(Debug)]
struct FakeTime {
    /// Wall time at which `elapsed_nanos` was zero.
    origin_nanos: AtomicU64,
    elapsed_nanos: AtomicU64,
}

impl FakeTime {
    fn wall(&self) -> Duration {
        let origin = self.origin_nanos.load(Ordering::Acquire);
        let elapsed = self.elapsed_nanos.load(Ordering::Acquire);
        Duration::from_nanos(origin.saturating_add(elapsed))
    }
}

/// A clock that moves only when told. Clones, and the [`Clock`]s it gives, share one time.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<FakeTime>);

impl FakeClock {
    /// A clock that stands at this many seconds after the Unix epoch.
    #[must_use]
    pub fn at_unix_seconds(seconds: u64) -> Self {
        Self(Arc::new(FakeTime {
            origin_nanos: AtomicU64::new(seconds.saturating_mul(1_000_000_000)),
            elapsed_nanos: AtomicU64::new(0),
        }))
    }

    /// The clock to hand to a control.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Source::Fake(Arc::clone(&self.0)))
    }

    /// Lets time pass, up to the end of what a clock can show.
    pub fn advance(&self, by: Duration) {
        let nanos = nanos(by);
        let later = |before: u64| before.saturating_add(nanos);
        let elapsed = &self.0.elapsed_nanos;
        elapsed.update(Ordering::AcqRel, Ordering::Acquire, later);
    }

    /// Sets the time of day, as when a machine's clock is corrected. Spans measured by
    /// [`Clock::elapsed`] do not notice.
    pub fn set_unix_seconds(&self, seconds: u64) {
        let elapsed = self.0.elapsed_nanos.load(Ordering::Acquire);
        let origin = seconds
            .saturating_mul(1_000_000_000)
            .saturating_sub(elapsed);
        self.0.origin_nanos.store(origin, Ordering::Release);
    }
}

/// A span in nanoseconds. Longer ones than 584 years are as long as that.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_rfc3339_and_never_fails_to() {
        let shown = |seconds| Timestamp::from_unix_seconds(seconds).to_string();
        assert_eq!(shown(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(shown(1_795_341_600), "2026-11-22T10:00:00.000Z");
        assert_eq!(shown(u64::MAX), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn setting_the_time_of_day_leaves_spans_alone() {
        let time = FakeClock::at_unix_seconds(100);
        let clock = time.clock();
        time.advance(Duration::from_secs(5));
        time.set_unix_seconds(50);
        assert_eq!(clock.now().unix_seconds(), 50);
        assert_eq!(clock.elapsed(), Duration::from_secs(5));
    }

    #[test]
    fn a_fake_clock_never_goes_back() {
        let time = FakeClock::at_unix_seconds(100);
        time.advance(Duration::from_secs(5));
        time.advance(Duration::MAX);
        assert_eq!(time.clock().elapsed(), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_unix_duration(Duration::MAX);
        assert_eq!(end.saturating_add(Duration::from_secs(1)), end);
        let epoch = Timestamp::default();
        assert_eq!(epoch.saturating_sub(Duration::from_secs(1)), epoch);
        assert_eq!(epoch.since(end), Duration::ZERO);
    }
}
