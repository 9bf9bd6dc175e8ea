use tokio::runtime::Handle;
use tokio::sync::watch;

/// A call under way: one asks, and all who want to know wait for it.
#[derive(Clone, Debug)]
pub(super) struct Flight<T>(watch::Receiver<Option<T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Begins a call on the runtime of Tokio from which this is called, on its own, so that it
    /// does not end with the request that began it. `None` where there is no such runtime.
    pub(super) fn begin(call: impl Future<Output = T> + Send + 'static) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let (landed, flight) = watch::channel(None);
        runtime.spawn(async move {
            let outcome = call.await;
            landed.send_replace(Some(outcome));
        });
        Some(Self(flight))
    }

    /// Whether it has neither landed nor been lost.
    pub(super) fn is_under_way(&self) -> bool {
        self.0.has_changed().is_ok()
    }

    /// What came of it; `None` where the runtime went away before.
    pub(super) async fn landed(mut self) -> Option<T> {
        let outcome = self.0.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}
