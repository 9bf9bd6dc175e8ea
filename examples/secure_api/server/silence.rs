//! Connections on which nothing is asked.

use super::{HEADER_TIMEOUT, IDLE_TIMEOUT};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Since when nothing was asked.
#[derive(Debug)]
pub(super) enum Silence {
    FromTheBeginning,
    SinceTheLast,
}

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Requests {
    under_way: AtomicUsize,
    changed: Notify,
}

impl Requests {
    /// Ends when none came in time. The builder begins its own timeouts when it knows the
    /// version of HTTP, and waits for that without end; and of HTTP/2 it asks for no more than
    /// pings to be answered.
    pub(super) async fn silence(&self) -> Silence {
        let changes = async |within| timeout(within, self.changed.notified()).await.is_ok();
        if !changes(HEADER_TIMEOUT).await {
            return Silence::FromTheBeginning;
        }
        loop {
            let changed = changes(IDLE_TIMEOUT).await;
            if !changed && self.under_way.load(Ordering::SeqCst) == 0 {
                return Silence::SinceTheLast;
            }
        }
    }
}

/// A request that is not answered yet. How long a body may take to arrive, layers say.
pub(super) struct UnderWay(Arc<Requests>);

impl UnderWay {
    pub(super) fn begin(requests: &Arc<Requests>) -> Self {
        requests.under_way.fetch_add(1, Ordering::SeqCst);
        requests.changed.notify_one();
        Self(Arc::clone(requests))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}
