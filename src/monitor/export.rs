use crate::event::{EventSink, Level, SecurityEvent};

/// Writes each event to `tracing`, target `portcullis::event`: critical ones at `ERROR`, those
/// worth counting at `WARN`, the rest at `INFO`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingSink;

/// `tracing` knows levels only at compile time.
macro_rules! write_at {
    ($level:ident, $event:expr, $details:expr) => {
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
            details = $details.as_deref(),
        )
    };
}

impl EventSink for TracingSink {
    fn record(&self, event: SecurityEvent) {
        let details = details_of(&event);
        match event.level() {
            Level::Critical => write_at!(ERROR, event, details),
            Level::Warn => write_at!(WARN, event, details),
            Level::Info => write_at!(INFO, event, details),
        }
    }
}

/// `name="value"` of each detail, where there are any. A value can be the client's, such as the
/// name of a parameter: quoted, it cannot end and go on as another detail.
fn details_of(event: &SecurityEvent) -> Option<String> {
    let details = event
        .details()
        .map(|(name, value)| format!("{name}={value:?}"));
    let joined = details.collect::<Vec<_>>().join(" ");
    (!joined.is_empty()).then_some(joined)
}

/// Counts each event in `metrics`, as `portcullis_events_total`, by its kind, level and code:
/// that of the firewall is the class of attack.
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
        let labels = [
            ("event", event.kind().as_str().to_owned()),
            ("level", level.to_owned()),
            ("code", event.code().unwrap_or_default().to_owned()),
        ];
        metrics::counter!("portcullis_events_total", &labels).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    #[test]
    fn a_value_cannot_forge_a_detail() {
        let event = || SecurityEvent::new(EventKind::MaliciousAttackTool);
        for (name, value, expected) in [
            ("plain", "12", r#"score="12" action="refused""#),
            (
                "fields",
                "12 action=admitted by=admin",
                r#"score="12 action=admitted by=admin" action="refused""#,
            ),
            (
                "quotes",
                r#"12" action="admitted"#,
                r#"score="12\" action=\"admitted" action="refused""#,
            ),
            (
                "backslashes",
                r#"12\" action=\"admitted"#,
                r#"score="12\\\" action=\\\"admitted" action="refused""#,
            ),
        ] {
            let event = event().with_detail("score", value);
            let event = event.with_detail("action", "refused");
            assert_eq!(details_of(&event).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(details_of(&event()), None);
    }
}
