use super::text::cut;
use super::{EventSink, RequestId, SecurityEvent, TraceContext, clean};
use crate::clock::Clock;
use crate::principal::Principal;
use http::Request;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// Emits the events of one request, and adds what is known of the request to each.
///
/// The monitor puts one into the request's extensions; layers below it note the client's
/// address and the principal in it as they learn them. A handler takes it out to tell what
/// only the application knows, such as a failed login. Without a monitor there is none, and
/// [`Emitter::of`] gives one that nobody hears. Cheap to clone.
#[derive(Clone, Default)]
pub struct Emitter {
    scope: Option<Arc<Scope>>,
    /// Who hears the events beside the monitor.
    listener: Option<Arc<dyn EventSink>>,
}

struct Scope {
    sink: Arc<dyn EventSink>,
    clock: Clock,
    method: Option<http::Method>,
    path: Option<Arc<str>>,
    request_id: OnceLock<RequestId>,
    trace_id: OnceLock<Arc<str>>,
    client_ip: OnceLock<IpAddr>,
    subject: OnceLock<Arc<str>>,
}

impl fmt::Debug for Emitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.scope.as_ref();
        f.debug_struct("Emitter")
            .field("method", &scope.map(|scope| &scope.method))
            .field("path", &scope.map(|scope| &scope.path))
            .finish_non_exhaustive()
    }
}

impl Emitter {
    /// An emitter for events that belong to no request, such as a failed reload.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>, clock: Clock) -> Self {
        Self::within(Scope {
            sink,
            clock,
            method: None,
            path: None,
            request_id: OnceLock::new(),
            trace_id: OnceLock::new(),
            client_ip: OnceLock::new(),
            subject: OnceLock::new(),
        })
    }

    /// An emitter for the events of this request.
    #[must_use]
    pub fn for_request<B>(sink: Arc<dyn EventSink>, clock: Clock, request: &Request<B>) -> Self {
        let extensions = request.extensions();
        let known_trace = extensions.get().map(TraceContext::shared_id);
        let known_id = extensions.get::<RequestId>().cloned();
        Self::within(Scope {
            sink,
            clock,
            method: Some(cut(request.method())),
            path: Some(clean(request.uri().path()).into()),
            request_id: known_id.map_or_else(OnceLock::new, OnceLock::from),
            trace_id: known_trace.map_or_else(OnceLock::new, OnceLock::from),
            client_ip: OnceLock::new(),
            subject: OnceLock::new(),
        })
    }

    fn within(scope: Scope) -> Self {
        Self {
            scope: Some(Arc::new(scope)),
            listener: None,
        }
    }

    /// This emitter, but `listener` hears its events too, before the monitor does. What is
    /// noted in the one is known to the other. Without a monitor the listener hears events
    /// that know nothing of the request, nor the time.
    #[must_use]
    pub fn heard_by(&self, listener: Arc<dyn EventSink>) -> Self {
        let listener = match &self.listener {
            None => listener,
            Some(before) => Arc::new((listener, Arc::clone(before))),
        };
        Self {
            scope: self.scope.clone(),
            listener: Some(listener),
        }
    }

    /// The emitter of this request; where there is no monitor, one that nobody hears.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Notes the client's address for all events from now on. The first note stays.
    pub fn note_client_ip(&self, address: IpAddr) {
        if let Some(scope) = &self.scope {
            let _already_known = scope.client_ip.set(address);
        }
    }

    /// Notes the principal for all events from now on. The first note stays.
    pub fn note_principal(&self, principal: &Principal) {
        if let Some(scope) = &self.scope {
            let id = principal.id();
            let subject = match clean(id) {
                Cow::Borrowed(text) if text.len() == id.len() => principal.shared_id(),
                cleaned => cleaned.into(),
            };
            let _already_known = scope.subject.set(subject);
        }
    }

    /// Notes the request's id for all events from now on. The first note stays.
    pub fn note_request_id(&self, id: &RequestId) {
        if let Some(scope) = &self.scope {
            let _already_known = scope.request_id.set(id.clone());
        }
    }

    /// Notes the trace of the request for all events from now on. The first note stays.
    pub fn note_trace(&self, trace: &TraceContext) {
        if let Some(scope) = &self.scope {
            let _already_known = scope.trace_id.set(trace.shared_id());
        }
    }

    /// Emits an event: with the time, and with what is known of the request where the event
    /// does not say otherwise.
    pub fn emit(&self, mut event: SecurityEvent) {
        if let Some(scope) = &self.scope {
            event = scope.complete(event);
        }
        match (&self.scope, &self.listener) {
            (None, None) => {}
            (None, Some(listener)) => listener.record(event),
            (Some(scope), None) => scope.sink.record(event),
            (Some(scope), Some(listener)) => {
                listener.record(event.clone());
                scope.sink.record(event);
            }
        }
    }
}

