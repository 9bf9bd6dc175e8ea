//! Lists against one decision for each of their rows, which Cedar makes: outcome, reasons,
//! errors and all. Rows, callers and policies are made by chance.

use super::dice::Dice;
use super::expression::{ATTRIBUTES, Kind, condition};
use portcullis::authz::abac::{
    AttributeSchema, AttributeType, Attributes, Authz, Context, EntityId, Resource, TypeSchema,
    Value,
};
use portcullis::authz::cedar::{AppSchema, AppSchemaBuilder, CedarPolicies, CedarSource};
use portcullis::clock::Timestamp;
use portcullis::principal::{Authentication, Principal};
use portcullis::random::Random;
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::net::IpAddr;

/// In each of the four tests.
const WORLDS: usize = 60;
const CALLERS: usize = 4;
const ROWS: usize = 25;

const MORNING: u64 = 1_795_428_000;

/// Whatever a row can be.
struct Thing {
    type_name: &'static str,
    id: String,
    parents: Vec<(&'static str, String)>,
    attributes: Vec<(&'static str, Known)>,
}

enum Known {
    Bool(bool),
    Long(i64),
    Text(&'static str),
    Ip(IpAddr),
    Time(Timestamp),
    Texts(Vec<&'static str>),
    Reference(&'static str, String),
    References(Vec<(&'static str, String)>),
    Thing(Box<Thing>),
    Record(Box<Thing>),
}

impl Known {
    fn value(&self) -> Value<'_> {
        let reference =
            |name: &'static str, id: &str| Value::Reference(EntityId::new(name, id.to_owned()));
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Long(value) => Value::Long(*value),
            Self::Text(value) => Value::Text(value),
            Self::Ip(value) => Value::Ip(*value),
            Self::Time(value) => Value::Time(*value),
            Self::Texts(values) => {
                Value::Set(values.iter().map(|value| Value::Text(value)).collect())
            }
            Self::Reference(name, id) => reference(name, id),
            Self::References(ids) => {
                Value::Set(ids.iter().map(|(name, id)| reference(name, id)).collect())
            }
            Self::Thing(thing) => Value::Entity(&**thing),
            Self::Record(fields) => Value::Record(&**fields),
        }
    }
}

impl Attributes for Thing {
    /// Of those that are asked for, whatever the row is.
    fn schema() -> TypeSchema {
        TypeSchema::new("Document")
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let known = self.attributes.iter().find(|(known, _)| *known == name);
        known.map(|(_, value)| value.value())
    }

    fn visit(&self, visitor: &mut dyn FnMut(&'static str, Value<'_>)) {
        for (name, value) in &self.attributes {
            visitor(name, value.value());
        }
    }
}

impl Resource for Thing {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }

    fn parents(&self) -> Vec<EntityId<'_>> {
        let parents = self.parents.iter();
        parents.map(|(name, id)| EntityId::new(*name, id)).collect()
    }
}

const TYPES: [&str; 7] = [
    "Document",
    "Document",
    "App::Page",
    "Folder",
    "User",
    "Team",
    "Role",
];

fn number(dice: &mut Dice) -> String {
    dice.below(4).to_string()
}

fn thing(dice: &mut Dice, type_name: &'static str, depth: usize) -> Thing {
    let mut parents = Vec::new();
    for _ in 0..dice.pick(&[0, 0, 1, 1, 2]) {
        let above = dice.pick(&[
            "Folder", "Folder", "Site", "Site", "Team", "Role", "Document",
        ]);
        parents.push((above, number(dice)));
    }
    let mut attributes = Vec::new();
    for (name, kind) in ATTRIBUTES {
        if dice.percent(70)
            && let Some(value) = known(dice, kind, depth)
        {
            attributes.push((name, value));
        }
    }
    Thing {
        type_name,
        id: number(dice),
        parents,
        attributes,
    }
}

/// A value of this kind, now and then of another.
fn known(dice: &mut Dice, kind: Kind, depth: usize) -> Option<Known> {
    let kind = match dice.below(20) {
        0 => Kind::Long,
        1 => Kind::Text,
        _ => kind,
    };
    let reference = |dice: &mut Dice| (dice.pick(&TYPES), number(dice));
    let text = |dice: &mut Dice| dice.pick(&["red", "blue", "sales", "", "ünï*", "a\"b", "color"]);
    Some(match kind {
        Kind::Bool => Known::Bool(dice.percent(50)),
        Kind::Long => Known::Long(dice.pick(&[0, 1, 2, 3, -1, 7, i64::MAX, i64::MIN])),
        Kind::Text => Known::Text(text(dice)),
        Kind::Texts => Known::Texts((0..dice.below(4)).map(|_| text(dice)).collect()),
        Kind::Entity if depth > 0 && dice.percent(50) => {
            let name = dice.pick(&TYPES);
            Known::Thing(Box::new(thing(dice, name, depth - 1)))
        }
        Kind::Entity => {
            let (name, id) = reference(dice);
            Known::Reference(name, id)
        }
        Kind::Entities => Known::References((0..dice.below(3)).map(|_| reference(dice)).collect()),
        Kind::Record => Known::Record(Box::new(Thing {
            type_name: "",
            id: String::new(),
            parents: Vec::new(),
            attributes: match dice.below(3) {
                0 => vec![("a", Known::Long(1))],
                1 => vec![("a", Known::Long(2)), ("b c", Known::Text("red"))],
                _ => Vec::new(),
            },
        })),
        Kind::Ip => Known::Ip(
            dice.pick(&["10.0.0.1", "::1", "::ffff:10.0.0.1", "2001:db8::7"])
                .parse()
                .unwrap(),
        ),
        Kind::Time => Known::Time(Timestamp::from_unix_seconds(dice.pick(&[
            0,
            MORNING,
            u64::MAX,
        ]))),
        Kind::Decimal | Kind::Duration => return None,
    })
}

/// What principals and the context are said to have.
fn declared() -> impl Iterator<Item = AttributeSchema> {
    ATTRIBUTES.into_iter().filter_map(|(name, kind)| {
        let kind = match kind {
            Kind::Bool => AttributeType::Bool,
            Kind::Long => AttributeType::Long,
            Kind::Text => AttributeType::Text,
            Kind::Texts => AttributeType::Set(Box::new(AttributeType::Text)),
            Kind::Entity => AttributeType::Entity("Document".into()),
            Kind::Ip => AttributeType::Ip,
            Kind::Time => AttributeType::Time,
            // Those of users are not declared: rows can bring them.
            _ => return None,
        };
        // A row that is the user can bring its name and its address.
        (!["name", "address"].contains(&name)).then(|| AttributeSchema::new(name, kind).optional())
    })
}

fn fact(dice: &mut Dice, kind: &AttributeType) -> Json {
    match kind {
        AttributeType::Bool => json!(dice.percent(50)),
        AttributeType::Long => json!(dice.pick(&[0, 1, 2, 3, -1, 7])),
        AttributeType::Text => json!(dice.pick(&["red", "blue", ""])),
        AttributeType::Ip => json!(dice.pick(&["10.0.0.1", "2001:db8::7"])),
        AttributeType::Time => json!(MORNING),
        AttributeType::Entity(_) => json!(number(dice)),
        _ => json!(["red", dice.pick(&["blue", "sales"])]),
    }
}

fn schema() -> AppSchema {
    let user = declared().fold(TypeSchema::new("User"), TypeSchema::attribute);
    let builder = AppSchema::builder().principal(user);
    declared()
        .fold(builder, AppSchemaBuilder::fact)
        .resource::<Thing>("documents", ["read", "write"])
        .build()
        .unwrap()
}

fn scope(
    dice: &mut Dice,
    variable: &str,
    types: &[&'static str],
    groups: &[&'static str],
) -> String {
    let name = dice.pick(types);
    let group = format!("{}::\"{}\"", dice.pick(groups), number(dice));
    match dice.below(8) {
        0..=2 => variable.to_owned(),
        3 => format!("{variable} == {name}::\"{}\"", number(dice)),
        4 | 5 => format!("{variable} in {group}"),
        6 => format!("{variable} is {name}"),
        _ => format!("{variable} is {name} in {group}"),
    }
}

fn policies(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..3 + dice.below(10) {
        let effect = dice.pick(&["permit", "permit", "forbid"]);
        let principal = scope(dice, "principal", &["User"], &["Role", "User"]);
        let action = dice.pick(&[
            "action",
            "action == Action::\"documents:read\"",
            "action in Action::\"documents:*\"",
            "action in [Action::\"*:read\", Action::\"documents:write\"]",
            "action in Action::\"*\"",
        ]);
        let resource = scope(
            dice,
            "resource",
            &["Document", "App::Page", "Folder", "User"],
            &["Folder", "Site", "Document", "Role"],
        );
        text += &format!("{effect}({principal}, {action}, {resource})");
        for _ in 0..dice.pick(&[0, 1, 1, 1, 2]) {
            let kind = dice.pick(&["when", "when", "unless"]);
            text += &format!(" {kind} {{ {} }}", condition(dice, 3));
        }
        text += ";\n";
    }
    if dice.percent(50) {
        by_value(dice, &mut text);
    }
    // Callers are in roles, rows in folders and sites.
    text.replace("Team::", "Role::")
}

/// Many policies that ask for one attribute, after other conditions and before.
fn by_value(dice: &mut Dice, text: &mut String) {
    for _ in 0..dice.pick(&[1, 2]) {
        let (name, values) = dice.pick(&[
            ("resource.level", &["0", "1", "2", "3", "7"][..]),
            (
                "resource.name",
                &["\"red\"", "\"blue\"", "\"\"", "\"sales\""],
            ),
            ("resource.active", &["true", "false"]),
            (
                "resource.owner",
                &["Document::\"0\"", "User::\"1\"", "principal"],
            ),
            ("resource.owner.count", &["0", "1", "2", "principal.count"]),
            ("resource.labels", &["[\"red\"]", "[]"]),
        ]);
        let before = dice.pick(&[
            "",
            "",
            "resource.count < 3 && ",
            "context.level >= resource.level && resource has name && ",
            "!(resource in Folder::\"1\") && resource.active && ",
            "(resource.name like \"*e*\" || resource.labels.contains(resource.name)) && ",
            "resource.owner has level && resource.owner is Document && ",
        ]);
        for _ in 0..4 + dice.below(6) {
            let effect = dice.pick(&["permit", "permit", "forbid"]);
            let value = dice.pick(values);
            let (left, right) = dice.pick(&[(name, value), (value, name)]);
            let after = match dice.below(3) {
                0 => format!(" && {}", condition(dice, 2)),
                _ => String::new(),
            };
            *text += &format!(
                "{effect}(principal, action, resource) when {{ {before}{left} == {right}{after} }};\n"
            );
        }
    }
}

fn caller(dice: &mut Dice) -> (Principal, Context) {
    let now = Timestamp::from_unix_seconds(MORNING);
    let roles: Vec<_> = (0..dice.below(3)).map(|_| number(dice)).collect();
    let mut who = Principal::new(number(dice), Authentication::new(now)).with_roles(roles);
    let mut context = Context::new(now);
    for attribute in declared() {
        if dice.percent(70) {
            who = who.with_attribute(attribute.name(), fact(dice, attribute.kind()));
        }
        if dice.percent(70) {
            context = context.with_fact(attribute.name(), fact(dice, attribute.kind()));
        }
    }
    let context = context.of_principal(&who);
    (who, context)
}

#[derive(Debug, Default)]
struct Seen {
    rows: usize,
    allowed: usize,
    forbidden: usize,
    with_errors: usize,
}

fn no_difference() {
    let seed = u64::from_be_bytes(Random::default().bytes());
    let mut dice = Dice::new(seed);
    let mut seen = Seen::default();
    let schema = schema();
    for _ in 0..WORLDS {
        let text = policies(&mut dice);
        let builder = CedarPolicies::builder().insecure_without_schema();
        let policies = builder.text(&*text).build();
        let policies = policies.unwrap_or_else(|error| panic!("{error}: {text}"));
        let authz = Authz::builder()
            .resource("documents", ["read", "write"])
            .source(CedarSource::insecure_of_any_schema(policies, &schema))
            .build()
            .unwrap();
        for _ in 0..CALLERS {
            let (who, context) = caller(&mut dice);
            let action = dice.pick(&["documents:read", "documents:write"]);
            let visible = authz.visible::<Thing>(&who, action, &context);
            for _ in 0..ROWS {
                let name = dice.pick(&TYPES);
                let row = thing(&mut dice, name, 2);
                let expected = authz.decide(&who, action, &row, &context);
                let found = visible.decide(&row);
                assert_eq!(found, expected, "seed {seed}: {text}");
                seen.rows += 1;
                seen.allowed += usize::from(found.is_allow());
                seen.forbidden += usize::from(found.outcome().code() == "forbidden");
                seen.with_errors += usize::from(!found.errors().is_empty());
            }
        }
    }
    println!("seed {seed}: {seen:?}");
    assert_eq!(seen.rows, WORLDS * CALLERS * ROWS);
    // Lists in which nothing happens would show nothing.
    for often in [seen.allowed, seen.forbidden, seen.with_errors] {
        assert!(often * 20 > seen.rows, "{seen:?}");
    }
}

#[test]
fn lists_and_cedar_agree_1() {
    no_difference();
}

#[test]
fn lists_and_cedar_agree_2() {
    no_difference();
}

#[test]
fn lists_and_cedar_agree_3() {
    no_difference();
}

#[test]
fn lists_and_cedar_agree_4() {
    no_difference();
}
