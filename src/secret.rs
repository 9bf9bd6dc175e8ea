//! Secrets: wiped when dropped, never printed, compared in constant time.
//!
//! ```
//! use portcullis::secret::SecretString;
//!
//! let password = SecretString::from("correct horse battery staple");
//! assert_eq!(format!("{password:?}"), "SecretString([redacted])");
//! assert_eq!(password.expose().len(), 28);
//! ```

use serde::{Deserialize, Deserializer};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Text that must not leak: a password, a client secret.
///
/// It deserializes, so a login form can hold one, and it does not serialize.
#[derive(Clone, Default)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// The text itself. The name makes each use easy to find in a review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString([redacted])")
    }
}

impl PartialEq for SecretString {
    /// In time that depends on the lengths alone.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretString {}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Bytes that must not leak: a key.
#[derive(Clone, Default)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes themselves. The name makes each use easy to find in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

impl PartialEq for SecretBytes {
    /// In time that depends on the lengths alone.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

/// Overwrites bytes with zeros: many at once, where [`zeroize`] writes one after the other. For
/// what may be long, and for what is done for each row.
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
#[inline]
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Or the compiler may leave it out, for nobody reads what was written.
    zeroize::optimization_barrier(bytes);
}

/// Overwrites all of a vector's memory, the part that it does not use included, and gives it
/// back.
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
#[inline]
pub(crate) fn wipe_vec(mut bytes: Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
    zeroize::optimization_barrier(&*bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", SecretString::from("hunter2")).contains("hunter2"));
        assert!(!format!("{:?}", SecretBytes::from(b"key".as_slice())).contains("107"));
    }

    #[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
    #[test]
    fn what_is_wiped_is_zeros() {
        let mut bytes = [7; 41];
        wipe(&mut bytes[1..40]);
        assert_eq!((bytes[0], bytes[40]), (7, 7));
        assert!(bytes[1..40].iter().all(|byte| *byte == 0));
        wipe_vec(Vec::new());
        wipe_vec(Vec::with_capacity(100));
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(SecretBytes::from(vec![1, 2]), SecretBytes::from(vec![1, 2]));
        assert_ne!(SecretBytes::from(vec![1, 2]), SecretBytes::from(vec![1]));
        assert_ne!(SecretString::from("a"), SecretString::from("b"));
    }
}
