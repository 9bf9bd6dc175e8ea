use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Barrier;
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

/// Runs as many tasks, all from one start, and gives back what each found.
#[allow(dead_code, reason = "which are used depends on the features")]
pub(crate) async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    runners: usize,
    run: impl Fn(usize) -> F,
) -> Vec<T> {
    let start = Arc::new(Barrier::new(runners));
    let runner = |number| {
        let (start, run) = (Arc::clone(&start), run(number));
        async move {
            start.wait().await;
            run.await
        }
    };
    let running: JoinSet<T> = (0..runners).map(runner).collect();
    running.join_all().await
}
