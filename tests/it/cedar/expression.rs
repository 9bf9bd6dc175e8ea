//! Conditions by chance: every kind of expression that Cedar has, most of them of types that
//! fit, over attributes that are not always there.

use super::dice::Dice;
use super::world::{any_entity, any_type, group};

/// The attributes of entities. Each entity has some of them.
pub(super) const ATTRIBUTES: [(&str, Kind); 12] = [
    ("level", Kind::Long),
    ("count", Kind::Long),
    ("name", Kind::Text),
    ("active", Kind::Bool),
    ("labels", Kind::Texts),
    ("owner", Kind::Entity),
    ("members", Kind::Entities),
    ("meta", Kind::Record),
    ("address", Kind::Ip),
    ("price", Kind::Decimal),
    ("since", Kind::Time),
    ("period", Kind::Duration),
];

/// The tags of entities.
pub(super) const TAGS: [&str; 3] = ["color", "size", "two words"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Long,
    Text,
    Texts,
    Entity,
    Entities,
    Record,
    Ip,
    Decimal,
    Time,
    Duration,
}

const KINDS: [Kind; 11] = [
    Kind::Bool,
    Kind::Long,
    Kind::Text,
    Kind::Texts,
    Kind::Entity,
    Kind::Entities,
    Kind::Record,
    Kind::Ip,
    Kind::Decimal,
    Kind::Time,
    Kind::Duration,
];

/// A value that needs nothing around it.
pub(super) fn literal(dice: &mut Dice, kind: Kind) -> String {
    match kind {
        Kind::Bool => dice.pick(&["true", "false"]).to_owned(),
        Kind::Long => dice
            .pick(&[
                "0",
                "1",
                "2",
                "3",
                "(-1)",
                "7",
                "9223372036854775807",
                "(-9223372036854775808)",
            ])
            .to_owned(),
        Kind::Text => text(dice),
        Kind::Texts => {
            let texts: Vec<_> = (0..dice.below(4)).map(|_| text(dice)).collect();
            format!("[{}]", texts.join(", "))
        }
        Kind::Entity => any_entity(dice),
        Kind::Entities => {
            let entities: Vec<_> = (0..dice.below(3)).map(|_| any_entity(dice)).collect();
            format!("[{}]", entities.join(", "))
        }
        Kind::Record => match dice.below(3) {
            0 => format!("{{a: {}}}", dice.below(3)),
            1 => format!("{{a: {}, \"b c\": {}}}", dice.below(3), text(dice)),
            _ => "{}".to_owned(),
        },
        Kind::Ip => {
            let address = [
                "10.0.0.1",
                "10.0.0.0/8",
                "192.0.2.7",
                "127.0.0.1",
                "224.0.0.1",
                "::1",
                "2001:db8::/32",
                "2001:db8::7",
            ];
            format!("ip(\"{}\")", dice.pick(&address))
        }
        Kind::Decimal => {
            let number = ["0.0", "1.5", "-3.25", "922337203685477.5807", "10.0001"];
            format!("decimal(\"{}\")", dice.pick(&number))
        }
        Kind::Time => {
            let time = [
                "2026-11-22",
                "2026-11-22T10:00:00Z",
                "1970-01-01",
                "2026-11-22T10:00:00+0100",
            ];
            format!("datetime(\"{}\")", dice.pick(&time))
        }
        Kind::Duration => {
            let time = ["1h", "-2d3h", "90m", "1ms", "0s"];
            format!("duration(\"{}\")", dice.pick(&time))
        }
    }
}

fn text(dice: &mut Dice) -> String {
    dice.pick(&[
        r#""red""#,
        r#""blue""#,
        r#""sales""#,
        r#""""#,
        r#""ünï*""#,
        r#""a\"b""#,
        r#""color""#,
    ])
    .to_owned()
}

fn variable(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "principal",
        "resource",
        "principal",
        "resource",
        "context",
        "action",
    ])
}

/// An attribute of this kind: of somebody, of the owner of somebody, or of the context.
fn attribute(dice: &mut Dice, kind: Kind) -> String {
    let of_kind: Vec<_> = ATTRIBUTES.iter().filter(|(_, it)| *it == kind).collect();
    let (name, _) = dice.pick(&of_kind);
    let of = variable(dice);
    match dice.below(10) {
        0 => format!("{of}.owner.{name}"),
        1 => format!("{of}[\"{name}\"]"),
        2 => format!("{}.{name}", any_entity(dice)),
        _ => format!("{of}.{name}"),
    }
}

/// Any expression of this kind, now and then one of another.
pub(super) fn expression(dice: &mut Dice, kind: Kind, depth: usize) -> String {
    let kind = if dice.percent(3) {
        dice.pick(&KINDS)
    } else {
        kind
    };
    if depth == 0 || dice.percent(15) {
        return if dice.percent(60) {
            attribute(dice, kind)
        } else {
            literal(dice, kind)
        };
    }
    let depth = depth - 1;
    if dice.percent(6) {
        let condition = condition(dice, depth);
        let (then, or) = (expression(dice, kind, depth), expression(dice, kind, depth));
        return format!("(if {condition} then {then} else {or})");
    }
    match kind {
        Kind::Bool => condition(dice, depth),
        Kind::Long => long(dice, depth),
        Kind::Text if dice.percent(30) => {
            format!("{}.getTag(\"{}\")", variable(dice), dice.pick(&TAGS))
        }
        Kind::Entity if dice.percent(50) => variable(dice).to_owned(),
        Kind::Record if dice.percent(40) => {
            format!(
                "{{a: {}, b: {}}}",
                long(dice, depth),
                expression(dice, Kind::Text, depth)
            )
        }
        Kind::Time if dice.percent(50) => {
            let time = expression(dice, Kind::Time, depth);
            match dice.below(2) {
                0 => format!("{time}.toDate()"),
                _ => format!("{time}.offset({})", expression(dice, Kind::Duration, depth)),
            }
        }
        Kind::Duration if dice.percent(50) => {
            let time = expression(dice, Kind::Time, depth);
            match dice.below(2) {
                0 => format!("{time}.toTime()"),
                _ => format!(
                    "{time}.durationSince({})",
                    expression(dice, Kind::Time, depth)
                ),
            }
        }
        kind => attribute(dice, kind),
    }
}

