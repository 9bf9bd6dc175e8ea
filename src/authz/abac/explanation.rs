use super::{Attributes, Candidate, Decision, EntityId, Outcome, PolicyError, Query, Version};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// How a decision came about: for the operator, never for the client.
///
/// It holds no value of a row, but its id and those of attributes that are public
/// ([`AttributeSchema::public`](super::AttributeSchema::public)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// What was asked for.
    pub action: String,
    /// Of what, as `Document::"17"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What came of it: a stable code.
    pub outcome: &'static str,
    /// The policies that were about it, with each condition.
    pub candidates: Vec<Candidate>,
    /// Policies that could not be judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<PolicyError>,
    /// The attributes of the resource: the value of public ones, of others the kind alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(&'static str, Cow<'static, str>)>,
    /// By which state of the policies it was decided.
    pub version: Version,
    text: &'static str,
}

impl Explanation {
    pub(super) fn new(
        query: &Query<'_>,
        decision: &Decision,
        candidates: Vec<Candidate>,
        attributes: Vec<(&'static str, Cow<'static, str>)>,
    ) -> Self {
        Self {
            action: query.action.to_owned(),
            resource: query.resource.map(|of| format!("{:?}", EntityId::of(of))),
            outcome: decision.outcome().code(),
            candidates,
            errors: decision.errors().to_vec(),
            attributes,
            version: decision.version().clone(),
            text: text(decision.outcome()),
        }
    }
}

const fn text(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allowed",
        Outcome::Deny(kind) => kind.text(),
        Outcome::StepUp(_) => "a stronger login would be allowed",
        Outcome::Indeterminate(cause) => cause.text(),
    }
}

/// The attributes that an explanation shows.
pub(super) fn shown<R: Attributes>(resource: &R) -> Vec<(&'static str, Cow<'static, str>)> {
    let schema = R::schema();
    let is_public = |name| {
        let mut known = schema.attributes().iter();
        known.any(|attribute| attribute.name() == name && attribute.is_public())
    };
    let mut shown = Vec::new();
    resource.visit(&mut |name, value| {
        let text = if is_public(name) {
            value.shown()
        } else {
            value.kind().into()
        };
        shown.push((name, text));
    });
    shown
}

/// One line: what comes first is what an event keeps of it.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.action)?;
        if let Some(resource) = &self.resource {
            write!(f, " of {resource}")?;
        }
        write!(f, ": {}", self.text)?;
        for error in &self.errors {
            write!(f, "; {error}")?;
        }
        for candidate in &self.candidates {
            write!(f, "; {:?}", candidate.policy)?;
            let of = |holds| {
                let conditions = candidate.conditions.iter();
                let labels = conditions.filter(move |condition| condition.holds == holds);
                labels
                    .map(|condition| &*condition.label)
                    .collect::<Vec<_>>()
            };
            let (failing, unknown) = (of(Some(false)), of(None));
            match (failing.is_empty(), unknown.is_empty()) {
                (false, _) => write!(f, " fails at {}", failing.join(", "))?,
                (true, false) => write!(f, " cannot tell {}", unknown.join(", "))?,
                (true, true) => f.write_str(" holds")?,
            }
        }
        Ok(())
    }
}
