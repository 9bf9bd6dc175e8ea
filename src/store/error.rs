use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// Why an operation of a [`Store`](super::Store) or of [`Records`](super::Records) failed.
///
/// It says nothing of keys or values, so it may be logged.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: Cow<'static, str>,
    conflict: Option<usize>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What sort of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or cannot answer. The operation may have been done.
    Unavailable,
    /// The deadline passed. The operation may have been done.
    Timeout,
    /// The store is at its bound and nothing in it has expired. Nothing was changed.
    Full,
    /// A key or a value is longer than the contract allows. Nothing was changed.
    TooLarge,
    /// The call makes no sense, such as counting in a namespace of values: a mistake in the
    /// program. Nothing was changed.
    Invalid,
    /// A record was not as the write expected it: there already, gone, or changed by another.
    /// Nothing was changed. Only [`Records`](super::Records) answers so.
    Conflict,
    /// What came out of the store is not what this library put in.
    Corrupt,
}

impl StoreErrorKind {
    /// Whether the call was at fault, so that it fails again however long one waits.
    #[must_use]
    pub const fn is_mistake(self) -> bool {
        matches!(self, Self::TooLarge | Self::Invalid)
    }
}

impl StoreError {
    /// An error of this kind. The message is for operators: lower case, no full stop, and
    /// nothing of keys or values in it.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            conflict: None,
            source: None,
        }
    }

    /// A [`Conflict`](StoreErrorKind::Conflict), caused by the change at this place of a
    /// [`commit`](super::Records::commit).
    #[must_use]
    pub fn conflict(change: usize) -> Self {
        let message = "a record is there already, is gone, or was changed by another";
        Self {
            conflict: Some(change),
            ..Self::new(StoreErrorKind::Conflict, message)
        }
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What sort of failure it was.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Of a conflict, the place of the change that caused it.
    #[must_use]
    pub const fn conflicting_change(&self) -> Option<usize> {
        self.conflict
    }

    pub(super) fn full() -> Self {
        Self::new(
            StoreErrorKind::Full,
            "the store is full, and nothing in it has expired",
        )
    }

    pub(super) fn invalid(message: &'static str) -> Self {
        Self::new(StoreErrorKind::Invalid, message)
    }

    pub(super) fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StoreErrorKind::TooLarge, message)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + Send + Sync) = self.source.as_deref()?;
        Some(source)
    }
}
