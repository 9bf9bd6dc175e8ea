//! Tries an implementation of [`StoreBackend`](super::StoreBackend) or
//! [`RecordsBackend`](super::RecordsBackend) against its contract, races included.
//!
//! Tell the suite how to get an empty store, how to let time pass and how to run tasks at
//! once; it tells which cases passed. It needs no runtime of its own; races are only real on a
//! runtime with several threads, though.
//!
//! ```
//! use portcullis::clock::FakeClock;
//! use portcullis::store::conformance::{Task, StoreHarness, Tasks, check_store};
//! use portcullis::store::{MemoryStore, Store};
//! use std::time::Duration;
//!
//! #[derive(Debug)]
//! struct Memory(FakeClock);
//!
//! impl Tasks for Memory {
//!     fn run(&self, tasks: Vec<Task>) -> Task {
//!         Box::pin(async {
//!             let running = tasks.into_iter().map(tokio::spawn).collect::<Vec<_>>();
//!             for task in running {
//!                 task.await.expect("no case panics");
//!             }
//!         })
//!     }
//!
//!     fn rounds(&self) -> usize {
//!         5 // A real run leaves this at 200.
//!     }
//! }
//!
//! impl StoreHarness for Memory {
//!     async fn fresh(&self) -> Store {
//!         Store::new(MemoryStore::builder().clock(self.0.clock()).build())
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         self.0.advance(time); // For a real clock: sleep.
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?.block_on(async {
//! let report = check_store(&Memory(FakeClock::at_unix_seconds(0))).await?;
//! assert_eq!(report.skipped(), ["bounds::a_full_store_refuses_and_keeps"]);
//! # Ok::<(), portcullis::store::conformance::Failures>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```

mod bounds;
mod counters;
mod keys;
mod owners;
mod quotas;
mod races;
mod records;
mod report;
mod values;

pub use records::RecordsHarness;
pub use report::{Failure, Failures, Report};

use super::{Namespace, Store};
use report::{Case, Outcome, Runs};
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

/// Something to run.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs what has to happen at once.
pub trait Tasks: fmt::Debug + Sync {
    /// Runs all of these at the same time, each spawned on a runtime with several threads,
    /// and ends when the last one has ended.
    fn run(&self, tasks: Vec<Task>) -> Task;

    /// How often each race is run.
    fn rounds(&self) -> usize {
        200
    }
}

/// How the suite gets at a store.
pub trait StoreHarness: Tasks {
    /// An empty store, or one with a prefix of its own in a shared one.
    fn fresh(&self) -> impl Future<Output = Store> + Send;

    /// Lets this much time pass for every store from [`fresh`](Self::fresh): moves a fake
    /// clock, or sleeps.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// The unit of all short times to live. The time between two calls must be well below
    /// it: a second is right for a fake clock, 100 ms for a store on this machine's network.
    fn tick(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// A store that is full with this many entries, if there is such a thing.
    fn bounded(&self, _entries: usize) -> Option<Store> {
        None
    }
}

const VALUES: Namespace = Namespace::values("conformance");
const COUNTERS: Namespace = Namespace::counters("conformance");
const QUOTAS: Namespace = Namespace::quotas("conformance");

/// Long enough to outlast the suite.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Runs a list of cases.
macro_rules! run {
    ($report:ident, $harness:ident: $($file:ident::{$($case:ident),+ $(,)?};)+) => {
        $($(
            let name = concat!(stringify!($file), "::", stringify!($case));
            $report.note(name, $file::$case($harness).await);
        )+)+
    };
}
/// Runs every case against a store.
///
/// # Errors
/// The cases that failed, and how.
pub async fn check_store<H: StoreHarness>(harness: &H) -> Result<Report, Failures> {
    let mut report = Runs::default();
    run! { report, harness:
        values::{
            what_is_not_there_is_absent, put_replaces, an_entry_is_gone_at_its_expiry,
            put_starts_the_time_to_live_anew, put_if_absent_leaves_what_is_there,
            swap_compares_to_the_byte, swap_starts_the_time_to_live_anew, take_takes_once,
            delete_tells_whether_there_was_one, a_time_to_live_of_zero_is_over_at_once,
            times_to_live_from_shortest_to_longest, any_bytes_are_a_value,
        };
        keys::{any_bytes_are_an_id, kinds_and_namespaces_never_meet, owners_never_meet};
        counters::{
            counts_add_up, the_first_count_starts_the_window, counting_zero_only_looks,
            the_count_stops_at_its_end, a_window_of_zero_is_over_at_once, delete_starts_anew,
        };
        quotas::{
            exactly_the_burst_is_admitted, refills_steadily, all_or_nothing, costs_are_charged,
            a_cost_of_zero_only_looks, eight_are_decided_together, delete_fills_a_quota,
            a_changed_rate_counts_at_once, the_fastest_and_the_slowest_rate,
        };
        owners::{
            lists_what_expires_soonest_first, the_list_follows_every_operation,
            expired_entries_are_neither_listed_nor_counted, above_the_limit_is_refused,
            above_the_limit_the_soonest_to_expire_go, deletes_all_or_all_but_one,
            what_was_revoked_does_not_rise_again,
        };
        bounds::{a_full_store_refuses_and_keeps};
        races::{
            one_put_if_absent_wins, one_take_wins, one_delete_wins, no_swap_is_lost,
            no_count_is_lost, no_quota_admits_too_much, batches_are_charged_whole,
            owners_stay_within_their_limit, evictions_are_told_once,
            revoking_beats_swapping, lists_and_entries_agree,
        };
    }
    report.finish()
}

/// Runs every case against records.
///
/// # Errors
/// The cases that failed, and how.
pub async fn check_records<H: RecordsHarness>(harness: &H) -> Result<Report, Failures> {
    let mut report = Runs::default();
    run! { report, harness:
        records::{
            insert_and_get, update_expects_the_version, delete_expects_the_version,
            versions_are_never_reused, commits_are_whole, a_requirement_guards_a_commit,
            lists_by_pages, lists_by_owner, any_bytes_are_ids_and_values,
            full_records_refuse_and_keep, one_insert_wins, no_update_is_lost,
            commits_do_not_mix,
        };
    }
    report.finish()
}
