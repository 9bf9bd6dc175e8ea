//! Worlds by chance: entities in nested groups, policies with every kind of scope and
//! condition, templates and links, and requests, some of them for what is not there.

use super::dice::Dice;
use super::expression::{ATTRIBUTES, TAGS, condition, literal};
use cedar_policy::{
    Context, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression,
    SlotId,
};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::str::FromStr;

/// Types, and how many entities of each there are. Those of one `rank` can stand in those of
/// the ranks above it, and in those of their own that come later.
const TYPES: [(&str, usize); 7] = [
    ("User", 5),
    ("App::Robot", 3),
    ("Team", 5),
    ("Document", 5),
    ("App::Page", 3),
    ("Folder", 5),
    ("Site", 2),
];
const ACTIONS: [&str; 5] = ["read", "write", "share", "delete", "odd one"];
const ACTION_GROUPS: [&str; 4] = ["reading", "changing", "risky", "anything"];

pub(super) struct World {
    pub(super) policies: PolicySet,
    pub(super) entities: Entities,
}

impl World {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self {
            policies: policies(dice),
            entities: entities(dice),
        }
    }

    pub(super) fn request(&self, dice: &mut Dice) -> Request {
        let kinds = |dice: &mut Dice| {
            if dice.percent(90) {
                0..2
            } else {
                0..TYPES.len()
            }
        };
        let principal = within(dice, kinds);
        let objects = |dice: &mut Dice| {
            if dice.percent(90) {
                3..6
            } else {
                0..TYPES.len()
            }
        };
        let resource = within(dice, objects);
        let action = match dice.below(20) {
            0 => r#"Action::"unheard of""#.to_owned(),
            1 => action_group(dice),
            _ => action(dice),
        };
        let mut context = Vec::new();
        for (name, kind) in ATTRIBUTES {
            if dice.percent(60) {
                context.push((name.to_owned(), value(&literal(dice, kind))));
            }
        }
        Request::new(
            uid(&principal),
            uid(&action),
            uid(&resource),
            Context::from_pairs(context).unwrap(),
            None,
        )
        .unwrap()
    }
}

/// Reading is what takes the time, and there are few different texts.
fn uid(text: &str) -> EntityUid {
    thread_local!(static READ: RefCell<HashMap<String, EntityUid>> = RefCell::default());
    READ.with_borrow_mut(|read| remember(read, text))
}

fn value(text: &str) -> RestrictedExpression {
    thread_local!(static READ: RefCell<HashMap<String, RestrictedExpression>> = RefCell::default());
    READ.with_borrow_mut(|read| remember(read, text))
}

fn remember<T: Clone + FromStr<Err: Display>>(read: &mut HashMap<String, T>, text: &str) -> T {
    if let Some(known) = read.get(text) {
        return known.clone();
    }
    let new: T = text
        .parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    read.insert(text.to_owned(), new.clone());
    new
}

/// An entity of one of the types in this range; one in twenty is not there.
fn within(dice: &mut Dice, range: impl Fn(&mut Dice) -> std::ops::Range<usize>) -> String {
    let range = range(dice);
    let (name, count) = TYPES[range.start + dice.below(range.len())];
    let number = if dice.percent(5) {
        99
    } else {
        dice.below(count)
    };
    format!("{name}::\"{number}\"")
}

pub(super) fn any_entity(dice: &mut Dice) -> String {
    match dice.below(12) {
        0 => action(dice),
        1 => action_group(dice),
        _ => within(dice, |_| 0..TYPES.len()),
    }
}

/// One that others stand in.
pub(super) fn group(dice: &mut Dice) -> String {
    let name = dice.pick(&[
        "Team", "Folder", "Site", "Team", "Folder", "Document", "User",
    ]);
    format!("{name}::\"{}\"", dice.below(4))
}

pub(super) fn any_type(dice: &mut Dice) -> &'static str {
    dice.pick(&TYPES).0
}

fn action(dice: &mut Dice) -> String {
    format!("Action::\"{}\"", dice.pick(&ACTIONS))
}

fn action_group(dice: &mut Dice) -> String {
    format!("Action::\"{}\"", dice.pick(&ACTION_GROUPS))
}

