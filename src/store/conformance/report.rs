use crate::store::{StoreError, StoreErrorKind};
use std::error::Error;
use std::fmt;

/// What became of a case.
pub(super) type Outcome = Result<Case, Problem>;

#[derive(Debug)]
pub(super) enum Case {
    Passed,
    Skipped,
}

/// What was wrong.
#[derive(Debug)]
pub(super) struct Problem(String);

impl Problem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self(format!(
            "an operation failed that should not: {error} ({:?})",
            error.kind()
        ))
    }
}

/// Fails the case unless both are the same.
#[expect(clippy::needless_pass_by_value, reason = "reads as `assert_eq` does")]
pub(super) fn same<T: PartialEq + fmt::Debug>(
    what: impl fmt::Display,
    found: T,
    expected: T,
) -> Result<(), Problem> {
    if found == expected {
        return Ok(());
    }
    Err(Problem(format!(
        "{what}: found {found:?}, expected {expected:?}"
    )))
}

/// Fails the case unless it is so.
pub(super) fn holds(what: impl fmt::Display, so: bool) -> Result<(), Problem> {
    if so {
        return Ok(());
    }
    Err(Problem(format!("it is not so that {what}")))
}

/// Fails the case unless the operation failed in this way.
pub(super) fn fails<T>(
    what: impl fmt::Display,
    answer: Result<T, StoreError>,
    kind: StoreErrorKind,
) -> Result<(), Problem> {
    same(what, answer.err().map(|error| error.kind()), Some(kind))
}

/// The cases that passed, and those that do not apply.
#[derive(Clone, Debug, Default)]
pub struct Report {
    passed: Vec<&'static str>,
    skipped: Vec<&'static str>,
}

impl Report {
    /// The cases that passed.
    #[must_use]
    pub fn passed(&self) -> &[&'static str] {
        &self.passed
    }

    /// The cases that do not apply, by what the harness says.
    #[must_use]
    pub fn skipped(&self) -> &[&'static str] {
        &self.skipped
    }
}

/// A case that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    case: &'static str,
    problem: String,
}

impl Failure {
    /// The name of the case.
    #[must_use]
    pub const fn case(&self) -> &'static str {
        self.case
    }

    /// What was wrong.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

/// The cases that failed. Never none.
#[derive(Clone, Debug)]
pub struct Failures(Vec<Failure>);

impl Failures {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Failure> {
        self.0.iter()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the contract is broken in {} cases", self.0.len())?;
        for Failure { case, problem } in &self.0 {
            write!(f, "\n  {case}: {problem}")?;
        }
        Ok(())
    }
}

impl Error for Failures {}

/// Collects what the cases found.
#[derive(Debug, Default)]
pub(super) struct Runs {
    report: Report,
    failures: Vec<Failure>,
}

impl Runs {
    pub(super) fn note(&mut self, case: &'static str, outcome: Outcome) {
        match outcome {
            Ok(Case::Passed) => self.report.passed.push(case),
            Ok(Case::Skipped) => self.report.skipped.push(case),
            Err(Problem(problem)) => self.failures.push(Failure { case, problem }),
        }
    }

    pub(super) fn finish(self) -> Result<Report, Failures> {
        if self.failures.is_empty() {
            return Ok(self.report);
        }
        Err(Failures(self.failures))
    }
}
