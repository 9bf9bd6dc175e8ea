use super::chunks::Chunks;
use super::{COMMITMENT_LENGTH, FileError, SALT_LENGTH, STREAM_HEADER};
use crate::crypto::aead::{Aes256Gcm, Backend, KEY_LENGTH, NONCE_LENGTH};
use crate::random::Random;
use ring::hkdf::{HKDF_SHA512, KeyType, Prk};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What each file's key, nonce and commitment are derived for (C2SP chunked-encryption, "Key
/// derivation"). The salt and the context follow.
const FILE_INFO: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// Bytes derived for a file.
const DERIVED_LENGTH: usize = KEY_LENGTH + NONCE_LENGTH + COMMITMENT_LENGTH;

/// A key that seals files: 32 bytes from a cryptographic generator, never a password.
///
/// Each file has a key of its own, derived from this one and 24 random bytes, so that one key
/// is good for more files than there will be (2^77 of the largest, says the specification).
///
/// The bytes stay at one place of the heap: moving the key leaves no copies behind that nobody
/// would wipe.
#[derive(Clone)]
pub struct FileKey(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl FileKey {
    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        Random::secure().fill(&mut **key);
        Self(key)
    }

    /// The key of these bytes, which have to come from a cryptographic generator.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Zeroizing::new(bytes).into()
    }

    /// The bytes themselves, to wrap or to store. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// Begins a stream with a fresh salt: writes its header, and gives what seals its chunks.
    pub(super) fn begin(
        &self,
        backend: Backend,
        random: &Random,
        context: &[&[u8]],
    ) -> ([u8; STREAM_HEADER], Chunks) {
        let salt = random.bytes();
        let derived = self.derive(backend, &salt, context);
        let mut header = [0; STREAM_HEADER];
        let parts = salt.iter().chain(&derived.commitment);
        let places = header.iter_mut().zip(parts);
        places.for_each(|(place, byte)| *place = *byte);
        (header, derived.chunks)
    }

    /// What opens the chunks of the stream with this header, when the key and the context are
    /// those that the header commits to.
    pub(super) fn resume(
        &self,
        backend: Backend,
        header: &[u8; STREAM_HEADER],
        context: &[&[u8]],
    ) -> Result<Chunks, FileError> {
        let (salt, commitment) = header.split_first_chunk().ok_or(FileError::Truncated)?;
        let derived = self.derive(backend, salt, context);
        if bool::from(derived.commitment.ct_eq(commitment)) {
            Ok(derived.chunks)
        } else {
            Err(FileError::WrongKey)
        }
    }

    fn derive(&self, backend: Backend, salt: &[u8; SALT_LENGTH], context: &[&[u8]]) -> Derived {
        let mut info = vec![FILE_INFO, salt];
        info.extend(context);
        let mut bytes = Zeroizing::new([0; DERIVED_LENGTH]);
        self.expand(&info, &mut *bytes);
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        let mut nonce = [0; NONCE_LENGTH];
        let mut commitment = [0; COMMITMENT_LENGTH];
        let parts = key.iter_mut().chain(&mut nonce).chain(&mut commitment);
        parts
            .zip(bytes.iter())
            .for_each(|(part, byte)| *part = *byte);
        Derived {
            chunks: Chunks::new(Aes256Gcm::new(backend, &key), nonce),
            commitment,
        }
    }

    /// HKDF-Expand (RFC 5869) with SHA-512. There is no extraction: the key is uniform.
    #[expect(
        clippy::expect_used,
        reason = "255 hashes may be had, and less than 2 are"
    )]
    fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        Prk::new_less_safe(HKDF_SHA512, &**self.0)
            .expand(info, Length(out.len()))
            .and_then(|derived| derived.fill(out))
            .expect("that much can be derived");
    }
}

struct Derived {
    chunks: Chunks,
    commitment: [u8; COMMITMENT_LENGTH],
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl From<Zeroizing<[u8; KEY_LENGTH]>> for FileKey {
    fn from(bytes: Zeroizing<[u8; KEY_LENGTH]>) -> Self {
        Self(Box::new(bytes))
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let key = FileKey::from_bytes([0xab; 32]);
        assert_eq!(format!("{key:?}"), "FileKey([redacted])");
    }

    #[test]
    fn no_two_are_alike() {
        assert_ne!(FileKey::generate().expose(), FileKey::generate().expose());
    }

    #[test]
    fn context_and_salt_and_key_are_committed_to() {
        let key = FileKey::from_bytes([1; 32]);
        let backend = Backend::default();
        let (header, _) = key.begin(backend, &Random::secure(), &[b"a", b"b"]);
        assert!(key.resume(backend, &header, &[b"ab"]).is_ok());
        for (name, key, context, flipped) in [
            ("another key", FileKey::from_bytes([2; 32]), "ab", None),
            ("another context", key.clone(), "ac", None),
            ("no context", key.clone(), "", None),
            ("another salt", key.clone(), "ab", Some(0)),
            ("another commitment", key.clone(), "ab", Some(24)),
            ("at its end", key.clone(), "ab", Some(55)),
        ] {
            let mut header = header;
            if let Some(at) = flipped {
                header[at] ^= 1;
            }
            let resumed = key.resume(backend, &header, &[context.as_bytes()]);
            assert!(matches!(resumed, Err(FileError::WrongKey)), "{name}");
        }
    }
}
