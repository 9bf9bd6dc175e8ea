//! What several modules of the tests need.

mod spy;
mod tasks;
mod vectors;

#[allow(unused_imports, reason = "which are used depends on the features")]
pub(crate) use {spy::Spy, tasks::run_together, vectors::vectors};
