use super::Question;
use crate::authz::abac::{Authz, Context, Decision, Explanation, Outcome, Resource};
use crate::principal::Principal;
use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Asks about a thing of some type.
type AskAbout = Box<
    dyn Fn(&Authz, &Principal, &str, Map<String, Value>, &Context) -> Result<PolicyAnswer, AskError>
        + Send
        + Sync,
>;

/// Puts questions that are data to policies.
#[must_use]
pub struct PolicyTrial {
    pub(super) authz: Authz,
    types: BTreeMap<String, AskAbout>,
}

impl fmt::Debug for PolicyTrial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyTrial")
            .field("authz", &self.authz)
            .field("types", &self.types.keys())
            .finish()
    }
}

impl PolicyTrial {
    /// Puts questions to these policies.
    pub const fn new(authz: Authz) -> Self {
        Self {
            authz,
            types: BTreeMap::new(),
        }
    }

    /// Lets questions be about things of this type: their fields are read into the struct that
    /// the policies are about.
    pub fn resource<R: Resource + DeserializeOwned>(mut self) -> Self {
        let name = R::schema().name().to_owned();
        let type_name = name.clone();
        let ask: AskAbout = Box::new(move |authz, principal, action, fields, context| {
            let read = serde_json::from_value::<R>(Value::Object(fields));
            let resource = read.map_err(|error| AskError::MalformedResource {
                type_name: type_name.clone(),
                error: error.to_string(),
            })?;
            let explained = authz.explain(principal, action, &resource, context);
            Ok(PolicyAnswer::of(explained))
        });
        self.types.insert(name, ask);
        self
    }

    /// Puts a question.
    ///
    /// # Errors
    /// When it cannot be understood. A permission that is not there is no error but an
    /// [outcome](crate::authz::abac::Cause::UnknownPermission).
    pub fn ask(&self, question: &Question) -> Result<PolicyAnswer, AskError> {
        let (principal, context) = question.setting(self.authz.now())?;
        let Some(thing) = &question.resource else {
            let explained = self
                .authz
                .explain_action(&principal, &question.action, &context);
            return Ok(PolicyAnswer::of(explained));
        };
        let ask = self.types.get(&thing.type_name);
        let ask = ask.ok_or_else(|| AskError::UnknownType {
            type_name: thing.type_name.clone(),
            known: self.types.keys().cloned().collect::<Vec<_>>().join(", "),
        })?;
        let fields = thing.fields.clone();
        ask(&self.authz, &principal, &question.action, fields, &context)
    }
}

/// What the policies say to a question. As JSON: `outcome`, `reasons`, `obligations`, `advice`
/// and `explanation`, with the login that would be allowed as `step_up`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyAnswer {
    decision: Decision,
    explanation: Explanation,
}

impl PolicyAnswer {
    fn of((decision, explanation): (Decision, Explanation)) -> Self {
        Self {
            decision,
            explanation,
        }
    }

    /// What they decide.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// How that came about.
    #[must_use]
    pub const fn explanation(&self) -> &Explanation {
        &self.explanation
    }
}

impl Serialize for PolicyAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decision = &self.decision;
        let mut answer = serializer.serialize_struct("PolicyAnswer", 6)?;
        answer.serialize_field("outcome", decision.outcome().code())?;
        answer.serialize_field("reasons", decision.reasons())?;
        if let Outcome::StepUp(step_up) = decision.outcome() {
            answer.serialize_field("step_up", step_up)?;
        }
        let obligations: Vec<_> = decision.obligations().collect();
        answer.serialize_field("obligations", &obligations)?;
        let advice: Vec<_> = decision.advice().collect();
        answer.serialize_field("advice", &advice)?;
        answer.serialize_field("explanation", &self.explanation)?;
        answer.end()
    }
}

/// Why a question cannot be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The time is not one.
    #[error("time {0:?} is malformed; write it as RFC 3339 has it, 2026-11-23T10:00:00Z")]
    MalformedTime(String),
    /// There are no things of this type.
    #[error("there is no type {type_name:?}; the types are {known}")]
    UnknownType {
        /// The type.
        type_name: String,
        /// Those there are.
        known: String,
    },
    /// The fields are not those of the type.
    #[error("the resource is no {type_name}: {error}")]
    MalformedResource {
        /// The type.
        type_name: String,
        /// What is wrong with it.
        error: String,
    },
}
