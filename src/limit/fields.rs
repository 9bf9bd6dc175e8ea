//! The fields that tell clients how much is left, in the forms that clients read.

use super::decision::{Standing, States, standings};
use super::window::Window;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write;
use std::time::Duration;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The forms to answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forms {
    pub(super) draft: Option<Draft>,
    pub(super) legacy: bool,
}

/// Which draft the `RateLimit` fields follow. The names of the fields are the same in both, so
/// there is only one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draft {
    /// draft-ietf-httpapi-ratelimit-headers-11: lists of Structured Fields (RFC 9651), which
    /// other limiters may continue.
    Current,
    /// draft-ietf-httpapi-ratelimit-headers-07: one limit, what remains of it, and the reset.
    Seven,
}

impl Forms {
    pub(super) const CURRENT: Self = Self {
        draft: Some(Draft::Current),
        legacy: false,
    };
    pub(super) const NONE: Self = Self {
        draft: None,
        legacy: false,
    };

    /// `RateLimit-Policy` for these windows.
    pub(super) fn policy<'a>(
        self,
        windows: impl Iterator<Item = &'a Window>,
    ) -> Option<HeaderValue> {
        match self.draft? {
            Draft::Current => policy(windows),
            Draft::Seven => policy_seven(windows),
        }
    }

    /// The fields of a refusal.
    pub(super) fn of_refusal<'a>(
        self,
        standings: impl Iterator<Item = Standing<'a>> + Clone,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut fields = Vec::new();
        let mut add = |name, value: Option<HeaderValue>| fields.extend(value.map(|v| (name, v)));
        add(POLICY, self.policy(standings.clone().map(|s| s.window())));
        if self.draft == Some(Draft::Current) {
            add(LIMIT, limit(standings.clone()));
        }
        if let Some(least) = Least::of(standings) {
            if self.draft == Some(Draft::Seven) {
                add(LIMIT, least.seven());
            }
            if self.legacy {
                let [limit, remaining, reset] = least.legacy();
                add(X_LIMIT, Some(limit));
                add(X_REMAINING, Some(remaining));
                add(X_RESET, Some(reset));
            }
        }
        fields
    }
}

/// What is left, to be written into a response.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) forms: Forms,
    pub(super) policy: Option<HeaderValue>,
    pub(super) windows: std::sync::Arc<[Window]>,
    pub(super) states: States,
}

impl Fields {
    pub(super) fn write(self, headers: &mut HeaderMap, extensions: &mut Extensions) {
        let standings = standings(&self.windows, self.states);
        if let Some(policy) = self.policy {
            headers.append(POLICY, policy);
        }
        if self.forms.draft == Some(Draft::Current)
            && let Some(limit) = limit(standings.clone())
        {
            headers.append(LIMIT, limit);
        }
        if let Some(least) = Least::of(standings) {
            least.write(self.forms, headers, extensions);
        }
    }
}

/// The quota of which the least is left, for the forms that have room for one.
struct Least {
    limit: u64,
    remaining: u64,
    reset: u64,
}

/// In the extensions of a response: how much the one is said to have left that the fields
/// are about.
#[derive(Clone, Copy)]
struct Said {
    remaining: u64,
}

impl Least {
    /// One that refuses comes before all others, then the one that is to wait for longest.
    fn of<'a>(standings: impl Iterator<Item = Standing<'a>>) -> Option<Self> {
        let rank = |standing: &Standing<'_>| {
            let wait = std::cmp::Reverse(standing.effective_window());
            (!standing.is_exceeded(), standing.remaining(), wait)
        };
        let least = standings.min_by_key(rank)?;
        let remaining = if least.is_exceeded() {
            0
        } else {
            least.remaining()
        };
        Some(Self {
            limit: least.quota().rate().burst(),
            remaining,
            reset: seconds(least.effective_window(), least.remaining()),
        })
    }

    fn seven(&self) -> Option<HeaderValue> {
        let Self {
            limit,
            remaining,
            reset,
        } = self;
        let text = format!("limit={limit}, remaining={remaining}, reset={reset}");
        HeaderValue::try_from(text).ok()
    }

    fn legacy(&self) -> [HeaderValue; 3] {
        [self.limit, self.remaining, self.reset].map(HeaderValue::from)
    }

    /// Of several limiters the one with the least left is heard. Fields of others, such as
    /// those of the service behind or of a limiter that refused, stay as they are.
    fn write(&self, forms: Forms, headers: &mut HeaderMap, extensions: &mut Extensions) {
        let said: Option<Said> = extensions.get().copied();
        let may_write = |headers: &HeaderMap, name: &HeaderName| match said {
            Some(said) => self.remaining < said.remaining,
            None => !headers.contains_key(name),
        };
        let mut has_written = false;
        if forms.draft == Some(Draft::Seven)
            && may_write(headers, &LIMIT)
            && let Some(value) = self.seven()
        {
            headers.insert(LIMIT, value);
            has_written = true;
        }
        if forms.legacy && may_write(headers, &X_REMAINING) {
            let [limit, remaining, reset] = self.legacy();
            headers.insert(X_LIMIT, limit);
            headers.insert(X_REMAINING, remaining);
            headers.insert(X_RESET, reset);
            has_written = true;
        }
        if has_written {
            extensions.insert(Said {
                remaining: self.remaining,
            });
        }
    }
}

