use super::answer::{Fold, OnError, PolicyFailure, Ruling};
use super::builder::{read_policies, read_schema};
use super::error::told;
use super::index::{Lineage, ScopeIndex};
use super::{LoadError, depth};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicyId, PolicySet, Request, Schema,
    ValidationMode, Validator,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Policies, entities and requests as text, to be decided by Cedar's own rules: for the
/// conformance tests of Cedar, and to try policies out.
///
/// It is read from JSON in the words of those tests. Answers follow [`OnError::Cedar`], and
/// policies are called `policy0`, `policy1` and on: it is not for deciding real requests.
///
/// ```
/// use portcullis::authz::cedar::Cases;
///
/// let cases: Cases = serde_json::from_str(r#"{
///     "policies": "permit(principal == User::\"ann\", action, resource);",
///     "entities": [],
///     "requests": [
///         {"principal": {"type": "User", "id": "ann"}, "action": "Action::\"read\"",
///          "resource": {"__entity": {"type": "Document", "id": "plan"}}, "context": {}},
///         {"principal": "User::\"bob\"", "action": "Action::\"read\"",
///          "resource": "Document::\"plan\"", "context": {}}
///     ]
/// }"#)?;
/// let results = cases.decide()?;
/// assert_eq!(
///     serde_json::to_string(&results)?,
///     r#"{"results":[{"decision":"allow","reason":["policy0"],"errors":[]},{"decision":"deny","reason":[],"errors":[]}]}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
pub struct Cases {
    policies: String,
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    entities: Value,
    #[serde(default)]
    requests: Vec<Case>,
    #[serde(default)]
    engine: Engine,
}

/// Who looks at the policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Engine {
    /// Cedar, all of them.
    Cedar,
    /// Cedar behind the [`ScopeIndex`], those whose scope can be true.
    #[default]
    Indexed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    principal: Value,
    action: Value,
    resource: Value,
    #[serde(default)]
    context: Value,
    #[serde(default = "yes")]
    validate_request: bool,
}

const fn yes() -> bool {
    true
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Results {
    #[serde(skip_serializing_if = "Option::is_none")]
    validates: Option<bool>,
    results: Vec<CaseResult>,
}

impl Results {
    /// Whether the policies fit the schema; `None` where there is none.
    #[must_use]
    pub const fn validates(&self) -> Option<bool> {
        self.validates
    }

    /// One for each request, in the same order.
    #[must_use]
    pub fn results(&self) -> &[CaseResult] {
        &self.results
    }
}

/// What came out of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    decision: &'static str,
    reason: BTreeSet<String>,
    errors: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<String>,
}

impl CaseResult {
    /// Whether it is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision == "allow"
    }

    /// The policies that decided.
    #[must_use]
    pub const fn reason(&self) -> &BTreeSet<String> {
        &self.reason
    }

    /// The policies that could not be evaluated.
    #[must_use]
    pub const fn errors(&self) -> &BTreeSet<String> {
        &self.errors
    }

    /// Why the request is none that the schema knows: then it is not decided, but denied.
    #[must_use]
    pub fn invalid(&self) -> Option<&str> {
        self.invalid.as_deref()
    }

    fn denied(why: String) -> Self {
        Self {
            decision: "deny",
            reason: BTreeSet::new(),
            errors: BTreeSet::new(),
            invalid: Some(why),
        }
    }

    fn new<'a>(
        is_allowed: bool,
        reason: impl IntoIterator<Item = &'a PolicyId>,
        errors: impl IntoIterator<Item = &'a PolicyId>,
    ) -> Self {
        Self {
            decision: if is_allowed { "allow" } else { "deny" },
            reason: reason.into_iter().map(PolicyId::to_string).collect(),
            errors: errors.into_iter().map(PolicyId::to_string).collect(),
            invalid: None,
        }
    }
}

