//! What the store holds of credentials that are a place and a secret: sessions, remembered
//! browsers, refresh tokens.

use super::owner::OwnerTag;
use crate::random::Random;
use crate::store::{Key, Namespace};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
#[cfg(feature = "session")]
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const LENGTH: usize = 16;
const HASH: usize = 32;

/// The public id of a session, a remembered browser or a family of refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PublicId([u8; LENGTH]);

impl PublicId {
    pub(super) const LENGTH: usize = LENGTH;

    pub(super) fn fresh(random: &Random) -> Self {
        Self(random.bytes())
    }

    pub(super) const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        decode(text.as_bytes()).map(|bytes| Self(*bytes))
    }

    /// The id of an entry in the store.
    pub(super) fn from_entry(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn text(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.0)
    }

    pub(super) const fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Another id that stands for this one, from which this one cannot be told.
    #[cfg(feature = "session")]
    pub(super) fn veiled(&self) -> String {
        let hash = Sha256::new()
            .chain_update(b"portcullis veiled id v1\0")
            .chain_update(self.0)
            .finalize();
        let mut id = [0; LENGTH];
        let places = id.iter_mut().zip(hash);
        places.for_each(|(place, byte)| *place = byte);
        Self(id).text()
    }
}

/// Where a credential lies in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) owner: OwnerTag,
    pub(super) id: PublicId,
}

impl Place {
    pub(super) fn key(&self, namespace: Namespace) -> Key<'_> {
        self.owner.owner(namespace).key(&self.id.0)
    }
}

/// The hash of a secret: all that the store gets to see of it.
#[derive(Clone, Copy)]
pub(super) struct SecretHash([u8; HASH]);

impl SecretHash {
    pub(super) const fn new(hash: [u8; HASH]) -> Self {
        Self(hash)
    }

    /// In constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = decode(text.as_bytes()).ok_or_else(|| D::Error::custom("not a hash"))?;
        Ok(Self(*bytes))
    }
}

impl Serialize for PublicId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for PublicId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an id"))
    }
}

/// Exactly `N` bytes of unpadded base64url, in its one spelling.
pub(super) fn decode<const N: usize>(text: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let decoded = Base64UrlUnpadded::decode(text, &mut *bytes).ok()?;
    (decoded.len() == N).then_some(bytes)
}
