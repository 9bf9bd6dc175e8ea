use super::{Findings, Note, PolicyError, PolicyHead, StepUp};
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It may be done.
    Allow,
    /// It may not.
    Deny(DenyKind),
    /// It may not now, and could be after such a login.
    StepUp(StepUp),
    /// It could not be decided, so it may not be done.
    Indeterminate(Cause),
}

impl Outcome {
    /// Whether it may be done.
    #[must_use]
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow)
    }

    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny(kind) => kind.code(),
            Self::StepUp(_) => "step_up",
            Self::Indeterminate(cause) => cause.code(),
        }
    }
}

crate::error_kinds::error_kinds! {
    /// Why something may not be done.
    DenyKind:
    /// No role of the principal has the permission, or its credential was made for less.
    NoPermission = "no_permission", "no role of the principal has the permission, or its scopes do not";
    /// No policy permits it.
    NotPermitted = "not_permitted", "no policy permits it";
    /// A policy forbids it.
    Forbidden = "forbidden", "a policy forbids it";
}

crate::error_kinds::error_kinds! {
    /// Why it could not be decided.
    Cause:
    /// A policy failed that could have made the difference.
    Policy = "policy_failed", "a policy could not be judged";
    /// There is no such permission: a mistake in the service.
    UnknownPermission = "unknown_permission", "there is no such permission";
    /// A policy demands what the service does not know how to do.
    UnknownObligation = "unknown_obligation", "a policy demands what the service does not know to do";
}

impl DenyKind {
    pub(super) const fn text(self) -> &'static str {
        self.message()
    }
}

impl Cause {
    pub(super) const fn text(self) -> &'static str {
        self.message()
    }
}

/// Which state of the policies a decision was made by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// A version of this name: a hash or a growing number.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What was decided, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    outcome: Outcome,
    reasons: Vec<PolicyHead>,
    errors: Vec<PolicyError>,
    version: Version,
}

impl Decision {
    /// One that rests on no policy.
    pub(super) const fn plain(outcome: Outcome, version: Version) -> Self {
        Self {
            outcome,
            reasons: Vec::new(),
            errors: Vec::new(),
            version,
        }
    }

    /// What the findings come to. An allow whose obligations are not all `known` is none.
    pub(super) fn of(
        findings: &mut Findings,
        version: Version,
        known: impl Fn(&str) -> bool,
    ) -> Self {
        let (mut outcome, reasons) = findings.judge();
        let is_known = |policy: &PolicyHead| policy.obligations().iter().all(|it| known(&it.name));
        if outcome.is_allow() && !reasons.iter().all(is_known) {
            outcome = Outcome::Indeterminate(Cause::UnknownObligation);
        }
        Self {
            outcome,
            reasons,
            errors: std::mem::take(&mut findings.errors),
            version,
        }
    }

    pub(super) fn stepping_up(mut self, step_up: StepUp) -> Self {
        self.outcome = Outcome::StepUp(step_up);
        self
    }

    /// What comes of the request.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it may be done.
    #[must_use]
    pub const fn is_allow(&self) -> bool {
        self.outcome.is_allow()
    }

    /// The policies that the outcome rests on: those that permit, or those that forbid.
    #[must_use]
    pub fn reasons(&self) -> &[PolicyHead] {
        &self.reasons
    }

    /// Policies that could not be judged.
    #[must_use]
    pub fn errors(&self) -> &[PolicyError] {
        &self.errors
    }

    /// What has to be done, now that it may be done: each is one that
    /// [`AuthzBuilder::obligation`](super::AuthzBuilder::obligation) named as known.
    pub fn obligations(&self) -> impl Iterator<Item = &Note> {
        let is_allow = self.is_allow();
        let reasons = self.reasons.iter().filter(move |_| is_allow);
        reasons.flat_map(PolicyHead::obligations)
    }

    /// What the policies say beside that, allowed or not.
    pub fn advice(&self) -> impl Iterator<Item = &Note> {
        self.reasons.iter().flat_map(PolicyHead::advice)
    }

    /// Which state of the policies it was made by.
    #[must_use]
    pub const fn version(&self) -> &Version {
        &self.version
    }
}
