use super::cipher::Commitment;
use super::format::{Parts, Suite, encoded_names, head, prefix};
use super::padding::Padding;
use crate::crypto::Reason;
use crate::crypto::aead::{Backend, Xaes256Gcm};
use crate::crypto::keyring::{Key, KeyId, KeyState, LiveKeyring};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The keys of one column, derived from a keyring, which has changed since when its
/// generation is another.
#[derive(Debug)]
pub(super) struct ColumnKeys {
    pub(super) generation: u64,
    primary: Arc<ColumnKey>,
    keys: Vec<Arc<ColumnKey>>,
    commitment: Commitment,
}

/// One key of one column.
#[derive(Debug)]
pub(super) struct ColumnKey {
    pub(super) id: KeyId,
    commitment: [u8; Key::LENGTH],
    /// What a value begins with that is sealed now.
    pub(super) prefix: Vec<u8>,
    /// What the associated data of such a value begin with: head and names.
    pub(super) associated: Vec<u8>,
    state: KeyState,
    cipher: Option<Xaes256Gcm>,
}

/// For what keys are derived, and how.
#[derive(Debug)]
pub(super) struct Derivation<'a> {
    /// [`encoded_names`] of namespace, table and column.
    pub(super) names: &'a [u8],
    pub(super) table: &'a str,
    pub(super) column: &'a str,
    pub(super) padding: Padding,
    pub(super) commitment: Commitment,
    pub(super) backend: Backend,
}

impl ColumnKeys {
    pub(super) fn derive(keyring: &LiveKeyring, derivation: &Derivation<'_>) -> Self {
        let generation = keyring.generation();
        let ring = keyring.current();
        let primary = Arc::new(ColumnKey::derive(ring.primary(), derivation));
        let others = ring.keys().filter(|key| key.id() != primary.id);
        let others = others.map(|key| Arc::new(ColumnKey::derive(key, derivation)));
        Self {
            generation,
            commitment: derivation.commitment,
            keys: std::iter::once(Arc::clone(&primary))
                .chain(others)
                .collect(),
            primary,
        }
    }

    /// The key that seals.
    pub(super) const fn primary(&self) -> &Arc<ColumnKey> {
        &self.primary
    }

    /// What opens a value, as far as the key that it names allows.
    pub(super) fn opening(&self, parts: &Parts<'_>) -> Result<&Xaes256Gcm, Reason> {
        let key = self.keys.iter().find(|key| key.id == parts.key);
        let key = key.ok_or(Reason::UnknownKey)?;
        match parts.commitment {
            Some(commitment) if !bool::from(commitment.ct_eq(&key.commitment)) => {
                return Err(Reason::WrongKey);
            }
            None if self.commitment == Commitment::Full => return Err(Reason::NoCommitment),
            _ => {}
        }
        key.cipher()
    }
}

impl ColumnKey {
    fn derive(key: &Key, to: &Derivation<'_>) -> Self {
        let names = encoded_names(&[to.table, to.column]);
        let derived = key.derive(&[b"portcullis/v1/column", &names]);
        let suite = Suite::new(to.padding, to.commitment);
        Self {
            id: key.id(),
            commitment: *key.commitment(),
            prefix: prefix(suite, key),
            associated: [&head(suite, key.id()), to.names].concat(),
            state: key.state(),
            cipher: derived.map(|key| Xaes256Gcm::new(to.backend, &key)),
        }
    }

    /// The cipher; the reason why not, when the key may not be used.
    pub(super) fn cipher(&self) -> Result<&Xaes256Gcm, Reason> {
        self.cipher.as_ref().ok_or(match self.state {
            KeyState::Destroyed => Reason::DestroyedKey,
            _ => Reason::DisabledKey,
        })
    }
}
