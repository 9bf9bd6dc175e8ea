use super::{Emitter, EventKind, SecurityEvent};
use http::Extensions;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells of a service that was put together wrongly: every request shows it, and the first one
/// alone says so. Clones say it once together.
#[derive(Clone, Debug, Default)]
pub(crate) struct TellOnce(Arc<AtomicBool>);

impl TellOnce {
    /// Says so by an event of the request with these extensions, unless it was said before.
    #[cold]
    pub(crate) fn tell(
        &self,
        extensions: &Extensions,
        code: &'static str,
        reason: impl fmt::Display,
    ) {
        if !self.0.swap(true, Ordering::Relaxed) {
            let event = SecurityEvent::new(EventKind::SysControlDegraded)
                .with_code(code)
                .with_reason(reason.to_string());
            Emitter::of(extensions).emit(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::event::RecentEvents;

    #[test]
    fn clones_tell_once_together() {
        let heard = Arc::new(RecentEvents::new(9));
        let mut extensions = Extensions::new();
        extensions.insert(Emitter::new(heard.clone(), Clock::system()));
        let once = TellOnce::default();
        for once in [once.clone(), once] {
            once.tell(&extensions, "code", "reason");
        }
        assert_eq!(heard.snapshot().len(), 1);
    }
}
