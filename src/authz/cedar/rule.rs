//! What is kept of each policy beside its place in the index: its head, and its conditions one
//! by one.

use super::node::Node;
use super::{LoadError, advice, depth, index};
use crate::authz::abac::{Condition, PolicyHead};
use cedar_policy::pst::{BinaryOp, Clause, Expr, UnaryOp, Var};
use cedar_policy::{
    ActionConstraint, Effect, Entities, EvalResult, Expression, Policy, PolicyId, PolicySet,
    PrincipalConstraint, Request, ResourceConstraint, eval_expression,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// A policy, as explanations and decisions show it, and as lists ask it.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) policy: Policy,
    pub(super) head: PolicyHead,
    pub(super) scope: Scope,
    /// The attributes that it asks for of what can be the principal.
    pub(super) reads_of_principal: BTreeSet<Box<str>>,
    /// The policy in a set of its own, once Cedar was asked for it alone.
    alone: OnceLock<Option<PolicySet>>,
    /// Whether a condition speaks of `resource`.
    pub(super) is_on_thing: bool,
    conjuncts: Vec<Conjunct>,
}

/// What a policy asks of principal, action and resource before its conditions.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) principal: PrincipalConstraint,
    pub(super) action: ActionConstraint,
    pub(super) resource: ResourceConstraint,
}

/// One of the conditions that all have to hold.
#[derive(Debug)]
struct Conjunct {
    text: Arc<str>,
    is_on_thing: bool,
    node: Node,
    /// None where its text cannot be read again: then it is shown, and not judged.
    expression: Option<Expression>,
}

impl Rule {
    pub(super) fn new(file: &str, policy: &Policy) -> Result<Self, LoadError> {
        let id = policy.id().to_string();
        let head = match policy.effect() {
            Effect::Permit => PolicyHead::permit(id.as_str()),
            Effect::Forbid => PolicyHead::forbid(id.as_str()),
        };
        let head = advice::annotate(head, policy).map_err(|message| LoadError::Annotation {
            file: file.to_owned(),
            policy: id.clone(),
            message,
        })?;
        // Cedar made this tree out of the policy once already.
        let tree = policy
            .to_pst()
            .map_err(|error| LoadError::Index(error.to_string()))?;
        check_levels(file, policy.id(), tree.body().clauses())?;
        let mut parts = Vec::new();
        for clause in tree.body().clauses() {
            match clause {
                Clause::When(expression) => split(expression, true, &mut parts),
                Clause::Unless(expression) => split(expression, false, &mut parts),
            }
        }
        let reads = parts.iter().flat_map(|part| reads_of_principal(part));
        Ok(Self {
            policy: policy.clone(),
            reads_of_principal: reads.collect(),
            head,
            scope: Scope {
                principal: policy.principal_constraint(),
                action: policy.action_constraint(),
                resource: policy.resource_constraint(),
            },
            alone: OnceLock::new(),
            is_on_thing: parts.iter().any(|part| speaks_of_resource(part)),
            conjuncts: parts.iter().map(|part| Conjunct::new(part)).collect(),
        })
    }

    /// Its conditions, in the order in which they are asked.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.conjuncts.iter().map(|conjunct| &conjunct.node)
    }

    /// The policy in a set of its own, which is made of the set of all.
    pub(super) fn alone(&self, all: &PolicySet) -> Option<&PolicySet> {
        let alone = self
            .alone
            .get_or_init(|| index::alone(&self.policy, all).ok());
        alone.as_ref()
    }

    #[cfg(test)]
    pub(super) fn was_asked_alone(&self) -> bool {
        self.alone.get().is_some()
    }

    /// Whether this policy, which cannot be evaluated, can be left out where no thing is named:
    /// what does not speak of one settles it, or all holds that does not, so that the thing is
    /// what it lacks.
    pub(super) fn lacks_but_the_thing(&self, request: &Request, entities: &Entities) -> bool {
        let own = self.conjuncts.iter().filter(|it| !it.is_on_thing);
        let own: Vec<_> = own.map(|it| it.holds(request, entities)).collect();
        self.is_on_thing
            && (own.contains(&Some(false)) || own.iter().all(|holds| *holds == Some(true)))
    }

    /// Each condition, and whether it holds.
    pub(super) fn conditions(&self, request: &Request, entities: &Entities) -> Vec<Condition> {
        let conjuncts = self.conjuncts.iter();
        conjuncts
            .map(|conjunct| {
                let text = conjunct.text.to_string();
                Condition::new(text, conjunct.holds(request, entities))
            })
            .collect()
    }
}

impl Conjunct {
    fn new(expression: &Expr) -> Self {
        let text = expression.to_string();
        Self {
            expression: text.parse().ok(),
            node: Node::new(expression),
            is_on_thing: speaks_of_resource(expression),
            text: text.into(),
        }
    }

    fn holds(&self, request: &Request, entities: &Entities) -> Option<bool> {
        match eval_expression(request, entities, self.expression.as_ref()?) {
            Ok(EvalResult::Bool(holds)) => Some(holds),
            _ => None,
        }
    }
}

