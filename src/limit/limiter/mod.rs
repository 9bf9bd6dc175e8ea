//! Limits in the memory of this process.

mod asks;
mod notes;
mod rate_limiter;
mod time;

pub(super) use asks::Asks;
pub use rate_limiter::RateLimiter;
