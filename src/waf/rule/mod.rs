//! Rules as data: those of the builtin set, and those that users add.

mod condition;
mod operator;
mod self_test;
pub(super) mod text;
mod transform;

pub use condition::{Condition, Target};
pub(super) use condition::{Subject, What};
pub use operator::Operator;
pub use self_test::RuleTest;
pub use transform::Transform;

use super::Class;
use serde::{Serialize, Serializer};
use std::borrow::{Borrow, Cow};
use std::fmt;

/// The id of a rule: stable, and unique in a ruleset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(Cow<'static, str>);

impl RuleId {
    pub(super) const fn builtin(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RuleId {
    fn from(id: &str) -> Self {
        Self(Cow::Owned(id.to_owned()))
    }
}

impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// How much a match of a rule says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Worth a line in the log; counts nothing.
    Notice,
    /// Counts 2: needs company.
    Faint,
    /// Counts 3: needs one companion.
    Medium,
    /// Counts 5: enough to refuse the request.
    #[default]
    Critical,
}

impl Severity {
    /// What a match counts.
    #[must_use]
    pub const fn weight(self) -> u8 {
        match self {
            Self::Notice => 0,
            Self::Faint => 2,
            Self::Medium => 3,
            Self::Critical => 5,
        }
    }

    pub(super) const fn of_weight(weight: u8) -> Self {
        match weight {
            0 | 1 => Self::Notice,
            2 => Self::Faint,
            3 | 4 => Self::Medium,
            _ => Self::Critical,
        }
    }
}

/// What a match of a rule does besides counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Counts by its severity.
    #[default]
    Score,
    /// Refuses the request, whatever it counts.
    Refuse,
    /// Admits the request and ends the inspection. For health checks and scanners of your
    /// own; a condition that a client can fulfill at will opens the gate to everybody.
    DangerouslyAdmit,
}

/// A rule that a user adds: conditions that must all hold, and what follows.
///
/// ```
/// use portcullis::waf::{Class, Condition, Operator, RawRequest, Rule, Ruleset, Target, Waf};
///
/// // A virtual patch: the id of an invoice is a number, whatever the handler makes of it.
/// let patch = Rule::new("vp-invoice-id", Class::Generic)
///     .named("an invoice id that is no number")
///     .when(Condition::new(Target::path(), Operator::BeginsWith("/invoices".into())))
///     .when(Condition::new(Target::parameter("id"), Operator::regex("[^0-9]")?));
/// let waf = Waf::new(Ruleset::builtin().with(patch)?);
///
/// assert!(waf.judge(&RawRequest::new("GET", "/invoices?id=17x")).is_hostile());
/// assert!(!waf.judge(&RawRequest::new("GET", "/invoices?id=17")).is_hostile());
/// assert!(!waf.judge(&RawRequest::new("GET", "/orders?id=17x")).is_hostile());
/// # Ok::<(), portcullis::waf::WafError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    pub(super) id: RuleId,
    pub(super) name: Cow<'static, str>,
    pub(super) class: Class,
    pub(super) severity: Severity,
    pub(super) level: u8,
    pub(super) tags: Vec<Cow<'static, str>>,
    pub(super) references: Vec<Cow<'static, str>>,
    pub(super) conditions: Vec<Condition>,
    pub(super) effect: Effect,
    pub(super) tests: Vec<RuleTest>,
}

impl Rule {
    /// A rule of this class: critical, of level 1, without a condition yet. A rule without any
    /// condition matches nothing.
    pub fn new(id: &str, class: Class) -> Self {
        Self {
            id: id.into(),
            name: Cow::Borrowed(""),
            class,
            severity: Severity::default(),
            level: 1,
            tags: Vec::new(),
            references: Vec::new(),
            conditions: Vec::new(),
            effect: Effect::default(),
            tests: Vec::new(),
        }
    }

    /// Says in a few words what it sees.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how much a match says.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets from which level on it counts: 1 to 3.
    pub fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    /// Adds a label, by which the rule can be switched off or excluded.
    pub fn tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds where to read more: a CVE, a ticket.
    pub fn reference(mut self, reference: impl Into<Cow<'static, str>>) -> Self {
        self.references.push(reference.into());
        self
    }

    /// Adds a condition. All must hold, each for some value, not all for the same.
    pub fn when(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Sets what a match does besides counting.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Adds a request, method and target, that must match: checked when the rule is loaded.
    pub fn must_match(self, method: &str, target: &str) -> Self {
        self.test(RuleTest::must_match(method, target))
    }

    /// Adds a request, method and target, that must not match: checked when the rule is
    /// loaded.
    pub fn must_not_match(self, method: &str, target: &str) -> Self {
        self.test(RuleTest::must_not_match(method, target))
    }

    /// Adds a request with headers or a body that must match, or must not.
    pub fn test(mut self, test: RuleTest) -> Self {
        self.tests.push(test);
        self
    }
}

/// What is known of a rule of a [`Ruleset`](super::Ruleset), builtin or added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleInfo<'a> {
    /// The id.
    pub id: RuleId,
    /// What it sees, in a few words.
    pub name: &'a str,
    /// Its class.
    pub class: Class,
    /// How much a match says.
    pub severity: Severity,
    /// From which level on it counts.
    pub level: u8,
    /// Its labels.
    pub tags: Vec<&'a str>,
    /// Where to read more.
    pub references: Vec<&'a str>,
}
