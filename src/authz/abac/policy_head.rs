use super::StepUp;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What a policy does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It allows, unless another forbids.
    Permit,
    /// It forbids, whatever others allow.
    Forbid,
}

impl Effect {
    /// `permit` or `forbid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

/// All of a policy but its conditions: its id, its effect and what comes with a decision that
/// rests on it. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct PolicyHead(Arc<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    id: Box<str>,
    effect: Effect,
    step_up: Option<StepUp>,
    obligations: Vec<Note>,
    advice: Vec<Note>,
}

impl PolicyHead {
    /// A policy that allows.
    #[must_use]
    pub fn permit(id: impl Into<Box<str>>) -> Self {
        Self::new(id.into(), Effect::Permit)
    }

    /// A policy that forbids.
    #[must_use]
    pub fn forbid(id: impl Into<Box<str>>) -> Self {
        Self::new(id.into(), Effect::Forbid)
    }

    fn new(id: Box<str>, effect: Effect) -> Self {
        Self(Arc::new(Inner {
            id,
            effect,
            step_up: None,
            obligations: Vec::new(),
            advice: Vec::new(),
        }))
    }

    /// Says that a stronger login may change what this policy decides: it is tried, and if it
    /// would lead to an allow, the outcome is a step-up.
    #[must_use]
    pub fn with_step_up(mut self, step_up: StepUp) -> Self {
        self.inner().step_up = Some(step_up);
        self
    }

    /// Adds what has to be done where this policy allows: see
    /// [`Decision::obligations`](super::Decision::obligations).
    #[must_use]
    pub fn with_obligation(mut self, note: Note) -> Self {
        self.inner().obligations.push(note);
        self
    }

    /// Adds what the application may care to know where this policy decides.
    #[must_use]
    pub fn with_advice(mut self, note: Note) -> Self {
        self.inner().advice.push(note);
        self
    }

    /// What it is called, in logs and tests.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// What it does where it applies.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// The login that may change what it decides.
    #[must_use]
    pub fn step_up(&self) -> Option<&StepUp> {
        self.0.step_up.as_ref()
    }

    /// What has to be done where it allows.
    #[must_use]
    pub fn obligations(&self) -> &[Note] {
        &self.0.obligations
    }

    /// What the application may care to know where it decides.
    #[must_use]
    pub fn advice(&self) -> &[Note] {
        &self.0.advice
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

/// `forbid "out-of-hours"`.
impl fmt::Debug for PolicyHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.effect().as_str(), self.id())
    }
}

impl Serialize for PolicyHead {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A name and what is said under it: an obligation or an advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Note {
    /// The name.
    pub name: Cow<'static, str>,
    /// What is said; may be empty.
    pub value: Cow<'static, str>,
}

impl Note {
    /// A note.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}