/// `RateLimit-Policy`: how much each quota allows (`q`) in how many seconds (`w`). For a quota
/// with a burst of its own, that is the burst and the time it takes to refill.
fn policy<'a>(windows: impl Iterator<Item = &'a Window>) -> Option<HeaderValue> {
    list(windows, |text, window| {
        item(text, window.quota().name());
        let (most, refill) = most_and_refill(window);
        write!(text, ";q={most};w={refill}")
    })
}

/// As draft 7 has it: the same numbers, without names.
fn policy_seven<'a>(windows: impl Iterator<Item = &'a Window>) -> Option<HeaderValue> {
    list(windows, |text, window| {
        let (most, refill) = most_and_refill(window);
        write!(text, "{most};w={refill}")
    })
}

fn most_and_refill(window: &Window) -> (u64, u64) {
    let rate = window.quota().rate();
    let refill = Duration::from_nanos(rate.capacity_nanos());
    (rate.burst(), seconds(refill, rate.burst()).max(1))
}

/// `RateLimit`: how much is left (`r`), and for how many seconds that should last (`t`).
///
/// An allowance that refills evenly has no end of its window. Both the time until the next
/// unit and the time until it is full would invite clients to use all that is left at once;
/// the draft asks that `r` over `t` be no more than the server wants (section 6), so `t` is the time
/// in which `r` units come to be allowed. Where nothing is left, it is the time to wait.
fn limit<'a>(standings: impl Iterator<Item = Standing<'a>>) -> Option<HeaderValue> {
    list(standings, |text, standing| {
        item(text, standing.quota().name());
        let remaining = standing.remaining();
        let window = seconds(standing.effective_window(), remaining);
        write!(text, ";r={remaining};t={window}")
    })
}

fn list<T>(
    items: impl Iterator<Item = T>,
    write_item: impl Fn(&mut String, T) -> std::fmt::Result,
) -> Option<HeaderValue> {
    let mut text = String::with_capacity(64);
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write_item(&mut text, item).ok()?;
    }
    if text.is_empty() {
        return None;
    }
    HeaderValue::try_from(text).ok()
}

/// A string of Structured Fields.
fn item(text: &mut String, name: &str) {
    text.push('"');
    for character in name.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}

/// Whole seconds, rounded up, in which so many units come to be allowed. The time of each is
/// rounded up to nanoseconds, which together must not make a second.
fn seconds(duration: Duration, units: u64) -> u64 {
    let exact = duration.saturating_sub(Duration::from_nanos(units));
    exact
        .as_secs()
        .saturating_add(u64::from(exact.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::super::{Quota, RateLimiter};
    use super::*;
    use crate::clock::FakeClock;

    #[test]
    fn policies() {
        let minute = Quota::per_minute(100).unwrap();
        let cases = [
            ("plain", minute.clone(), r#""per-minute";q=100;w=60"#),
            (
                "a rate that does not divide",
                Quota::per_minute(7).unwrap(),
                r#""per-minute";q=7;w=60"#,
            ),
            (
                "a smaller burst",
                minute.clone().burst(20).unwrap(),
                r#""per-minute";q=20;w=12"#,
            ),
            (
                "a larger burst",
                Quota::per_second(10).unwrap().burst(50).unwrap(),
                r#""per-second";q=50;w=5"#,
            ),
            (
                "less than a second",
                Quota::per(Duration::from_millis(100), 5).unwrap(),
                r#""per-100ms";q=5;w=1"#,
            ),
            (
                "a name to escape",
                minute.named(r#"a"b\c"#).unwrap(),
                r#""a\"b\\c";q=100;w=60"#,
            ),
        ];
        for (name, quota, expected) in cases {
            let window = Window::new(quota);
            assert_eq!(policy([&window].into_iter()).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn what_is_left_is_told_to_last() {
        let time = FakeClock::at_unix_seconds(0);
        let limiter = RateLimiter::new([
            Quota::per_second(2).unwrap(),
            Quota::per_minute(100).unwrap(),
        ])
        .clock(time.clock());
        let after = |cost| limit(limiter.check("a", cost).standings()).unwrap();
        assert_eq!(after(1), r#""per-second";r=1;t=1, "per-minute";r=99;t=60"#);
        assert_eq!(after(1), r#""per-second";r=0;t=1, "per-minute";r=98;t=59"#);
        assert_eq!(after(1), r#""per-second";r=0;t=1, "per-minute";r=98;t=59"#);
        time.advance(Duration::from_secs(30));
        assert_eq!(after(0), r#""per-second";r=2;t=1, "per-minute";r=100;t=60"#);
    }
}
