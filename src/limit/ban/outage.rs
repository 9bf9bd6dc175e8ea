use crate::clock::Clock;
use crate::event::{Emitter, EventKind, SecurityEvent};
use crate::lock::lock;
use crate::store::StoreError;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long after one outage the next is told, if it still lasts: a store at its bound fails
/// and works in turns.
const QUIET: Duration = Duration::from_secs(60);

/// Tells once that the store fails.
#[derive(Debug)]
pub(super) struct Outage {
    code: &'static str,
    /// Whether this outage was told.
    is_told: AtomicBool,
    last: Mutex<Option<Duration>>,
}

impl Outage {
    pub(super) const fn new(code: &'static str) -> Self {
        Self {
            code,
            is_told: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    pub(super) fn is_over(&self) {
        if self.is_told.load(Ordering::Relaxed) {
            self.is_told.store(false, Ordering::Relaxed);
        }
    }

    #[cold]
    pub(super) fn tell(&self, error: &StoreError, clock: &Clock, emitter: &Emitter) {
        if self.is_told.load(Ordering::Relaxed) || !self.is_due(clock.elapsed()) {
            return;
        }
        self.is_told.store(true, Ordering::Relaxed);
        let event = SecurityEvent::new(EventKind::SysControlDegraded)
            .with_code(self.code)
            .with_reason(error.to_string());
        emitter.emit(event);
    }

    fn is_due(&self, now: Duration) -> bool {
        let mut last = lock(&self.last);
        let is_due = last.is_none_or(|last| now.saturating_sub(last) >= QUIET);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;
    use crate::event::RecentEvents;
    use crate::store::StoreErrorKind;
    use std::sync::Arc;

    #[test]
    fn tells_once_an_outage_and_not_every_second() {
        let time = FakeClock::at_unix_seconds(0);
        let heard = Arc::new(RecentEvents::new(9));
        let emitter = Emitter::new(heard.clone(), time.clock());
        let error = StoreError::new(StoreErrorKind::Full, "full");
        let outage = Outage::new("code");
        let expect = |told, name| {
            outage.tell(&error, &time.clock(), &emitter);
            assert_eq!(heard.snapshot().len(), told, "{name}");
        };
        expect(1, "the first");
        expect(1, "the same");
        outage.is_over();
        time.advance(QUIET - Duration::from_nanos(1));
        expect(1, "soon after");
        time.advance(Duration::from_nanos(1));
        expect(2, "when it lasts");
        time.advance(10 * QUIET);
        expect(2, "the same again");
    }
}
