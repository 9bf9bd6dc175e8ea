use super::typed::Remaining;
use super::view::View;
use super::{
    Authz, Cause, Context, Decision, DenyKind, Findings, Outcome, Prepared, Query, Resource,
};
use crate::event::{EventKind, SecurityEvent};
use crate::guard::{Rejection, RejectionKind};
use crate::principal::Principal;
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which rows of a list a principal may see: made by [`Authz::visible`].
///
/// Every row is decided by the same state of the policies. A row for which it could not be
/// decided is not seen. Where decisions are logged
/// ([`AuthzBuilder::log_decisions`](super::AuthzBuilder::log_decisions)), the list is one of
/// them, told of when the filter is dropped.
pub struct Filter<'a, R> {
    principal: &'a Principal,
    action: &'a str,
    context: &'a Context,
    view: View<'a>,
    gate: Outcome,
    typed: Vec<Remaining<R>>,
    texts: Vec<Box<dyn Prepared + 'a>>,
    type_name: Cow<'static, str>,
    /// Where decisions are logged.
    tally: Option<Tally>,
}

/// What came of the rows so far.
#[derive(Default)]
struct Tally {
    seen: AtomicU64,
    allowed: AtomicU64,
    undecided: AtomicU64,
}

impl Tally {
    fn count(&self, outcome: &Outcome) {
        let add = |to: &AtomicU64| to.fetch_add(1, Ordering::Relaxed);
        add(&self.seen);
        match outcome {
            Outcome::Allow => add(&self.allowed),
            Outcome::Indeterminate(_) => add(&self.undecided),
            Outcome::Deny(_) | Outcome::StepUp(_) => 0,
        };
    }
}

impl Authz {
    /// Which rows of a list the principal may see. What depends on principal and circumstances
    /// alone is judged here, once.
    ///
    /// ```
    /// # use portcullis::authz::abac::{Authz, Context, attributes, permit};
    /// # use portcullis::clock::Timestamp;
    /// # use portcullis::principal::{Authentication, Principal};
    /// struct Document { id: u64, department: &'static str }
    /// attributes! {
    ///     Document as "Document" {
    ///         id = document => document.id.to_string();
    ///         department: text;
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let authz = Authz::builder()
    ///     .resource("documents", ["read"])
    ///     .policy(permit("same-department", ["documents:read"]).when(
    ///         "same department",
    ///         |who, document: &Document, _| who.attribute_is("department", document.department),
    ///     ))
    ///     .build()?;
    ///
    /// let now = Timestamp::from_unix_seconds(1_700_000_000);
    /// let ann = Principal::new("ann", Authentication::new(now)).with_attribute("department", "sales");
    /// let context = Context::new(now).of_principal(&ann);
    /// let mut rows = vec![
    ///     Document { id: 1, department: "sales" },
    ///     Document { id: 2, department: "legal" },
    /// ];
    /// let visible = authz.visible(&ann, "documents:read", &context);
    /// rows.retain(|document| visible.matches(document));
    /// assert_eq!(rows.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn visible<'a, R: Resource>(
        &'a self,
        principal: &'a Principal,
        action: &'a str,
        context: &'a Context,
    ) -> Filter<'a, R> {
        let view = self.view();
        let permission = self.0.catalog.find(action);
        let gate = match permission {
            None => Outcome::Indeterminate(Cause::UnknownPermission),
            Some(permission) if view.passes(permission, principal) => Outcome::Allow,
            Some(_) => Outcome::Deny(DenyKind::NoPermission),
        };
        let mut filter = Filter {
            principal,
            action,
            context,
            view,
            gate,
            typed: Vec::new(),
            texts: Vec::new(),
            type_name: R::schema().into_name(),
            tally: self.0.logs_decisions.then(Tally::default),
        };
        if let (Some(permission), Outcome::Allow) = (permission, &filter.gate) {
            let typed = &self.0.typed;
            filter.typed = typed.prepare(permission, principal, context);
            filter.texts = filter.prepare_texts();
        }
        filter
    }
}

impl<'a, R: Resource> Filter<'a, R> {
    fn prepare_texts(&self) -> Vec<Box<dyn Prepared + 'a>> {
        let query = Query::new(self.principal, self.action, None, self.context);
        let texts = self.view.texts.iter().cloned();
        texts
            .map(|texts| texts.prepare(query, &self.type_name))
            .collect()
    }

    /// Whether the principal may see this row.
    #[must_use]
    #[inline]
    pub fn matches(&self, row: &R) -> bool {
        self.decide(row).is_allow()
    }

    /// Whether nothing can match: for want of a role, or of any policy. Then the rows need not
    /// be loaded.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.gate.is_allow() || self.typed.is_empty() && self.texts.is_empty()
    }

    /// Decides of this row. There is no step-up in lists.
    #[must_use]
    pub fn decide(&self, row: &R) -> Decision {
        let decision = self.decide_quietly(row);
        if let Some(tally) = &self.tally {
            tally.count(decision.outcome());
        }
        decision
    }

    fn decide_quietly(&self, row: &R) -> Decision {
        if !self.gate.is_allow() {
            return self.view.plain(self.gate.clone());
        }
        let mut findings = Findings::default();
        for policy in &self.typed {
            policy.evaluate(self.principal, row, self.context, &mut findings);
        }
        for texts in &self.texts {
            texts.evaluate(row, &mut findings);
        }
        self.view.conclude(&mut findings)
    }

    /// The rows that the principal may see.
    ///
    /// # Errors
    /// 503 when there is a row for which it could not be decided, and 500 when there is no such
    /// permission: a list that silently lacks rows looks as if it were complete.
    pub fn select<T: Borrow<R>>(
        &self,
        rows: impl IntoIterator<Item = T>,
    ) -> Result<Vec<T>, Rejection> {
        if self.gate == Outcome::Indeterminate(Cause::UnknownPermission) {
            return Err(self.failed(RejectionKind::Internal, Cause::UnknownPermission));
        }
        let mut selected = Vec::new();
        for row in rows {
            match self.decide(row.borrow()).outcome() {
                Outcome::Allow => selected.push(row),
                Outcome::Indeterminate(cause) => {
                    return Err(self.failed(RejectionKind::Unavailable, *cause));
                }
                Outcome::Deny(_) | Outcome::StepUp(_) => {}
            }
        }
        Ok(selected)
    }

    #[cold]
    fn failed(&self, kind: RejectionKind, cause: Cause) -> Rejection {
        Rejection::new(kind)
            .with_reason(format!("a list for {}: {}", self.action, cause.text()))
            .with_subject(self.principal.id())
    }
}

/// Tells of the list, where decisions are logged: once, for its rows come one by one.
impl<R> Drop for Filter<'_, R> {
    fn drop(&mut self) {
        let Some(tally) = self.tally.take() else {
            return;
        };
        let code = match &self.gate {
            Outcome::Allow => "list",
            closed => closed.code(),
        };
        let number = |of: AtomicU64| of.into_inner().to_string();
        let event = SecurityEvent::new(EventKind::AuthzDecision)
            .with_code(code)
            .with_subject(self.principal.id())
            .with_detail("action", self.action)
            .with_detail("version", self.view.version().as_str())
            .with_detail("type", &self.type_name)
            .with_detail("seen", &number(tally.seen))
            .with_detail("allowed", &number(tally.allowed))
            .with_detail("undecided", &number(tally.undecided));
        self.context.emitter.emit(event);
    }
}

impl<R> fmt::Debug for Filter<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("action", &self.action)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
