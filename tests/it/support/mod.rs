//! What several modules of the tests need.

mod counted;
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
pub(crate) use {
    counted::{CountedRecords, CountedStore},
    sources::rust_files,
    spy::Spy,
    tasks::{race, run_together},
    vectors::vectors,
};
