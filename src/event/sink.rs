use super::SecurityEvent;
use std::sync::Arc;

/// Hears security events.
///
/// A sink is called on the request's own thread: it must be quick and must not block. One
/// that writes to a disk or a network hands the event to a bounded queue and counts what it
/// had to drop.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hear security events",
    note = "implement `EventSink`, or use a tuple of sinks or `RecentEvents`"
)]
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn record(&self, event: SecurityEvent);
}

impl<S: EventSink + ?Sized> EventSink for Arc<S> {
    fn record(&self, event: SecurityEvent) {
        (**self).record(event);
    }
}

/// Both hear every event.
impl<A: EventSink, B: EventSink> EventSink for (A, B) {
    fn record(&self, event: SecurityEvent) {
        self.0.record(event.clone());
        self.1.record(event);
    }
}
