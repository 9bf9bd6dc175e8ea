use super::catalog::Catalog;
use super::explanation::Explanation;
use super::question::Question;
use super::typed::TypedPolicies;
use super::view::View;
use super::{
    AuthzBuilder, ConfigError, Context, Decision, PolicyHead, PolicySource, Resource, Version,
};
use crate::clock::{Clock, Timestamp};
use crate::guard::Rejection;
use crate::principal::Principal;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

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
