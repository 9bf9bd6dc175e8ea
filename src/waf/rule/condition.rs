use super::{Operator, Transform};
use crate::waf::view::{Part, Place, Places};
use std::borrow::Cow;

/// A question about some of a request's values.
#[derive(Clone, Debug)]
#[must_use]
pub struct Condition {
    targets: Vec<Target>,
    except: Vec<Target>,
    transforms: Vec<Transform>,
    pub(in crate::waf) operator: Operator,
    negated: bool,
}

impl Condition {
    /// Holds when `operator` holds for a value of `target`, as sent or in one of the forms
    /// that its decodings give.
    pub fn new(target: Target, operator: Operator) -> Self {
        Self {
            targets: vec![target],
            except: Vec::new(),
            transforms: Vec::new(),
            operator,
            negated: false,
        }
    }

    /// Asks the same of these values as well.
    pub fn or_of(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// Leaves these values out.
    pub fn except(mut self, target: Target) -> Self {
        self.except.push(target);
        self
    }

    /// Asks for values for which the operator does *not* hold. An [`Operator::Attack`] cannot be
    /// negated: what was not seen yet may still be.
    pub fn negated(mut self) -> Self {
        match self.operator {
            Operator::Present => self.operator = Operator::Absent,
            Operator::Absent => self.operator = Operator::Present,
            _ => self.negated = !self.negated,
        }
        self
    }

    /// Whether it can ever be answered.
    pub(in crate::waf) const fn is_sound(&self) -> bool {
        !(self.negated && matches!(self.operator, Operator::Attack(_)))
    }

    /// Whether it needs the builtin rules.
    pub(in crate::waf) const fn asks_for_attacks(&self) -> bool {
        matches!(self.operator, Operator::Attack(_))
    }

    /// Looks at the value after this transformation, and those added before. From the first
    /// on, the decodings of the engine are left aside.
    pub fn after(mut self, transform: Transform) -> Self {
        self.transforms.push(transform);
        self
    }

    /// Whether these values are asked about.
    pub(in crate::waf) fn concerns(&self, subject: &Subject<'_>) -> bool {
        let among = |targets: &[Target]| targets.iter().any(|target| target.names(subject));
        among(&self.targets) && !among(&self.except)
    }

    /// Whether it looks at decoded forms, too.
    pub(in crate::waf) fn wants_views(&self) -> bool {
        self.transforms.is_empty()
    }

    /// Whether it holds for this value.
    pub(in crate::waf) fn holds(&self, value: &[u8]) -> bool {
        let mut text = Cow::Borrowed(value);
        for transform in &self.transforms {
            text = Cow::Owned(transform.apply(&text).into_owned());
        }
        self.operator.holds(&text) != self.negated
    }
}

/// What a value is, for [`Target`]s to choose by.
#[derive(Clone, Copy, Debug)]
pub(in crate::waf) struct Subject<'a> {
    pub(in crate::waf) what: What,
    pub(in crate::waf) name: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::waf) enum What {
    At(Place, Part),
    Method,
    Client,
    BodyLength,
}

/// Some of a request's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Target {
    which: Which,
    name: Option<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    At(Places, Part),
    Method,
    Client,
    BodyLength,
}

/// Where parameters stand: what handlers take from a client by name.
const PARAMETERS: Places = Places::of(&[
    Place::Query,
    Place::Form,
    Place::Multipart,
    Place::Json,
    Place::Xml,
    Place::Graphql,
]);

impl Target {
    const fn of(which: Which) -> Self {
        Self { which, name: None }
    }

    pub(super) fn with_name(mut self, name: &str) -> Self {
        self.name = Some(name.as_bytes().into());
        self
    }

    /// The method.
    pub const fn method() -> Self {
        Self::of(Which::Method)
    }

    /// The path.
    pub const fn path() -> Self {
        Self::at(Place::Path)
    }

    /// All values of this place.
    pub const fn at(place: Place) -> Self {
        Self::of(Which::At(Places::of(&[place]), Part::Value))
    }

    /// The header of this name.
    pub fn header(name: &str) -> Self {
        Self::at(Place::Header).with_name(&name.to_ascii_lowercase())
    }

    /// The cookie of this name.
    pub fn cookie(name: &str) -> Self {
        Self::at(Place::Cookie).with_name(name)
    }

    /// The parameter of this name, be it in the query or in a body of any type.
    pub fn parameter(name: &str) -> Self {
        Self::parameters().with_name(name)
    }

    /// All parameters, be they in the query or in a body of any type.
    pub const fn parameters() -> Self {
        Self::of(Which::At(PARAMETERS, Part::Value))
    }

    /// The names of all parameters, of the query or of a body of any type.
    pub const fn parameter_names() -> Self {
        Self::of(Which::At(PARAMETERS, Part::Name))
    }

    /// The client's address, where a [`ClientIpLayer`](crate::net::client_ip::ClientIpLayer)
    /// outside found it.
    pub const fn client_address() -> Self {
        Self::of(Which::Client)
    }

    /// The length of the body in bytes, as a decimal number.
    pub const fn body_length() -> Self {
        Self::of(Which::BodyLength)
    }

    fn names(&self, subject: &Subject<'_>) -> bool {
        let which = match (self.which, subject.what) {
            (Which::At(places, wanted), What::At(place, part)) => {
                wanted == part && places.contains(place)
            }
            (Which::Method, What::Method)
            | (Which::Client, What::Client)
            | (Which::BodyLength, What::BodyLength) => true,
            _ => false,
        };
        which && self.name.as_deref().is_none_or(|name| name == subject.name)
    }
}
