use super::{Case, Cases, PolicyAnswer, PolicyTrial};
use crate::authz::abac::PolicyHead;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What came of a file of cases.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many cases there are.
    pub cases: usize,
    /// Those of which something else came than should.
    pub failures: Vec<Failure>,
    /// Policies that decided no case: nobody knows whether they work.
    pub unexercised: Vec<String>,
    /// Conditions that held in every case that tried them, or in none: with the policy, the
    /// label, and what was seen alone.
    pub one_sided: Vec<(String, String, bool)>,
}

/// A case of which something else came than should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The case.
    pub name: String,
    /// The line it begins at.
    pub line: usize,
    /// What should have come, and what did.
    pub what: String,
}

impl PolicyTrial {
    /// Puts all questions, and tells what was not as it should be.
    #[must_use]
    pub fn run(&self, cases: &Cases) -> Report {
        let mut failures = Vec::new();
        let mut coverage = Coverage::default();
        for case in cases.as_slice() {
            let what = match self.ask(&case.question) {
                Ok(answer) => {
                    coverage.note(&answer);
                    differs(case, &answer)
                }
                Err(error) => Some(error.to_string()),
            };
            failures.extend(what.map(|what| Failure {
                name: case.name.clone(),
                line: case.line,
                what,
            }));
        }
        Report {
            cases: cases.as_slice().len(),
            failures,
            unexercised: coverage.unexercised(&self.authz.policies()),
            one_sided: coverage.one_sided(),
        }
    }
}

impl Report {
    /// Whether everything came as it should. What no case tried is not looked at.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { name, line, what } in &self.failures {
            writeln!(f, "FAILED line {line}, {name}: {what}")?;
        }
        for policy in &self.unexercised {
            writeln!(f, "policy {policy:?} decided no case")?;
        }
        for (policy, label, held) in &self.one_sided {
            let always = if *held { "holds" } else { "fails" };
            writeln!(f, "policy {policy:?}: {label:?} {always} in every case")?;
        }
        let (cases, failed) = (self.cases, self.failures.len());
        write!(f, "{cases} cases, {failed} failed")
    }
}

/// What came instead of what should.
fn differs(case: &Case, answer: &PolicyAnswer) -> Option<String> {
    let decision = answer.decision();
    let outcome = decision.outcome().code();
    if outcome != case.expect {
        let (expected, how) = (&case.expect, answer.explanation());
        return Some(format!("expected {expected}, found {outcome} ({how})"));
    }
    let expected = case.reasons.as_ref()?;
    let found: BTreeSet<_> = decision.reasons().iter().map(PolicyHead::id).collect();
    let is_same = expected
        .iter()
        .map(String::as_str)
        .eq(found.iter().copied());
    (!is_same).then(|| format!("expected {outcome} by {expected:?}, found it by {found:?}"))
}

/// What the cases have tried.
#[derive(Default)]
struct Coverage {
    decided: BTreeSet<String>,
    /// By policy and label: whether it was seen to fail, and to hold.
    seen: BTreeMap<(String, String), [bool; 2]>,
}

impl Coverage {
    fn note(&mut self, answer: &PolicyAnswer) {
        let reasons = answer.decision().reasons().iter();
        self.decided
            .extend(reasons.map(|policy| policy.id().to_owned()));
        for candidate in &answer.explanation().candidates {
            for condition in &candidate.conditions {
                let key = (
                    candidate.policy.id().to_owned(),
                    condition.label.to_string(),
                );
                let [fails, holds] = self.seen.entry(key).or_default();
                *fails |= condition.holds == Some(false);
                *holds |= condition.holds == Some(true);
            }
        }
    }

    fn unexercised(&self, heads: &[PolicyHead]) -> Vec<String> {
        let ids = heads.iter().map(PolicyHead::id);
        let missing = ids.filter(|id| !self.decided.contains(*id));
        missing.map(str::to_owned).collect()
    }

    fn one_sided(self) -> Vec<(String, String, bool)> {
        let seen = self.seen.into_iter();
        let one_sided = seen.filter_map(|((policy, label), seen)| match seen {
            [true, true] | [false, false] => None,
            [_, held] => Some((policy, label, held)),
        });
        one_sided.collect()
    }
}
