//! How many requests may be under way at once.

mod gate;
mod layer;
mod slots;

pub use layer::{ConcurrencyLimitExit, ConcurrencyLimitLayer};
