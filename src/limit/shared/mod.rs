//! Limits that several processes share through a store.

mod charge;
mod outage;
mod remember;
mod shared_limiter;

pub(super) use outage::News;
pub(super) use shared_limiter::By;
pub use shared_limiter::SharedLimiter;
