use super::EncryptedColumn;
use crate::crypto::field::{Encrypted, is_plaintext};
use crate::crypto::keyring::{Key, KeyId, KeyState, Keyring};
use std::collections::BTreeMap;
use thiserror::Error;

/// How many values of one column each key sealed, by what the values say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnCensus {
    /// Its table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The values of each key.
    pub keys: BTreeMap<KeyId, u64>,
    /// Rows without a value.
    pub null: u64,
    /// Values in plaintext.
    pub plaintext: u64,
    /// Values that begin as a sealed one and are none.
    pub malformed: u64,
}

impl ColumnCensus {
    pub(super) fn of(column: &EncryptedColumn) -> Self {
        Self {
            table: column.table().to_owned(),
            column: column.column().to_owned(),
            keys: BTreeMap::new(),
            null: 0,
            plaintext: 0,
            malformed: 0,
        }
    }

    pub(super) fn count(&mut self, stored: Option<&[u8]>) {
        let Some(stored) = stored else {
            self.null += 1;
            return;
        };
        if is_plaintext(stored) {
            self.plaintext += 1;
            return;
        }
        let sealed = Encrypted::<Vec<u8>>::from_stored(stored.to_vec()).ok();
        match sealed.and_then(|sealed| sealed.key_id()) {
            Some(key) => *self.keys.entry(key).or_default() += 1,
            None => self.malformed += 1,
        }
    }
}

/// How many stored values each key sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    columns: Vec<ColumnCensus>,
}

/// Why a key is not safe to retire.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotRetirable {
    /// It seals.
    #[error("the key {0} is the primary one: promote another one everywhere first")]
    Primary(KeyId),
    /// There are values that it sealed.
    #[error("{values} values were sealed with the key {key}: rewrap them first")]
    InUse {
        /// The key.
        key: KeyId,
        /// How many.
        values: u64,
    },
    /// There are values that do not say which key sealed them.
    #[error("{0} values are malformed, and cannot say that they do not need the key")]
    Malformed(u64),
}

/// Stored values need keys that the keyring cannot open with. Serving requests with it would
/// fail for these values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("stored values need keys that the keyring does not open with: {}", list(.0))]
pub struct NotReady(BTreeMap<KeyId, u64>);

impl NotReady {
    /// The keys that are missing, disabled or destroyed, and how many values need each.
    #[must_use]
    pub const fn keys(&self) -> &BTreeMap<KeyId, u64> {
        &self.0
    }
}

fn list(keys: &BTreeMap<KeyId, u64>) -> String {
    let keys = keys
        .iter()
        .map(|(key, values)| format!("{key} ({values} values)"));
    keys.collect::<Vec<_>>().join(", ")
}

impl Census {
    pub(super) const fn new(columns: Vec<ColumnCensus>) -> Self {
        Self { columns }
    }

    /// The columns, as they were listed.
    #[must_use]
    pub fn columns(&self) -> &[ColumnCensus] {
        &self.columns
    }

    /// The values of each key, of all columns together.
    #[must_use]
    pub fn keys(&self) -> BTreeMap<KeyId, u64> {
        let mut keys = BTreeMap::new();
        for (key, values) in self.columns.iter().flat_map(|column| &column.keys) {
            *keys.entry(*key).or_default() += values;
        }
        keys
    }

    /// Whether no stored value needs this key, so that it may be disabled, and destroyed some
    /// time later. It says nothing of backups.
    ///
    /// # Errors
    /// When one does, or when that cannot be told.
    pub fn check_retirable(&self, key: KeyId, keyring: &Keyring) -> Result<(), NotRetirable> {
        if keyring.primary().id() == key {
            return Err(NotRetirable::Primary(key));
        }
        if let Some(values) = self.keys().get(&key).copied() {
            return Err(NotRetirable::InUse { key, values });
        }
        match self.columns.iter().map(|column| column.malformed).sum() {
            0 => Ok(()),
            malformed => Err(NotRetirable::Malformed(malformed)),
        }
    }

    /// Whether this keyring opens whatever is stored, as far as its keys go.
    ///
    /// # Errors
    /// When values need keys that it does not have, or may not use.
    pub fn check_ready(&self, keyring: &Keyring) -> Result<(), NotReady> {
        let opens = |key: KeyId| {
            let state = keyring.key(key).map(Key::state);
            matches!(state, Some(KeyState::Primary | KeyState::DecryptOnly))
        };
        let mut missing = self.keys();
        missing.retain(|key, _| !opens(*key));
        if missing.is_empty() {
            return Ok(());
        }
        Err(NotReady(missing))
    }
}
