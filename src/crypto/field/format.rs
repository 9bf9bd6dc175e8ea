//! The bytes of a sealed value, as `docs/formats.md` specifies them.

use super::RowId;
use crate::crypto::aead::{Aes256Gcm, NONCE_LENGTH, TAG_LENGTH, XAES_NONCE_LENGTH};
use crate::crypto::field::padding::{MAX_PADDED, Padding};
use crate::crypto::kdf::put_text;
use crate::crypto::keyring::{Key, KeyId};
use crate::crypto::{Reason, Refused};
use zeroize::Zeroize;

/// The first byte of everything that is sealed so. Never used again for another layout.
pub(super) const VERSION: u8 = 0x01;
/// Version, suite and key id: what begins both the sealed value and its associated data.
const HEAD_LENGTH: usize = 2 + KeyId::LENGTH;

/// How a value is sealed: XAES-256-GCM, and two things that may be added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite(u8);

impl Suite {
    const XAES_256_GCM: u8 = 0x01;
    const IS_PADDED: u8 = 0x40;
    const HAS_COMMITMENT: u8 = 0x80;

    pub(super) fn new(padding: Padding, has_commitment: bool) -> Self {
        let padded = if padding == Padding::None {
            0
        } else {
            Self::IS_PADDED
        };
        let committed = if has_commitment {
            Self::HAS_COMMITMENT
        } else {
            0
        };
        Self(Self::XAES_256_GCM | padded | committed)
    }

    fn read(byte: u8) -> Option<Self> {
        let known = byte & !(Self::IS_PADDED | Self::HAS_COMMITMENT) == Self::XAES_256_GCM;
        known.then_some(Self(byte))
    }

    pub(super) const fn is_padded(self) -> bool {
        self.0 & Self::IS_PADDED != 0
    }

    const fn has_commitment(self) -> bool {
        self.0 & Self::HAS_COMMITMENT != 0
    }
}

/// A sealed value, taken apart. Nothing in it is to be believed yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) head: &'a [u8; HEAD_LENGTH],
    pub(super) suite: Suite,
    pub(super) key: KeyId,
    pub(super) commitment: Option<&'a [u8; Key::LENGTH]>,
    pub(super) epoch: &'a [u8; NONCE_LENGTH],
    pub(super) nonce: &'a [u8; NONCE_LENGTH],
    pub(super) data: &'a [u8],
    pub(super) tag: &'a [u8; TAG_LENGTH],
}

impl<'a> Parts<'a> {
    pub(super) fn of(sealed: &'a [u8]) -> Result<Self, Refused> {
        let (head, rest) = sealed
            .split_first_chunk::<HEAD_LENGTH>()
            .ok_or(Reason::Malformed)?;
        let [version, suite, key @ ..] = *head;
        if version != VERSION {
            return Err(Reason::Version.into());
        }
        let suite = Suite::read(suite).ok_or(Reason::Suite)?;
        let (commitment, rest) = if suite.has_commitment() {
            let (commitment, rest) = rest.split_first_chunk().ok_or(Reason::Malformed)?;
            (Some(commitment), rest)
        } else {
            (None, rest)
        };
        let (epoch, rest) = rest.split_first_chunk().ok_or(Reason::Malformed)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(Reason::Malformed)?;
        let (data, tag) = rest.split_last_chunk().ok_or(Reason::Malformed)?;
        if data.len() > MAX_PADDED {
            return Err(Reason::Malformed.into());
        }
        Ok(Self {
            head,
            suite,
            key: KeyId::from_bytes(key),
            commitment,
            epoch,
            nonce,
            data,
            tag,
        })
    }
}

/// What a value is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// [`encoded_names`] of namespace, table and column.
    pub(super) names: &'a [u8],
    pub(super) row: RowId<'a>,
    pub(super) extra: &'a [u8],
}

impl Place<'_> {
    /// Writes the associated data: no two places give the same.
    pub(super) fn associated_data(&self, head: &[u8], output: &mut Vec<u8>) {
        output.clear();
        output.extend_from_slice(head);
        output.extend_from_slice(self.names);
        self.row.append_to(output);
        append_sized(output, &[self.extra]);
    }
}

/// What all values of one key, column and suite begin with.
pub(super) fn prefix(suite: Suite, key: &Key) -> Vec<u8> {
    let mut prefix = vec![VERSION, suite.0];
    prefix.extend_from_slice(&key.id().to_bytes());
    if suite.has_commitment() {
        prefix.extend_from_slice(key.commitment());
    }
    prefix
}

/// A value that is about to be sealed.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// As [`prefix`] gives it.
    pub(super) prefix: &'a [u8],
    pub(super) padding: Padding,
    pub(super) place: Place<'a>,
}

impl Draft<'_> {
    /// Seals `plain` with a cipher that was made for `epoch`. The associated data is written
    /// to `scratch`.
    pub(super) fn seal(
        &self,
        cipher: &Aes256Gcm,
        epoch: &[u8; NONCE_LENGTH],
        nonce: &[u8; NONCE_LENGTH],
        plain: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<Vec<u8>, Refused> {
        let start = self.prefix.len() + XAES_NONCE_LENGTH;
        let padded = self.padding.padded(plain.len());
        // All of it at once: what moves leaves plaintext behind.
        let mut sealed = Vec::with_capacity(start + padded + TAG_LENGTH);
        sealed.extend_from_slice(self.prefix);
        sealed.extend_from_slice(epoch);
        sealed.extend_from_slice(nonce);
        sealed.extend_from_slice(plain);
        self.padding.append_to(&mut sealed, plain.len());

        let head = self.prefix.get(..HEAD_LENGTH).unwrap_or_default();
        self.place.associated_data(head, scratch);
        let data = sealed.get_mut(start..).unwrap_or_default();
        match cipher.seal_in_place(nonce, scratch, data) {
            Ok(tag) => {
                sealed.extend_from_slice(&tag);
                Ok(sealed)
            }
            Err(_) => {
                sealed.zeroize();
                Err(Reason::TooLong.into())
            }
        }
    }
}

/// Each name with its length before it.
pub(super) fn encoded_names(names: &[&str]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for name in names {
        put_text(&mut encoded, name);
    }
    encoded
}

/// Appends the length of the parts together, as four bytes, and the parts.
pub(super) fn append_sized(output: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Saturates: only rows whose ids have 4 GiB could be taken for each other.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    output.extend_from_slice(&length.to_be_bytes());
    for part in parts {
        output.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_run_into_each_other() {
        let one = encoded_names(&["users", "email"]);
        assert_eq!(one, b"\0\0\0\x05users\0\0\0\x05email");
        assert_ne!(one, encoded_names(&["user", "semail"]));
        assert_ne!(one, encoded_names(&["users\0\0\0\x05email"]));
        assert_ne!(one, encoded_names(&["users", "email", ""]));
    }

    #[test]
    fn suites() {
        for byte in 0..=u8::MAX {
            let is_known = [0x01, 0x41, 0x81, 0xC1].contains(&byte);
            assert_eq!(Suite::read(byte).is_some(), is_known, "{byte:#x}");
        }
        assert_eq!(Suite::new(Padding::None, false), Suite(0x01));
        assert_eq!(Suite::new(Padding::Padme, true), Suite(0xC1));
    }
}
