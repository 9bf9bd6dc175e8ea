//! Among policies of one place, those for which an attribute of the thing can have the value
//! that they ask for.

use super::datum::Datum;
use super::node::{Binary, Node};
use super::sight::Sight;
use hashbrown::{Equivalent, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Fewer policies are asked one by one.
const MIN_POLICIES: usize = 4;

/// Conditions, of which each thing is asked those that can hold.
pub(super) struct ByValue {
    /// Those that are asked in any case.
    others: Vec<usize>,
    tables: Vec<Table>,
}

/// Conditions that ask for the same attribute to be equal to something.
struct Table {
    attribute: Node,
    needs: Vec<(Node, Kind)>,
    by_value: HashMap<Key, Vec<usize>>,
}

/// What makes conditions stand in one table: the attribute, and what a thing needs to have so
/// that nothing fails before that is compared.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    attribute: Path,
    needs: Vec<(Path, Kind)>,
}

/// An attribute of the thing, or of what it speaks of: the names on the way.
type Path = Vec<Arc<str>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Any,
    Bool,
    Long,
    Text,
    Entity,
    Set,
}

impl ByValue {
    pub(super) fn new<'a>(policies: impl IntoIterator<Item = &'a [Node]>) -> Self {
        let mut others = Vec::new();
        let mut asked: HashMap<Asked, HashMap<Key, Vec<usize>>> = HashMap::new();
        for (number, conditions) in policies.into_iter().enumerate() {
            match Asked::of(conditions) {
                Some((of, value)) => {
                    let values = asked.entry(of).or_default();
                    values.entry(value).or_default().push(number);
                }
                None => others.push(number),
            }
        }
        let mut tables = Vec::new();
        for (of, by_value) in asked {
            let numbers = || by_value.values().flatten().copied();
            if numbers().count() < MIN_POLICIES {
                others.extend(numbers());
                continue;
            }
            tables.push(Table {
                attribute: node(&of.attribute),
                needs: of
                    .needs
                    .iter()
                    .map(|(of, kind)| (node(of), *kind))
                    .collect(),
                by_value,
            });
        }
        Self { others, tables }
    }

    /// Calls with each policy that this thing has to be asked of: of the others, a condition is
    /// false, and none fails before.
    pub(super) fn each(&self, sight: Sight<'_>, mut call: impl FnMut(usize)) {
        self.others.iter().for_each(|number| call(*number));
        for table in &self.tables {
            let has_all = || table.needs.iter().all(|(of, kind)| kind.is_of(sight, of));
            match sight.value(&table.attribute) {
                Ok(value) if has_all() => {
                    let numbers = table.by_value.get(&Wanted(&value));
                    numbers
                        .into_iter()
                        .flatten()
                        .for_each(|number| call(*number));
                }
                _ => {
                    let numbers = table.by_value.values().flatten();
                    numbers.for_each(|number| call(*number));
                }
            }
        }
    }
}

impl Asked {
    /// The first condition that compares an attribute with a value, where what comes before
    /// cannot fail for things that have what it needs.
    fn of(conditions: &[Node]) -> Option<(Self, Key)> {
        let mut needs = Vec::new();
        for condition in conditions {
            if let Some((attribute, value)) = compared(condition) {
                needs.sort_unstable();
                needs.dedup();
                return Some((Self { attribute, needs }, value));
            }
            need(condition, Kind::Bool, &mut needs)?;
        }
        None
    }
}

/// `resource.name == "value"`, or the other way round.
fn compared(condition: &Node) -> Option<(Path, Key)> {
    let Node::Of(Binary::Same, parts) = condition else {
        return None;
    };
    let ([of, Node::Constant(value)] | [Node::Constant(value), of]) = &**parts else {
        return None;
    };
    Some((path(of)?, Key::new(value)?))
}

fn path(of: &Node) -> Option<Path> {
    let Node::Attribute(of, name) = of else {
        return None;
    };
    let mut names = match &**of {
        Node::Resource => Vec::new(),
        of => path(of)?,
    };
    names.push(Arc::clone(name));
    Some(names)
}

fn node(path: &Path) -> Node {
    path.iter().fold(Node::Resource, |of, name| {
        Node::Attribute(Box::new(of), Arc::clone(name))
    })
}

/// What a thing has to have so that this has a value of this kind, whichever it is.
fn need(of: &Node, kind: Kind, needs: &mut Vec<(Path, Kind)>) -> Option<()> {
    if let Some(path) = path(of) {
        needs.push((path, kind));
        return Some(());
    }
    match of {
        Node::Constant(value) => kind.is(value).then_some(()),
        Node::Resource => matches!(kind, Kind::Any | Kind::Entity).then_some(()),
        _ if !matches!(kind, Kind::Any | Kind::Bool) => None,
        Node::Not(of) => need(of, Kind::Bool, needs),
        Node::And(parts) | Node::Or(parts) => parts
            .iter()
            .try_for_each(|part| need(part, Kind::Bool, needs)),
        Node::Has(of, names) if names.len() == 1 => need(of, Kind::Entity, needs),
        Node::Like(of, _) => need(of, Kind::Text, needs),
        Node::Is(of, _) => need(of, Kind::Entity, needs),
        Node::IsEmpty(of) => need(of, Kind::Set, needs),
        Node::Of(op, parts) => {
            let [left, right] = &**parts;
            let (of_left, of_right) = match op {
                Binary::Same => (Kind::Any, Kind::Any),
                Binary::Less | Binary::LessOrSame => (Kind::Long, Kind::Long),
                Binary::In => (Kind::Entity, Kind::Entity),
                Binary::Contains => (Kind::Set, Kind::Any),
                Binary::ContainsAll | Binary::ContainsAny => (Kind::Set, Kind::Set),
                Binary::Plus | Binary::Minus | Binary::Times => return None,
            };
            need(left, of_left, needs)?;
            need(right, of_right, needs)
        }
        _ => None,
    }
}

impl Kind {
    const fn is(self, value: &Datum) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => matches!(value, Datum::Bool(_)),
            Self::Long => matches!(value, Datum::Long(_)),
            Self::Text => matches!(value, Datum::Text(_)),
            Self::Entity => matches!(value, Datum::Entity(_)),
            Self::Set => matches!(value, Datum::Set(_)),
        }
    }

    fn is_of(self, sight: Sight<'_>, of: &Node) -> bool {
        sight.value(of).is_ok_and(|value| self.is(&value))
    }
}

/// A value by which policies are found.
#[derive(PartialEq)]
struct Key(Datum);

impl Eq for Key {}

impl Key {
    fn new(value: &Datum) -> Option<Self> {
        let is_plain = matches!(
            value,
            Datum::Bool(_) | Datum::Long(_) | Datum::Text(_) | Datum::Entity(_)
        );
        is_plain.then(|| Self(value.clone()))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Wanted(&self.0).hash(state);
    }
}

/// A value that is looked for.
struct Wanted<'a>(&'a Datum);

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            Datum::Bool(value) => value.hash(state),
            Datum::Long(value) => value.hash(state),
            Datum::Text(value) => value.hash(state),
            Datum::Entity(value) => value.hash(state),
            // They are no keys.
            Datum::Ip(_) | Datum::Time(_) | Datum::Set(_) | Datum::Record(_) => {}
        }
    }
}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.0 == key.0
    }
}
