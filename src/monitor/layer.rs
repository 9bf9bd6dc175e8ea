use super::{MetricsSink, TracingSink};
use crate::clock::Clock;
use crate::event::{Emitter, EventKind, EventSink, SecurityEvent};
use crate::guard::{Body, Exit, Guard, Rejection, Verdict, impl_layer};
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;

/// Hears every event below it. See the [module](super).
#[derive(Clone)]
#[must_use]
pub struct MonitorLayer {
    sink: Arc<dyn EventSink>,
    clock: Clock,
}

impl MonitorLayer {
    /// Hands events to `sink`, to `tracing` and to `metrics`.
    pub fn new(sink: impl EventSink) -> Self {
        Self::only((sink, (TracingSink, MetricsSink)))
    }

    /// Hands events to `tracing` and `metrics`.
    pub fn tracing_and_metrics() -> Self {
        Self::only((TracingSink, MetricsSink))
    }

    /// Hands events to `sink` alone.
    pub fn only(sink: impl EventSink) -> Self {
        Self {
            sink: Arc::new(sink),
            clock: Clock::system(),
        }
    }

    /// Takes the time of events from `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl fmt::Debug for MonitorLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorLayer").finish_non_exhaustive()
    }
}

impl_layer!(MonitorLayer);

impl Guard for MonitorLayer {
    type Exit = MonitorExit;

    fn check<B>(&self, request: &mut Request<B>) -> Verdict<MonitorExit> {
        let sink = Arc::clone(&self.sink);
        let emitter = Emitter::for_request(sink, self.clock.clone(), request);
        request.extensions_mut().insert(emitter.clone());
        Verdict::Admit(MonitorExit(emitter))
    }
}

/// Turns the rejection in a response, or the failure of a handler, into an event.
#[derive(Debug)]
pub struct MonitorExit(Emitter);

impl Exit for MonitorExit {
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        if let Some(rejection) = response.extensions().get::<Rejection>() {
            count(rejection);
            if let Some(event) = rejection.to_event() {
                self.0.emit(event.with_status(rejection.status()));
            }
        } else if response.status().is_server_error() {
            let event = SecurityEvent::new(EventKind::SysHandlerError);
            self.0.emit(event.with_status(response.status()));
        }
    }
}

fn count(rejection: &Rejection) {
    let labels = [
        ("code", rejection.code().to_owned()),
        ("status", rejection.status().as_u16().to_string()),
    ];
    metrics::counter!("portcullis_rejections_total", &labels).increment(1);
}
