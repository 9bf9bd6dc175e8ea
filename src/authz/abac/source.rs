use super::{Context, Findings, PolicyHead, Resource, Version};
use crate::principal::Principal;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What is asked of policies.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Query<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// For what: a permission, `resource:action`.
    pub action: &'a str,
    /// With what; `None` where it is not about one thing, as when something is created.
    pub resource: Option<&'a dyn Resource>,
    /// Under which circumstances.
    pub context: &'a Context,
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("principal", &self.principal.id())
            .field("action", &self.action)
            .field("resource", &self.resource.map(super::EntityId::of))
            .finish_non_exhaustive()
    }
}

impl<'a> Query<'a> {
    /// What is asked of policies.
    #[must_use]
    pub const fn new(
        principal: &'a Principal,
        action: &'a str,
        resource: Option<&'a dyn Resource>,
        context: &'a Context,
    ) -> Self {
        Self {
            principal,
            action,
            resource,
            context,
        }
    }

    /// The same of another thing.
    #[must_use]
    pub const fn on<'b>(self, resource: &'b dyn Resource) -> Query<'b>
    where
        'a: 'b,
    {
        Query {
            resource: Some(resource),
            ..self
        }
    }
}

/// Where policies come from that are not Rust code: files of text, most likely, which change
/// while the service runs.
pub trait PolicySource: fmt::Debug + Send + Sync + 'static {
    /// The policies as they are now. One decision, its explanation included, is made by one
    /// snapshot.
    fn snapshot(&self) -> Arc<dyn Policies>;
}

/// Policies that do not change.
pub trait Policies: fmt::Debug + Send + Sync + 'static {
    /// Which state of the policies this is.
    fn version(&self) -> Version;

    /// Every policy there is.
    fn heads(&self) -> Vec<PolicyHead>;

    /// Adds to the findings what the policies say: each that is satisfied, each that failed,
    /// and each that is about such requests and not satisfied.
    fn evaluate(&self, query: &Query<'_>, findings: &mut Findings);

    /// The policies that are about such requests, at most so many, with each of their
    /// conditions. Asked only after a denial, and in tests of policies.
    fn candidates(&self, query: &Query<'_>, most: usize) -> Vec<Candidate>;

    /// Prepares for many things of one type: the query names none, and what depends on
    /// principal and context alone may be worked out once. Without an implementation of its
    /// own, each thing is evaluated from scratch.
    fn prepare<'a>(self: Arc<Self>, query: Query<'a>, _type_name: &str) -> Box<dyn Prepared + 'a> {
        Box::new(FromScratch(
            move |resource: &dyn Resource, findings: &mut Findings| {
                self.evaluate(&query.on(resource), findings);
            },
        ))
    }
}

/// Policies that are about to be asked of many things.
pub trait Prepared: Send + Sync {
    /// Adds to the findings what the policies say of this one.
    fn evaluate(&self, resource: &dyn Resource, findings: &mut Findings);
}

struct FromScratch<F>(F);

impl<F: Fn(&dyn Resource, &mut Findings) + Send + Sync> Prepared for FromScratch<F> {
    fn evaluate(&self, resource: &dyn Resource, findings: &mut Findings) {
        (self.0)(resource, findings);
    }
}

/// A policy that is about such requests, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The policy.
    pub policy: PolicyHead,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// Its conditions, all of which have to hold.
    pub conditions: Vec<Condition>,
}

impl Candidate {
    /// A policy with its conditions.
    #[must_use]
    pub fn new(policy: PolicyHead, conditions: Vec<Condition>) -> Self {
        Self {
            effect: policy.effect().as_str(),
            policy,
            conditions,
        }
    }
}

/// One condition of a policy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Condition {
    /// What it asks, in a few words or as its text. Never a value of a row.
    pub label: Cow<'static, str>,
    /// Whether it holds; `None` when it could not be judged.
    pub holds: Option<bool>,
}

impl Condition {
    /// A condition.
    #[must_use]
    pub fn new(label: impl Into<Cow<'static, str>>, holds: Option<bool>) -> Self {
        Self {
            label: label.into(),
            holds,
        }
    }
}
