use super::{Backend, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH};
use std::fmt;

/// Sealing or opening failed: the data, the nonce, the associated data or the key are not
/// those that were sealed, or there is more data than one nonce can seal (64 GiB). It says no
/// more, because whoever made the data could learn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data is not what was sealed")]
#[non_exhaustive]
pub struct AeadError;

/// AES-256-GCM under one key, with the tag apart from the data.
///
/// One nonce must never seal twice under one key: it would give away the difference of the
/// two texts, and the means to forge more. Nonces drawn at random may seal 2^32 times under
/// one key (SP 800-38D section 8.3).
///
/// The expanded key is wiped when dropped by every backend but `ring`, which offers no way to.
pub struct Aes256Gcm(Key);

#[cfg_attr(
    any(feature = "aes-gcm", feature = "aws-lc-rs"),
    expect(
        clippy::large_enum_variant,
        reason = "keys are made for single messages at times, and by default without allocating"
    )
)]
enum Key {
    Ring(ring::aead::LessSafeKey),
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs(aws_lc_rs::aead::LessSafeKey),
    #[cfg(feature = "aes-gcm")]
    AesGcm(Box<aes_gcm::Aes256Gcm>),
}

impl Aes256Gcm {
    /// Expands a key.
    #[must_use]
    #[inline]
    pub fn new(backend: Backend, key: &[u8; KEY_LENGTH]) -> Self {
        // Each is made where it is to be: an expanded key is long to move.
        match backend {
            Backend::Ring => Self(Key::Ring(ring_key(key))),
            #[cfg(feature = "aws-lc-rs")]
            Backend::AwsLcRs => Self(Key::AwsLcRs(aws_lc_key(key))),
            #[cfg(feature = "aes-gcm")]
            Backend::AesGcm => Self(Key::AesGcm(aes_gcm_key(key))),
        }
    }

    /// Encrypts `data` in place, and gives the tag of it and of `associated`.
    ///
    /// # Errors
    /// When there is more data than one nonce can seal.
    #[inline]
    pub fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], AeadError> {
        match &self.0 {
            Key::Ring(key) => {
                use ring::aead::{Aad, Nonce};
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(associated), data);
                tag.ok().and_then(|tag| tag.as_ref().try_into().ok())
            }
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLcRs(key) => {
                use aws_lc_rs::aead::{Aad, Nonce};
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(associated), data);
                tag.ok().and_then(|tag| tag.as_ref().try_into().ok())
            }
            #[cfg(feature = "aes-gcm")]
            Key::AesGcm(key) => {
                use aes_gcm::AeadInOut;
                let tag = key.encrypt_inout_detached(&(*nonce).into(), associated, data.into());
                tag.ok().map(Into::into)
            }
        }
        .ok_or(AeadError)
    }

    /// Decrypts `data` in place when it, `associated` and `tag` are what was sealed.
    ///
    /// # Errors
    /// When they are not; `data` is then zeros.
    #[inline]
    pub fn open_in_place(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LENGTH],
    ) -> Result<(), AeadError> {
        let is_open = match &self.0 {
            Key::Ring(key) => {
                use ring::aead::{Aad, Nonce, Tag};
                let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(associated));
                key.open_in_place_separate_tag(nonce, aad, Tag::from(*tag), data, 0..)
                    .is_ok()
            }
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLcRs(key) => {
                use aws_lc_rs::aead::{Aad, Nonce};
                let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(associated));
                key.open_in_place_separate_tag(nonce, aad, tag, data)
                    .is_ok()
            }
            #[cfg(feature = "aes-gcm")]
            Key::AesGcm(key) => {
                use aes_gcm::AeadInOut;
                let (nonce, tag) = ((*nonce).into(), (*tag).into());
                key.decrypt_inout_detached(&nonce, associated, data.into(), &tag)
                    .is_ok()
            }
        };
        vouched(is_open, data)
    }

    /// As [`Self::seal_in_place`], from one place into another of the same length, in one
    /// pass where the backend can.
    #[cfg(feature = "file-encryption")]
    pub(crate) fn seal_into(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        associated: &[u8],
        plain: &[u8],
        sealed: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], AeadError> {
        if plain.len() != sealed.len() {
            return Err(AeadError);
        }
        match &self.0 {
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLcRs(key) => {
                use aws_lc_rs::aead::{Aad, Nonce};
                let mut tag = [0; TAG_LENGTH];
                let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(associated));
                key.seal_out_of_place_scatter(nonce, aad, plain, sealed, &[], &mut tag)
                    .map_err(|_| AeadError)?;
                Ok(tag)
            }
            _ => {
                sealed.copy_from_slice(plain);
                self.seal_in_place(nonce, associated, sealed)
            }
        }
    }

    /// As [`Self::open_in_place`], from one place into another of the same length, in one
    /// pass where the backend can.
    #[cfg(feature = "file-encryption")]
    pub(crate) fn open_into(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        associated: &[u8],
        sealed: &[u8],
        tag: &[u8; TAG_LENGTH],
        plain: &mut [u8],
    ) -> Result<(), AeadError> {
        if sealed.len() != plain.len() {
            return Err(AeadError);
        }
        match &self.0 {
            #[cfg(feature = "aws-lc-rs")]
            Key::AwsLcRs(key) => {
                use aws_lc_rs::aead::{Aad, Nonce};
                let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(associated));
                let opened = key.open_separate_gather(nonce, aad, sealed, tag, plain);
                vouched(opened.is_ok(), plain)
            }
            _ => {
                plain.copy_from_slice(sealed);
                self.open_in_place(nonce, associated, plain, tag)
            }
        }
    }
}

