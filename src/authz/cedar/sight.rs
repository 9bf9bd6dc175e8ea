//! What is true of a thing, found without Cedar: as Cedar finds it, or not at all.

use super::datum::{Datum, millis};
use super::inputs::{Frame, Row, Thing};
use super::node::{Binary, Node};
use cedar_policy::EntityUid;
use cedar_policy::pst::PatternElem;
use std::borrow::Cow;

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// Cedar has to be asked: it has the value, or says what is wrong.
    Cedar,
    /// It depends on the thing, which is not there yet.
    Thing,
}

type Seen<'a> = Result<Cow<'a, Datum>, Stuck>;

/// Caller and thing, or the caller alone.
///
/// The thing is one that [stands alone](Row::is_flat): what it is part of is part of nothing
/// else that is known.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) frame: &'a Frame,
    pub(super) row: Option<&'a Row>,
}

impl<'a> Sight<'a> {
    /// Whether all of these hold: what does not hold settles it, what comes later is not asked.
    pub(super) fn all(&self, conditions: &'a [Node]) -> Result<bool, Stuck> {
        for condition in conditions {
            if !self.holds(condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn holds(&self, node: &'a Node) -> Result<bool, Stuck> {
        match node {
            Node::Not(node) => Ok(!self.holds(node)?),
            Node::And(parts) => {
                let [left, right] = &**parts;
                Ok(self.holds(left)? && self.holds(right)?)
            }
            Node::Or(parts) => {
                let [left, right] = &**parts;
                Ok(self.holds(left)? || self.holds(right)?)
            }
            Node::If(parts) => self.holds(self.branch(parts)?),
            Node::Of(op, parts) => {
                let [left, right] = &**parts;
                self.relates(*op, &*self.value(left)?, &*self.value(right)?)
            }
            Node::IsEmpty(set) => Ok(members(&*self.value(set)?)?.is_empty()),
            Node::Has(of, path) => self.has(of, path),
            Node::Like(text, pattern) => match &*self.value(text)? {
                Datum::Text(text) => Ok(is_like(text, pattern)),
                _ => Err(Stuck::Cedar),
            },
            Node::Is(entity, name) => Ok(uid(&*self.value(entity)?)?.type_name() == name),
            _ => match &*self.value(node)? {
                Datum::Bool(value) => Ok(*value),
                _ => Err(Stuck::Cedar),
            },
        }
    }

    pub(super) fn value(&self, node: &'a Node) -> Seen<'a> {
        match node {
            Node::Constant(value) => Ok(Cow::Borrowed(value)),
            _ if node.is_boolean() => Ok(Cow::Owned(Datum::Bool(self.holds(node)?))),
            Node::Principal => Ok(entity(&self.frame.principal.uid)),
            Node::Action => Ok(entity(&self.frame.action.uid)),
            Node::Resource => Ok(entity(&self.row.ok_or(Stuck::Thing)?.resource)),
            Node::Context => Ok(Cow::Borrowed(&self.frame.context)),
            Node::Negated(node) => match &*self.value(node)? {
                Datum::Long(value) => long(value.checked_neg()),
                _ => Err(Stuck::Cedar),
            },
            Node::If(parts) => self.value(self.branch(parts)?),
            Node::Of(op, parts) => {
                let [left, right] = &**parts;
                match (&*self.value(left)?, &*self.value(right)?) {
                    (Datum::Long(left), Datum::Long(right)) => long(match op {
                        Binary::Plus => left.checked_add(*right),
                        Binary::Minus => left.checked_sub(*right),
                        Binary::Times => left.checked_mul(*right),
                        _ => None,
                    }),
                    _ => Err(Stuck::Cedar),
                }
            }
            Node::Attribute(of, name) => self.field(of, name)?.ok_or(Stuck::Cedar),
            Node::Set(values) => {
                let values = values.iter().map(|it| self.value(it).map(Cow::into_owned));
                Ok(Cow::Owned(Datum::Set(values.collect::<Result<_, _>>()?)))
            }
            _ => Err(Stuck::Cedar),
        }
    }

    fn branch(&self, [condition, then, or]: &'a [Node; 3]) -> Result<&'a Node, Stuck> {
        Ok(if self.holds(condition)? { then } else { or })
    }

    fn relates(&self, op: Binary, left: &Datum, right: &Datum) -> Result<bool, Stuck> {
        match op {
            Binary::Same => Ok(left == right),
            Binary::Less | Binary::LessOrSame => {
                let order = match (left, right) {
                    (Datum::Long(left), Datum::Long(right)) => left.cmp(right),
                    (Datum::Time(left), Datum::Time(right)) => millis(*left).cmp(&millis(*right)),
                    _ => return Err(Stuck::Cedar),
                };
                Ok(order.is_lt() || order.is_eq() && op == Binary::LessOrSame)
            }
            Binary::In => self.is_in(uid(left)?, right),
            Binary::Contains => Ok(members(left)?.contains(right)),
            Binary::ContainsAll => {
                let (left, right) = (members(left)?, members(right)?);
                Ok(right.iter().all(|value| left.contains(value)))
            }
            Binary::ContainsAny => {
                let (left, right) = (members(left)?, members(right)?);
                Ok(right.iter().any(|value| left.contains(value)))
            }
            Binary::Plus | Binary::Minus | Binary::Times => Err(Stuck::Cedar),
        }
    }

    /// Whether it is one of the groups, or in one.
    fn is_in(&self, of: &EntityUid, groups: &Datum) -> Result<bool, Stuck> {
        let groups = match groups {
            Datum::Entity(group) => vec![group],
            Datum::Set(groups) => groups.iter().map(uid).collect::<Result<_, _>>()?,
            _ => return Err(Stuck::Cedar),
        };
        if groups.contains(&of) {
            return Ok(true);
        }
        let above = if *of == self.frame.action.uid {
            &self.frame.action.groups
        } else {
            match self.thing(of)? {
                Some(thing) => &thing.parents,
                None => return Ok(false),
            }
        };
        Ok(groups.iter().any(|group| above.contains(group)))
    }

    /// What is known of an entity that is not the action.
    fn thing(&self, of: &EntityUid) -> Result<Option<&'a Thing>, Stuck> {
        if *of == self.frame.principal.uid {
            return Ok(Some(&self.frame.principal));
        }
        let row = self.row.ok_or(Stuck::Thing)?;
        // That of the row comes last: those that it speaks of were met on the way.
        Ok(row.things.iter().rev().find(|thing| thing.uid == *of))
    }

    /// The attribute of an entity; `None` where it has none of this name, or is not there.
    fn attribute_of(&self, of: &EntityUid, name: &str) -> Result<Option<&'a Datum>, Stuck> {
        if *of == self.frame.action.uid {
            return Ok(None);
        }
        let known = self.thing(of)?.and_then(|thing| thing.attributes.get(name));
        if known.is_some() || *of != self.frame.principal.uid || self.frame.schema.is_brought(name)
        {
            return Ok(known);
        }
        Ok(self.row.ok_or(Stuck::Thing)?.of_principal.get(name))
    }

    /// The attribute of an entity, or the field of a record.
    fn field(&self, of: &'a Node, name: &str) -> Result<Option<Cow<'a, Datum>>, Stuck> {
        match (of, self.row) {
            // What is asked most.
            (Node::Resource, Some(row)) => {
                let value = self.attribute_of(&row.resource, name)?;
                Ok(value.map(Cow::Borrowed))
            }
            _ => self.field_of(self.value(of)?, name),
        }
    }

    fn field_of(&self, of: Cow<'a, Datum>, name: &str) -> Result<Option<Cow<'a, Datum>>, Stuck> {
        match of {
            Cow::Borrowed(Datum::Record(fields)) => Ok(fields.get(name).map(Cow::Borrowed)),
            Cow::Owned(Datum::Record(fields)) => Ok(fields.get(name).cloned().map(Cow::Owned)),
            of => Ok(self.attribute_of(uid(&of)?, name)?.map(Cow::Borrowed)),
        }
    }

    /// Whether there is all of a path, `has a.b`.
    fn has(&self, of: &'a Node, path: &[Box<str>]) -> Result<bool, Stuck> {
        let mut names = path.iter();
        let first = names.next().ok_or(Stuck::Cedar)?;
        let mut value = self.field(of, first)?;
        for name in names {
            match value {
                Some(of) => value = self.field_of(of, name)?,
                None => break,
            }
        }
        Ok(value.is_some())
    }
}

fn entity(uid: &EntityUid) -> Cow<'static, Datum> {
    Cow::Owned(Datum::Entity(uid.clone()))
}

const fn long<'a>(value: Option<i64>) -> Seen<'a> {
    match value {
        Some(value) => Ok(Cow::Owned(Datum::Long(value))),
        None => Err(Stuck::Cedar),
    }
}

const fn uid(of: &Datum) -> Result<&EntityUid, Stuck> {
    match of {
        Datum::Entity(uid) => Ok(uid),
        _ => Err(Stuck::Cedar),
    }
}

fn members(of: &Datum) -> Result<&[Datum], Stuck> {
    match of {
        Datum::Set(values) => Ok(values),
        _ => Err(Stuck::Cedar),
    }
}

/// Whether a text is of this form: as short as it can be for each `*`, and longer where what
/// follows does not fit.
fn is_like(text: &str, pattern: &[PatternElem]) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.iter());
    // Where to go on when it does not fit: the last `*`, and what it would have to take.
    let mut star: Option<(std::str::Chars<'_>, std::slice::Iter<'_, PatternElem>)> = None;
    loop {
        match pattern.clone().next() {
            Some(PatternElem::Wildcard) => {
                pattern.next();
                star = Some((text.clone(), pattern.clone()));
                continue;
            }
            Some(PatternElem::Char(wanted)) if text.clone().next() == Some(*wanted) => {
                pattern.next();
                text.next();
                continue;
            }
            None if text.as_str().is_empty() => return true,
            _ => {}
        }
        let Some((from, after)) = &mut star else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (text, pattern) = (from.clone(), after.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_like_patterns() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("a", "", false),
            ("", "*", true),
            ("", "a", false),
            ("abc", "a*", true),
            ("abc", "*c", true),
            ("abc", "*b", false),
            ("abc", "a*b*c", true),
            ("aXbXc", "a*b*c", true),
            ("acb", "a*b*c", false),
            ("aaab", "*aab", true),
            ("ünï", "ü*ï", true),
            ("abab", "*ab", true),
            ("aba", "*ab", false),
            ("ab", "**a**b**", true),
        ] {
            let elements: Vec<_> = pattern
                .chars()
                .map(|char| match char {
                    '*' => PatternElem::Wildcard,
                    other => PatternElem::Char(other),
                })
                .collect();
            assert_eq!(is_like(text, &elements), expected, "{text:?} {pattern:?}");
        }
    }
}
