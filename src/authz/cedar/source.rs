use super::index::{Lineage, ids};
use super::inputs::{Frame, Inputs};
use super::list::Many;
use super::rule::Rule;
use super::{AppSchema, CedarPolicies, Fold, LivePolicies, LoadError};
use crate::authz::abac::{
    Candidate, EvalError, Findings, Policies, PolicyHead, PolicySource, Prepared, Query, Version,
};
use cedar_policy::{EvaluationError, PolicyId, PolicySet};
use std::fmt;
use std::sync::Arc;

/// Text policies as a source of [`Authz`](crate::authz::abac::Authz), beside those in Rust:
/// a forbid of either wins.
///
/// Where no thing is named, policies whose conditions speak of `resource` permit nothing. A
/// forbid of theirs that holds all the same forbids; one that cannot be evaluated is left out
/// where it lacks nothing but the thing.
///
/// Where an attribute of the principal or a fact is there, and not of the kind that the schema
/// says, nothing is decided: a policy could not tell it from one that is missing.
#[derive(Clone)]
pub struct CedarSource {
    policies: LivePolicies,
    schema: AppSchema,
}

impl CedarSource {
    /// These policies, about what the schema says. From now on the [`LivePolicies`] take only
    /// what was checked against it.
    ///
    /// # Errors
    /// When the policies were checked against no schema or another, or when one reads an
    /// attribute of the principal that only rows of its type have.
    pub fn new(policies: impl Into<LivePolicies>, schema: &AppSchema) -> Result<Self, LoadError> {
        let policies = policies.into();
        policies.require(schema)?;
        Ok(Self::insecure_of_any_schema(policies, schema))
    }

    /// Takes policies whatever they were checked against: what they say of attributes that are
    /// not there, or are of another kind, is then an error at each request. A policy that reads
    /// an attribute of the principal that only rows of its type have **believes the row**, where
    /// the row is the principal.
    #[must_use]
    pub fn insecure_of_any_schema(policies: impl Into<LivePolicies>, schema: &AppSchema) -> Self {
        Self {
            policies: policies.into(),
            schema: schema.clone(),
        }
    }
}

impl PolicySource for CedarSource {
    fn snapshot(&self) -> Arc<dyn Policies> {
        Asked::new(self.policies.current(), self.schema.clone())
    }
}

impl fmt::Debug for CedarSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CedarSource")
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) policies: CedarPolicies,
    schema: AppSchema,
}

impl Asked {
    pub(super) fn new(policies: CedarPolicies, schema: AppSchema) -> Arc<Self> {
        Arc::new(Self { policies, schema })
    }

    fn fold(&self, inputs: &Inputs, is_on_thing: bool, findings: &mut Findings) {
        let Inputs { request, entities } = inputs;
        let lineage = Lineage::of(request, entities);
        let sets = self.policies.index().candidates(&lineage);
        let fold = Fold::of(&sets, request, entities);
        let is_asked = |rule: &Rule| is_on_thing || !rule.is_on_thing;
        let is_open = |rule: &Rule| is_on_thing || !rule.lacks_but_the_thing(request, entities);
        self.tell(&fold, findings, is_asked, is_open);
        // Of those that do not hold, only permits with a step-up have anything to say.
        for id in self.policies.step_up_permits() {
            let is_candidate = || sets.iter().any(|set| set.policy(id).is_some());
            if !fold.has_found(id)
                && is_candidate()
                && let Some(rule) = self.asked(id, is_on_thing)
            {
                findings.unsatisfied(&rule.head);
            }
        }
    }

    /// Hands on what was found, except permits that are not asked and failures that do not
    /// count.
    pub(super) fn tell(
        &self,
        fold: &Fold,
        findings: &mut Findings,
        is_asked: impl Fn(&Rule) -> bool,
        is_open: impl Fn(&Rule) -> bool,
    ) {
        let rules = |ids: &'_ [PolicyId]| {
            let rules = ids.iter().map(|id| self.policies.rule(id));
            rules.flatten().map(Arc::as_ref).collect::<Vec<_>>()
        };
        let permits = rules(fold.permits())
            .into_iter()
            .filter(|rule| is_asked(rule));
        for rule in permits.chain(rules(fold.forbids())) {
            findings.satisfied(&rule.head);
        }
        for failure in fold.failures() {
            if let Some(rule) = self.policies.rule(failure.policy())
                && is_open(rule)
            {
                let error = EvalError::invalid(told(failure.error()));
                findings.failed(&rule.head, error);
            }
        }
    }

    /// The rule of a policy, unless it speaks of a thing and none is named.
    fn asked(&self, id: &PolicyId, is_on_thing: bool) -> Option<&Rule> {
        let rule = self.policies.rule(id)?;
        (is_on_thing || !rule.is_on_thing).then_some(&**rule)
    }

    /// What could not even be asked could have been forbidden, and could have been permitted.
    pub(super) fn broken(message: String, findings: &mut Findings) {
        let error = EvalError::outage(message);
        findings.failed(&PolicyHead::forbid("cedar"), error.clone());
        findings.failed(&PolicyHead::permit("cedar"), error);
    }
}

impl Policies for Asked {
    fn version(&self) -> Version {
        self.policies.version().clone()
    }

    fn heads(&self) -> Vec<PolicyHead> {
        self.policies.heads().cloned().collect()
    }

    fn evaluate(&self, query: &Query<'_>, findings: &mut Findings) {
        match Inputs::of(&self.schema, query) {
            Ok(inputs) => self.fold(&inputs, query.resource.is_some(), findings),
            Err(message) => Self::broken(message, findings),
        }
    }

    fn candidates(&self, query: &Query<'_>, most: usize) -> Vec<Candidate> {
        let Ok(Inputs { request, entities }) = Inputs::of(&self.schema, query) else {
            return Vec::new();
        };
        let lineage = Lineage::of(&request, &entities);
        let sets: Vec<&PolicySet> = self.policies.index().candidates(&lineage);
        let is_on_thing = query.resource.is_some();
        let ids = ids(&sets).into_iter();
        let rules = ids.filter_map(|id| self.asked(id, is_on_thing));
        rules
            .take(most)
            .map(|rule| Candidate::new(rule.head.clone(), rule.conditions(&request, &entities)))
            .collect()
    }

    fn prepare<'a>(self: Arc<Self>, query: Query<'a>, _type_name: &str) -> Box<dyn Prepared + 'a> {
        let frame = Frame::of(&self.schema, &query);
        Box::new(Many::new(self, frame))
    }
}

/// What went wrong, without the values of the row that Cedar would name.
fn told(error: &EvaluationError) -> String {
    use EvaluationError::{
        EntityAttrDoesNotExist, EntityDoesNotExist, FailedExtensionFunctionExecution,
        IntegerOverflow, RecordAttrDoesNotExist, RecursionLimit, TypeError,
    };
    match error {
        EntityDoesNotExist(_) => "a thing that it speaks of is not there".to_owned(),
        EntityAttrDoesNotExist(_) | RecordAttrDoesNotExist(_) => {
            // Of the text, only the name: it stands in the policy.
            let text = error.to_string();
            let name = text.trim_end_matches('`').rsplit('`').next();
            format!("{:?} is missing", name.unwrap_or_default())
        }
        TypeError(_) => "a value is of another kind than it has to be".to_owned(),
        IntegerOverflow(_) => "a number became too large".to_owned(),
        FailedExtensionFunctionExecution(_) => "a function refused its arguments".to_owned(),
        RecursionLimit(_) => "it is nested too deep".to_owned(),
        _ => "it cannot be evaluated".to_owned(),
    }
}
