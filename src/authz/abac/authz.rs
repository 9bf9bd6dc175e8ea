use super::catalog::Catalog;
use super::explanation::{Explanation, shown};
use super::typed::TypedPolicies;
use super::{
    AuthzBuilder, Candidate, Cause, ConfigError, Context, Decision, DenyKind, EntityId, Findings,
    Outcome, Policies, PolicyHead, PolicySource, Query, Resource, StepUp, Version,
};
use crate::clock::{Clock, Timestamp};
use crate::event::{EventKind, SecurityEvent};
use crate::guard::{Rejection, RejectionKind};
use crate::principal::Principal;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The most policies that a refusal tells of. Whoever is refused on purpose does not make all of
/// them be explained each time.
const MAX_TOLD: usize = 16;

/// Who may do what with which thing: policies, and where there are any, roles in front of them.
/// Cheap to clone.
#[derive(Clone)]
pub struct Authz(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) catalog: Catalog,
    pub(super) typed: TypedPolicies,
    pub(super) sources: Vec<Box<dyn PolicySource>>,
    pub(super) obligations: BTreeSet<String>,
    pub(super) logs_decisions: bool,
    pub(super) clock: Clock,
    /// The version of the policies that are code.
    pub(super) version: Version,
}

impl fmt::Debug for Authz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authz")
            .field("typed", &self.0.typed)
            .field("sources", &self.0.sources)
            .finish_non_exhaustive()
    }
}

/// What is asked for where no thing is named: policies for it are of this type.
///
/// ```
/// use portcullis::authz::abac::{NoResource, permit};
///
/// let everybody_may_create = permit::<NoResource>("may-create", ["documents:create"])
///     .given("is a member", |who, _| who.has_role("member"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoResource;

impl super::Attributes for NoResource {
    fn schema() -> super::TypeSchema {
        super::TypeSchema::new("NoResource")
    }

    fn attribute(&self, _name: &str) -> Option<super::Value<'_>> {
        None
    }

    fn visit(&self, _visitor: &mut dyn FnMut(&'static str, super::Value<'_>)) {}
}

impl Resource for NoResource {
    fn type_name(&self) -> &'static str {
        "NoResource"
    }

    fn id(&self) -> std::borrow::Cow<'_, str> {
        "".into()
    }
}

/// One question, with the thing in its own type.
#[derive(Debug)]
pub(super) struct Question<'a, R> {
    principal: &'a Principal,
    action: &'a str,
    resource: &'a R,
    context: &'a Context,
    /// Whether the thing is one, and not [`NoResource`].
    is_on_thing: bool,
}

impl<R> Clone for Question<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Question<'_, R> {}

impl<'a> Question<'a, NoResource> {
    const fn of_action(principal: &'a Principal, action: &'a str, context: &'a Context) -> Self {
        Self {
            is_on_thing: false,
            ..Self::on(principal, action, &NoResource, context)
        }
    }
}

impl<'a, R: Resource> Question<'a, R> {
    pub(super) const fn on(
        principal: &'a Principal,
        action: &'a str,
        resource: &'a R,
        context: &'a Context,
    ) -> Self {
        Self {
            principal,
            action,
            resource,
            context,
            is_on_thing: true,
        }
    }

    fn query(&self) -> Query<'a> {
        let resource: &'a dyn Resource = self.resource;
        let resource = self.is_on_thing.then_some(resource);
        Query::new(self.principal, self.action, resource, self.context)
    }
}

/// The policies of one moment, by which one decision and its explanation are made.
pub(super) struct View<'a> {
    shared: &'a Shared,
    pub(super) texts: Vec<Arc<dyn Policies>>,
}

impl Authz {
    /// Starts with no permission and no policy.
    pub fn builder() -> AuthzBuilder {
        AuthzBuilder::new()
    }

    /// The permissions there are.
    pub fn permissions(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.catalog.names()
    }

