use super::{EventSink, SecurityEvent};
use crate::lock::lock;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

/// Keeps the last events in memory, for an operator's page or a test.
pub struct RecentEvents {
    capacity: usize,
    events: Mutex<VecDeque<SecurityEvent>>,
}

impl RecentEvents {
    /// Keeps the last `capacity` events.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            events: Mutex::default(),
        }
    }

    /// The events kept, newest first.
    #[must_use]
    pub fn snapshot(&self) -> Vec<SecurityEvent> {
        let events = lock(&self.events);
        events.iter().rev().cloned().collect()
    }
}

impl EventSink for RecentEvents {
    fn record(&self, event: SecurityEvent) {
        let mut events = lock(&self.events);
        while events.len() >= self.capacity {
            if events.pop_front().is_none() {
                return;
            }
        }
        events.push_back(event);
    }
}

impl fmt::Debug for RecentEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentEvents")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::EventKind;
    use super::*;

    #[test]
    fn keeps_the_newest() {
        let recent = RecentEvents::new(2);
        for subject in ["a", "b", "c"] {
            recent.record(SecurityEvent::new(EventKind::AuthzFail).with_subject(subject));
        }
        let subjects: Vec<_> = recent.snapshot();
        let subjects: Vec<_> = subjects.iter().map(|e| e.subject().unwrap()).collect();
        assert_eq!(subjects, ["c", "b"]);
    }

    #[test]
    fn a_capacity_of_nothing_keeps_nothing() {
        let recent = RecentEvents::new(0);
        recent.record(SecurityEvent::new(EventKind::AuthzFail));
        assert!(recent.snapshot().is_empty());
    }
}
