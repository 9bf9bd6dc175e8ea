use super::{Normalizer, Shape, Term, TermError};
use crate::crypto::Stretch;
use crate::crypto::kdf::{HmacSha256, LENGTH, length};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest value that has a term, in bytes: nobody searches by more, and normalizing it
/// takes time and memory.
const MAX_VALUE_LEN: usize = 16 * 1024;

/// Makes the terms of the values of `N` columns. Cheap to clone.
pub struct BlindIndex<const N: usize>(Arc<Inner<N>>);

struct Inner<const N: usize> {
    table: String,
    name: String,
    version: u8,
    mac: HmacSha256,
    normalizers: [Normalizer; N],
    shape: Shape,
    slow: Option<(Stretch, Zeroizing<[u8; LENGTH]>)>,
}

impl BlindIndex<1> {
    /// The term of a value.
    ///
    /// # Errors
    /// When nothing is left of it after normalization, or it is too long. Of a
    /// [slow](super::IndexBuilder::slow) index, also when there is no memory.
    pub fn term(&self, value: &str) -> Result<Term, TermError> {
        self.term_of([value])
    }
}

impl<const N: usize> BlindIndex<N> {
    pub(super) fn new(
        table: String,
        name: String,
        version: u8,
        key: &[u8; LENGTH],
        normalizers: [Normalizer; N],
        shape: Shape,
        slow: Option<(Stretch, Zeroizing<[u8; LENGTH]>)>,
    ) -> Self {
        Self(Arc::new(Inner {
            table,
            name,
            version,
            mac: HmacSha256::new(key),
            normalizers,
            shape,
            slow,
        }))
    }

    /// The term of one value of each column, in the order of the columns.
    ///
    /// # Errors
    /// When nothing is left of all of them after normalization, or one is too long. Of a
    /// [slow](super::IndexBuilder::slow) index, also when there is no memory.
    pub fn term_of(&self, values: [&str; N]) -> Result<Term, TermError> {
        let inner = &*self.0;
        let code = match &inner.slow {
            None => {
                let mut mac = inner.mac.clone();
                self.for_each_part(values, |part| mac.update(part))?;
                mac.finish()
            }
            Some((stretch, salt)) => {
                // Room for texts that grow when they are normalized is not known, so a copy may
                // stay behind in freed memory, as of the value that the caller has.
                let mut message = Zeroizing::new(Vec::new());
                self.for_each_part(values, |part| message.extend_from_slice(part))?;
                let mut mac = inner.mac.clone();
                mac.update(&*stretch.derive(&message, &**salt)?);
                mac.finish()
            }
        };
        Ok(Term::new(inner.version, &code, inner.shape.bits()))
    }

    /// Hands on the normal forms of the values, each but the last behind its length. How many
    /// there are is part of the key, so no two tuples come to the same bytes.
    #[inline]
    fn for_each_part(
        &self,
        values: [&str; N],
        mut put: impl FnMut(&[u8]),
    ) -> Result<(), TermError> {
        let mut is_empty = true;
        for (at, (normalizer, value)) in self.0.normalizers.iter().zip(values).enumerate() {
            if value.len() > MAX_VALUE_LEN {
                return Err(TermError::TooLong(value.len()));
            }
            let text = normalizer.normalize(value);
            let text = text.as_str();
            is_empty &= text.is_empty();
            if at + 1 < N {
                put(&length(text));
            }
            put(text.as_bytes());
        }
        if is_empty {
            return Err(TermError::Empty);
        }
        Ok(())
    }

    /// How many bits it keeps, and what that means for searches.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.0.shape
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// Whether a stored term is one of this version and shape. What is not is to be rebuilt.
    #[must_use]
    pub fn is_current(&self, stored: &[u8]) -> bool {
        let length = usize::from(Term::len_of(self.0.shape.bits()));
        stored.len() == length && stored.first() == Some(&self.0.version)
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn is_version_of(&self, other: &Self) -> bool {
        self.0.table == other.0.table
            && self.0.name == other.0.name
            && self.0.version != other.0.version
    }
}

impl<const N: usize> Clone for BlindIndex<N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<const N: usize> fmt::Debug for BlindIndex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindIndex")
            .field("table", &self.0.table)
            .field("name", &self.0.name)
            .field("version", &self.0.version)
            .field("shape", &self.0.shape)
            .finish_non_exhaustive()
    }
}
