use super::{AeadError, Aes256Gcm, Backend, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH};
use crate::secret::wipe;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes256Enc, Block};
use std::fmt;
use zeroize::Zeroize;

/// Bytes of a nonce of XAES-256-GCM.
pub(crate) const XAES_NONCE_LENGTH: usize = 24;

/// XAES-256-GCM as C2SP specifies it: AES-256-GCM with a nonce of 192 bits.
///
/// The first half of the nonce and the key give another key (NIST SP 800-108r1, CMAC in
/// counter mode), under which AES-256-GCM runs with the second half. Nonces may be drawn at
/// random: after 2^80 messages the chance that one came twice is 2^-32.
pub struct Xaes256Gcm {
    cipher: Aes256Enc,
    /// The CMAC subkey for whole blocks (NIST SP 800-38B section 6.1).
    k1: u128,
    backend: Backend,
}

impl Xaes256Gcm {
    /// Expands a key.
    #[must_use]
    pub fn new(backend: Backend, key: &[u8; KEY_LENGTH]) -> Self {
        let cipher = Aes256Enc::new(key.into());
        let mut block = Block::default();
        cipher.encrypt_block(&mut block);
        Self {
            k1: doubled(u128::from_be_bytes(block.into())),
            cipher,
            backend,
        }
    }

    /// Encrypts `data` in place, and gives the tag of it and of `associated`.
    ///
    /// # Errors
    /// When there is more data than one nonce can seal (64 GiB).
    pub fn seal_in_place(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], AeadError> {
        let (epoch, nonce) = halves(nonce);
        self.cipher_of(epoch).seal_in_place(nonce, associated, data)
    }

    /// Decrypts `data` in place when it, `associated` and `tag` are what was sealed.
    ///
    /// # Errors
    /// When they are not; `data` is then zeros.
    pub fn open_in_place(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LENGTH],
    ) -> Result<(), AeadError> {
        let (epoch, nonce) = halves(nonce);
        self.cipher_of(epoch)
            .open_in_place(nonce, associated, data, tag)
    }

    /// The cipher for all nonces whose first half this is. It takes the second half.
    #[inline]
    pub(crate) fn cipher_of(&self, epoch: &[u8; NONCE_LENGTH]) -> Aes256Gcm {
        let mut message = [0, 0, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        if let Some(end) = message.last_chunk_mut() {
            *end = *epoch;
        }
        let masked = u128::from_be_bytes(message) ^ self.k1;
        let mut key = [0; KEY_LENGTH];
        let (blocks, _) = Block::slice_as_chunks_mut(&mut key);
        for (block, counter) in blocks.iter_mut().zip([1_u128 << 112, 2 << 112]) {
            *block = (masked ^ counter).to_be_bytes().into();
        }
        self.cipher.encrypt_blocks(blocks);
        let cipher = Aes256Gcm::new(self.backend, &key);
        wipe(&mut key);
        cipher
    }
}

impl Drop for Xaes256Gcm {
    fn drop(&mut self) {
        self.k1.zeroize();
    }
}

impl fmt::Debug for Xaes256Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Xaes256Gcm([redacted])")
    }
}

/// Multiplication by x in GF(2^128), in time that does not depend on the block.
const fn doubled(number: u128) -> u128 {
    (number << 1) ^ (0x87 * (number >> 127))
}

/// What makes the subkey, and the nonce under it.
#[expect(clippy::expect_used, reason = "24 bytes begin with 12 and end with 12")]
pub(crate) fn halves(
    nonce: &[u8; XAES_NONCE_LENGTH],
) -> (&[u8; NONCE_LENGTH], &[u8; NONCE_LENGTH]) {
    let epoch = nonce.first_chunk().expect("12 of 24 bytes");
    let rest = nonce.last_chunk().expect("12 of 24 bytes");
    (epoch, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two examples of the specification (C2SP, XAES-256-GCM, "Test vectors").
    #[test]
    fn the_examples_of_the_specification() {
        let cases: [(u8, &[u8], [u8; 28]); 2] = [
            (
                1,
                b"",
                [
                    0xCE, 0x54, 0x6E, 0xF6, 0x3C, 0x9C, 0xC6, 0x07, 0x65, 0x92, 0x36, 0x09, 0xB3,
                    0x3A, 0x9A, 0x19, 0x74, 0xE9, 0x6E, 0x52, 0xDA, 0xF2, 0xFC, 0xF7, 0x07, 0x5E,
                    0x22, 0x71,
                ],
            ),
            (
                3,
                b"c2sp.org/XAES-256-GCM",
                [
                    0x98, 0x6E, 0xC1, 0x83, 0x25, 0x93, 0xDF, 0x54, 0x43, 0xA1, 0x79, 0x43, 0x7F,
                    0xD0, 0x83, 0xBF, 0x3F, 0xDB, 0x41, 0xAB, 0xD7, 0x40, 0xA2, 0x1F, 0x71, 0xEB,
                    0x76, 0x9D,
                ],
            ),
        ];
        for (key, associated, sealed) in cases {
            for backend in Backend::ALL {
                let cipher = Xaes256Gcm::new(*backend, &[key; KEY_LENGTH]);
                let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
                let mut data = *b"XAES-256-GCM";
                let tag = cipher.seal_in_place(nonce, associated, &mut data).unwrap();
                assert_eq!([&data[..], &tag].concat(), sealed, "{key} {backend:?}");
                assert_eq!(
                    cipher.open_in_place(nonce, associated, &mut data, &tag),
                    Ok(())
                );
                assert_eq!(&data, b"XAES-256-GCM");
            }
        }
    }
}