impl Scope {
    fn complete(&self, mut event: SecurityEvent) -> SecurityEvent {
        event.time = self.clock.now();
        event.client_ip = event.client_ip.or_else(|| self.client_ip.get().copied());
        event.request_id = event.request_id.or_else(|| self.request_id.get().cloned());
        event.subject = event.subject.or_else(|| self.subject.get().cloned());
        event.trace_id = event.trace_id.or_else(|| self.trace_id.get().cloned());
        event.method = event.method.or_else(|| self.method.clone());
        event.path = event.path.or_else(|| self.path.clone());
        event
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EventKind, RecentEvents};
    use super::*;
    use crate::clock::{FakeClock, Timestamp};
    use crate::principal::Authentication;

    #[test]
    fn what_the_request_knows_goes_into_each_event() {
        let recent = Arc::new(RecentEvents::new(4));
        let clock = FakeClock::at_unix_seconds(9).clock();
        let request = Request::builder().uri("/a?token=secret").body(()).unwrap();
        let emitter = Emitter::for_request(recent.clone(), clock, &request);
        emitter.note_client_ip([192, 0, 2, 1].into());
        emitter.emit(SecurityEvent::new(EventKind::AuthzFail));
        let events = recent.snapshot();
        assert_eq!(events[0].path(), Some("/a"));
        assert_eq!(events[0].client_ip(), Some([192, 0, 2, 1].into()));
        assert_eq!(events[0].time().unix_seconds(), 9);
    }

    #[test]
    fn the_id_of_a_principal_cannot_forge_a_line() {
        let recent = Arc::new(RecentEvents::new(1));
        let subject_of = |id: &str| {
            let emitter = Emitter::new(recent.clone(), Clock::system());
            emitter.note_principal(&Principal::new(
                id,
                Authentication::new(Timestamp::default()),
            ));
            emitter.emit(SecurityEvent::new(EventKind::AuthzFail));
            recent.snapshot()[0].subject().unwrap().to_owned()
        };
        assert_eq!(subject_of("user-17"), "user-17");
        assert_eq!(subject_of("a\nb\u{202E}"), "a\u{FFFD}b\u{FFFD}");
        assert_eq!(subject_of(&"x".repeat(9000)).len(), 256);
    }

    #[test]
    fn a_method_is_no_longer_than_other_text() {
        let recent = Arc::new(RecentEvents::new(4));
        let method = "M".repeat(100_000);
        let request = Request::builder().method(&*method).body(()).unwrap();
        Emitter::for_request(recent.clone(), Clock::system(), &request)
            .emit(SecurityEvent::new(EventKind::AuthzFail));
        let events = recent.snapshot();
        assert_eq!(events[0].method().unwrap().as_str(), &method[..256]);
    }

    #[test]
    fn listeners_hear_beside_the_monitor_and_without_one() {
        let [monitor, inner, outer] = [(); 3].map(|()| Arc::new(RecentEvents::new(4)));
        let watched = Emitter::new(monitor.clone(), Clock::system());
        let watched = watched.heard_by(outer.clone()).heard_by(inner.clone());
        watched.note_client_ip([192, 0, 2, 1].into());
        watched.emit(SecurityEvent::new(EventKind::AuthzFail));
        for heard in [&monitor, &inner, &outer] {
            let heard = heard.snapshot();
            assert_eq!(heard.len(), 1);
            assert_eq!(heard[0].client_ip(), Some([192, 0, 2, 1].into()));
        }
        let alone = Emitter::default().heard_by(inner.clone());
        alone.emit(SecurityEvent::new(EventKind::AuthzFail));
        assert_eq!(inner.snapshot().len(), 2);
        assert_eq!(monitor.snapshot().len(), 1);
    }

    #[test]
    fn without_a_monitor_nothing_happens() {
        Emitter::of(&http::Extensions::new()).emit(SecurityEvent::new(EventKind::AuthzFail));
    }
}
