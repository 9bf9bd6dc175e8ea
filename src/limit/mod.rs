//! How much is too much: quotas by client, principal, credential or route.
//!
//! Without limits one client can take all of a service, guess passwords all night, or run up
//! a bill (OWASP API4:2023, contributes to ASVS 5.0 2.4.1 and 6.3.1). [`RateLimitLayer`] counts
//! requests, or what they cost, by the GCRA algorithm of [`governor`]:
//!
//! 1. Each key has its own allowance, full at first, and refilled evenly: with 100 a minute,
//!    one every 600 ms. What is not used in time is lost; at most a full allowance
//!    ([`Quota::burst`]) is there at once.
//! 2. Several quotas hold together, up to eight: a request is admitted when all of them admit
//!    it, and then is charged to all; when one refuses, none is charged. That holds for the
//!    quotas of one key and for several [rules](Rule) with keys of their own: per client, per
//!    user, and for all.
//! 3. By default the key is the client's network ([`rate_key`]): an IPv4 address, an IPv6 /64.
//!    A request without the key in question (nobody is authenticated) is counted by the
//!    client's network instead, and one without even that together with all others of its
//!    kind: never an error, never without limit. Which quotas hold a key may depend on its
//!    [plan](Plans).
//! 4. A refusal is 429 with `Retry-After` and the problem type `quota-exceeded`; every answer
//!    carries the `RateLimit-Policy` and `RateLimit` fields of
//!    draft-ietf-httpapi-ratelimit-headers-11, beside those of other limiters. Older forms are
//!    to be had ([`draft_7_fields`](RateLimitLayer::draft_7_fields),
//!    [`legacy_fields`](RateLimitLayer::legacy_fields)).
//! 5. Each process counts for itself, in bounded memory, whatever clients come: see
//!    [`RateLimiter`]. With [`store`](RateLimitLayer::store), all processes count together: see
//!    [`SharedLimiter`] for what that costs, and [`Fallback`] for what happens when the store
//!    fails: unless told otherwise, each process then limits by itself to the whole quota.
//!
//! How many requests begin is one thing, how many are under way at once another:
//! [`ConcurrencyLimitLayer`]. How many connections there are, and how long those are kept on
//! which nothing is asked, no layer hears: that is for the server to bound, as that of the
//! example `secure_api` does.
//!
//! Deployment: put a [`ClientIpLayer`] outside of it, told which proxies to trust; without one
//! all clients share one allowance (the first such request says so in an event). Limits by
//! principal belong inside of authentication, a limit by address outside. Try new quotas with
//! [`dry_run`](RateLimitLayer::dry_run).
//!
#![cfg_attr(feature = "rate-limit", doc = "```")]
#![cfg_attr(not(feature = "rate-limit"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::limit::{Quota, RateLimitLayer};
//! use portcullis::net::client_ip::ClientIp;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = RateLimitLayer::new([Quota::per_minute(2)?, Quota::per_hour(100)?]);
//! let service = limit.layer(service_fn(async |_: Request<()>| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("hello"))))
//! }));
//! let request = || {
//!     // In a service, a `ClientIpLayer` does this.
//!     let client = ClientIp::from(std::net::IpAddr::from([203, 0, 113, 7]));
//!     Request::get("/").extension(client).body(()).unwrap()
//! };
//!
//! let response = service.clone().oneshot(request()).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(
//!     response.headers()["ratelimit-policy"],
//!     r#""per-minute";q=2;w=60, "per-hour";q=100;w=3600"#
//! );
//! assert_eq!(
//!     response.headers()["ratelimit"],
//!     r#""per-minute";r=1;t=30, "per-hour";r=99;t=3564"#
//! );
//!
//! service.clone().oneshot(request()).await?;
//! let response = service.oneshot(request()).await?;
//! assert_eq!(response.status(), 429);
//! assert_eq!(response.headers()["retry-after"], "30");
//! # Ok(())
//! # }
//! ```
//!
//! [`rate_key`]: crate::net::client_ip::rate_key
//! [`ClientIpLayer`]: crate::net::client_ip::ClientIpLayer

#[cfg(feature = "rate-limit")]
mod answer;
#[cfg(feature = "bans")]
pub mod ban;
#[cfg(feature = "rate-limit")]
mod concurrency;
#[cfg(any(feature = "bans", feature = "rate-limit"))]
mod deadline;
#[cfg(feature = "rate-limit")]
mod decision;
#[cfg(feature = "rate-limit")]
mod demand;
#[cfg(feature = "rate-limit")]
mod draft;
#[cfg(feature = "rate-limit")]
mod error;
#[cfg(feature = "rate-limit")]
mod fields;
#[cfg(feature = "rate-limit")]
mod key;
#[cfg(feature = "rate-limit")]
mod layer;
#[cfg(feature = "rate-limit")]
mod limiter;
#[cfg(feature = "rate-limit")]
mod plan;
#[cfg(feature = "rate-limit")]
mod quota;
#[cfg(feature = "rate-limit")]
mod rule;
#[cfg(feature = "rate-limit")]
mod set;
#[cfg(feature = "rate-limit")]
mod shared;
#[cfg(feature = "rate-limit")]
mod subject;
#[cfg(feature = "rate-limit")]
mod table;
#[cfg(feature = "rate-limit")]
mod window;

#[cfg(feature = "rate-limit")]
pub use answer::RateLimitExit;
#[cfg(feature = "rate-limit")]
pub use concurrency::{ConcurrencyLimitExit, ConcurrencyLimitLayer};
#[cfg(feature = "rate-limit")]
pub use decision::{Decision, Outcome, Standing};
#[cfg(feature = "rate-limit")]
pub use demand::Demand;
#[cfg(feature = "rate-limit")]
pub use error::InvalidQuota;
#[cfg(feature = "rate-limit")]
pub use key::RateKey;
#[cfg(feature = "rate-limit")]
pub use layer::RateLimitLayer;
#[cfg(feature = "rate-limit")]
pub use limiter::RateLimiter;
#[cfg(feature = "rate-limit")]
pub use plan::Plans;
#[cfg(feature = "rate-limit")]
pub use quota::{Quota, Quotas};
#[cfg(feature = "rate-limit")]
pub use rule::{Fallback, Rule};
#[cfg(feature = "rate-limit")]
pub use shared::SharedLimiter;
