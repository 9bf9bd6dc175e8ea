use crate::clock::Timestamp;
use cedar_policy::{EntityUid, EvalResult, RestrictedExpression};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// The last moment that a [`Timestamp`] is written as; Cedar's `datetime` has milliseconds.
const LAST_TIME: Duration = Duration::from_secs(253_402_300_799);

/// A value that policies speak of, before it is made into one of Cedar's. Two are equal where
/// Cedar's are.
#[derive(Clone, Debug)]
pub(super) enum Datum {
    Bool(bool),
    Long(i64),
    Text(String),
    Ip(IpAddr),
    Time(Timestamp),
    Entity(EntityUid),
    Set(Vec<Self>),
    Record(Fields),
}

/// Values by name. Of two with one name, the later counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(Cow<'static, str>, Datum)>);

impl Datum {
    /// Cedar writes an IPv4 address within IPv6 in no form that it reads; for policies about
    /// addresses it is the IPv4 address that it stands for.
    pub(super) const fn ip(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical())
    }

    /// A value that Cedar found; `None` where it is of a kind that only Cedar knows.
    pub(super) fn found(value: EvalResult) -> Option<Self> {
        Some(match value {
            EvalResult::Bool(value) => Self::Bool(value),
            EvalResult::Long(value) => Self::Long(value),
            EvalResult::String(value) => Self::Text(value),
            EvalResult::EntityUid(uid) => Self::Entity(uid),
            EvalResult::Set(values) => {
                let values = values.iter().cloned().map(Self::found);
                Self::Set(values.collect::<Option<_>>()?)
            }
            EvalResult::Record(_) | EvalResult::ExtensionValue(_) => return None,
        })
    }

    /// The value as Cedar takes it.
    pub(super) fn expression(&self) -> Result<RestrictedExpression, String> {
        Ok(match self {
            Self::Bool(value) => RestrictedExpression::new_bool(*value),
            Self::Long(value) => RestrictedExpression::new_long(*value),
            Self::Text(value) => RestrictedExpression::new_string(value.clone()),
            Self::Ip(value) => RestrictedExpression::new_ip(value.to_string()),
            Self::Time(value) => RestrictedExpression::new_datetime(value.to_string()),
            Self::Entity(uid) => RestrictedExpression::new_entity_uid(uid.clone()),
            Self::Set(values) => {
                let values = values.iter().map(Self::expression);
                RestrictedExpression::new_set(values.collect::<Result<Vec<_>, _>>()?)
            }
            Self::Record(fields) => RestrictedExpression::new_record(fields.expressions()?)
                .map_err(|error| error.to_string())?,
        })
    }
}

impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Long(left), Self::Long(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Ip(left), Self::Ip(right)) => left == right,
            (Self::Time(left), Self::Time(right)) => millis(*left) == millis(*right),
            (Self::Entity(left), Self::Entity(right)) => left == right,
            (Self::Set(left), Self::Set(right)) => {
                left.iter().all(|value| right.contains(value))
                    && right.iter().all(|value| left.contains(value))
            }
            (Self::Record(left), Self::Record(right)) => {
                left.0
                    .iter()
                    .all(|(name, _)| left.get(name) == right.get(name))
                    && right.0.iter().all(|(name, _)| left.get(name).is_some())
            }
            _ => false,
        }
    }
}

/// What Cedar keeps of a time.
pub(super) fn millis(time: Timestamp) -> u128 {
    time.unix_duration().min(LAST_TIME).as_millis()
}

impl Fields {
    pub(super) fn push(&mut self, name: impl Into<Cow<'static, str>>, value: Datum) {
        self.0.push((name.into(), value));
    }

    pub(super) fn get(&self, name: &str) -> Option<&Datum> {
        let mut fields = self.0.iter().rev();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Adds what is not there yet.
    pub(super) fn add_missing(&mut self, other: Self, is_wanted: impl Fn(&str) -> bool) {
        for (name, value) in other.0.into_iter().rev() {
            if is_wanted(&name) && self.get(&name).is_none() {
                self.0.push((name, value));
            }
        }
    }

    /// The name of a field that is there twice.
    pub(super) fn doubled(&self) -> Option<&str> {
        let mut fields = self.0.iter().enumerate();
        let doubled = fields.find(|(at, (name, _))| {
            let mut before = self.0.iter().take(*at);
            before.any(|(known, _)| known == name)
        });
        doubled.map(|(_, (name, _))| &**name)
    }

    pub(super) fn expressions(&self) -> Result<HashMap<String, RestrictedExpression>, String> {
        let fields = self.0.iter();
        fields
            .map(|(name, value)| Ok((name.to_string(), value.expression()?)))
            .collect()
    }
}
