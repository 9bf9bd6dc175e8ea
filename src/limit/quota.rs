use super::InvalidQuota;
use crate::store::gcra::Rate;
use std::borrow::Cow;
use std::time::Duration;

const MAX_NAME: usize = 64;

/// So many in such a time.
///
/// ```
/// use portcullis::limit::Quota;
///
/// // Ten a second, but a page may load fifty things at once.
/// let page = Quota::per_second(10)?.burst(50)?.named("page")?;
/// assert!(Quota::per_minute(0).is_err());
/// # Ok::<(), portcullis::limit::InvalidQuota>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    name: Cow<'static, str>,
    rate: Rate,
}

impl Quota {
    /// `count` in each second, and as many at once.
    ///
    /// # Errors
    /// When `count` is zero.
    pub fn per_second(count: u32) -> Result<Self, InvalidQuota> {
        Ok(Self::new(count, Duration::from_secs(1))?.called("per-second"))
    }

    /// `count` in each minute, and as many at once.
    ///
    /// # Errors
    /// When `count` is zero.
    pub fn per_minute(count: u32) -> Result<Self, InvalidQuota> {
        Ok(Self::new(count, Duration::from_secs(60))?.called("per-minute"))
    }

    /// `count` in each hour, and as many at once.
    ///
    /// # Errors
    /// When `count` is zero.
    pub fn per_hour(count: u32) -> Result<Self, InvalidQuota> {
        Ok(Self::new(count, Duration::from_secs(60 * 60))?.called("per-hour"))
    }

    /// `count` in each day, and as many at once.
    ///
    /// # Errors
    /// When `count` is zero.
    pub fn per_day(count: u32) -> Result<Self, InvalidQuota> {
        Ok(Self::new(count, Duration::from_secs(24 * 60 * 60))?.called("per-day"))
    }

    /// `count` in each `period`, and as many at once.
    ///
    /// # Errors
    /// When either is zero, when that is more than one a nanosecond, or the period is longer
    /// than 100 days.
    pub fn per(period: Duration, count: u32) -> Result<Self, InvalidQuota> {
        let name = format!("per-{period:?}").replace('µ', "u");
        Ok(Self::new(count, period)?.called(name))
    }

    fn new(count: u32, period: Duration) -> Result<Self, InvalidQuota> {
        Ok(Self {
            name: Cow::Borrowed(""),
            rate: Rate::new(u64::from(count), period)?,
        })
    }

    fn called(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Allows this many at once, after a pause that was long enough; the rate stays as it is.
    ///
    /// # Errors
    /// When `most` is zero, or so many would take more than 100 days to refill.
    pub fn burst(mut self, most: u32) -> Result<Self, InvalidQuota> {
        self.rate = self.rate.with_burst(u64::from(most))?;
        Ok(self)
    }

    /// Names the quota in the `RateLimit` fields. By default it is called after its period.
    ///
    /// # Errors
    /// When the name is empty, longer than 64 characters, or not visible ASCII.
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidQuota> {
        let name = name.into();
        let is_visible = name.bytes().all(|b| matches!(b, b' '..=b'~'));
        if name.is_empty() || name.len() > MAX_NAME || !is_visible {
            return Err(InvalidQuota::Name(name.into_owned()));
        }
        Ok(self.called(name))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One part in so many of it, under the same name.
    pub(super) fn share(&self, parts: u32) -> Self {
        Self {
            name: self.name.clone(),
            rate: self.rate.share(parts),
        }
    }

    /// How fast it refills, and how much it holds.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }
}

/// One to eight quotas that hold together: made of a [`Quota`], or an array of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas(Vec<Quota>);

impl Quotas {
    /// The most quotas that can hold together.
    pub const MAX: usize = 8;

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Quota> {
        self.0.iter()
    }
}

impl From<Quota> for Quotas {
    fn from(quota: Quota) -> Self {
        Self(vec![quota])
    }
}

macro_rules! from_array {
    ($($length:literal)+) => {
        $(impl From<[Quota; $length]> for Quotas {
            fn from(quotas: [Quota; $length]) -> Self {
                Self(quotas.into())
            }
        })+
    };
}
from_array!(1 2 3 4 5 6 7 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let one = || Quota::per_second(1).unwrap();
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        let cases = [
            ("nothing", Quota::per_minute(0).err(), "at least 1"),
            ("no time", Quota::per(Duration::ZERO, 1).err(), "longer"),
            ("no burst", one().burst(0).err(), "at least 1"),
            ("too fast", Quota::per_second(u32::MAX).err(), "nanosecond"),
            ("too slow", Quota::per(days(101), 1).err(), "100 days"),
            ("too large", one().burst(u32::MAX).err(), "100 days"),
            ("overflow", Quota::per(Duration::MAX, 1).err(), "100 days"),
            ("no name", one().named("").err(), "1 to 64"),
            ("control", one().named("a\r\nb").err(), "visible ASCII"),
            ("slow", Quota::per(days(100), 1).err(), ""),
            ("fast", Quota::per_second(1_000_000_000).err(), ""),
        ];
        for (name, error, part) in cases {
            let message = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains(part), "{name}: {message}");
            assert_eq!(message.is_empty(), part.is_empty(), "{name}: {message}");
        }
    }

    #[test]
    fn names_fit_into_a_field() {
        for period in [Duration::from_micros(3), Duration::from_millis(1500)] {
            let quota = Quota::per(period, 1).unwrap();
            assert!(quota.name().is_ascii(), "{}", quota.name());
            assert!(quota.clone().named(quota.name().to_owned()).is_ok());
        }
    }
}