impl Cases {
    /// Decides all requests.
    ///
    /// # Errors
    /// When the policies, the schema or the entities cannot be read. What is wrong with one
    /// request is in its result.
    pub fn decide(&self) -> Result<Results, LoadError> {
        depth::with_stack(|| {
            let world = self.world()?;
            let results = self.requests.iter();
            Ok(Results {
                validates: world.validates(),
                results: results.map(|case| world.decide(case)).collect(),
            })
        })
    }

    fn world(&self) -> Result<World, LoadError> {
        let policies = read_policies("policies", &self.policies)?;
        let schema = match self.schema.as_ref() {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(read_schema("schema", text)?),
            Some(json) => Some(read_schema("schema", &json.to_string())?),
        };
        let entities = match &self.entities {
            // With a schema, the groups of its actions are there.
            Value::Null => Entities::from_entities([], schema.as_ref()),
            Value::String(text) => Entities::from_json_str(text, schema.as_ref()),
            json => Entities::from_json_value(json.clone(), schema.as_ref()),
        };
        let entities = entities.map_err(|error| LoadError::Entities(told(&error)))?;
        let index = match self.engine {
            Engine::Cedar => None,
            Engine::Indexed => Some(ScopeIndex::new(&policies)?),
        };
        Ok(World {
            policies,
            index,
            schema,
            entities,
        })
    }
}

struct World {
    policies: PolicySet,
    /// None where Cedar looks at all policies.
    index: Option<ScopeIndex>,
    schema: Option<Schema>,
    entities: Entities,
}

impl World {
    fn validates(&self) -> Option<bool> {
        let validator = Validator::new(self.schema.clone()?);
        let result = validator.validate(&self.policies, ValidationMode::Strict);
        Some(result.validation_passed())
    }

    fn decide(&self, case: &Case) -> CaseResult {
        let request = match self.request(case) {
            Ok(request) => request,
            Err(why) => return CaseResult::denied(why),
        };
        match &self.index {
            None => self.by_cedar(&request),
            Some(index) => self.by_index(index, &request),
        }
    }

    fn by_cedar(&self, request: &Request) -> CaseResult {
        let response = Authorizer::new().is_authorized(request, &self.policies, &self.entities);
        CaseResult::new(
            response.decision() == Decision::Allow,
            response.diagnostics().reason(),
            response.diagnostics().errors().map(|error| {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                error.policy_id()
            }),
        )
    }

    fn by_index(&self, index: &ScopeIndex, request: &Request) -> CaseResult {
        let lineage = Lineage::of(request, &self.entities);
        let fold = Fold::of(&index.candidates(&lineage), request, &self.entities);
        let is_allowed = fold.ruling(OnError::Cedar) == Ruling::Allow;
        let reason = if is_allowed {
            fold.permits()
        } else {
            fold.forbids()
        };
        CaseResult::new(
            is_allowed,
            reason,
            fold.failures().iter().map(PolicyFailure::policy),
        )
    }

    /// The context is read by the schema also where the request is not checked against it, so
    /// that entities and extension values in it may be written short.
    fn request(&self, case: &Case) -> Result<Request, String> {
        let principal = entity("principal", &case.principal)?;
        let action = entity("action", &case.action)?;
        let resource = entity("resource", &case.resource)?;
        let by = self.schema.as_ref().filter(|schema| {
            case.validate_request || schema.actions().any(|known| *known == action)
        });
        let context = match &case.context {
            Value::Null => Ok(Context::empty()),
            Value::String(text) => Context::from_json_str(text, by.map(|schema| (schema, &action))),
            json => Context::from_json_value(json.clone(), by.map(|schema| (schema, &action))),
        };
        let context = context.map_err(|error| format!("context: {error}"))?;
        let by = self.schema.as_ref().filter(|_| case.validate_request);
        Request::new(principal, action, resource, context, by).map_err(|error| error.to_string())
    }
}

/// `{"type", "id"}`, the same in `__entity`, or `Type::"id"`.
fn entity(which: &str, json: &Value) -> Result<EntityUid, String> {
    match json {
        Value::String(text) => text.parse().map_err(|error| format!("{which}: {error}")),
        json => EntityUid::from_json(json.clone()).map_err(|error| format!("{which}: {error}")),
    }
}
