use super::limiter::{State, standings};
use super::window::Window;
use super::{Decision, Outcome, Quotas, RateKey, RateLimiter, Standing, fields};
use crate::clock::Clock;
use crate::event::TellOnce;
use crate::guard::{Body, Exit, Guard, Rejection, RejectionKind, RequestHead, Verdict};
use crate::net::client_ip::{ClientIp, Ipv6Prefix, rate_key_with_prefix};
use crate::principal::Principal;
use http::{HeaderMap, HeaderValue, Request, Response};
use std::fmt;
use std::sync::Arc;

/// The problem type of draft-ietf-httpapi-ratelimit-headers-11 section 5.1.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

type KeyOf = dyn for<'a> Fn(&RequestHead<'a>) -> Option<RateKey<'a>> + Send + Sync;
type CostOf = dyn Fn(&RequestHead<'_>) -> u32 + Send + Sync;

/// Refuses requests that are too many.
///
/// Counts by the client's network, unless one of the `by_` methods says otherwise; each
/// request costs 1, unless [`cost`](Self::cost) says otherwise. Clones share what they count:
/// the same layer on two routes is one limit for both.
#[derive(Clone)]
#[must_use]
pub struct RateLimitLayer {
    limiter: RateLimiter,
    key: Key,
    ipv6_prefix: Ipv6Prefix,
    cost: Option<Arc<CostOf>>,
    /// The `RateLimit-Policy` field; none where the fields are not wanted.
    policy: Option<HeaderValue>,
    unknown: TellOnce,
}

#[derive(Clone)]
enum Key {
    ClientIp,
    Principal,
    Credential,
    Route,
    Everybody,
    By(Arc<KeyOf>),
}

impl RateLimitLayer {
    /// Holds each client to these quotas: a [`Quota`](super::Quota), or an array of up to four
    /// that hold together.
    pub fn new(quotas: impl Into<Quotas>) -> Self {
        Self::of(RateLimiter::new(quotas))
    }

    /// Holds each client to the quotas of this limiter, which others may use as well: a
    /// handler that charges more for what turns out to be dear.
    pub fn of(limiter: RateLimiter) -> Self {
        Self {
            key: Key::ClientIp,
            ipv6_prefix: Ipv6Prefix::DEFAULT,
            cost: None,
            policy: fields::policy(limiter.windows()),
            unknown: TellOnce::default(),
            limiter,
        }
    }

    /// Counts by the [`Principal`]: its tenant and id.
    pub fn by_principal(mut self) -> Self {
        self.key = Key::Principal;
        self
    }

    /// Counts by the credential that the [`Principal`] was authenticated with, such as an API
    /// key, a token or a session.
    pub fn by_credential(mut self) -> Self {
        self.key = Key::Credential;
        self
    }

    /// Counts by method and path, as they came, for all clients together. A client can make
    /// up as many paths as it likes; where that matters, put a limit
    /// [for all](Self::for_everybody) on the one route instead.
    pub fn by_route(mut self) -> Self {
        self.key = Key::Route;
        self
    }

    /// One limit for all requests.
    pub fn for_everybody(mut self) -> Self {
        self.key = Key::Everybody;
        self
    }

    /// Counts by what `key` finds in the head of the request, and where it finds nothing, by
    /// the client's network. It should be something that a client cannot make up anew for
    /// each request, for then nothing is limited: no unchecked header.
    ///
    /// ```
    /// use portcullis::limit::{Quota, RateLimitLayer};
    /// use portcullis::principal::Principal;
    ///
    /// let per_tenant = RateLimitLayer::new(Quota::per_second(100)?)
    ///     .by(|request| Some(request.extensions().get::<Principal>()?.tenant()?.into()));
    /// # Ok::<(), portcullis::limit::InvalidQuota>(())
    /// ```
    pub fn by(
        mut self,
        key: impl for<'a> Fn(&RequestHead<'a>) -> Option<RateKey<'a>> + Send + Sync + 'static,
    ) -> Self {
        self.key = Key::By(Arc::new(key));
        self
    }

    /// Counts IPv6 clients by networks of this prefix instead of 64 bits.
    ///
    /// ```
    /// use portcullis::limit::{Quota, RateLimitLayer};
    /// use portcullis::net::client_ip::Ipv6Prefix;
    ///
    /// let per_site = RateLimitLayer::new(Quota::per_minute(100)?).ipv6_prefix(Ipv6Prefix::new(56)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ipv6_prefix(mut self, prefix: Ipv6Prefix) -> Self {
        self.ipv6_prefix = prefix;
        self
    }

    /// Charges what `cost` says. A request of cost zero always passes; one that costs more
    /// than a quota allows at once never does.
    pub fn cost(mut self, cost: impl Fn(&RequestHead<'_>) -> u32 + Send + Sync + 'static) -> Self {
        self.cost = Some(Arc::new(cost));
        self
    }

    /// Takes at most this many bytes for the keys: see [`RateLimiter::max_bytes`].
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limiter = self.limiter.max_bytes(bytes);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.limiter = self.limiter.clock(clock);
        self
    }

    /// Leaves the `RateLimit` fields out of the answers, so that nobody learns how much the
    /// service allows. `Retry-After` stays.
    pub fn without_fields(mut self) -> Self {
        self.policy = None;
        self
    }

    /// The limiter that counts.
    #[must_use]
    pub const fn limiter(&self) -> &RateLimiter {
        &self.limiter
    }

    fn key_of<'a>(&self, request: &RequestHead<'a>) -> RateKey<'a> {
        let principal = || request.extensions().get::<Principal>();
        let key = match &self.key {
            Key::ClientIp => None,
            Key::Principal => principal().map(|who| RateKey::principal(who.tenant(), who.id())),
            Key::Credential => principal()
                .and_then(|who| who.authentication().credential())
                .map(RateKey::credential),
            Key::Route => {
                let method = request.method().as_str();
                return RateKey::route(method, request.uri().path());
            }
            Key::Everybody => return RateKey::EVERYBODY,
            Key::By(key) => key(request),
        };
        key.unwrap_or_else(|| self.network_of(request))
    }

    fn network_of(&self, request: &RequestHead<'_>) -> RateKey<'static> {
        match request.extensions().get::<ClientIp>() {
            Some(client) => rate_key_with_prefix(client.address(), self.ipv6_prefix).into(),
            None => {
                self.unknown.tell(
                    request.extensions(),
                    "rate_limit_shared",
                    "no ClientIp in the request: such requests share one allowance",
                );
                RateKey::UNKNOWN
            }
        }
    }

    fn reject(&self, decision: &Decision<'_>) -> Rejection {
        let rejection =
            Rejection::new(RejectionKind::RateLimited).with_problem_type(QUOTA_EXCEEDED);
        let rejection = match decision.outcome() {
            Outcome::CostTooHigh => rejection
                .with_code("cost_too_high")
                .with_reason("the request costs more than its quota allows at once"),
            Outcome::Crowded { retry_after } => rejection
                .with_retry_after(retry_after)
                .with_reason("no room for another key: all those there are being refused"),
            Outcome::OverQuota { retry_after } => rejection
                .with_retry_after(retry_after)
                .with_reason(format!("over quota: {}", exceeded(decision).join(", "))),
            Outcome::Admitted => rejection,
        };
        match (&self.policy, fields::limit(decision.standings())) {
            (Some(policy), Some(limit)) => rejection
                .with_member("violated-policies", exceeded(decision))
                .with_header(fields::POLICY, policy.clone())
                .with_header(fields::LIMIT, limit),
            _ => rejection,
        }
    }
}

