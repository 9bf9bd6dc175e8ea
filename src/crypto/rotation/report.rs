use super::{EncryptedColumn, RowKey};
use crate::crypto::Reason;
use crate::crypto::keyring::KeyId;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// How many values a rotation met, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Rows in all.
    pub rows: u64,
    /// Rows without a value.
    pub null: u64,
    /// Values sealed as values are sealed now: with the primary key, and with the commitment
    /// and the padding that are configured.
    pub current: u64,
    /// Values sealed again (in a dry run and a verification: that would be).
    pub resealed: u64,
    /// Plaintexts sealed (in a dry run and a verification: that would be).
    pub sealed: u64,
    /// Values that others changed again and again at the same moment. Run once more.
    pub contended: u64,
    /// Values left as they are, because they could not be opened or are plaintext.
    pub problems: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.null += other.null;
        self.current += other.current;
        self.resealed += other.resealed;
        self.sealed += other.sealed;
        self.contended += other.contended;
        self.problems += other.problems;
    }
}

/// A value that was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Its row.
    pub row: RowKey,
    /// The key that it says it was sealed with.
    pub key: Option<KeyId>,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What became of one column.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ColumnReport {
    /// The namespace that its values are bound to.
    pub namespace: String,
    /// Its table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What its secrets are sealed for.
    pub purpose: Option<String>,
    /// How many values, since the rotation of this column began, be it in an earlier run.
    pub counts: Counts,
    /// The first [`MAX_PROBLEMS`](Self::MAX_PROBLEMS) problems of this run.
    pub problems: Vec<Problem>,
}

impl ColumnReport {
    /// Problems that are listed; the others are counted.
    pub const MAX_PROBLEMS: usize = 100;

    pub(super) fn of(column: &EncryptedColumn, counts: Counts) -> Self {
        Self {
            namespace: column.namespace().to_owned(),
            table: column.table().to_owned(),
            column: column.column().to_owned(),
            purpose: column.purpose().map(str::to_owned),
            counts,
            problems: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, problem: Problem) {
        self.counts.problems += 1;
        if self.problems.len() < Self::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// What became of all columns.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) columns: Vec<ColumnReport>,
}

impl Report {
    /// The columns, as they were listed.
    #[must_use]
    pub fn columns(&self) -> &[ColumnReport] {
        &self.columns
    }

    /// All columns together.
    #[must_use]
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for column in &self.columns {
            totals += column.counts;
        }
        totals
    }

    /// Whether there is nothing left to be looked at: no problem, and nothing that others
    /// changed away.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let totals = self.totals();
        totals.problems == 0 && totals.contended == 0
    }
}

/// How far a rotation is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The namespace at work.
    pub namespace: &'a str,
    /// The table at work.
    pub table: &'a str,
    /// The column at work.
    pub column: &'a str,
    /// What its secrets are sealed for.
    pub purpose: Option<&'a str>,
    /// What became of its values so far.
    pub counts: Counts,
}
