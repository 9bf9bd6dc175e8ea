//! The words of the format, and what they stand for.

use super::table::{Entry, Table};
use crate::waf::rule::{Effect, Operator, Severity, Target, Transform};
use crate::waf::{Class, Place, WafError};
use ipnet::IpNet;
use std::net::IpAddr;

type Words<T, const N: usize> = [(&'static str, T); N];

pub(super) const SEVERITIES: Words<Severity, 4> = [
    ("notice", Severity::Notice),
    ("faint", Severity::Faint),
    ("medium", Severity::Medium),
    ("critical", Severity::Critical),
];

pub(super) const EFFECTS: Words<Effect, 3> = [
    ("score", Effect::Score),
    ("refuse", Effect::Refuse),
    ("dangerously_admit", Effect::DangerouslyAdmit),
];

pub(super) const TRANSFORMS: Words<Transform, 15> = [
    ("url_decode", Transform::UrlDecode),
    ("html_decode", Transform::HtmlDecode),
    ("escape_decode", Transform::EscapeDecode),
    ("base64_decode", Transform::Base64Decode),
    ("unicode_fold", Transform::UnicodeFold),
    ("lowercase", Transform::Lowercase),
    ("trim", Transform::Trim),
    ("remove_nuls", Transform::RemoveNuls),
    ("remove_space", Transform::RemoveSpace),
    ("compress_space", Transform::CompressSpace),
    ("replace_comments", Transform::ReplaceComments),
    ("normalize_path", Transform::NormalizePath),
    ("command_line", Transform::CommandLine),
    ("length", Transform::Length),
    ("hex_encode", Transform::HexEncode),
];

type ReadOperator = fn(Entry<'_>) -> Result<Operator, WafError>;

const OPERATORS: Words<ReadOperator, 17> = [
    ("regex", |entry| {
        Operator::regex(entry.text()?).map_err(|error| entry.caused_by(error))
    }),
    ("equals", |entry| {
        Ok(Operator::Equals(entry.text()?.to_owned()))
    }),
    ("contains", |entry| {
        Ok(Operator::Contains(entry.text()?.to_owned()))
    }),
    ("begins_with", |entry| {
        Ok(Operator::BeginsWith(entry.text()?.to_owned()))
    }),
    ("ends_with", |entry| {
        Ok(Operator::EndsWith(entry.text()?.to_owned()))
    }),
    ("one_of", |entry| {
        let texts = entry.list().map(|text| text.text().map(str::to_owned));
        texts.collect::<Result<_, _>>().map(Operator::OneOf)
    }),
    ("contains_any", |entry| {
        let phrases = entry.list().map(|phrase| phrase.line());
        let phrases: Vec<_> = phrases.collect::<Result<_, _>>()?;
        Operator::contains_any(phrases).map_err(|error| entry.caused_by(error))
    }),
    ("above", |entry| entry.number().map(Operator::Above)),
    ("below", |entry| entry.number().map(Operator::Below)),
    ("is", |entry| entry.number().map(Operator::Is)),
    ("longer_than", |entry| {
        entry.number().map(Operator::LongerThan)
    }),
    ("bytes_outside", |entry| {
        let ranges = entry.list().map(|range| {
            let [low, high] = range.pair()?;
            Ok((low.number()?, high.number()?))
        });
        ranges
            .collect::<Result<_, WafError>>()
            .map(Operator::BytesOutside)
    }),
    ("address_in", |entry| {
        let networks = entry.list().map(|network| {
            let text = network.text()?;
            let one = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse()
                .or_else(|_| one())
                .map_err(|_| network.wrong(format!("{text:?} is no network; write \"10.0.0.0/8\"")))
        });
        networks.collect::<Result<_, _>>().map(Operator::AddressIn)
    }),
    ("attack", |entry| class(entry).map(Operator::Attack)),
    ("not_utf8", |entry| entry.flag().map(|()| Operator::NotUtf8)),
    ("present", |entry| entry.flag().map(|()| Operator::Present)),
    ("absent", |entry| entry.flag().map(|()| Operator::Absent)),
];

/// The value that a word stands for.
pub(super) fn word<T: Copy>(entry: Entry<'_>, words: &[(&str, T)]) -> Result<T, WafError> {
    let text = entry.text()?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words = words.iter().map(|(word, _)| *word);
        let words = words.collect::<Vec<_>>().join(", ");
        entry.wrong(format!("{text:?} is none of {words}"))
    })
}

pub(super) fn class(entry: Entry<'_>) -> Result<Class, WafError> {
    let classes: Vec<_> = Class::ALL.iter().map(|it| (it.as_str(), *it)).collect();
    word(entry, &classes)
}

/// The one operator of a condition.
pub(super) fn operator(table: &mut Table<'_>) -> Result<Operator, WafError> {
    let given: Vec<_> = OPERATORS
        .iter()
        .filter_map(|(name, read)| Some((*name, read, table.optional(name)?)))
        .collect();
    match given[..] {
        [(_, read, entry)] => read(entry),
        [] => {
            let names = OPERATORS.map(|(name, _)| name).join(", ");
            Err(table.wrong(format!("this condition asks nothing; add one of {names}")))
        }
        [(one, ..), (other, ..), ..] => Err(table.wrong(format!(
            "this condition asks two things, {one} and {other}; write two conditions"
        ))),
    }
}

/// `path`, `parameter:id`: some of a request's values.
pub(super) fn target(entry: Entry<'_>) -> Result<Target, WafError> {
    let text = entry.line()?;
    let (which, name) = match text.split_once(':') {
        Some((which, name)) => (which, Some(name)),
        None => (text, None),
    };
    let wrong = |what: &str| Err(entry.wrong(format!("{text:?} {what}")));
    if name.is_some_and(str::is_empty) {
        return wrong("ends in a colon; write a name behind it, or leave it out");
    }
    let place = Place::ALL.iter().find(|place| place.as_str() == which);
    Ok(match (which, name, place) {
        ("header", Some(name), _) => Target::header(name),
        ("parameter", Some(name), _) => Target::parameter(name),
        ("parameters", None, _) => Target::parameters(),
        ("parameter_names", None, _) => Target::parameter_names(),
        ("method", None, _) => Target::method(),
        ("client_address", None, _) => Target::client_address(),
        ("body_length", None, _) => Target::body_length(),
        ("path", Some(_), _) | ("body", Some(_), _) => return wrong("has no parts with names"),
        (_, Some(name), Some(place)) => Target::at(*place).with_name(name),
        (_, None, Some(place)) => Target::at(*place),
        _ => {
            let places = Place::ALL.iter().map(|place| place.as_str());
            let others = ["parameter:NAME", "parameters", "parameter_names", "method"];
            let others = others.into_iter().chain(["client_address", "body_length"]);
            let known = places.chain(others).collect::<Vec<_>>().join(", ");
            return wrong(&format!("names nothing of a request; write one of {known}"));
        }
    })
}
