//! What a refresh token says: whose it is, which family, and two secrets.

use crate::authn::credential::{Place, PublicId, SecretHash, decode};
use crate::authn::owner::OwnerTag;
use crate::crypto::kdf;
use crate::random::Random;
use crate::secret::SecretString;
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const ID: usize = PublicId::LENGTH;
const SECRET: usize = 32;
/// Owner, id, the family's secret, the token's own.
const TOKEN: usize = 2 * ID + 2 * SECRET;

/// What a successor is derived for.
const SUCCESSOR: &[u8] = b"portcullis refresh token successor v1";

type Secret = Zeroizing<[u8; SECRET]>;

/// A refresh token. The first secret is the same for all of a family: who has it has had a
/// token of the family, however old. The second is the token's own. Never printed, wiped when
/// dropped.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) place: Place,
    family: Secret,
    own: Secret,
}

impl Token {
    /// The first of a new family.
    pub(super) fn first(user: &str, random: &Random) -> Self {
        Self {
            place: Place {
                owner: OwnerTag::of(user),
                id: PublicId::fresh(random),
            },
            family: Zeroizing::new(random.bytes()),
            own: Zeroizing::new(random.bytes()),
        }
    }

    /// Its successor: a random one, or where there is a seed, the one that this token and that
    /// seed always give. Neither the token nor the seed says anything of it alone.
    pub(super) fn next(&self, seed: Option<&[u8; SECRET]>, random: &Random) -> Self {
        let own = match seed {
            None => Zeroizing::new(random.bytes()),
            Some(seed) => kdf::expand(&self.own, &[SUCCESSOR, seed]),
        };
        Self {
            place: self.place,
            family: self.family.clone(),
            own,
        }
    }

    /// Reads a token: of this length, in its one spelling.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = decode::<TOKEN>(text.as_bytes())?;
        let (owner, rest) = bytes.split_first_chunk::<ID>()?;
        let (id, rest) = rest.split_first_chunk::<ID>()?;
        let (family, own) = rest.split_first_chunk::<SECRET>()?;
        Some(Self {
            place: Place {
                owner: OwnerTag::from_bytes(*owner),
                id: PublicId::from_bytes(*id),
            },
            family: Zeroizing::new(*family),
            own: Zeroizing::new(own.try_into().ok()?),
        })
    }

    pub(super) fn encode(&self) -> SecretString {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        let parts = [
            &self.place.owner.bytes()[..],
            &self.place.id.bytes()[..],
            &self.family[..],
            &self.own[..],
        ];
        let places = bytes.iter_mut().zip(parts.into_iter().flatten());
        places.for_each(|(place, byte)| *place = *byte);
        Base64UrlUnpadded::encode_string(&*bytes).into()
    }

    /// What the store may know of the family's secret. 256 random bits need no slow hash.
    pub(super) fn family_hash(&self) -> SecretHash {
        self.hash(b"portcullis refresh token family v1\0", &[])
    }

    /// What the store may know of the token's own secret.
    pub(super) fn own_hash(&self) -> SecretHash {
        self.hash(b"portcullis refresh token v1\0", &*self.own)
    }

    /// The place and the family are hashed as well, so that no hash can be moved elsewhere.
    fn hash(&self, label: &[u8], own: &[u8]) -> SecretHash {
        let hash = Sha256::new()
            .chain_update(label)
            .chain_update(self.place.owner.bytes())
            .chain_update(self.place.id.bytes())
            .chain_update(*self.family)
            .chain_update(own)
            .finalize();
        SecretHash::new(hash.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::first("ann", &Random::insecure_seeded(1))
    }

    fn is_same(one: &Token, other: &Token) -> bool {
        one.own_hash().is(&other.own_hash())
    }

    #[test]
    fn what_is_written_is_read() {
        let (token, text) = (token(), token().encode());
        assert_eq!(text.expose().len(), 128);
        let read = Token::parse(text.expose()).unwrap();
        assert_eq!(read.place, token.place);
        assert!(is_same(&read, &token) && read.family_hash().is(&token.family_hash()));
        assert!(!read.family_hash().is(&token.own_hash()));
    }

    #[test]
    fn every_change_is_another_token_or_none() {
        let (token, text) = (token(), token().encode());
        let text = text.expose();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let read = Token::parse(str::from_utf8(&bytes).unwrap());
            assert!(read.is_none_or(|read| !is_same(&read, &token)), "{at}");
        }
        for wrong in [
            "",
            "A",
            &text[1..],
            &format!("{text}A"),
            &format!("{text}=="),
            &"A".repeat(1 << 16),
        ] {
            assert!(Token::parse(wrong).is_none());
        }
    }

    #[test]
    fn a_successor_takes_the_token_and_the_seed() {
        let (token, random) = (token(), Random::insecure_seeded(2));
        let (one, two) = ([1; 32], [2; 32]);
        let next = token.next(Some(&one), &random);
        assert!(
            is_same(&next, &token.next(Some(&one), &random)),
            "the same again"
        );
        assert!(next.family_hash().is(&token.family_hash()));
        for (name, other) in [
            ("another seed", token.next(Some(&two), &random)),
            ("another token", next.next(Some(&one), &random)),
            ("no seed", token.next(None, &random)),
            ("itself", token),
        ] {
            assert!(!is_same(&next, &other), "{name}");
        }
    }
}
