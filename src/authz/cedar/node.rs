//! Conditions of policies as trees of our own, which lists evaluate without Cedar.

use super::datum::Datum;
use cedar_policy::pst::{BinaryOp, Expr, Literal, PatternElem, SmolStr, UnaryOp, Var};
use cedar_policy::{EntityId, EntityTypeName, EntityUid, Expression};
use std::sync::Arc;

/// An expression. What has no form here is [`Unknown`](Self::Unknown), and Cedar's to evaluate.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Datum),
    Principal,
    Action,
    Resource,
    Context,
    Not(Box<Self>),
    Negated(Box<Self>),
    IsEmpty(Box<Self>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    If(Box<[Self; 3]>),
    Of(Binary, Box<[Self; 2]>),
    Attribute(Box<Self>, Arc<str>),
    Has(Box<Self>, Arc<[Box<str>]>),
    Like(Box<Self>, Arc<[PatternElem]>),
    Is(Box<Self>, EntityTypeName),
    Set(Vec<Self>),
    /// What does not depend on the thing, and only Cedar evaluates.
    OfCaller(Arc<OfCaller>),
    Unknown,
}

/// Operators of two values that are both needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Same,
    Less,
    LessOrSame,
    Plus,
    Minus,
    Times,
    In,
    Contains,
    ContainsAll,
    ContainsAny,
}

impl Binary {
    /// The operator, and whether its opposite is meant.
    const fn of(op: BinaryOp) -> Option<(Self, bool)> {
        Some(match op {
            BinaryOp::Eq => (Self::Same, false),
            BinaryOp::NotEq => (Self::Same, true),
            BinaryOp::Less => (Self::Less, false),
            BinaryOp::GreaterEq => (Self::Less, true),
            BinaryOp::LessEq => (Self::LessOrSame, false),
            BinaryOp::Greater => (Self::LessOrSame, true),
            BinaryOp::Add => (Self::Plus, false),
            BinaryOp::Sub => (Self::Minus, false),
            BinaryOp::Mul => (Self::Times, false),
            BinaryOp::In => (Self::In, false),
            BinaryOp::Contains => (Self::Contains, false),
            BinaryOp::ContainsAll => (Self::ContainsAll, false),
            BinaryOp::ContainsAny => (Self::ContainsAny, false),
            _ => return None,
        })
    }
}

/// An expression that speaks of principal, action and context alone, and looks at no entity but
/// the first two.
#[derive(Debug)]
pub(super) struct OfCaller {
    pub(super) expression: Expression,
    /// The attributes of the principal that it asks for.
    pub(super) reads: Vec<String>,
}

impl Node {
    pub(super) fn new(expression: &Expr) -> Self {
        match expression {
            Expr::UnaryOp {
                op: UnaryOp::Not,
                expr,
            } => Self::Not(Self::boxed(expr)),
            Expr::BinaryOp {
                op: BinaryOp::And,
                left,
                right,
            } => Self::And(Self::pair(left, right)),
            Expr::BinaryOp {
                op: BinaryOp::Or,
                left,
                right,
            } => Self::Or(Self::pair(left, right)),
            Expr::IfThenElse {
                cond,
                then_expr,
                else_expr,
            } => Self::If(Box::new(
                [cond, then_expr, else_expr].map(|it| Self::new(it)),
            )),
            _ => OfCaller::node(expression).unwrap_or_else(|| Self::of_values(expression)),
        }
    }

