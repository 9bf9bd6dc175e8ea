//! What a cookie says: whose credential it is, which one, and the secret that proves it.

use crate::random::Random;
use crate::store::{Key, Namespace, Owner};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const ID: usize = 16;
const SECRET: usize = 32;
/// Owner, id, secret.
const TOKEN: usize = 2 * ID + SECRET;

/// Whose entries in the store these are: 128 bits of a hash of the user's id, so that a cookie
/// need not show it and a long one fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OwnerTag([u8; ID]);

impl OwnerTag {
    pub(super) fn of(user: &str) -> Self {
        let hash: [u8; SECRET] = Sha256::new()
            .chain_update(b"portcullis owner v1\0")
            .chain_update(user)
            .finalize()
            .into();
        Self(first(&hash))
    }

    pub(super) const fn bytes(&self) -> &[u8; ID] {
        &self.0
    }

    pub(super) fn owner(&self, namespace: Namespace) -> Owner<'_> {
        Owner::new(namespace, &self.0)
    }
}

/// The public id of a session or a remembered browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PublicId([u8; ID]);

impl PublicId {
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

    pub(super) const fn bytes(&self) -> &[u8; ID] {
        &self.0
    }

    /// Another id that stands for this one, from which this one cannot be told.
    pub(super) fn veiled(&self) -> String {
        let hash = Sha256::new()
            .chain_update(b"portcullis veiled id v1\0")
            .chain_update(self.0)
            .finalize();
        Self(first(&hash.into())).text()
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
pub(super) struct SecretHash([u8; SECRET]);

impl SecretHash {
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

/// The value of a cookie. Never printed, wiped when dropped.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) place: Place,
    secret: Zeroizing<[u8; SECRET]>,
}

impl Token {
    /// A new credential of this owner.
    pub(super) fn fresh(owner: OwnerTag, random: &Random) -> Self {
        let id = PublicId(random.bytes());
        Self::at(Place { owner, id }, random)
    }

    /// A new secret for a credential that there is.
    pub(super) fn at(place: Place, random: &Random) -> Self {
        let secret = Zeroizing::new(random.bytes());
        Self { place, secret }
    }

    /// Reads the value of a cookie: of this length, in its one spelling.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let bytes = decode::<TOKEN>(value)?;
        let (owner, rest) = bytes.split_first_chunk::<ID>()?;
        let (id, secret) = rest.split_first_chunk::<ID>()?;
        Some(Self {
            place: Place {
                owner: OwnerTag(*owner),
                id: PublicId(*id),
            },
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }

    /// The value of a cookie.
    pub(super) fn encode(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        let parts = [
            &self.place.owner.0[..],
            &self.place.id.0[..],
            &self.secret[..],
        ];
        let places = bytes.iter_mut().zip(parts.into_iter().flatten());
        places.for_each(|(place, byte)| *place = *byte);
        Zeroizing::new(Base64UrlUnpadded::encode_string(&*bytes))
    }

    /// What the store may know of the secret. 256 random bits need no slow hash. The place and
    /// the name of the cookie are hashed as well, so that no hash can be moved to another
    /// credential, and no value to another cookie.
    pub(super) fn hash(&self, cookie: &str) -> SecretHash {
        let hash = Sha256::new()
            .chain_update(b"portcullis cookie secret v1\0")
            .chain_update(self.place.owner.0)
            .chain_update(self.place.id.0)
            .chain_update(*self.secret)
            .chain_update(cookie)
            .finalize();
        SecretHash(hash.into())
    }
}

fn first(hash: &[u8; SECRET]) -> [u8; ID] {
    let mut bytes = [0; ID];
    bytes
        .iter_mut()
        .zip(hash)
        .for_each(|(byte, from)| *byte = *from);
    bytes
}

/// Exactly `N` bytes of unpadded base64url, in its one spelling.
fn decode<const N: usize>(text: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let decoded = Base64UrlUnpadded::decode(text, &mut *bytes).ok()?;
    (decoded.len() == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::fresh(OwnerTag::of("ann"), &Random::insecure_seeded(1))
    }

    #[test]
    fn what_is_written_is_read() {
        let (token, text) = (token(), token().encode());
        assert_eq!(text.len(), 86);
        let read = Token::parse(text.as_bytes()).unwrap();
        assert_eq!(read.place, token.place);
        assert!(read.hash("c").is(&token.hash("c")));
        let id = token.place.id;
        assert_eq!(PublicId::parse(&id.text()), Some(id));
        assert_ne!(id.veiled(), id.text());
        assert!(!read.hash("c").is(&token.hash("d")), "another cookie");
    }

    #[test]
    fn every_change_is_another_secret_or_none() {
        let (token, text) = (token(), token().encode());
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let read = Token::parse(&bytes);
            assert!(read.is_none_or(|read| !read.hash("c").is(&token.hash("c"))));
        }
        for wrong in [
            "".as_bytes(),
            b"A",
            &text.as_bytes()[1..],
            format!("{}A", *text).as_bytes(),
            format!("{}==", *text).as_bytes(),
            format!("\"{}\"", *text).as_bytes(),
            &b"A".repeat(1 << 20),
            &b"\xff".repeat(86),
        ] {
            assert!(Token::parse(wrong).is_none());
        }
    }

    #[test]
    fn a_token_has_one_spelling() {
        // The last character carries two bits; the others must be zero.
        let text = token().encode();
        let same: Vec<_> = (0u8..128)
            .filter(|last| {
                let mut bytes = text.as_bytes().to_vec();
                bytes[85] = *last;
                Token::parse(&bytes).is_some_and(|read| read.hash("c").is(&token().hash("c")))
            })
            .collect();
        assert_eq!(same, [text.as_bytes()[85]]);
    }

    #[test]
    fn owners_differ() {
        assert_ne!(OwnerTag::of("ann"), OwnerTag::of("bob"));
        assert_ne!(OwnerTag::of(""), OwnerTag::of("\0"));
    }
}
