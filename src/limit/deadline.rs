use std::time::Duration;

/// What comes of it, unless that takes longer. Outside of a runtime of tokio there is no timer,
/// and it takes as long as it takes.
pub(super) async fn within<F: Future>(deadline: Duration, future: F) -> Option<F::Output> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Some(future.await);
    }
    tokio::time::timeout(deadline, future).await.ok()
}