    fn of_values(expression: &Expr) -> Self {
        match expression {
            Expr::Literal(literal) => constant(literal).map_or(Self::Unknown, Self::Constant),
            Expr::Var(Var::Principal) => Self::Principal,
            Expr::Var(Var::Action) => Self::Action,
            Expr::Var(Var::Resource) => Self::Resource,
            Expr::Var(Var::Context) => Self::Context,
            Expr::UnaryOp { op, expr } => match op {
                UnaryOp::Neg => Self::Negated(Self::boxed(expr)),
                UnaryOp::IsEmpty => Self::IsEmpty(Self::boxed(expr)),
                _ => Self::Unknown,
            },
            Expr::BinaryOp { op, left, right } => Self::binary(*op, left, right),
            Expr::GetAttr { expr, attr } => {
                Self::Attribute(Self::boxed(expr), attr.as_str().into())
            }
            Expr::HasAttr { expr, attrs } => {
                let attributes = attrs.iter().map(|attribute| attribute.as_str().into());
                Self::Has(Self::boxed(expr), attributes.collect())
            }
            Expr::Like { expr, pattern } => {
                Self::Like(Self::boxed(expr), pattern.as_slice().into())
            }
            Expr::Is {
                expr,
                entity_type,
                in_expr,
            } => {
                let Ok(name) = entity_type.to_string().parse() else {
                    return Self::Unknown;
                };
                let is = Self::Is(Self::boxed(expr), name);
                match in_expr {
                    None => is,
                    Some(group) => {
                        let is_in = Self::Of(Binary::In, Self::pair(expr, group));
                        Self::And(Box::new([is, is_in]))
                    }
                }
            }
            Expr::Set(values) => Self::Set(values.iter().map(|value| Self::new(value)).collect()),
            _ => Self::Unknown,
        }
    }

    fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> Self {
        let Some((op, is_negated)) = Binary::of(op) else {
            return Self::Unknown;
        };
        let node = Self::Of(op, Self::pair(left, right));
        match is_negated {
            true => Self::Not(Box::new(node)),
            false => node,
        }
    }

    fn boxed(expression: &Expr) -> Box<Self> {
        Box::new(Self::new(expression))
    }

    fn pair(left: &Expr, right: &Expr) -> Box<[Self; 2]> {
        Box::new([Self::new(left), Self::new(right)])
    }

