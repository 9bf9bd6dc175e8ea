use super::source::{parse, parse_line};
use super::{BreachAnswer, BreachDigest, BreachError, BreachSource};
use std::fmt;
use std::future::ready;
use std::sync::Arc;

/// Breached passwords in memory: 20 bytes for each, and exact. Cheap to clone.
#[derive(Clone)]
pub struct BreachSet(Arc<[[u8; 20]]>);

impl BreachSet {
    /// A set of these passwords.
    #[must_use]
    pub fn of_passwords<'a>(passwords: impl IntoIterator<Item = &'a str>) -> Self {
        let digest = |password| *BreachDigest::of(password).expose();
        Self::of(passwords.into_iter().map(digest).collect())
    }

    /// A set of the hashes in this text: one in hex on each line, in any order; what follows a
    /// colon is passed over, and so are empty lines.
    ///
    /// # Errors
    /// When a line is something else.
    pub fn of_hashes(text: &str) -> Result<Self, BreachError> {
        let mut digests = Vec::new();
        let mut at = 0;
        for line in text.split('\n') {
            if !line.trim().is_empty() {
                let hash = parse_line(line.as_bytes(), 40).and_then(|(hash, _)| parse(hash));
                digests.push(hash.ok_or(BreachError::Malformed(at))?);
            }
            at += line.len() as u64 + 1;
        }
        Ok(Self::of(digests))
    }

    fn of(mut digests: Vec<[u8; 20]>) -> Self {
        digests.sort_unstable();
        digests.dedup();
        Self(digests.into())
    }

    /// How many passwords there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl BreachSource for BreachSet {
    fn times(&self, digest: BreachDigest) -> BreachAnswer {
        let is_known = self.0.binary_search(digest.expose()).is_ok();
        Box::pin(ready(Ok(u64::from(is_known))))
    }
}

impl fmt::Debug for BreachSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BreachSet({} passwords)", self.0.len())
    }
}