/// Parents come later in the list, so that nothing stands in itself.
fn entities(dice: &mut Dice) -> Entities {
    let mut all = Vec::new();
    for (name, count) in TYPES {
        all.extend((0..count).map(|number| format!("{name}::\"{number}\"")));
    }
    let is_group = |name: &str| {
        ["Team", "Folder", "Site"]
            .iter()
            .any(|it| name.starts_with(it))
    };
    let mut entities = Vec::new();
    for (at, name) in all.iter().enumerate() {
        // Some are named but not there.
        if dice.percent(5) {
            continue;
        }
        let above: Vec<_> = all[at + 1..]
            .iter()
            .map(String::as_str)
            .filter(|name| is_group(name))
            .collect();
        let mut parents = HashSet::new();
        if !above.is_empty() {
            parents.extend((0..1 + dice.below(3)).map(|_| uid(dice.pick(&above))));
        }
        let mut attributes = HashMap::new();
        for (attribute, kind) in ATTRIBUTES {
            if dice.percent(70) {
                attributes.insert(attribute.to_owned(), value(&literal(dice, kind)));
            }
        }
        let mut tags = Vec::new();
        for tag in TAGS {
            if dice.percent(50) {
                let text = dice.pick(&[r#""red""#, r#""7""#]);
                tags.push((tag.to_owned(), value(text)));
            }
        }
        let entity = Entity::new_with_tags(uid(name), attributes, parents, tags);
        entities.push(entity.unwrap());
    }
    entities.extend(actions(dice));
    Entities::from_entities(entities, None).unwrap()
}

/// Actions in groups, groups in groups.
fn actions(dice: &mut Dice) -> Vec<Entity> {
    let names: Vec<_> = ACTIONS.iter().chain(&ACTION_GROUPS).collect();
    let entity = |(at, name): (usize, &&&str)| {
        let first = (at + 1).max(ACTIONS.len());
        let above = names.get(first..).unwrap_or_default();
        let mut parents = HashSet::new();
        if !above.is_empty() {
            let parent = |dice: &mut Dice| uid(&format!("Action::\"{}\"", dice.pick(above)));
            parents.extend((0..1 + dice.below(2)).map(|_| parent(dice)));
        }
        Entity::new_no_attrs(uid(&format!("Action::\"{name}\"")), parents)
    };
    names.iter().enumerate().map(entity).collect()
}

fn policies(dice: &mut Dice) -> PolicySet {
    let mut text = String::new();
    let mut templates = Vec::new();
    for number in 0..6 + dice.below(12) {
        let is_template = dice.percent(20);
        let (mut principal, mut resource) = (
            constraint(dice, "principal", 0..3),
            constraint(dice, "resource", 3..7),
        );
        if is_template {
            let which = dice.below(3);
            if which != 1 {
                principal = slot(dice, "principal", 0..3);
            }
            if which != 0 {
                resource = slot(dice, "resource", 3..7);
            }
            templates.push((number, which));
        }
        let effect = dice.pick(&["permit", "forbid"]);
        text += &format!(
            "{effect}({principal}, {}, {resource})",
            action_constraint(dice)
        );
        for _ in 0..dice.pick(&[0, 1, 1, 1, 2]) {
            let kind = dice.pick(&["when", "when", "unless"]);
            text += &format!(" {kind} {{ {} }}", condition(dice, 3));
        }
        text += ";\n";
    }
    let mut set: PolicySet = text
        .parse()
        .unwrap_or_else(|error| panic!("{text}: {error:?}"));
    for (number, which) in templates {
        for link in 0..dice.below(4) {
            let mut values = HashMap::new();
            if which != 1 {
                values.insert(SlotId::principal(), uid(&within(dice, |_| 0..3)));
            }
            if which != 0 {
                values.insert(SlotId::resource(), uid(&within(dice, |_| 3..7)));
            }
            let template = PolicyId::new(format!("policy{number}"));
            let id = PolicyId::new(format!("link{number}-{link}"));
            set.link(template, id, values).unwrap();
        }
    }
    set
}

fn constraint(dice: &mut Dice, variable: &str, types: std::ops::Range<usize>) -> String {
    let range = types.clone();
    let entity = |dice: &mut Dice| within(dice, |_| range.clone());
    let name = TYPES[types.start + dice.below(types.len())].0;
    match dice.below(12) {
        0..=2 => variable.to_owned(),
        3 => format!("{variable} == {}", entity(dice)),
        4..=7 => format!("{variable} in {}", group_or(dice, entity)),
        8 | 9 => format!("{variable} is {name}"),
        _ => format!("{variable} is {name} in {}", group_or(dice, entity)),
    }
}

fn group_or(dice: &mut Dice, entity: impl Fn(&mut Dice) -> String) -> String {
    if dice.percent(75) {
        group(dice)
    } else {
        entity(dice)
    }
}

fn slot(dice: &mut Dice, variable: &str, types: std::ops::Range<usize>) -> String {
    let name = TYPES[types.start + dice.below(types.len())].0;
    match dice.below(3) {
        0 => format!("{variable} == ?{variable}"),
        1 => format!("{variable} in ?{variable}"),
        _ => format!("{variable} is {name} in ?{variable}"),
    }
}

fn action_constraint(dice: &mut Dice) -> String {
    match dice.below(12) {
        0..=2 => "action".to_owned(),
        3 | 4 => format!("action == {}", action(dice)),
        5..=7 => format!("action in {}", action_group(dice)),
        8 => format!("action in [{}, {}]", action(dice), action(dice)),
        9 | 10 => format!("action in [{}, {}]", action_group(dice), action(dice)),
        _ => "action in []".to_owned(),
    }
}