fn long(dice: &mut Dice, depth: usize) -> String {
    match dice.below(6) {
        0..=2 => {
            let operator = dice.pick(&["+", "-", "*"]);
            let left = expression(dice, Kind::Long, depth);
            format!(
                "({left} {operator} {})",
                expression(dice, Kind::Long, depth)
            )
        }
        3 => format!("-({})", expression(dice, Kind::Long, depth)),
        4 => {
            let unit = dice.pick(&[
                "toMilliseconds",
                "toSeconds",
                "toMinutes",
                "toHours",
                "toDays",
            ]);
            format!("{}.{unit}()", expression(dice, Kind::Duration, depth))
        }
        _ => attribute(dice, Kind::Long),
    }
}

/// True or false, by every operator that gives one of them.
pub(super) fn condition(dice: &mut Dice, depth: usize) -> String {
    let depth = depth.saturating_sub(1);
    let of = |dice: &mut Dice, kind| expression(dice, kind, depth);
    match dice.below(22) {
        0 => format!("({} && {})", condition(dice, depth), condition(dice, depth)),
        1 => format!("({} || {})", condition(dice, depth), condition(dice, depth)),
        2 => format!("!({})", condition(dice, depth)),
        3 | 4 => {
            let kind = dice.pick(&KINDS);
            let operator = dice.pick(&["==", "!="]);
            format!("({} {operator} {})", of(dice, kind), of(dice, kind))
        }
        5 | 6 => {
            let kind = dice.pick(&[Kind::Long, Kind::Long, Kind::Time, Kind::Duration]);
            let operator = dice.pick(&["<", "<=", ">", ">="]);
            format!("({} {operator} {})", of(dice, kind), of(dice, kind))
        }
        7 => {
            let pattern = dice.pick(&["*", "r*", "*l*s", "", r"\*", "ü*", "*\\\"*"]);
            format!("({} like \"{pattern}\")", of(dice, Kind::Text))
        }
        8 => format!("({} is {})", of(dice, Kind::Entity), any_type(dice)),
        9 => {
            let entity = of(dice, Kind::Entity);
            format!(
                "({entity} is {} in {})",
                any_type(dice),
                of(dice, Kind::Entity)
            )
        }
        10 => format!("({} in {})", variable(dice), of(dice, Kind::Entity)),
        11 => format!(
            "({} in {})",
            of(dice, Kind::Entity),
            of(dice, Kind::Entities)
        ),
        12 => format!(
            "({} in [{}, {}])",
            variable(dice),
            group(dice),
            any_entity(dice)
        ),
        13 => {
            let (name, _) = dice.pick(&ATTRIBUTES);
            format!("({} has {name})", variable(dice))
        }
        14 => {
            let path = dice.pick(&["meta.a", "owner.level", "meta has a", "\"b c\""]);
            match path {
                "meta has a" => format!("({0} has meta && {0}.meta has a)", variable(dice)),
                path => format!("({} has {path})", variable(dice)),
            }
        }
        15 => format!(
            "{}.contains({})",
            of(dice, Kind::Texts),
            of(dice, Kind::Text)
        ),
        16 => {
            let (name, kind) = dice.pick(&[
                ("containsAll", Kind::Texts),
                ("containsAny", Kind::Texts),
                ("containsAny", Kind::Entities),
            ]);
            format!("{}.{name}({})", of(dice, kind), of(dice, kind))
        }
        17 => format!("{}.isEmpty()", of(dice, Kind::Texts)),
        18 => {
            let address = of(dice, Kind::Ip);
            match dice.below(5) {
                0 => format!("{address}.isIpv4()"),
                1 => format!("{address}.isIpv6()"),
                2 => format!("{address}.isLoopback()"),
                3 => format!("{address}.isMulticast()"),
                _ => format!("{address}.isInRange({})", of(dice, Kind::Ip)),
            }
        }
        19 => {
            let name = dice.pick(&[
                "lessThan",
                "lessThanOrEqual",
                "greaterThan",
                "greaterThanOrEqual",
            ]);
            format!(
                "{}.{name}({})",
                of(dice, Kind::Decimal),
                of(dice, Kind::Decimal)
            )
        }
        20 => {
            let tag = dice.pick(&TAGS);
            let of = variable(dice);
            match dice.below(2) {
                0 => format!("{of}.hasTag(\"{tag}\")"),
                _ => format!("({of}.hasTag(\"{tag}\") && {of}.getTag(\"{tag}\") == \"red\")"),
            }
        }
        _ => attribute(dice, Kind::Bool),
    }
}
