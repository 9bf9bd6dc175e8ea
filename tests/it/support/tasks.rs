use std::pin::Pin;
use tokio::task::JoinSet;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs all tasks at once on the runtime, and ends with the last one.
#[cfg_attr(
    not(feature = "conformance"),
    expect(dead_code, reason = "the conformance suites use it")
)]
pub(crate) fn run_together(tasks: Vec<Task>) -> Task {
    Box::pin(async {
        let running: JoinSet<()> = tasks.into_iter().collect();
        running.join_all().await;
    })
}
