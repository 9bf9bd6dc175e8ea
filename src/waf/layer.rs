use super::{OverLimit, RawRequest, Report, Waf};
use crate::event::{Emitter, EventKind, Level, RequestId, SecurityEvent};
use crate::guard::collect::DEADLINE;
use crate::guard::inspect::InspectService;
use crate::guard::{
    Inspect, InspectLayer, Reading, Rejection, RejectionKind, Render, RequestHead, Want,
};
use crate::random::Random;
use http::StatusCode;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;

/// What becomes of a hostile request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// It is refused with 403.
    Refuse,
    /// It is admitted: the client has proved something, such as a solved puzzle.
    Admit,
    /// It is answered with this: a challenge, another status.
    With(Rejection),
}

type Challenge = dyn Fn(&RequestHead<'_>, &Report) -> Answer + Send + Sync;

/// Refuses hostile requests. See the [module](super).
///
/// Bodies are read once and handed on byte for byte. To share the reading with others who
/// look into bodies, put it into an [`InspectLayer`] with them: it is an [`Inspect`].
#[derive(Clone)]
#[must_use]
pub struct WafLayer {
    waf: Waf,
    refuses: bool,
    challenge: Option<Arc<Challenge>>,
    deadline: Duration,
    random: Random,
}

impl WafLayer {
    /// Refuses what this [`Waf`], or the one of this [`Ruleset`](super::Ruleset), holds to be
    /// hostile.
    pub fn new(waf: impl Into<Waf>) -> Self {
        Self {
            waf: waf.into(),
            refuses: true,
            challenge: None,
            deadline: DEADLINE,
            random: Random::secure(),
        }
    }

    /// Tells of hostile requests and refuses none: to see what a ruleset would do.
    pub fn monitor_only(mut self) -> Self {
        self.refuses = false;
        self
    }

    /// Asks `challenge` what becomes of a hostile request.
    ///
    /// ```
    /// use portcullis::guard::{Rejection, RejectionKind};
    /// use portcullis::waf::{Answer, Class, Ruleset, WafLayer};
    ///
    /// // Scanners are told to slow down, everybody else is refused.
    /// let layer = WafLayer::new(Ruleset::builtin()).challenge(|_request, report| {
    ///     match report.class() {
    ///         Some(Class::Scanner) => Answer::With(Rejection::new(RejectionKind::RateLimited)),
    ///         _ => Answer::Refuse,
    ///     }
    /// });
    /// # let _ = layer;
    /// ```
    pub fn challenge(
        mut self,
        challenge: impl Fn(&RequestHead<'_>, &Report) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.challenge = Some(Arc::new(challenge));
        self
    }

    /// Refuses with 408 when a body has not arrived within `deadline`; 15 seconds without this.
    /// Shared with others by an [`InspectLayer`] of your own, it is that one's deadline that
    /// counts.
    pub const fn body_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Takes the reference ids from here.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// A layer whose rejections look as `render` makes them.
    pub fn rendered_by(self, render: impl Render) -> InspectLayer<Self> {
        self.inspecting().rendered_by(render)
    }

    fn inspecting(self) -> InspectLayer<Self> {
        let (limit, deadline) = (self.limit(), self.deadline);
        InspectLayer::new(limit, self).deadline(deadline)
    }

    /// The decision.
    #[must_use]
    pub const fn waf(&self) -> &Waf {
        &self.waf
    }

    fn limit(&self) -> usize {
        self.waf.limits().body
    }

    #[cold]
    fn hostile(&self, head: &RequestHead<'_>, report: &Report) -> Result<(), Rejection> {
        let answer = match &self.challenge {
            _ if !self.refuses => Answer::Admit,
            Some(challenge) => challenge(head, report),
            None => Answer::Refuse,
        };
        // Not the id of the request, which clients may choose: two must not look like one.
        let id = RequestId::random(&self.random);
        let rejection = match answer {
            Answer::Admit => None,
            Answer::With(rejection) => Some(rejection),
            Answer::Refuse => {
                let rejection = Rejection::new(RejectionKind::Hostile);
                Some(rejection.with_member("reference", id.as_str()))
            }
        };
        let status = rejection.as_ref().map(Rejection::status);
        Emitter::of(head.extensions()).emit(event(report, &id, status));
        match rejection {
            None => Ok(()),
            // The event was told already, with all its details.
            Some(rejection) => Err(rejection.with_reason(report.summary()).with_event(None)),
        }
    }
}

impl fmt::Debug for WafLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WafLayer")
            .field("waf", &self.waf)
            .field("refuses", &self.refuses)
            .finish_non_exhaustive()
    }
}

impl Inspect for WafLayer {
    fn wants(&self, _: &RequestHead<'_>) -> Want {
        match self.waf.limits().over {
            OverLimit::Reject => Want::Whole,
            OverLimit::InspectBeginning => Want::Prefix(self.limit()),
        }
    }

    fn inspect(&self, head: &RequestHead<'_>, reading: Reading<'_>) -> Result<(), Rejection> {
        let request = RawRequest::of(head);
        let request = if reading.is_whole() {
            request.body(reading.bytes())
        } else {
            request.beginning_of_body(reading.bytes())
        };
        let report = self.waf.judge(&request);
        if report.is_hostile() {
            return self.hostile(head, &report);
        }
        Ok(())
    }
}

impl<S> Layer<S> for WafLayer {
    type Service = InspectService<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        self.clone().inspecting().layer(inner)
    }
}

/// The event, with the status of the answer where the request is refused.
fn event(report: &Report, id: &RequestId, status: Option<StatusCode>) -> SecurityEvent {
    let class = report.class().map_or("generic", |class| class.as_str());
    let rules = report.distinct().map(|found| found.rule().as_str());
    let mut event = SecurityEvent::new(EventKind::MaliciousAttackTool)
        .with_code(class)
        .with_reason(report.summary())
        .with_detail(
            "action",
            if status.is_some() {
                "refused"
            } else {
                "admitted"
            },
        )
        .with_detail("reference", id.as_str())
        .with_detail("score", &report.score().to_string())
        .with_detail("rules", &rules.collect::<Vec<_>>().join(","));
    if let Some(first) = report.matches().first() {
        event = event
            .with_detail("parameter", &first.location().to_string())
            .with_detail("excerpt", first.excerpt());
    }
    match status {
        Some(status) => event.with_status(status),
        None => event.with_level(Level::Warn),
    }
}