/// Leaves zeros of what did not open: what the libraries leave differs, and may be plaintext
/// that nobody vouches for.
fn vouched(is_open: bool, data: &mut [u8]) -> Result<(), AeadError> {
    if is_open {
        return Ok(());
    }
    data.fill(0);
    Err(AeadError)
}

#[expect(clippy::expect_used, reason = "32 bytes are a key of AES-256")]
#[inline(always)]
fn ring_key(key: &[u8; KEY_LENGTH]) -> ring::aead::LessSafeKey {
    use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
}

#[cfg(feature = "aws-lc-rs")]
#[expect(clippy::expect_used, reason = "32 bytes are a key of AES-256")]
fn aws_lc_key(key: &[u8; KEY_LENGTH]) -> aws_lc_rs::aead::LessSafeKey {
    use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
}

#[cfg(feature = "aes-gcm")]
fn aes_gcm_key(key: &[u8; KEY_LENGTH]) -> Box<aes_gcm::Aes256Gcm> {
    Box::new(aes_gcm::KeyInit::new(key.into()))
}

impl fmt::Debug for Aes256Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aes256Gcm([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_LENGTH] = [3; NONCE_LENGTH];

    fn cipher(backend: Backend) -> Aes256Gcm {
        Aes256Gcm::new(backend, &[7; KEY_LENGTH])
    }

    #[test]
    fn all_backends_seal_alike_and_open_each_other() {
        for length in [0, 1, 15, 16, 17, 4096, 16_384, 100_000] {
            let plain: Vec<u8> = (0..length).map(|at: u32| at as u8).collect();
            let sealed: Vec<_> = Backend::ALL
                .iter()
                .map(|backend| {
                    let mut data = plain.clone();
                    let tag = cipher(*backend).seal_in_place(&NONCE, b"context", &mut data);
                    (data, tag.unwrap())
                })
                .collect();
            assert!(sealed.windows(2).all(|pair| pair[0] == pair[1]), "{length}");
            for backend in Backend::ALL {
                let (mut data, tag) = sealed[0].clone();
                let opened = cipher(*backend).open_in_place(&NONCE, b"context", &mut data, &tag);
                assert_eq!((opened, &data), (Ok(()), &plain), "{backend:?} {length}");
            }
        }
    }

    #[test]
    fn what_was_changed_is_refused_and_leaves_zeros() {
        let mut sealed = *b"sixteen bytes or";
        let tag = cipher(Backend::Ring).seal_in_place(&NONCE, b"context", &mut sealed);
        let tag = tag.unwrap();
        let (mut other_data, mut other_tag, mut other_nonce) = (sealed, tag, NONCE);
        other_data[0] ^= 1;
        other_tag[15] ^= 0x80;
        other_nonce[11] ^= 1;
        for (name, nonce, associated, data, tag) in [
            ("data", NONCE, "context", other_data, tag),
            ("tag", NONCE, "context", sealed, other_tag),
            ("nonce", other_nonce, "context", sealed, tag),
            ("context", NONCE, "contexT", sealed, tag),
            ("no context", NONCE, "", sealed, tag),
        ] {
            for backend in Backend::ALL {
                let mut data = data;
                let cipher = cipher(*backend);
                let opened = cipher.open_in_place(&nonce, associated.as_bytes(), &mut data, &tag);
                assert_eq!((opened, data), (Err(AeadError), [0; 16]), "{name}");
            }
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", cipher(Backend::Ring)),
            "Aes256Gcm([redacted])"
        );
    }
}
