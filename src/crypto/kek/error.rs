use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// An entry of a context was to be named `purpose`, which is set already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the purpose of a context is set by KekContext::new; give the entry another name")]
pub struct PurposeIsSet(pub(super) ());

/// Why a key was not wrapped or unwrapped. It shows no key.
#[derive(Clone, Debug)]
pub struct KekError {
    kind: KekErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What sort of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KekErrorKind {
    /// The service cannot be reached or cannot answer now. Trying again may help.
    Unavailable,
    /// The wrapped key, its context or the caller is not the right one. Trying again does not
    /// help.
    Refused,
}

impl KekError {
    /// An error of this kind.
    #[must_use]
    pub const fn new(kind: KekErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What sort of failure it was.
    #[must_use]
    pub const fn kind(&self) -> KekErrorKind {
        self.kind
    }
}

impl fmt::Display for KekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            KekErrorKind::Unavailable => "the key encryption key is out of reach",
            KekErrorKind::Refused => "the wrapped key or its context was refused",
        })
    }
}

impl Error for KekError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + Send + Sync) = self.source.as_deref()?;
        Some(source)
    }
}
