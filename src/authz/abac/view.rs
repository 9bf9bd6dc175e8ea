use super::authz::Shared;
use super::explanation::{Explanation, shown};
use super::question::Question;
use super::{
    Candidate, Cause, Decision, DenyKind, EntityId, Findings, Outcome, Policies, PolicyHead,
    Resource, StepUp, Version,
};
use crate::event::{EventKind, SecurityEvent};
use crate::guard::{Rejection, RejectionKind};
use crate::principal::Principal;
use std::sync::Arc;

/// The most policies that a refusal tells of. Whoever is refused on purpose does not make all of
/// them be explained each time.
const MAX_TOLD: usize = 16;

/// The policies of one moment, by which one decision and its explanation are made.
pub(super) struct View<'a> {
    pub(super) shared: &'a Shared,
    pub(super) texts: Vec<Arc<dyn Policies>>,
}

impl View<'_> {
    #[inline]
    pub(super) fn decide<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        let decision = self.decide_quietly(question);
        if self.shared.logs_decisions {
            log(question, &decision);
        }
        decision
    }

    #[inline]
    fn decide_quietly<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        let Some(permission) = self.shared.catalog.find(question.action) else {
            return self.plain(Outcome::Indeterminate(Cause::UnknownPermission));
        };
        if !self.passes(permission, question.principal) {
            return self.plain(Outcome::Deny(DenyKind::NoPermission));
        }
        let mut findings = Findings::default();
        let decision = self.judge(permission, question, &mut findings);
        if !matches!(decision.outcome(), Outcome::Deny(_)) {
            return decision;
        }
        let would_allow = |step_up: &StepUp| self.would_allow(permission, question, step_up);
        match findings.step_ups().find(would_allow) {
            Some(step_up) => decision.stepping_up(step_up),
            None => decision,
        }
    }

    /// Whether all policies together allow the same after such a login.
    #[cold]
    fn would_allow<R: Resource>(
        &self,
        permission: usize,
        question: &Question<'_, R>,
        step_up: &StepUp,
    ) -> bool {
        let (principal, context) = step_up.imagined(question.principal, question.context);
        let imagined = Question {
            principal: &principal,
            context: &context,
            ..*question
        };
        let mut findings = Findings::default();
        self.judge(permission, &imagined, &mut findings).is_allow()
    }

    /// What all policies come to.
    #[inline]
    fn judge<R: Resource>(
        &self,
        permission: usize,
        question: &Question<'_, R>,
        findings: &mut Findings,
    ) -> Decision {
        let asked = (question.principal, question.resource, question.context);
        self.shared.typed.evaluate(permission, asked, findings);
        for texts in &self.texts {
            texts.evaluate(&question.query(), findings);
        }
        let is_enough = !question.is_on_thing && self.shared.catalog.is_of_roles(permission);
        if is_enough {
            findings.permitted_by_role();
        }
        self.conclude(findings)
    }

    pub(super) fn conclude(&self, findings: &mut Findings) -> Decision {
        let is_known = |name: &str| self.shared.obligations.contains(name);
        Decision::of(findings, self.version(), is_known)
    }

    /// A decision that rests on no policy.
    pub(super) fn plain(&self, outcome: Outcome) -> Decision {
        Decision::plain(outcome, self.version())
    }

    pub(super) fn passes(&self, permission: usize, principal: &Principal) -> bool {
        self.shared.catalog.passes(permission, principal)
    }

    /// The version of the texts, for they are what changes; of the code where there are none.
    pub(super) fn version(&self) -> Version {
        match self.texts.as_slice() {
            [] => self.shared.version.clone(),
            [only] => only.version(),
            several => {
                let versions = several.iter().map(|texts| texts.version());
                let names: Vec<_> = versions.map(|version| version.to_string()).collect();
                Version::new(names.join("+"))
            }
        }
    }

    #[cold]
    pub(super) fn explain<R: Resource>(
        &self,
        question: &Question<'_, R>,
        decision: &Decision,
    ) -> Explanation {
        self.told(question, decision, self.candidates(question, usize::MAX))
    }

    /// The policies that were about it: at most so many, for each takes time.
    fn candidates<R: Resource>(&self, question: &Question<'_, R>, most: usize) -> Vec<Candidate> {
        let Some(permission) = self.shared.catalog.find(question.action) else {
            return Vec::new();
        };
        let asked = (question.principal, question.resource, question.context);
        let mut found = self.shared.typed.candidates(permission, asked, most);
        for texts in &self.texts {
            let left = most.saturating_sub(found.len());
            found.extend(texts.candidates(&question.query(), left));
        }
        found
    }

    fn told<R: Resource>(
        &self,
        question: &Question<'_, R>,
        decision: &Decision,
        candidates: Vec<Candidate>,
    ) -> Explanation {
        let attributes = match question.is_on_thing {
            true => shown(question.resource),
            false => Vec::new(),
        };
        Explanation::new(&question.query(), decision, candidates, attributes)
    }

    #[cold]
    pub(super) fn refusal<R: Resource>(
        &self,
        question: &Question<'_, R>,
        decision: &Decision,
    ) -> Rejection {
        let rejection = match decision.outcome() {
            Outcome::StepUp(step_up) => step_up.rejection(question.context.token_scheme),
            Outcome::Indeterminate(Cause::UnknownPermission) => {
                Rejection::new(RejectionKind::Internal)
            }
            Outcome::Indeterminate(_) => Rejection::new(RejectionKind::Unavailable),
            Outcome::Allow | Outcome::Deny(_) => Rejection::new(RejectionKind::Forbidden),
        };
        let candidates = match decision.reasons() {
            [] => self.candidates(question, MAX_TOLD),
            // What decided is known: it holds.
            reasons => {
                let reasons = reasons.iter().take(MAX_TOLD).cloned();
                reasons
                    .map(|head| Candidate::new(head, Vec::new()))
                    .collect()
            }
        };
        let explanation = self.told(question, decision, candidates);
        rejection
            .with_reason(explanation.to_string())
            .with_subject(question.principal.id())
    }
}

/// Tells of a decision, whatever it is.
#[cold]
fn log<R: Resource>(question: &Question<'_, R>, decision: &Decision) {
    let mut event = SecurityEvent::new(EventKind::AuthzDecision)
        .with_code(decision.outcome().code())
        .with_subject(question.principal.id())
        .with_detail("action", question.action)
        .with_detail("version", decision.version().as_str());
    if question.is_on_thing {
        let resource = format!("{:?}", EntityId::of(question.resource));
        event = event.with_detail("resource", &resource);
    }
    let policies = decision.reasons().iter().map(PolicyHead::id);
    let policies: Vec<_> = policies.collect();
    if !policies.is_empty() {
        event = event.with_detail("policies", &policies.join(", "));
    }
    question.context.emitter.emit(event);
}
