use crate::event::{EventSink, Level, SecurityEvent};

/// Writes each event to `tracing`, target `portcullis::event`: critical ones at `ERROR`, those
/// worth counting at `WARN`, the rest at `INFO`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingSink;

/// `tracing` knows levels only at compile time.
macro_rules! write_at {
    ($level:ident, $event:expr) => {
        tracing::event!(
            target: "portcullis::event",
            tracing::Level::$level,
            event = $event.kind().as_str(),
            code = $event.code(),
            subject = $event.subject(),
            source_ip = $event.client_ip().map(tracing::field::display),
            request_id = $event.request_id().map(tracing::field::display),
            trace_id = $event.trace_id(),
            request_method = $event.method().map(tracing::field::display),
            request_path = $event.path(),
            status = $event.status(),
            reason = $event.reason(),
        )
    };
}

impl EventSink for TracingSink {
    fn record(&self, event: SecurityEvent) {
        match event.level() {
            Level::Critical => write_at!(ERROR, event),
            Level::Warn => write_at!(WARN, event),
            Level::Info => write_at!(INFO, event),
        }
    }
}

/// Counts each event in `metrics`, as `portcullis_events_total`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct MetricsSink;

impl EventSink for MetricsSink {
    fn record(&self, event: SecurityEvent) {
        let level = match event.level() {
            Level::Critical => "critical",
            Level::Warn => "warn",
            Level::Info => "info",
        };
        let labels = [("event", event.kind().as_str()), ("level", level)];
        metrics::counter!("portcullis_events_total", &labels).increment(1);
    }
}
