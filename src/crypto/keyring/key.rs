use super::{KeyId, KeyringError};
use crate::clock::{Clock, Timestamp};
use crate::crypto::kdf::expand;
use crate::random::Random;
use crate::secret::SecretBytes;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a key of a ring may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Seals and opens. A ring has exactly one such key.
    Primary,
    /// Opens what it sealed before, or what other machines seal with it already.
    DecryptOnly,
    /// Neither seals nor opens, and can be taken back into use.
    Disabled,
    /// Is gone; only its id is left, so that a value sealed with it is refused for the right
    /// reason.
    Destroyed,
}

impl KeyState {
    /// The state as text, as a keyring's text has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::DecryptOnly => "decrypt-only",
            Self::Disabled => "disabled",
            Self::Destroyed => "destroyed",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key of a [`Keyring`](super::Keyring): 32 random bytes from which the keys that do the
/// work are derived (HKDF-Expand with SHA-256, RFC 5869 section 2.3), and which do nothing
/// else.
///
/// `Debug` shows all but the bytes. They are wiped when the last clone is dropped.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    commitment: [u8; Self::LENGTH],
    pub(super) state: KeyState,
    created: Timestamp,
    material: Option<Material>,
}

/// Filled where it stays: what moves leaves a copy behind.
type Material = Arc<Zeroizing<[u8; Key::LENGTH]>>;

impl Key {
    /// How many bytes a key has, and its commitment.
    pub const LENGTH: usize = 32;

    /// A new key, created now. It is [decrypt-only](KeyState::DecryptOnly) until a ring
    /// promotes it.
    #[must_use]
    pub fn generate() -> Self {
        Self::generate_with(&Random::secure(), &Clock::system())
    }

    /// A new key from this randomness and clock.
    #[must_use]
    pub fn generate_with(random: &Random, clock: &Clock) -> Self {
        let mut material = Material::default();
        random.fill(Arc::make_mut(&mut material).as_mut());
        Self::new(material, clock.now())
    }

    /// A key that was made elsewhere, such as unwrapped from a key management service.
    ///
    /// # Errors
    /// When it does not have 32 bytes, or all of them are the same: no generator makes that.
    pub fn from_bytes(bytes: &SecretBytes, created: Timestamp) -> Result<Self, KeyringError> {
        let bytes = bytes.expose();
        if bytes.len() != Self::LENGTH {
            return Err(KeyringError::KeyLength(bytes.len()));
        }
        let mut material = Material::default();
        Arc::make_mut(&mut material).copy_from_slice(bytes);
        if material.iter().all(|byte| Some(byte) == material.first()) {
            return Err(KeyringError::NotRandom);
        }
        Ok(Self::new(material, created))
    }

    /// What is left of a key that was destroyed.
    pub(super) fn destroyed(commitment: [u8; Self::LENGTH], created: Timestamp) -> Self {
        Self {
            id: KeyId::of(&commitment),
            commitment,
            state: KeyState::Destroyed,
            // The text of a keyring has whole seconds, and a key read back is the same key.
            created: Timestamp::from_unix_seconds(created.unix_seconds()),
            material: None,
        }
    }

    fn new(material: Material, created: Timestamp) -> Self {
        let commitment = *expand(&material, &[b"portcullis/v1/commit"]);
        Self {
            material: Some(material),
            state: KeyState::DecryptOnly,
            ..Self::destroyed(commitment, created)
        }
    }

    /// The key's name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// 32 bytes that only this key has: who knows them knows nothing of the key, and nobody
    /// can find another key with the same.
    #[must_use]
    pub const fn commitment(&self) -> &[u8; Self::LENGTH] {
        &self.commitment
    }

    /// What the key may be used for.
    #[must_use]
    pub const fn state(&self) -> KeyState {
        self.state
    }

    /// When it was made.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// The key for one use, named by `info`; `None` when this key may not be used any more.
    ///
    /// Whoever adds a use begins `info` with a label of its own of the form
    /// `portcullis/v1/...`, and encodes what follows so that no two uses give the same bytes.
    pub(crate) fn derive(&self, info: &[&[u8]]) -> Option<Zeroizing<[u8; Self::LENGTH]>> {
        match self.state {
            KeyState::Primary | KeyState::DecryptOnly => Some(expand(self.material()?, info)),
            KeyState::Disabled | KeyState::Destroyed => None,
        }
    }

    /// The bytes themselves, whatever the state; `None` once destroyed.
    pub(crate) fn material(&self) -> Option<&[u8; Self::LENGTH]> {
        self.material.as_deref().map(|material| &**material)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// Two keys are equal when they commit to the same bytes and may be used for the same.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.commitment.ct_eq(&other.commitment))
            && self.state == other.state
            && self.created == other.created
    }
}

impl Eq for Key {}

#[cfg(test)]
impl Key {
    /// A key with the id of another, as whoever could try 2^64 keys would find one.
    pub(crate) fn with_forged_id(mut self, id: KeyId) -> Self {
        self.id = id;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_made_elsewhere_is_checked() {
        let made = |bytes: &[u8]| Key::from_bytes(&bytes.into(), Timestamp::default());
        assert_eq!(made(&[1; 31]), Err(KeyringError::KeyLength(31)));
        assert_eq!(made(&[0; 32]), Err(KeyringError::NotRandom));
        let bytes: Vec<u8> = (0..32).collect();
        assert_eq!(made(&bytes), made(&bytes));
        assert_eq!(made(&bytes).unwrap().state(), KeyState::DecryptOnly);
    }

    #[test]
    fn debug_shows_no_byte_of_the_key() {
        let bytes: Vec<u8> = (200..232).collect();
        let key = Key::from_bytes(&bytes.into(), Timestamp::default()).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.id().to_string()));
        assert!(!shown.contains("200") && !shown.contains("c8c9"), "{shown}");
    }

    #[test]
    fn uses_have_keys_of_their_own() {
        let key = Key::generate();
        let derived = key.derive(&[b"portcullis/v1/test", b"a"]).unwrap();
        assert_eq!(*derived, *key.derive(&[b"portcullis/v1/testa"]).unwrap());
        assert_ne!(*derived, *key.derive(&[b"portcullis/v1/test"]).unwrap());
        assert_ne!(&*derived, key.commitment());
    }
}