/// Refuses a policy that not every thread could evaluate.
pub(super) fn check_levels(
    file: &str,
    policy: &PolicyId,
    clauses: &[Clause],
) -> Result<(), LoadError> {
    if depth::levels(clauses) <= depth::MAX_LEVELS {
        return Ok(());
    }
    Err(LoadError::TooManyLevels {
        file: file.to_owned(),
        policy: policy.to_string(),
        most: depth::MAX_LEVELS,
    })
}

/// `a && b` holds if both do; `a || b` does not hold if neither does.
fn split(expression: &Arc<Expr>, wanted: bool, parts: &mut Vec<Arc<Expr>>) {
    match &**expression {
        Expr::BinaryOp {
            op: BinaryOp::And,
            left,
            right,
        } if wanted => {
            split(left, wanted, parts);
            split(right, wanted, parts);
        }
        Expr::BinaryOp {
            op: BinaryOp::Or,
            left,
            right,
        } if !wanted => {
            split(left, wanted, parts);
            split(right, wanted, parts);
        }
        Expr::UnaryOp {
            op: UnaryOp::Not,
            expr,
        } => split(expr, !wanted, parts),
        _ if wanted => parts.push(Arc::clone(expression)),
        _ => parts.push(Arc::new(Expr::UnaryOp {
            op: UnaryOp::Not,
            expr: Arc::clone(expression),
        })),
    }
}

fn speaks_of_resource(expression: &Expr) -> bool {
    let is_resource = |expression: &Expr| match expression {
        Expr::Var(Var::Resource) => Some(true),
        _ => None,
    };
    expression.reduce(&is_resource, &|left, right| left || right, false)
}

/// The attributes that are asked for of an expression that can be the principal.
fn reads_of_principal(expression: &Expr) -> BTreeSet<Box<str>> {
    let of = |expression: &Expr| match expression {
        Expr::GetAttr { expr, attr } if can_be_principal(expr) => Some(attr.as_str().into()),
        Expr::HasAttr { expr, attrs } if can_be_principal(expr) => {
            Some(attrs.first().as_str().into())
        }
        _ => None,
    };
    let found = RefCell::new(BTreeSet::new());
    let note = |expression: &Expr| {
        found.borrow_mut().extend(of(expression));
        // All of it is looked at.
        None
    };
    expression.reduce::<()>(&note, &|(), ()| (), ());
    found.into_inner()
}

/// Whether it is `principal`, or made of parts among which it is. An attribute of the principal
/// is somebody else, or no more than a value.
fn can_be_principal(expression: &Expr) -> bool {
    let is_principal = |expression: &Expr| match expression {
        Expr::Var(var) => Some(*var == Var::Principal),
        Expr::GetAttr { expr, .. } if matches!(**expr, Expr::Var(_)) => Some(false),
        _ => None,
    };
    expression.reduce(&is_principal, &|left, right| left || right, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::Context;

    fn rule(text: &str) -> Rule {
        Rule::new("a.cedar", &text.parse().unwrap()).unwrap()
    }

    #[test]
    fn conditions_are_told_one_by_one() {
        let request = Request::new(
            r#"User::"ann""#.parse().unwrap(),
            r#"Action::"read""#.parse().unwrap(),
            r#"Document::"plan""#.parse().unwrap(),
            Context::from_json_str(r#"{"hour": 20}"#, None).unwrap(),
            None,
        );
        let request = request.unwrap();
        for (name, text, expected) in [
            ("none", "permit(principal, action, resource);", vec![]),
            (
                "and",
                r#"permit(principal, action, resource)
                   when { context.hour < 18 && (context.hour > 8 && principal == User::"ann") };"#,
                vec![Some(false), Some(true), Some(true)],
            ),
            (
                "or is one",
                "permit(principal, action, resource) when { context.hour < 18 || true };",
                vec![Some(true)],
            ),
            (
                "unless or is two",
                "permit(principal, action, resource) unless { context.hour < 18 || true };",
                vec![Some(true), Some(false)],
            ),
            (
                "unless and is one",
                "permit(principal, action, resource) unless { context.hour < 18 && true };",
                vec![Some(true)],
            ),
            (
                "not not",
                "permit(principal, action, resource) when { !(context.hour < 18 || false) };",
                vec![Some(true), Some(true)],
            ),
            (
                "what cannot be judged",
                "permit(principal, action, resource) when { resource.isOpen && true };",
                vec![None, Some(true)],
            ),
            (
                "several clauses",
                "permit(principal, action, resource) when { true } when { false } unless { false };",
                vec![Some(true), Some(false), Some(true)],
            ),
        ] {
            let conditions = rule(text).conditions(&request, &Entities::empty());
            let found: Vec<_> = conditions.iter().map(|it| it.holds).collect();
            assert_eq!(found, expected, "{name}: {conditions:?}");
        }
    }

    #[test]
    fn what_a_policy_speaks_of() {
        for (text, expected) in [
            ("permit(principal, action, resource is Document);", false),
            (
                "permit(principal, action, resource) when { context.hour < 18 };",
                false,
            ),
            (
                "permit(principal, action, resource) when { true && !resource.isOpen };",
                true,
            ),
            (
                "permit(principal, action, resource) unless { {a: [resource]}.a.isEmpty() };",
                true,
            ),
        ] {
            assert_eq!(rule(text).is_on_thing, expected, "{text}");
        }
    }
}
