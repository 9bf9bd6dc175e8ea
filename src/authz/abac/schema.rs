use std::borrow::Cow;

/// What policies can read of a type: what text policies are checked against when they are
/// loaded, so that a misspelled attribute is found then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeSchema {
    name: Cow<'static, str>,
    attributes: Vec<AttributeSchema>,
    parents: Vec<Cow<'static, str>>,
}

impl TypeSchema {
    /// A type without attributes.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            attributes: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: AttributeSchema) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Says that things of this type can be part of things of another.
    #[must_use]
    pub fn child_of(mut self, parent: impl Into<Cow<'static, str>>) -> Self {
        self.parents.push(parent.into());
        self
    }

    /// What policies call the type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn into_name(self) -> Cow<'static, str> {
        self.name
    }

    /// Its attributes.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeSchema] {
        &self.attributes
    }

    /// The types that things of this type can be part of.
    pub fn parents(&self) -> impl ExactSizeIterator<Item = &str> {
        self.parents.iter().map(AsRef::as_ref)
    }
}

/// An attribute of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeSchema {
    name: Cow<'static, str>,
    kind: AttributeType,
    is_required: bool,
    is_public: bool,
}

impl AttributeSchema {
    /// An attribute that is always set, and not shown in explanations.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, kind: AttributeType) -> Self {
        Self {
            name: name.into(),
            kind,
            is_required: true,
            is_public: false,
        }
    }

    /// One that may be missing.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    /// One whose value may stand in the explanation of a denial.
    #[must_use]
    pub const fn public(mut self) -> Self {
        self.is_public = true;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of values it has.
    #[must_use]
    pub const fn kind(&self) -> &AttributeType {
        &self.kind
    }

    /// Whether it is always set.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.is_required
    }

    /// Whether its value may stand in the explanation of a denial.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.is_public
    }
}

/// What kind of values an attribute has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeType {
    /// True or false.
    Bool,
    /// A whole number.
    Long,
    /// Text.
    Text,
    /// An address.
    Ip,
    /// A moment.
    Time,
    /// A set of values of this kind.
    Set(Box<Self>),
    /// Named values.
    Record(Vec<AttributeSchema>),
    /// A thing of this type, or its id.
    Entity(Cow<'static, str>),
}
