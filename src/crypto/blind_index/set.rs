use super::{BlindIndex, IndexError, Term, TermError};

/// An index in the versions that stored rows may have: one that is written, and others that
/// are read until the last row has been rebuilt.
///
/// To go from version 1 to 2 without a search that misses a row:
///
/// 1. Everywhere: write 1, read 1 and 2.
/// 2. Everywhere: write 2, read both.
/// 3. Rebuild the rows of which [`is_current`](Self::is_current) says no.
/// 4. Everywhere: 2 alone.
///
/// ```
/// use portcullis::crypto::blind_index::{Column, Distinct, IndexKey, IndexSet, Normalizer, Plan};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = IndexKey::generate();
/// let version = |version| {
///     let email = Column::new("email", Normalizer::email(), Distinct::PerRow);
///     key.index("users", "by_email", [email])
///         .plan(Plan::for_rows(1_000_000))
///         .version(version)
///         .build()
/// };
/// let by_email = IndexSet::new(version(2)?).also_reading(version(1)?)?;
///
/// let old = version(1)?.term("ann@example.com")?; // As it is stored in a row.
/// let terms = by_email.terms("ann@example.com")?; // WHERE by_email IN ($1, $2)
/// assert_eq!(terms.len(), 2);
/// assert!(terms.contains(&old));
///
/// assert!(!by_email.is_current(old.as_bytes()), "to be rebuilt");
/// assert!(by_email.is_current(by_email.term("ann@example.com")?.as_bytes()));
///
/// // A version that is there already is a mistake, found at start.
/// assert!(by_email.also_reading(version(1)?).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IndexSet<const N: usize> {
    written: BlindIndex<N>,
    read: Vec<BlindIndex<N>>,
}

impl IndexSet<1> {
    /// The term to write for a value.
    ///
    /// # Errors
    /// As [`BlindIndex::term`].
    pub fn term(&self, value: &str) -> Result<Term, TermError> {
        self.written.term(value)
    }

    /// The terms to search by for a value: `IN (...)`.
    ///
    /// # Errors
    /// As [`BlindIndex::term`].
    pub fn terms(&self, value: &str) -> Result<Vec<Term>, TermError> {
        self.terms_of([value])
    }
}

impl<const N: usize> IndexSet<N> {
    /// An index that is written and read.
    #[must_use]
    pub const fn new(written: BlindIndex<N>) -> Self {
        let read = Vec::new();
        Self { written, read }
    }

    /// Searches by this version too.
    ///
    /// # Errors
    /// When it is not another version of the same index.
    pub fn also_reading(mut self, version: BlindIndex<N>) -> Result<Self, IndexError> {
        let is_version = version.is_version_of(&self.written)
            && self.read.iter().all(|read| version.is_version_of(read));
        if !is_version {
            return Err(IndexError::NotAVersion(version.name().to_owned()));
        }
        self.read.push(version);
        Ok(self)
    }

    /// The term to write for one value of each column.
    ///
    /// # Errors
    /// As [`BlindIndex::term_of`].
    pub fn term_of(&self, values: [&str; N]) -> Result<Term, TermError> {
        self.written.term_of(values)
    }

    /// The terms to search by for one value of each column: `IN (...)`. A value of which one
    /// version leaves nothing is searched by the others.
    ///
    /// # Errors
    /// As [`BlindIndex::term_of`], when no version has a term for it.
    pub fn terms_of(&self, values: [&str; N]) -> Result<Vec<Term>, TermError> {
        let mut terms = Vec::with_capacity(1 + self.read.len());
        for index in std::iter::once(&self.written).chain(&self.read) {
            match index.term_of(values) {
                Ok(term) => terms.push(term),
                Err(TermError::Empty) => {}
                Err(error) => return Err(error),
            }
        }
        if terms.is_empty() {
            return Err(TermError::Empty);
        }
        Ok(terms)
    }

    /// Whether a stored term is of the version that is written.
    #[must_use]
    pub fn is_current(&self, stored: &[u8]) -> bool {
        self.written.is_current(stored)
    }
}
