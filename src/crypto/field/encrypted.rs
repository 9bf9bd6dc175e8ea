use super::error::InvalidText;
use super::format::Parts;
use crate::crypto::keyring::KeyId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

/// What the text of a sealed value begins with.
pub(super) const TEXT_PREFIX: &str = "pc1.";

/// A sealed value: bytes to be stored, which a [`FieldColumn`](super::FieldColumn) opens.
///
/// Made from bytes or text it is not checked; that is for whoever opens it. `T` says what it
/// is opened as. With feature `sqlx` it is a column of bytes (`BLOB`, `bytea`).
///
/// serde writes and reads the [text](Self::to_text), which is ciphertext: there is no way from
/// here to the value but to open it.
///
/// ```compile_fail,E0277
/// # use portcullis::crypto::field::Encrypted;
/// fn logged<T: std::fmt::Display>() {}
/// logged::<Encrypted<String>>();
/// ```
/// ```compile_fail,E0308
/// # use portcullis::crypto::field::Encrypted;
/// fn text(email: &Encrypted<String>) -> &str { email }
/// ```
pub struct Encrypted<T> {
    bytes: Vec<u8>,
    opened_as: PhantomData<fn() -> T>,
}

impl<T> Encrypted<T> {
    /// The sealed value of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            opened_as: PhantomData,
        }
    }

    /// What a column holds: the bytes, or the [text](Self::to_text).
    ///
    /// # Errors
    /// When it begins as the text does and goes on otherwise.
    pub fn from_stored(stored: Vec<u8>) -> Result<Self, InvalidText> {
        match stored.strip_prefix(TEXT_PREFIX.as_bytes()) {
            None => Ok(Self::from_bytes(stored)),
            Some(encoded) => Self::from_encoded(encoded),
        }
    }

    fn from_encoded(encoded: &[u8]) -> Result<Self, InvalidText> {
        let bytes = URL_SAFE_NO_PAD.decode(encoded);
        bytes.map(Self::from_bytes).map_err(|_| InvalidText(()))
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The sealed value as text, for columns that hold no bytes: `pc1.` and base64url.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = TEXT_PREFIX.to_owned();
        URL_SAFE_NO_PAD.encode_string(&self.bytes, &mut text);
        text
    }

    /// The key that it says it was sealed with; `None` when it is malformed. To count what is
    /// left of a key, and nothing to rely on before the value was opened.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        key_id(&self.bytes)
    }
}

/// The key that these bytes say they were sealed with.
pub(in crate::crypto) fn key_id(sealed: &[u8]) -> Option<KeyId> {
    Parts::of(sealed).ok().map(|parts| parts.key)
}

impl<T> FromStr for Encrypted<T> {
    type Err = InvalidText;

    /// Reads what [`to_text`](Self::to_text) wrote.
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let encoded = text.strip_prefix(TEXT_PREFIX).ok_or(InvalidText(()))?;
        Self::from_encoded(encoded.as_bytes())
    }
}

impl<T> Clone for Encrypted<T> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.bytes.clone())
    }
}

/// Equal bytes. One value sealed twice is two different ones.
impl<T> PartialEq for Encrypted<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Encrypted<T> {}

impl<T> Hash for Encrypted<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<T> fmt::Debug for Encrypted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted")
            .field("key", &self.key_id())
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl<T> Serialize for Encrypted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de, T> Deserialize<'de> for Encrypted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What does not belong there may be plaintext: the error must not show it.
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)
            .map_err(|_| de::Error::custom(InvalidText(())))?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_text() {
        let sealed = Encrypted::<String>::from_bytes(vec![1, 2, 3, 4]);
        assert_eq!(sealed.to_text(), "pc1.AQIDBA");
        assert_eq!("pc1.AQIDBA".parse(), Ok(sealed.clone()));
        for bad in [
            "",
            "pc1",
            "AQIDBA",
            "PC1.AQIDBA",
            "pc1.AQIDBA==",
            "pc1.AQIDBB",
            "pc1.AQ IDBA",
            " pc1.AQIDBA",
        ] {
            assert_eq!(
                bad.parse::<Encrypted<String>>(),
                Err(InvalidText(())),
                "{bad:?}"
            );
        }
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(json, "\"pc1.AQIDBA\"");
        assert_eq!(
            serde_json::from_str::<Encrypted<String>>(&json).unwrap(),
            sealed
        );
    }

    #[test]
    fn an_error_of_serde_does_not_show_what_it_read() {
        for secret in [
            "\"4111111111111111\"",
            "4111111111111111",
            "[4111111111111111]",
        ] {
            let error = serde_json::from_str::<Encrypted<String>>(secret).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("4111"), "{error}");
        }
    }
}
