use super::{Attributes, Resource};
use crate::clock::Timestamp;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// The value of an attribute, borrowed from the application's struct.
///
/// Its `Debug` shows the kind alone: what is in a row does not get into a log by accident.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// Text.
    Text(&'a str),
    /// An address.
    Ip(IpAddr),
    /// A moment.
    Time(Timestamp),
    /// Values of one kind, in no order that means anything.
    Set(Vec<Self>),
    /// Named values that are no thing of their own.
    Record(&'a dyn Attributes),
    /// Another thing, with its attributes.
    Entity(&'a dyn Resource),
    /// Another thing, of which no more is known here.
    Reference(EntityId<'a>),
}

impl Value<'_> {
    /// What kind of value it is, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Long(_) => "long",
            Self::Text(_) => "text",
            Self::Ip(_) => "ip",
            Self::Time(_) => "time",
            Self::Set(_) => "set",
            Self::Record(_) => "record",
            Self::Entity(_) => "entity",
            Self::Reference(_) => "reference",
        }
    }

    /// The value for people, where it is one that can be shown in a few characters; its kind
    /// otherwise. Only for attributes that are public.
    pub(super) fn shown(&self) -> Cow<'static, str> {
        match self {
            Self::Bool(value) => value.to_string().into(),
            Self::Long(value) => value.to_string().into(),
            Self::Text(value) => format!("{value:?}").into(),
            Self::Ip(value) => value.to_string().into(),
            Self::Time(value) => value.to_string().into(),
            Self::Entity(value) => format!("{:?}", EntityId::of(*value)).into(),
            Self::Reference(value) => format!("{value:?}").into(),
            Self::Set(_) | Self::Record(_) => self.kind().into(),
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// What a thing is called: its type, and its id within the type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId<'a> {
    type_name: Cow<'a, str>,
    id: Cow<'a, str>,
}

impl<'a> EntityId<'a> {
    /// The thing of this type with this id.
    #[must_use]
    pub fn new(type_name: impl Into<Cow<'a, str>>, id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            type_name: type_name.into(),
            id: id.into(),
        }
    }

    /// What this thing is called.
    #[must_use]
    pub fn of(resource: &'a dyn Resource) -> Self {
        Self::new(resource.type_name(), resource.id())
    }

    /// The type.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The id within the type.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// `Document::"17"`.
impl fmt::Debug for EntityId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{:?}", self.type_name, self.id)
    }
}
