//! What several modules of the tests need.

#[cfg(unix)]
mod fork;
#[cfg(feature = "redis")]
pub(crate) mod redis;
mod sources;
mod spy;
mod tasks;
mod vectors;

#[allow(unused_imports, reason = "which are used depends on the features")]
#[cfg(unix)]
pub(crate) use fork::drawn_by_both;
#[allow(unused_imports, reason = "which are used depends on the features")]
pub(crate) use {sources::rust_files, spy::Spy, tasks::run_together, vectors::vectors};
