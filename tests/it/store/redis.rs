//! The store on real servers of Redis: the conformance suite, and what a server can do to us.

mod cluster;
mod connecting;
mod expiry;
mod faults;
mod full;
mod mirror;
mod processes;

use crate::support::redis::{Cluster, Server};
use portcullis::store::gcra::Rate;
use portcullis::store::{Namespace, Store};
use std::time::Duration;

const VALUES: Namespace = Namespace::values("test");
const COUNTERS: Namespace = Namespace::counters("test");
const QUOTAS: Namespace = Namespace::quotas("test");
const HOUR: Duration = Duration::from_secs(60 * 60);

/// So many units, of which none refills within a test.
fn slow_rate(burst: u64) -> Rate {
    Rate::new(burst, HOUR * 24 * 90).unwrap()
}

#[cfg(feature = "conformance")]
mod conformance {
    use super::*;
    use portcullis::store::conformance::{StoreHarness, Task, Tasks, check_store};
    use portcullis::store::redis::RedisStoreBuilder;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Each store that is asked for has a prefix of its own.
    #[derive(Debug)]
    struct Redis {
        builder: RedisStoreBuilder,
        stores: AtomicUsize,
        rounds: usize,
    }

    impl Tasks for Redis {
        fn run(&self, tasks: Vec<Task>) -> Task {
            crate::support::run_together(tasks)
        }

        fn rounds(&self) -> usize {
            self.rounds
        }
    }

    impl StoreHarness for Redis {
        async fn fresh(&self) -> Store {
            let number = self.stores.fetch_add(1, Ordering::Relaxed);
            let builder = self.builder.clone().prefix(format!("test-{number}:"));
            Store::new(builder.connect().await.unwrap())
        }

        async fn pass(&self, time: Duration) {
            tokio::time::sleep(time).await;
        }

        /// Long, for this machine may be busy with other tests.
        fn tick(&self) -> Duration {
            Duration::from_millis(300)
        }
    }

    async fn check(builder: RedisStoreBuilder, rounds: usize) {
        let stores = AtomicUsize::new(0);
        let redis = Redis {
            builder,
            stores,
            rounds,
        };
        let report = check_store(&redis).await.unwrap();
        // Redis counts bytes and not entries; its bound is tried in `a_full_server_refuses`.
        assert_eq!(report.skipped(), ["bounds::a_full_store_refuses_and_keeps"]);
        assert_eq!(report.passed().len(), 48);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn redis_keeps_the_contract() {
        let server = Server::start().await;
        check(server.builder(), 200).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_cluster_keeps_the_contract() {
        let cluster = Cluster::start().await;
        check(cluster.builder(), 200).await;
    }
}
