//! The bytes of a sealed value, as `docs/formats.md` specifies them.

use super::RowId;
use super::cipher::Commitment;
use crate::crypto::aead::{Aes256Gcm, NONCE_LENGTH, TAG_LENGTH};
use crate::crypto::field::padding::{MAX_PADDED, Padding};
use crate::crypto::kdf::put_text;
use crate::crypto::keyring::{Key, KeyId};
use crate::crypto::{Reason, Refused};
use crate::secret::wipe_vec;
use zeroize::Zeroizing;

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

    pub(super) fn new(padding: Padding, commitment: Commitment) -> Self {
        let padded = if padding == Padding::None {
            0
        } else {
            Self::IS_PADDED
        };
        let committed = match commitment {
            Commitment::KeyId => 0,
            Commitment::Full | Commitment::FullFromNowOn => Self::HAS_COMMITMENT,
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
    /// Head, namespace, table and column.
    pub(super) column: [&'a [u8]; 2],
    pub(super) row: RowId<'a>,
    pub(super) extra: &'a [u8],
}

impl Place<'_> {
    /// Appends the associated data: no two places give the same.
    #[inline(always)]
    pub(super) fn append_to(&self, output: &mut Vec<u8>) {
        for part in self.column {
            output.extend_from_slice(part);
        }
        append_binding(output, self.row, self.extra);
    }

    pub(super) fn encoded_length(&self) -> usize {
        let column: usize = self.column.iter().map(|part| part.len()).sum();
        column + self.row.encoded_length() + SIZE_LENGTH + self.extra.len()
    }
}

/// What all values of one key and suite begin with.
pub(super) fn prefix(suite: Suite, key: &Key) -> Vec<u8> {
    let mut prefix = head(suite, key.id()).to_vec();
    if suite.has_commitment() {
        prefix.extend_from_slice(key.commitment());
    }
    prefix
}

/// Version, suite and key id.
pub(super) fn head(suite: Suite, key: KeyId) -> [u8; HEAD_LENGTH] {
    let [a, b, c, d, e, f, g, h] = key.to_bytes();
    [VERSION, suite.0, a, b, c, d, e, f, g, h]
}

/// Appends what a value is bound to in its column.
#[inline(always)]
pub(super) fn append_binding(output: &mut Vec<u8>, row: RowId<'_>, extra: &[u8]) {
    row.append_to(output);
    append_sized(output, &[extra]);
}

/// Seals a value into `sealed`, which is empty, behind `start`: prefix and nonce. The cipher is
/// that of the first half of the nonce, and takes the second.
#[inline(always)]
pub(super) fn seal(
    sealed: &mut Vec<u8>,
    cipher: &Aes256Gcm,
    start: [&[u8]; 2],
    nonce: &[u8; NONCE_LENGTH],
    associated: &[u8],
    padding: Padding,
    plain: &[u8],
) -> Result<(), Refused> {
    let [prefix, full_nonce] = start;
    let begin = prefix.len() + full_nonce.len();
    // All of it at once, for what moves leaves plaintext behind.
    sealed.reserve_exact(begin + padding.padded(plain.len()) + TAG_LENGTH);
    sealed.extend_from_slice(prefix);
    sealed.extend_from_slice(full_nonce);
    sealed.extend_from_slice(plain);
    padding.append_to(sealed, plain.len());

    let data = sealed.get_mut(begin..).unwrap_or_default();
    let Ok(tag) = cipher.seal_in_place(nonce, associated, data) else {
        // It is plaintext still.
        wipe_vec(std::mem::take(sealed));
        return Err(Reason::TooLong.into());
    };
    sealed.extend_from_slice(&tag);
    Ok(())
}

/// Opens a value that was taken apart, with the cipher of its epoch, and gives it with its
/// padding. `buffer` can be used again: what it held is overwritten, and wiped at the end.
#[inline]
pub(super) fn open<'b>(
    cipher: &Aes256Gcm,
    parts: &Parts<'_>,
    place: &Place<'_>,
    buffer: &'b mut Zeroizing<Vec<u8>>,
) -> Result<&'b [u8], Refused> {
    let end = parts.data.len();
    let needed = end + place.encoded_length();
    buffer.clear();
    if buffer.capacity() < needed {
        // The old one is wiped, which growing in place would not do.
        *buffer = Zeroizing::new(Vec::with_capacity(needed));
    }
    buffer.extend_from_slice(parts.data);
    place.append_to(buffer);
    let (data, associated) = buffer.split_at_mut_checked(end).ok_or(Reason::Malformed)?;
    cipher
        .open_in_place(parts.nonce, associated, data, parts.tag)
        .map_err(|_| Reason::NotAuthentic)?;
    Ok(data)
}

/// Each name with its length before it.
pub(super) fn encoded_names(names: &[&str]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for name in names {
        put_text(&mut encoded, name);
    }
    encoded
}

/// Bytes of a length.
pub(super) const SIZE_LENGTH: usize = 4;

/// Appends the length of the parts together, as four bytes, and the parts.
#[inline]
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
        assert_eq!(Suite::new(Padding::None, Commitment::KeyId), Suite(0x01));
        assert_eq!(Suite::new(Padding::Padme, Commitment::Full), Suite(0xC1));
    }
}
