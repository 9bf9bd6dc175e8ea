use crate::random::Random;
use crate::secret::SecretBytes;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a data key.
pub(super) const LENGTH: usize = 32;

/// A key that data is encrypted with: 32 random bytes, wiped when the last clone is dropped.
#[derive(Clone)]
pub struct DataKey(Arc<Zeroizing<[u8; LENGTH]>>);

impl DataKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = Self::empty();
        Random::secure().fill(Arc::make_mut(&mut key).as_mut());
        Self(key)
    }

    /// The key of these bytes; `None` when they are not 32.
    #[must_use]
    pub fn from_bytes(bytes: &SecretBytes) -> Option<Self> {
        let bytes: &[u8; LENGTH] = bytes.expose().try_into().ok()?;
        let mut key = Self::empty();
        Arc::make_mut(&mut key).copy_from_slice(bytes);
        Some(Self(key))
    }

    /// To be filled where it stays: what moves leaves a copy behind.
    fn empty() -> Arc<Zeroizing<[u8; LENGTH]>> {
        Arc::default()
    }

    /// The bytes themselves. The name makes each use easy to find in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl PartialEq for DataKey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for DataKey {}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

/// A data key as a [`Kek`](super::Kek) wrapped it: what it is made of is the KEK's business.
/// It is no secret from who has no KEK, and still not shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// The wrapped key of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({} bytes)", self.0.len())
    }
}
