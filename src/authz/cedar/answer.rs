use crate::authz::abac::Version;
use cedar_policy::{
    AuthorizationError, Authorizer, Decision, Effect, Entities, EvaluationError, Policy, PolicyId,
    PolicySet, Request,
};
use std::fmt;

/// What a policy does that cannot be evaluated: an attribute is missing, a number overflows.
///
/// An erroring `permit` allows nothing, either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnError {
    /// An erroring `forbid` may be one that forbids: nothing is allowed, the ruling is
    /// [`Indeterminate`](Ruling::Indeterminate) where it would be allowed otherwise.
    #[default]
    Deny,
    /// As Cedar does: an erroring policy is left out, a `forbid` too. **A request that the
    /// policy was written against is then allowed.**
    Cedar,
}

/// What policies say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ruling {
    /// A `permit` holds and no `forbid` does.
    Allow,
    /// No `permit` holds, or a `forbid` does.
    Deny,
    /// A `permit` holds, but whether a `forbid` does could not be found out.
    Indeterminate,
}

/// What was found in sets of policies, put together.
///
/// It does not matter into which sets the policies were split, nor whether one was in two.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    permits: Vec<PolicyId>,
    forbids: Vec<PolicyId>,
    failures: Vec<PolicyFailure>,
}

impl Fold {
    /// Asks Cedar each set.
    #[must_use]
    pub fn of(sets: &[&PolicySet], request: &Request, entities: &Entities) -> Self {
        let mut fold = Self::default();
        for set in sets {
            fold.ask(set, request, entities);
        }
        fold.settle();
        fold
    }

    /// A policy was found to hold.
    pub(super) fn hold(&mut self, policy: &Policy) {
        let holding = match policy.effect() {
            Effect::Permit => &mut self.permits,
            Effect::Forbid => &mut self.forbids,
        };
        holding.push(policy.id().clone());
    }

    /// Where a `forbid` of the set holds, Cedar does not name its permits; they do not count.
    pub(super) fn ask(&mut self, set: &PolicySet, request: &Request, entities: &Entities) {
        let response = Authorizer::new().is_authorized(request, set, entities);
        let holding = match response.decision() {
            Decision::Allow => &mut self.permits,
            Decision::Deny => &mut self.forbids,
        };
        holding.extend(response.diagnostics().reason().cloned());
        let failures = response.diagnostics().errors();
        self.failures
            .extend(failures.map(|error| PolicyFailure::new(error, set)));
    }

    /// To be called when all was asked.
    pub(super) fn settle(&mut self) {
        for ids in [&mut self.permits, &mut self.forbids] {
            ids.sort_unstable();
            ids.dedup();
        }
        self.failures
            .sort_unstable_by(|left, right| left.policy.cmp(&right.policy));
        self.failures
            .dedup_by(|left, right| left.policy == right.policy);
    }

    /// The permits that hold.
    #[must_use]
    pub fn permits(&self) -> &[PolicyId] {
        &self.permits
    }

    /// The forbids that hold.
    #[must_use]
    pub fn forbids(&self) -> &[PolicyId] {
        &self.forbids
    }

    /// The policies that could not be evaluated.
    #[must_use]
    pub fn failures(&self) -> &[PolicyFailure] {
        &self.failures
    }

    /// Whether this policy holds, or could not be evaluated.
    pub(super) fn has_found(&self, id: &PolicyId) -> bool {
        let failures = &self.failures;
        self.permits.binary_search(id).is_ok()
            || self.forbids.binary_search(id).is_ok()
            || failures
                .binary_search_by(|failure| failure.policy.cmp(id))
                .is_ok()
    }

    /// Forbids win; without a permit nothing is allowed.
    #[must_use]
    pub fn ruling(&self, on_error: OnError) -> Ruling {
        if !self.forbids.is_empty() || self.permits.is_empty() {
            return Ruling::Deny;
        }
        match on_error {
            OnError::Deny if self.failures.iter().any(PolicyFailure::may_forbid) => {
                Ruling::Indeterminate
            }
            OnError::Deny | OnError::Cedar => Ruling::Allow,
        }
    }

    pub(super) fn answer(self, on_error: OnError, version: Version) -> Answer {
        let ruling = self.ruling(on_error);
        let reasons = match ruling {
            Ruling::Deny => self.forbids,
            Ruling::Allow | Ruling::Indeterminate => self.permits,
        };
        Answer {
            ruling,
            reasons,
            failures: self.failures,
            version,
        }
    }
}

