use crate::crypto::kek::{KekError, KekErrorKind};
use crate::store::{StoreError, StoreErrorKind};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why there is no key of a subject. It names no subject.
#[derive(Clone, Debug)]
pub struct SubjectError {
    kind: SubjectErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What sort of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectErrorKind {
    /// The subject has no key yet.
    Unknown,
    /// The subject's key was destroyed, and what it sealed with it.
    Erased,
    /// The records or the key encryption key cannot be reached.
    Unavailable,
    /// The record is not one of a key, or the wrapped key was refused: it was changed, or
    /// another subject's was put in its place.
    Refused,
}

impl SubjectError {
    pub(super) const fn new(kind: SubjectErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// What sort of failure it was.
    #[must_use]
    pub const fn kind(&self) -> SubjectErrorKind {
        self.kind
    }

    fn because(kind: SubjectErrorKind, source: impl Error + Send + Sync + 'static) -> Self {
        let source: Arc<dyn Error + Send + Sync> = Arc::new(source);
        let source = Some(source);
        Self { kind, source }
    }
}

impl From<StoreError> for SubjectError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::TooLarge | StoreErrorKind::Invalid | StoreErrorKind::Corrupt => {
                SubjectErrorKind::Refused
            }
            _ => SubjectErrorKind::Unavailable,
        };
        Self::because(kind, error)
    }
}

impl From<KekError> for SubjectError {
    fn from(error: KekError) -> Self {
        let kind = match error.kind() {
            KekErrorKind::Refused => SubjectErrorKind::Refused,
            KekErrorKind::Unavailable => SubjectErrorKind::Unavailable,
        };
        Self::because(kind, error)
    }
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SubjectErrorKind::Unknown => "the subject has no key",
            SubjectErrorKind::Erased => "the subject was erased",
            SubjectErrorKind::Unavailable => "the subject's key cannot be had now",
            SubjectErrorKind::Refused => "the subject's key was refused",
        })
    }
}

impl Error for SubjectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + Send + Sync) = self.source.as_deref()?;
        Some(source)
    }
}
