use super::{ClientConfigError, ClientError};
use crate::clock::{Clock, nanos};
use crate::random::Random;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const DEFAULT_RETRIES: u32 = 2;
const MAX_RETRIES: u32 = 10;
const DEFAULT_BASE: Duration = Duration::from_millis(100);
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(2);

/// What a retry costs of the budget, in parts of what a first try earns: one in ten may be a
/// retry, in the long run.
const COST: u32 = 10;
/// How much may be saved up: ten retries.
const FULL: u32 = 10 * COST;

/// Put into a request's extensions, says that it may be sent again although its method does
/// not: it carries an idempotency key, or what it does is done once however often it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SafeToRepeat;

impl SafeToRepeat {
    /// The mark.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// When a request is sent again.
///
/// Tried again are answers of 429, 502, 503 and 504 and exchanges that broke off, where the
/// method is idempotent (RFC 9110 section 9.2.2) or the request [says](SafeToRepeat) that it
/// may; and whatever cannot have reached the service. The wait is random between nothing and a
/// bound that doubles ("full jitter"), so that many clients do not come back as one; where the
/// answer has `Retry-After`, it is at least that. A wait that the deadline does not leave time
/// for is not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    retries: u32,
    base: Duration,
    longest: Duration,
}

impl Default for RetryPolicy {
    /// Two retries, after at most 100 and 200 milliseconds.
    fn default() -> Self {
        Self {
            retries: DEFAULT_RETRIES,
            base: DEFAULT_BASE,
            longest: DEFAULT_MAX_WAIT,
        }
    }
}

impl RetryPolicy {
    /// Nothing is tried again.
    pub fn none() -> Self {
        Self {
            retries: 0,
            ..Self::default()
        }
    }

    /// Sets how often, after the first time: 10 at most.
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the bound of the first wait, 100 milliseconds by default, and the longest it
    /// grows to, 2 seconds by default.
    pub const fn waits(mut self, first: Duration, longest: Duration) -> Self {
        self.base = first;
        self.longest = longest;
        self
    }

    pub(super) const fn check(&self) -> Result<(), ClientConfigError> {
        if self.retries > MAX_RETRIES {
            return Err(ClientConfigError::TooManyRetries(self.retries));
        }
        Ok(())
    }

    /// How long to wait before this retry, the first being 0; `None` when there is no more.
    pub(super) fn wait(
        &self,
        retry: u32,
        asked: Option<Duration>,
        random: &Random,
    ) -> Option<Duration> {
        if retry >= self.retries {
            return None;
        }
        let bound = self.base.saturating_mul(1 << retry.min(MAX_RETRIES));
        let wait = below(bound.min(self.longest), random);
        Some(asked.map_or(wait, |asked| asked.saturating_add(wait)))
    }
}

/// A random time from nothing to `bound`.
fn below(bound: Duration, random: &Random) -> Duration {
    let most = nanos(bound);
    let part = u128::from(u64::from_le_bytes(random.bytes()));
    let scaled = (part * (u128::from(most) + 1)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(most))
}

/// Whether a request may be sent again after this came of it.
pub(super) fn may_repeat(
    is_repeatable: bool,
    outcome: &Result<Response<Bytes>, ClientError>,
) -> bool {
    match outcome {
        Ok(response) => is_repeatable && is_passing(response.status()),
        Err(error) if error.kind().is_unsent() => true,
        Err(error) => is_repeatable && error.kind() == super::ClientErrorKind::Broken,
    }
}

/// Whether the service may answer better in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Whether a request may come twice.
pub(super) fn is_repeatable<B>(request: &Request<B>) -> bool {
    let is_idempotent = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    );
    is_idempotent || request.extensions().get::<SafeToRepeat>().is_some()
}

/// How long the answer asks to wait (RFC 9110 section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = httpdate::parse_http_date(text).ok()?;
    Some(crate::clock::Timestamp::from(moment).since(clock.now()))
}

/// Keeps the retries of one client to a part of its requests: a service that is down is not
/// to get a multiple of what brought it down.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Budget {
    /// Earns a part of a retry by a first try.
    pub(super) fn earn(&self) {
        self.0
            .update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
                saved.saturating_add(1).min(FULL)
            });
    }

    /// Takes one retry, if there is one.
    pub(super) fn take(&self) -> bool {
        self.0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
                saved.checked_sub(COST)
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_the_answer_asks_for() {
        let clock = FakeClock::at_unix_seconds(784_111_777).clock();
        for (name, text, expected) in [
            ("seconds", "120", Some(120)),
            ("none", "0", Some(0)),
            ("a date", "Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("a date gone by", "Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("negative", "-1", None),
            ("words", "soon", None),
            ("a fraction", "1.5", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            let found = retry_after(&headers, &clock);
            assert_eq!(found, expected.map(Duration::from_secs), "{name}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), &clock), None);
    }

    #[test]
    fn one_request_in_ten_may_be_a_retry() {
        let budget = Budget::default();
        let taken = (0..100).filter(|_| budget.take()).count();
        assert_eq!(taken, 10);
        for _ in 0..100 {
            budget.earn();
        }
        let taken = (0..100).filter(|_| budget.take()).count();
        assert_eq!(taken, 10);
    }

    #[test]
    fn what_may_come_twice() {
        for (method, expected) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::POST, false),
            (Method::PATCH, false),
            (Method::CONNECT, false),
        ] {
            let mut request = Request::builder().method(&method).body(()).unwrap();
            assert_eq!(is_repeatable(&request), expected, "{method}");
            request.extensions_mut().insert(SafeToRepeat::new());
            assert!(is_repeatable(&request), "{method}");
        }
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(seed: u64, retry in 0_u32..10, asked in proptest::option::of(0_u64..100)) {
            let random = Random::insecure_seeded(seed);
            let policy = RetryPolicy::default().retries(8).waits(MS * 100, MS * 1000);
            let asked = asked.map(|it| MS * u32::try_from(it).unwrap());
            match policy.wait(retry, asked, &random) {
                None => prop_assert!(retry >= 8),
                Some(wait) => {
                    let bound = (MS * 100 * 2_u32.pow(retry)).min(MS * 1000);
                    let least = asked.unwrap_or_default();
                    prop_assert!(retry < 8 && wait >= least && wait <= least + bound);
                }
            }
        }
    }

    #[test]
    fn waits_differ() {
        let random = Random::insecure_seeded(1);
        let policy = RetryPolicy::default();
        let waits: std::collections::HashSet<_> = (0..50)
            .filter_map(|_| policy.wait(0, None, &random))
            .collect();
        assert!(waits.len() > 40);
        assert!(waits.iter().any(|it| *it < MS * 25) && waits.iter().any(|it| *it > MS * 75));
    }
}