/// A policy that could not be evaluated, and why.
#[derive(Clone, Debug)]
pub struct PolicyFailure {
    policy: PolicyId,
    effect: Effect,
    error: EvaluationError,
}

impl PolicyFailure {
    fn new(error: &AuthorizationError, set: &PolicySet) -> Self {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        let policy = error.policy_id().clone();
        // A policy that is not there cannot fail; were it so, it would have to count as a forbid.
        let effect = set.policy(&policy).map_or(Effect::Forbid, Policy::effect);
        Self {
            policy,
            effect,
            error: error.inner().clone(),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &PolicyId {
        &self.policy
    }

    /// Whether it would have forbidden.
    #[must_use]
    pub fn may_forbid(&self) -> bool {
        self.effect == Effect::Forbid
    }

    /// What went wrong. Its text can name entities and types: it is for the operator.
    #[must_use]
    pub const fn error(&self) -> &EvaluationError {
        &self.error
    }
}

impl fmt::Display for PolicyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {}: {}", self.policy, self.error)
    }
}

/// What one version of the policies says to a request, and why.
#[derive(Clone, Debug)]
#[must_use = "an answer that nobody looks at refuses nothing"]
pub struct Answer {
    ruling: Ruling,
    reasons: Vec<PolicyId>,
    failures: Vec<PolicyFailure>,
    version: Version,
}

impl Answer {
    /// What they say.
    #[must_use]
    pub const fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// Whether the request is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.ruling == Ruling::Allow
    }

    /// The policies that decided, in order: the forbids that hold, or the permits that hold.
    /// None where no policy holds.
    pub fn reasons(&self) -> impl ExactSizeIterator<Item = &PolicyId> {
        self.reasons.iter()
    }

    /// The policies that could not be evaluated, in order.
    #[must_use]
    pub fn failures(&self) -> &[PolicyFailure] {
        &self.failures
    }

    /// Which policies were asked.
    #[must_use]
    pub const fn version(&self) -> &Version {
        &self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> Fold {
        let uid = |text: &str| text.parse().unwrap();
        let request = Request::new(
            uid(r#"User::"ann""#),
            uid(r#"Action::"read""#),
            uid(r#"Document::"plan""#),
            cedar_policy::Context::empty(),
            None,
        );
        let set: PolicySet = text.parse().unwrap();
        Fold::of(&[&set], &request.unwrap(), &Entities::empty())
    }

    #[test]
    fn forbids_win_and_what_is_not_known_does_not_allow() {
        const PERMIT: &str = "permit(principal, action, resource);";
        const FORBID: &str = "forbid(principal, action, resource);";
        const BROKEN_PERMIT: &str =
            "permit(principal, action, resource) when { context.missing == 1 };";
        const BROKEN_FORBID: &str =
            "forbid(principal, action, resource) when { context.missing == 1 };";
        use Ruling::{Allow, Deny, Indeterminate};
        for (name, policies, ours, cedars, failures) in [
            ("nothing", vec![], Deny, Deny, 0),
            ("permit", vec![PERMIT], Allow, Allow, 0),
            ("forbid", vec![PERMIT, FORBID], Deny, Deny, 0),
            ("erroring permit", vec![BROKEN_PERMIT], Deny, Deny, 1),
            (
                "a permit beside an erroring one",
                vec![PERMIT, BROKEN_PERMIT],
                Allow,
                Allow,
                1,
            ),
            (
                "erroring forbid",
                vec![PERMIT, BROKEN_FORBID],
                Indeterminate,
                Allow,
                1,
            ),
            (
                "erroring forbid, nothing to forbid",
                vec![BROKEN_FORBID],
                Deny,
                Deny,
                1,
            ),
            (
                "erroring forbid beside one that holds",
                vec![PERMIT, FORBID, BROKEN_FORBID, BROKEN_PERMIT],
                Deny,
                Deny,
                2,
            ),
        ] {
            let fold = fold(&policies.concat());
            assert_eq!(fold.ruling(OnError::Deny), ours, "{name}");
            assert_eq!(fold.ruling(OnError::Cedar), cedars, "{name}");
            assert_eq!(fold.failures().len(), failures, "{name}");
        }
        assert_eq!(OnError::default(), OnError::Deny);
    }

    #[test]
    fn a_failure_says_which_policy_and_what_was_missing() {
        let fold = fold("forbid(principal, action, resource) when { context.missing == 1 };");
        let text = fold.failures()[0].to_string();
        assert!(text.starts_with("policy policy0: "), "{text}");
        assert!(text.contains("missing"), "{text}");
        assert!(fold.failures()[0].may_forbid());
    }
}
