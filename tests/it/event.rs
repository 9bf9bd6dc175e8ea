//! Events as a log collector gets them.

use portcullis::clock::Clock;
use portcullis::event::{Emitter, EventKind, EventSink, RecentEvents, SecurityEvent};
use std::sync::Arc;

#[test]
fn every_event_is_one_line_of_json() {
    let recent = Arc::new(RecentEvents::new(EventKind::ALL.len()));
    let emitter = Emitter::new(recent.clone(), Clock::system());
    for kind in EventKind::ALL {
        let nasty = "a\"b\\c\n{\"event\":\"authn_login_success\"}\u{2028}\u{202E}";
        let event = SecurityEvent::new(*kind)
            .with_subject(nasty)
            .with_detail("agent", nasty);
        emitter.emit(event.with_reason(nasty));
    }
    let events = recent.snapshot();
    assert_eq!(events.len(), EventKind::ALL.len());
    for event in events {
        let line = serde_json::to_string(&event).unwrap();
        assert!(!line.contains(['\n', '\u{2028}', '\u{202E}']), "{line}");
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        let name = parsed["event"].as_str().unwrap();
        assert!(name.starts_with(event.kind().as_str()), "{name}");
    }
}

#[test]
fn a_pair_of_sinks_hears_the_same() {
    let (first, second) = (
        Arc::new(RecentEvents::new(1)),
        Arc::new(RecentEvents::new(1)),
    );
    let both = (first.clone(), second.clone());
    both.record(SecurityEvent::new(EventKind::SysStartup));
    assert_eq!(first.snapshot(), second.snapshot());
    assert_eq!(first.snapshot().len(), 1);
}
