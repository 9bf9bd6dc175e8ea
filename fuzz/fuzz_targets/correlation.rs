#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::event::{EventKind, RequestId, SecurityEvent, TraceContext};

fuzz_target!(|text: &str| {
    if let Ok(id) = RequestId::parse(text) {
        assert_eq!(id.as_str(), text);
        assert!(http::HeaderValue::from_str(id.as_str()).is_ok());
    }
    if let Some(trace) = TraceContext::parse(text) {
        assert_eq!(trace.trace_id().len(), 32);
    }
    let event = SecurityEvent::new(EventKind::AuthnLoginFail)
        .with_subject(text)
        .with_reason(text.to_owned())
        .with_detail("text", text);
    let line = serde_json::to_string(&event).expect("an event is always JSON");
    assert!(!line.contains(['\n', '\r', '\u{2028}', '\u{202e}', '\u{1b}']));
    assert!(line.len() < 8192);
});
