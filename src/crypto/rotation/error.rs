use crate::store::StoreError;
use std::error::Error;
use thiserror::Error;

/// What is wrong with a list of encrypted columns.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A column is listed twice.
    #[error("the column {column:?} of table {table:?} is listed twice")]
    Duplicate {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The secrets of a column are for nothing.
    #[error("the secrets of column {column:?} of table {table:?} are sealed for an empty purpose")]
    NoPurpose {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// No column is listed.
    #[error("no encrypted column is listed")]
    Empty,
}

/// Why a rotation stopped. What was done is done, and it can be started again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The table failed.
    #[error("the table cannot be read or written")]
    Table(#[source] Box<dyn Error + Send + Sync>),
    /// The checkpoint cannot be read or written.
    #[error("the checkpoint cannot be read or written")]
    Checkpoint(#[source] StoreError),
    /// Another process writes the same checkpoint.
    #[error("another rotation of the same column is running; there can be one at a time")]
    AnotherRuns,
    /// The keyring was given another primary key meanwhile.
    #[error("the primary key changed during the rotation; start it again")]
    PrimaryChanged,
    /// The table gave rows that do not come after those before, which would go on for ever.
    #[error("the table gave rows out of order, or more than it was asked for")]
    PageOrder,
    /// The table did not say of each change whether it was made.
    #[error("the table answered {answers} changes of {changes}")]
    Answers {
        /// How many changes there were.
        changes: usize,
        /// How many were answered.
        answers: usize,
    },
}

impl RotationError {
    pub(super) fn table(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Table(Box::new(error))
    }
}
