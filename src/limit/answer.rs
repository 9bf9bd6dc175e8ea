//! How a judgment becomes an answer to a client.

use super::decision::{Judgment, Outcome, Standing, standings};
use super::fields::{Fields, Forms};
use super::shared::News;
use super::window::Window;
use crate::event::{Emitter, EventKind, Level, SecurityEvent};
use crate::guard::{Body, Exit, Rejection, RejectionKind};
use http::{HeaderValue, Response};
use std::sync::Arc;

/// The problem types of draft-ietf-httpapi-ratelimit-headers-11 section 5.
pub(super) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
pub(super) const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// How a layer answers.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) forms: Forms,
    pub(super) is_dry_run: bool,
    /// `RateLimit-Policy` for those who have no plan, as it is while the store answers.
    pub(super) policy: Option<HeaderValue>,
}

impl Manner {
    /// What follows for the request. `is_usual` says whether the policy prepared for that
    /// holds.
    #[inline]
    pub(super) fn answer(
        &self,
        judgment: &Judgment,
        windows: &Arc<[Window]>,
        is_usual: impl FnOnce() -> bool,
        emitter: impl FnOnce() -> Emitter,
    ) -> Result<RateLimitExit, Rejection> {
        if judgment.outcome != Outcome::Admitted {
            return self.refuse(judgment, windows, emitter);
        }
        if self.is_dry_run || self.forms == Forms::NONE {
            return Ok(RateLimitExit(None));
        }
        let policy = if is_usual() {
            self.policy.clone()
        } else {
            let standings = standings(windows, judgment.states);
            self.forms
                .policy(standings.map(|standing| standing.window()))
        };
        Ok(RateLimitExit(Some(Fields {
            forms: self.forms,
            policy,
            windows: Arc::clone(windows),
            states: judgment.states,
        })))
    }

    #[cold]
    fn refuse(
        &self,
        judgment: &Judgment,
        windows: &[Window],
        emitter: impl FnOnce() -> Emitter,
    ) -> Result<RateLimitExit, Rejection> {
        let rejection = self.rejection(judgment, windows);
        if !self.is_dry_run {
            return Err(rejection);
        }
        let event = SecurityEvent::new(EventKind::ExcessRateLimitExceeded)
            .with_level(Level::Info)
            .with_code("rate_limit_dry_run")
            .with_reason(format!(
                "would have been refused with {}: {}",
                rejection.status().as_u16(),
                rejection.reason().unwrap_or_default()
            ));
        emitter().emit(event);
        Ok(RateLimitExit(None))
    }

    fn rejection(&self, judgment: &Judgment, windows: &[Window]) -> Rejection {
        let limited =
            || Rejection::new(RejectionKind::RateLimited).with_problem_type(QUOTA_EXCEEDED);
        let rejection = match judgment.outcome {
            Outcome::CostTooHigh => limited()
                .with_code("cost_too_high")
                .with_reason("the request costs more than its quota allows at once"),
            Outcome::Crowded { retry_after } => limited()
                .with_problem_type(REDUCED_CAPACITY)
                .with_retry_after(retry_after)
                .with_reason("no room for another key: all those there are being refused"),
            Outcome::OverQuota { retry_after } => {
                let names = exceeded(judgment, windows).join(", ");
                limited()
                    .with_retry_after(retry_after)
                    .with_reason(format!("over quota: {names}"))
            }
            // The outage is told once for all, not with each request.
            Outcome::Unavailable { retry_after } => Rejection::new(RejectionKind::Unavailable)
                .with_code("rate_limit_unavailable")
                .with_problem_type(REDUCED_CAPACITY)
                .with_retry_after(retry_after)
                .with_event(None)
                .with_reason("the store of the rate limit does not answer"),
            Outcome::Admitted => limited(),
        };
        let fields = self.forms.of_refusal(standings(windows, judgment.states));
        if fields.is_empty() {
            return rejection;
        }
        let names = exceeded(judgment, windows);
        let rejection = rejection.with_member("violated-policies", names);
        fields
            .into_iter()
            .fold(rejection, |rejection, (name, value)| {
                rejection.with_header(name, value)
            })
    }
}

/// The names of the quotas that refused.
fn exceeded<'a>(judgment: &Judgment, windows: &'a [Window]) -> Vec<&'a str> {
    let exceeded = standings(windows, judgment.states).filter(Standing::is_exceeded);
    exceeded.map(|standing| standing.quota().name()).collect()
}

/// Tells operators what became of the store.
#[cold]
pub(super) fn tell(news: News, emitter: &Emitter) {
    let event = SecurityEvent::new(EventKind::SysControlDegraded);
    emitter.emit(match news {
        News::Lost => event
            .with_code("rate_limit_store_lost")
            .with_reason("the store of the rate limit does not answer: its rules fall back"),
        News::Back => event
            .with_level(Level::Info)
            .with_code("rate_limit_store_back")
            .with_reason("the store of the rate limit answers again"),
        News::Failed => event
            .with_code("rate_limit_store_failed")
            .with_reason("the store of the rate limit could not count a request: is it full?"),
    });
}

/// Puts what is left into the answer, beside what other limiters say.
#[derive(Debug)]
pub struct RateLimitExit(Option<Fields>);

impl Exit for RateLimitExit {
    fn leave<R>(self, response: &mut Response<Body<R>>) {
        if let Some(fields) = self.0 {
            let mut extensions = std::mem::take(response.extensions_mut());
            fields.write(response.headers_mut(), &mut extensions);
            *response.extensions_mut() = extensions;
        }
    }
}
