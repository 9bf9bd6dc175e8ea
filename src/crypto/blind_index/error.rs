use super::PlanError;
use crate::crypto::StretchError;
use thiserror::Error;

/// What is wrong with an index. Comes when it is set up, never from a value.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The index key does not have 32 bytes.
    #[error("the index key has {0} bytes, not 32; make one with IndexKey::generate")]
    KeyLength(usize),
    /// The text of the index key is not one.
    #[error("the text of the index key is not \"pcix1.\" and 43 characters of base64url")]
    KeyText,
    /// A name is empty or too long.
    #[error("the {0} of an index has no name, or one of more than 128 bytes")]
    Name(&'static str),
    /// An index over no column.
    #[error("the index {0:?} is over no column")]
    NoColumn(String),
    /// The same column twice: the second tells nothing.
    #[error("the index {index:?} has the column {column:?} twice")]
    DuplicateColumn {
        /// The index.
        index: String,
        /// The column.
        column: String,
    },
    /// The index has no plan.
    #[error("the index {0:?} has no plan; say for how many rows it is, by Plan::for_rows")]
    NoPlan(String),
    /// The plan does not work out.
    #[error("the index {index:?} would not protect: {reason}")]
    Plan {
        /// The index.
        index: String,
        /// Why.
        reason: PlanError,
    },
    /// Indexes in one set are not versions of the same one.
    #[error("the index {0:?} is no other version of the index it is put beside")]
    NotAVersion(String),
}

/// Why a value has no term. It says nothing of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TermError {
    /// Nothing is left of the value after normalization. Store NULL; nothing can be found by
    /// it.
    #[error("nothing is left of the value after normalization")]
    Empty,
    /// The value is longer than what people search by.
    #[error("the value has {0} bytes; 16384 are the most that can be searched by")]
    TooLong(usize),
    /// A slow index could not do its work.
    #[error(transparent)]
    Stretch(#[from] StretchError),
}