    /// Decides whether the principal may do this with the thing.
    #[must_use]
    pub fn decide<R: Resource>(
        &self,
        principal: &Principal,
        action: &str,
        resource: &R,
        context: &Context,
    ) -> Decision {
        self.ask(&Question::on(principal, action, resource, context))
    }

    /// Decides whether the principal may do this, where it is not about one thing.
    #[must_use]
    pub fn decide_action(
        &self,
        principal: &Principal,
        action: &str,
        context: &Context,
    ) -> Decision {
        self.ask(&Question::of_action(principal, action, context))
    }

    /// The same as [`decide`](Self::decide), as a handler wants it.
    ///
    /// # Errors
    /// 403 when it may not, 401 with the challenge of RFC 9470 when it could after a stronger
    /// login, 503 when it could not be decided, 500 when there is no such permission. The
    /// reason, for the operator, is the [`Explanation`]; the client learns a code.
    pub fn check<R: Resource>(
        &self,
        principal: &Principal,
        action: &str,
        resource: &R,
        context: &Context,
    ) -> Result<Decision, Rejection> {
        self.demand(&Question::on(principal, action, resource, context))
    }

    /// The same as [`decide_action`](Self::decide_action), as a handler wants it.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_action(
        &self,
        principal: &Principal,
        action: &str,
        context: &Context,
    ) -> Result<Decision, Rejection> {
        self.demand(&Question::of_action(principal, action, context))
    }

    /// Decides, and says how it came about: for administrators and tests of policies.
    #[must_use]
    pub fn explain<R: Resource>(
        &self,
        principal: &Principal,
        action: &str,
        resource: &R,
        context: &Context,
    ) -> (Decision, Explanation) {
        self.ask_why(&Question::on(principal, action, resource, context))
    }

    /// The same where it is not about one thing.
    #[must_use]
    pub fn explain_action(
        &self,
        principal: &Principal,
        action: &str,
        context: &Context,
    ) -> (Decision, Explanation) {
        self.ask_why(&Question::of_action(principal, action, context))
    }

    /// Every policy there is now.
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyHead> {
        let texts = self.0.sources.iter();
        let texts = texts.flat_map(|source| source.snapshot().heads());
        self.0.typed.heads().iter().cloned().chain(texts).collect()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// An error unless there is a permission of this name.
    pub(super) fn known(&self, permission: &str) -> Result<(), ConfigError> {
        self.0.catalog.number(permission).map(drop)
    }

    /// An error unless roles and scopes let the principal pass: before anything is loaded.
    pub(super) fn pass(
        &self,
        principal: &Principal,
        permission: &str,
        context: &Context,
    ) -> Result<(), Rejection> {
        let number = self.0.catalog.find(permission);
        if number.is_some_and(|number| self.0.catalog.passes(number, principal)) {
            return Ok(());
        }
        // The whole way, which ends where this one does, for all that comes with a refusal.
        self.check_action(principal, permission, context).map(drop)
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            shared: &self.0,
            texts: self.0.sources.iter().map(|it| it.snapshot()).collect(),
        }
    }

    fn ask<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        self.view().decide(question)
    }

    fn ask_why<R: Resource>(&self, question: &Question<'_, R>) -> (Decision, Explanation) {
        let view = self.view();
        let decision = view.decide(question);
        let explanation = view.explain(question, &decision);
        (decision, explanation)
    }

    pub(super) fn demand<R: Resource>(
        &self,
        question: &Question<'_, R>,
    ) -> Result<Decision, Rejection> {
        let view = self.view();
        let decision = view.decide(question);
        if decision.is_allow() {
            return Ok(decision);
        }
        Err(view.refusal(question, &decision))
    }
}

impl View<'_> {
    #[inline]
    fn decide<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
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
    fn refusal<R: Resource>(&self, question: &Question<'_, R>, decision: &Decision) -> Rejection {
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
