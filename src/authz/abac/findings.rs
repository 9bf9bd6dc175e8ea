use super::{Cause, DenyKind, Effect, Outcome, PolicyHead, StepUp};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// How many permits may say what login they would take, for one request.
const MAX_STEP_UPS: usize = 8;

/// Why a condition could not be judged. For the operator's eyes alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct EvalError {
    text: Cow<'static, str>,
    is_outage: bool,
}

impl EvalError {
    /// The policy and the data do not fit: an attribute that is missing, a number that is too
    /// large. Asking again will not help.
    #[must_use]
    pub fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            is_outage: false,
        }
    }

    /// What had to be asked did not answer. Later it may.
    #[must_use]
    pub fn outage(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            is_outage: true,
        }
    }

    /// Whether asking again may help.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        self.is_outage
    }
}

/// A policy that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyError {
    /// The policy.
    pub policy: PolicyHead,
    /// What went wrong.
    pub error: EvalError,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.policy, self.error)
    }
}

impl Serialize for PolicyError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What policies say of a request, gathered from all sources and then judged together.
#[derive(Debug, Default)]
pub struct Findings {
    forbids: Vec<PolicyHead>,
    permits: Vec<PolicyHead>,
    pub(super) errors: Vec<PolicyError>,
    /// What all forbids that hold ask for together.
    forbids_step_up: Option<StepUp>,
    /// What permits that do not hold ask for, each for itself.
    permits_step_ups: Vec<StepUp>,
    is_permitted_by_role: bool,
}

impl Findings {
    /// All conditions of this policy hold.
    pub fn satisfied(&mut self, policy: &PolicyHead) {
        match policy.effect() {
            Effect::Permit => self.permits.push(policy.clone()),
            Effect::Forbid => {
                self.forbids.push(policy.clone());
                if let Some(step_up) = policy.step_up() {
                    let others = self.forbids_step_up.take().unwrap_or_default();
                    self.forbids_step_up = Some(others.and(step_up));
                }
            }
        }
    }

    /// This policy is about such requests, and one of its conditions does not hold.
    pub fn unsatisfied(&mut self, policy: &PolicyHead) {
        if policy.effect() == Effect::Permit
            && self.permits_step_ups.len() < MAX_STEP_UPS
            && let Some(step_up) = policy.step_up()
        {
            self.permits_step_ups.push(step_up.clone());
        }
    }

    /// One of the conditions of this policy could not be judged.
    pub fn failed(&mut self, policy: &PolicyHead, error: EvalError) {
        let policy = policy.clone();
        self.errors.push(PolicyError { policy, error });
    }

    /// A role of the principal is enough, unless a policy forbids.
    pub(super) const fn permitted_by_role(&mut self) {
        self.is_permitted_by_role = true;
    }

    /// Logins that may turn a denial into an allow, the least demanding first: what lifts the
    /// forbids alone, then with what each of the permits asks for.
    pub(super) fn step_ups(&self) -> impl Iterator<Item = StepUp> {
        let forbids = self.forbids_step_up.iter().cloned();
        let permits = self.permits_step_ups.iter().map(|step_up| {
            let lifted = self.forbids_step_up.clone().unwrap_or_default();
            lifted.and(step_up)
        });
        forbids.chain(permits)
    }

    /// Puts all together. A forbid that holds denies, whatever else is true. What failed counts
    /// only where it could have made the difference: a forbid that failed, where there is a
    /// permit; a permit that failed for an outage, where there is none.
    pub(super) fn judge(&mut self) -> (Outcome, Vec<PolicyHead>) {
        if !self.forbids.is_empty() {
            let forbids = std::mem::take(&mut self.forbids);
            return (Outcome::Deny(DenyKind::Forbidden), forbids);
        }
        if self.errors.is_empty() {
            return self.judge_permits();
        }
        let is_any = |effect, outage_only: bool| {
            self.errors.iter().any(|failed| {
                failed.policy.effect() == effect && (failed.error.is_outage || !outage_only)
            })
        };
        let is_permitted = self.is_permitted_by_role || !self.permits.is_empty();
        let is_open = match is_permitted {
            true => is_any(Effect::Forbid, false),
            false => is_any(Effect::Permit, true),
        };
        match is_open {
            true => (Outcome::Indeterminate(Cause::Policy), Vec::new()),
            false => self.judge_permits(),
        }
    }

    fn judge_permits(&mut self) -> (Outcome, Vec<PolicyHead>) {
        let permits = std::mem::take(&mut self.permits);
        match self.is_permitted_by_role || !permits.is_empty() {
            true => (Outcome::Allow, permits),
            false => (Outcome::Deny(DenyKind::NotPermitted), permits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_overrides_and_what_failed_never_allows() {
        use DenyKind::{Forbidden, NotPermitted};
        const ALLOW: Outcome = Outcome::Allow;
        const UNKNOWN: Outcome = Outcome::Indeterminate(Cause::Policy);
        let deny = Outcome::Deny;
        // P and F hold; p and f fail by their data, o and g by an outage of what they ask.
        for (policies, expected, reasons) in [
            ("", deny(NotPermitted), ""),
            ("P", ALLOW, "P"),
            ("PP", ALLOW, "PP"),
            ("F", deny(Forbidden), "F"),
            ("PF", deny(Forbidden), "F"),
            ("FP", deny(Forbidden), "F"),
            ("Pf", UNKNOWN, ""),
            ("Pg", UNKNOWN, ""),
            ("f", deny(NotPermitted), ""),
            ("g", deny(NotPermitted), ""),
            ("p", deny(NotPermitted), ""),
            ("pf", deny(NotPermitted), ""),
            ("o", UNKNOWN, ""),
            ("of", UNKNOWN, ""),
            ("og", UNKNOWN, ""),
            ("Pp", ALLOW, "P"),
            ("Po", ALLOW, "P"),
            ("Pof", UNKNOWN, ""),
            ("Ff", deny(Forbidden), "F"),
            ("PFfgpo", deny(Forbidden), "F"),
        ] {
            let mut findings = Findings::default();
            for policy in policies.chars() {
                let permit = PolicyHead::permit(policy.to_string());
                let forbid = PolicyHead::forbid(policy.to_string());
                match policy {
                    'P' => findings.satisfied(&permit),
                    'F' => findings.satisfied(&forbid),
                    'p' => findings.failed(&permit, EvalError::invalid("x")),
                    'o' => findings.failed(&permit, EvalError::outage("x")),
                    'f' => findings.failed(&forbid, EvalError::invalid("x")),
                    _ => findings.failed(&forbid, EvalError::outage("x")),
                }
            }
            let (outcome, heads) = findings.judge();
            assert_eq!(outcome, expected, "{policies:?}");
            let found: String = heads.iter().map(PolicyHead::id).collect();
            assert_eq!(found, reasons, "{policies:?}");
        }
    }
}
