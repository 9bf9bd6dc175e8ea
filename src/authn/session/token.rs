//! What a cookie says: whose credential it is, which one, and the secret that proves it.

use crate::authn::credential::{Place, PublicId, SecretHash, decode};
use crate::authn::owner::OwnerTag;
use crate::random::Random;
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const ID: usize = PublicId::LENGTH;
const SECRET: usize = 32;
/// Owner, id, secret.
const TOKEN: usize = 2 * ID + SECRET;

/// The value of a cookie. Never printed, wiped when dropped.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) place: Place,
    secret: Zeroizing<[u8; SECRET]>,
}

impl Token {
    /// A new credential of this owner.
    pub(super) fn fresh(owner: OwnerTag, random: &Random) -> Self {
        let id = PublicId::fresh(random);
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
                owner: OwnerTag::from_bytes(*owner),
                id: PublicId::from_bytes(*id),
            },
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }

    /// The value of a cookie.
    pub(super) fn encode(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        let parts = [
            &self.place.owner.bytes()[..],
            &self.place.id.bytes()[..],
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
            .chain_update(self.place.owner.bytes())
            .chain_update(self.place.id.bytes())
            .chain_update(*self.secret)
            .chain_update(cookie)
            .finalize();
        SecretHash::new(hash.into())
    }
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
}