    /// Whether its value, where it has one, is true or false.
    pub(super) const fn is_boolean(&self) -> bool {
        match self {
            Self::Not(_)
            | Self::IsEmpty(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Has(..)
            | Self::Like(..)
            | Self::Is(..)
            | Self::Constant(Datum::Bool(_)) => true,
            Self::Of(op, _) => !matches!(op, Binary::Plus | Binary::Minus | Binary::Times),
            _ => false,
        }
    }
}

fn constant(literal: &Literal) -> Option<Datum> {
    Some(match literal {
        Literal::Bool(value) => Datum::Bool(*value),
        Literal::Long(value) => Datum::Long(*value),
        Literal::String(value) => Datum::Text(value.to_string()),
        Literal::EntityUID(uid) => {
            let name = uid.ty.to_string().parse().ok()?;
            Datum::Entity(EntityUid::from_type_name_and_id(
                name,
                EntityId::new(&uid.eid),
            ))
        }
        _ => return None,
    })
}

impl OfCaller {
    /// An expression that needs Cedar, and needs it once for each caller.
    fn node(expression: &Expr) -> Option<Node> {
        let mut reads = Vec::new();
        if !needs_cedar(expression) || !is_of_caller(expression, &mut reads) {
            return None;
        }
        let expression = expression.to_string().parse().ok()?;
        Some(Node::OfCaller(Arc::new(Self { expression, reads })))
    }
}

/// Whether something in it has no form here.
fn needs_cedar(expression: &Expr) -> bool {
    let needs = |expression: &Expr| match expression {
        Expr::UnaryOp {
            op: UnaryOp::Not | UnaryOp::Neg | UnaryOp::IsEmpty,
            ..
        }
        | Expr::Literal(_)
        | Expr::Var(_)
        | Expr::GetAttr { .. }
        | Expr::HasAttr { .. }
        | Expr::Like { .. }
        | Expr::Is { .. }
        | Expr::IfThenElse { .. }
        | Expr::Set(_) => None,
        Expr::BinaryOp {
            op: BinaryOp::And | BinaryOp::Or,
            ..
        } => None,
        Expr::BinaryOp { op, .. } => Binary::of(*op).is_none().then_some(true),
        _ => Some(true),
    };
    expression.reduce(&needs, &|left, right| left || right, false)
}

/// Whether it has one value for all things: then also what it asks of the principal.
fn is_of_caller(expression: &Expr, reads: &mut Vec<String>) -> bool {
    let is_entity =
        |expression: &Expr| matches!(expression, Expr::Var(Var::Principal | Var::Action));
    match expression {
        Expr::Literal(_) => true,
        Expr::Var(of) => *of != Var::Resource,
        Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => is_of_caller(expr, reads),
        Expr::BinaryOp { op, left, right } => {
            let looks = matches!(op, BinaryOp::In | BinaryOp::GetTag | BinaryOp::HasTag);
            (!looks || is_entity(left)) && is_of_caller(left, reads) && is_of_caller(right, reads)
        }
        Expr::GetAttr { expr, attr } => reads_of(expr, [attr.as_str()], reads),
        Expr::HasAttr { expr, attrs } => {
            attrs.len() == 1 && reads_of(expr, attrs.iter().map(SmolStr::as_str), reads)
        }
        Expr::Is { expr, in_expr, .. } => {
            let group = in_expr.as_ref();
            is_of_caller(expr, reads)
                && group.is_none_or(|group| is_entity(expr) && is_of_caller(group, reads))
        }
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => [cond, then_expr, else_expr]
            .into_iter()
            .all(|part| is_of_caller(part, reads)),
        Expr::Set(values) => values.iter().all(|value| is_of_caller(value, reads)),
        Expr::Record(values) => values.values().all(|value| is_of_caller(value, reads)),
        _ => false,
    }
}

/// An attribute of one of the variables: what stands in an attribute can be anybody.
fn reads_of<'a>(
    of: &Expr,
    attributes: impl IntoIterator<Item = &'a str>,
    reads: &mut Vec<String>,
) -> bool {
    match of {
        Expr::Var(Var::Principal) => {
            reads.extend(attributes.into_iter().map(str::to_owned));
            true
        }
        Expr::Var(Var::Action | Var::Context) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::pst::Clause;

    fn node(condition: &str) -> Node {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let policy: cedar_policy::Policy = text.parse().unwrap();
        let tree = policy.to_pst().unwrap();
        match tree.body().clauses().as_slice() {
            [Clause::When(expression)] => Node::new(expression),
            clauses => panic!("{clauses:?}"),
        }
    }

    #[test]
    fn what_is_asked_of_cedar_once_depends_on_the_caller_alone() {
        for (name, condition, reads) in [
            ("the context", "context.ip.isLoopback()", Some(vec![])),
            (
                "whether it is there",
                "{a: context has ip} == {}",
                Some(vec![]),
            ),
            (
                "the principal",
                "ip(principal.home).isInRange(principal.net)",
                Some(vec!["home", "net"]),
            ),
            (
                "groups of the principal",
                "{a: principal in T::\"a\"} == {}",
                Some(vec![]),
            ),
            ("the thing", "context.ip == ip(resource.ip)", None),
            (
                "the thing in a list",
                "[resource].contains(ip(\"::1\"))",
                None,
            ),
            (
                "groups of the thing",
                "{a: resource in T::\"a\"} == {}",
                None,
            ),
            (
                "groups of somebody",
                "{a: context.who in T::\"a\"} == {}",
                None,
            ),
            (
                "groups of a name",
                "{a: User::\"a\" in T::\"a\"} == {}",
                None,
            ),
            (
                "a kind and groups",
                "{a: context.who is User in T::\"a\"} == {}",
                None,
            ),
            ("what somebody has", "context.who.ip.isLoopback()", None),
            (
                "whether somebody has it",
                "{a: context has who.ip} == {}",
                None,
            ),
            ("tags of somebody", "context.who.hasTag(\"a\")", None),
        ] {
            let found = match node(condition) {
                Node::OfCaller(of) => Some(of.reads.clone()),
                _ => None,
            };
            let reads = reads.map(|reads| reads.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, reads, "{name}: {condition}");
        }
    }

    #[test]
    fn what_needs_no_cedar_has_a_form() {
        for condition in [
            "context.level < 3",
            "principal has a.b.c",
            "resource is User in Team::\"a\"",
            "[1, 2].containsAll(resource.levels)",
            "-resource.level + 1 * 2 - 3 >= context.level",
        ] {
            let text = format!("{:?}", node(condition));
            assert!(
                !text.contains("Unknown") && !text.contains("OfCaller"),
                "{text}"
            );
        }
    }
}
