//! What a caller makes of the conditions of policies, before any thing is looked at.

use super::datum::Datum;
use super::inputs::{Frame, Inputs, Row};
use super::node::{Node, OfCaller};
use super::sight::{Sight, Stuck};
use cedar_policy::eval_expression;
use std::cell::OnceCell;

const TRUE: Node = Node::Constant(Datum::Bool(true));
const FALSE: Node = Node::Constant(Datum::Bool(false));

/// Works out what does not depend on the thing.
pub(super) struct Caller<'a> {
    frame: &'a Frame,
    /// For what only Cedar evaluates.
    inputs: OnceCell<Option<Inputs>>,
}

impl<'a> Caller<'a> {
    pub(super) const fn new(frame: &'a Frame) -> Self {
        Self {
            frame,
            inputs: OnceCell::new(),
        }
    }

    /// What is left to be asked of a thing, one after the other; `None` where one condition is
    /// false before the thing is asked for anything.
    pub(super) fn settle_all<'b>(
        &self,
        conditions: impl IntoIterator<Item = &'b Node>,
    ) -> Option<Vec<Node>> {
        let mut left = Vec::new();
        for condition in conditions {
            match self.settle(condition) {
                Node::Constant(Datum::Bool(true)) => {}
                Node::Constant(Datum::Bool(false)) if left.is_empty() => return None,
                settled => {
                    // What comes after these is never asked.
                    let ends = matches!(settled, Node::Constant(_) | Node::Unknown);
                    left.push(settled);
                    if ends {
                        break;
                    }
                }
            }
        }
        Some(left)
    }

    /// The same expression, as far as it depends on the thing. What comes first still comes
    /// first, for it can keep what comes later from being asked, and from failing.
    fn settle(&self, node: &Node) -> Node {
        match node {
            Node::Constant(_) | Node::Resource | Node::Context | Node::Unknown => node.clone(),
            Node::And(parts) => self.junction(parts, true),
            Node::Or(parts) => self.junction(parts, false),
            Node::If(parts) => {
                let [condition, then, or] = &**parts;
                match self.settle(condition) {
                    Node::Constant(Datum::Bool(true)) => self.settle(then),
                    Node::Constant(Datum::Bool(false)) => self.settle(or),
                    Node::Constant(_) | Node::Unknown => Node::Unknown,
                    condition => {
                        let parts = [condition, self.settle(then), self.settle(or)];
                        Node::If(Box::new(parts))
                    }
                }
            }
            Node::OfCaller(expression) => self.ask_cedar(expression),
            _ => self.fold(self.with_parts(node)),
        }
    }

    /// `&&`, or `||`: `going_on` is what makes it depend on the right.
    fn junction(&self, [left, right]: &[Node; 2], going_on: bool) -> Node {
        match self.settle(left) {
            Node::Constant(Datum::Bool(left)) if left != going_on => match going_on {
                true => FALSE,
                false => TRUE,
            },
            Node::Constant(Datum::Bool(_)) => match self.settle(right) {
                right if right.is_boolean() => right,
                // It may be no truth value, which Cedar does not take.
                right => Node::And(Box::new([right, TRUE])),
            },
            Node::Constant(_) | Node::Unknown => Node::Unknown,
            left => {
                let parts = Box::new([left, self.settle(right)]);
                match going_on {
                    true => Node::And(parts),
                    false => Node::Or(parts),
                }
            }
        }
    }

    fn with_parts(&self, node: &Node) -> Node {
        let settled = |node: &Node| Box::new(self.settle(node));
        match node {
            Node::Not(of) => Node::Not(settled(of)),
            Node::Negated(of) => Node::Negated(settled(of)),
            Node::IsEmpty(of) => Node::IsEmpty(settled(of)),
            Node::Of(op, parts) => {
                let [left, right] = &**parts;
                Node::Of(*op, Box::new([self.settle(left), self.settle(right)]))
            }
            Node::Attribute(of, name) => Node::Attribute(settled(of), name.clone()),
            Node::Has(of, path) => Node::Has(settled(of), path.clone()),
            Node::Like(of, pattern) => Node::Like(settled(of), pattern.clone()),
            Node::Is(of, name) => Node::Is(settled(of), name.clone()),
            Node::Set(values) => Node::Set(values.iter().map(|it| self.settle(it)).collect()),
            _ => node.clone(),
        }
    }

    /// Its value, where it has one already.
    fn fold(&self, node: Node) -> Node {
        let sight = Sight {
            frame: self.frame,
            row: None,
        };
        let value = match sight.value(&node) {
            Ok(value) => value.into_owned(),
            Err(Stuck::Cedar) => return Node::Unknown,
            Err(Stuck::Thing) => return node,
        };
        Node::Constant(value)
    }

    fn ask_cedar(&self, of: &OfCaller) -> Node {
        // Others can come with the thing.
        let is_own = |name: &String| self.frame.schema.is_brought(name);
        let inputs = self.inputs.get_or_init(|| {
            let row = Row::nothing(self.frame).ok()?;
            self.frame.inputs(&row).ok()
        });
        if let Some(Inputs { request, entities }) = inputs
            && of.reads.iter().all(is_own)
            && let Ok(value) = eval_expression(request, entities, &of.expression)
            && let Some(value) = Datum::found(value)
        {
            return Node::Constant(value);
        }
        Node::Unknown
    }
}
