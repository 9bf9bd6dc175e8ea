use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;

/// Bytes that are written as base64url in JSON. They are sealed, hashed, or secrets on their
/// way into a hash, so none is shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TextBytes(pub(super) Vec<u8>);

impl From<[u8; 32]> for TextBytes {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for TextBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextBytes({} bytes)", self.0.len())
    }
}

impl Serialize for TextBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for TextBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = Base64UrlUnpadded::decode_vec(&text);
        bytes
            .map(Self)
            .map_err(|_| de::Error::custom("not base64url"))
    }
}
