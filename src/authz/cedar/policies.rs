use super::answer::{Answer, Fold, OnError};
use super::index::{Lineage, ScopeIndex, ids};
use super::rule::Rule;
use super::{CedarPoliciesBuilder, Problem};
use crate::authz::abac::{PolicyHead, Version};
use cedar_policy::{Entities, PolicyId, PolicySet, Request, Schema};
use hashbrown::HashMap;
use std::fmt;
use std::sync::Arc;

/// Policies that were read, checked and indexed, and do not change. Cheap to clone.
///
/// See the [module](super) for an example.
#[derive(Clone)]
pub struct CedarPolicies(Arc<Snapshot>);

pub(super) struct Snapshot {
    pub(super) set: PolicySet,
    pub(super) index: ScopeIndex,
    pub(super) rules: HashMap<PolicyId, Arc<Rule>>,
    pub(super) step_up_permits: Vec<PolicyId>,
    pub(super) schema: Option<Schema>,
    pub(super) schema_text: Option<String>,
    pub(super) warnings: Vec<Problem>,
    pub(super) version: Version,
}

impl CedarPolicies {
    /// The longest text that is read, schema and links included: 16 MiB.
    pub const MAX_TEXT_LEN: usize = 16 * 1024 * 1024;

    /// The most policies, templates and links that are taken.
    pub const MAX_POLICIES: usize = 100_000;

    /// Starts with no policy.
    pub fn builder() -> CedarPoliciesBuilder {
        CedarPoliciesBuilder::default()
    }

    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(snapshot))
    }

    /// What the policies say to a request.
    ///
    /// The request and its entities should have been made with the [`schema`](Self::schema):
    /// then entities have the types that the policies were checked for, and know the groups of
    /// the actions.
    pub fn decide(&self, request: &Request, entities: &Entities, on_error: OnError) -> Answer {
        self.fold(request, entities)
            .answer(on_error, self.0.version.clone())
    }

    /// What holds for a request, to be put together with what others find.
    #[must_use]
    pub fn fold(&self, request: &Request, entities: &Entities) -> Fold {
        let lineage = Lineage::of(request, entities);
        Fold::of(&self.0.index.candidates(&lineage), request, entities)
    }

    /// The policies that are asked for a request, in order: the others' scopes leave it out.
    #[must_use]
    pub fn candidates(&self, request: &Request, entities: &Entities) -> Vec<&PolicyId> {
        let lineage = Lineage::of(request, entities);
        ids(&self.0.index.candidates(&lineage))
    }

    pub(super) fn index(&self) -> &ScopeIndex {
        &self.0.index
    }

    pub(super) fn rule(&self, id: &PolicyId) -> Option<&Arc<Rule>> {
        self.0.rules.get(id)
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.0.rules.values()
    }

    pub(super) fn schema_text(&self) -> Option<&str> {
        self.0.schema_text.as_deref()
    }

    /// The permits that a stronger login could make hold.
    pub(super) fn step_up_permits(&self) -> &[PolicyId] {
        &self.0.step_up_permits
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = &PolicyHead> {
        self.rules().map(|rule| &rule.head)
    }

    /// Which policies these are: the first 128 bits of the SHA-256 of schema, policies and
    /// links, in hexadecimal. The same text has the same version on every machine.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.0.version
    }

    /// The schema that they were checked against.
    #[must_use]
    pub fn schema(&self) -> Option<&Schema> {
        self.0.schema.as_ref()
    }

    /// All of them, as Cedar holds them.
    #[must_use]
    pub fn policy_set(&self) -> &PolicySet {
        &self.0.set
    }

    /// What the check against the schema noticed that is no error, as a policy that can never
    /// hold.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.0.warnings
    }

    /// How many policies there are, links included and templates not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.index.len()
    }

    /// Whether there is none: only templates that nothing is linked to.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for CedarPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CedarPolicies")
            .field("len", &self.len())
            .field("version", &self.0.version)
            .finish_non_exhaustive()
    }
}
