//! The fields of draft-ietf-httpapi-ratelimit-headers-11: lists of Structured Fields (RFC
//! 9651), which other limiters may continue.

use super::limiter::Standing;
use super::window::Window;
use http::{HeaderName, HeaderValue};
use std::fmt::Write;
use std::time::Duration;

pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// `RateLimit-Policy`: how much each quota allows (`q`) in how many seconds (`w`). For a quota
/// with a burst of its own, that is the burst and the time it takes to refill.
pub(super) fn policy(windows: &[Window]) -> Option<HeaderValue> {
    list(windows.iter().map(Window::quota), |text, quota| {
        item(text, quota.name());
        let (most, refill) = (quota.rate().burst(), quota.rate().capacity_nanos());
        let window = seconds(Duration::from_nanos(refill), most);
        write!(text, ";q={most};w={}", window.max(1))
    })
}

/// `RateLimit`: how much is left (`r`), and for how many seconds that should last (`t`).
///
/// An allowance that refills evenly has no end of its window. Both the time until the next
/// unit and the time until it is full would invite clients to use all that is left at once;
/// the draft asks that `r` over `t` be no more than the server wants (section 6), so `t` is the time
/// in which `r` units come to be allowed. Where nothing is left, it is the time to wait.
pub(super) fn limit<'a>(standings: impl Iterator<Item = Standing<'a>>) -> Option<HeaderValue> {
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
            assert_eq!(policy(&[Window::new(quota)]).unwrap(), expected, "{name}");
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