/// The names of the quotas that refused.
fn exceeded<'a>(decision: &Decision<'a>) -> Vec<&'a str> {
    let exceeded = decision.standings().filter(Standing::is_exceeded);
    exceeded.map(|standing| standing.quota().name()).collect()
}

impl Guard for RateLimitLayer {
    type Exit = RateLimitExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<RateLimitExit> {
        let head = RequestHead::of(request);
        let cost = self.cost.as_ref().map_or(1, |cost| cost(&head));
        let decision = self.limiter.check(self.key_of(&head), cost);
        if !decision.is_admitted() {
            return Verdict::Reject(self.reject(&decision));
        }
        Verdict::Admit(RateLimitExit(self.policy.as_ref().map(|policy| Fields {
            policy: policy.clone(),
            windows: Arc::clone(self.limiter.windows()),
            states: decision.states(),
        })))
    }
}

crate::guard::impl_layer!(RateLimitLayer);

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match &self.key {
            Key::ClientIp => "client ip",
            Key::Principal => "principal",
            Key::Credential => "credential",
            Key::Route => "route",
            Key::Everybody => "everybody",
            Key::By(_) => "closure",
        };
        f.debug_struct("RateLimitLayer")
            .field("limiter", &self.limiter)
            .field("key", &key)
            .finish_non_exhaustive()
    }
}

/// Puts the `RateLimit` fields into the answer, beside those of other limiters.
#[derive(Debug)]
pub struct RateLimitExit(Option<Fields>);

#[derive(Debug)]
struct Fields {
    policy: HeaderValue,
    windows: Arc<[Window]>,
    states: [State; Quotas::MOST],
}

impl Exit for RateLimitExit {
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        let Some(Fields {
            policy,
            windows,
            states,
        }) = self.0
        else {
            return;
        };
        let headers: &mut HeaderMap = response.headers_mut();
        headers.append(fields::POLICY, policy);
        if let Some(limit) = fields::limit(standings(&windows, states)) {
            headers.append(fields::LIMIT, limit);
        }
    }
}
