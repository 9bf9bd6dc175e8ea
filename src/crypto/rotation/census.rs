use super::EncryptedColumn;
use crate::crypto::field::{Encrypted, is_plaintext};
use crate::crypto::keyring::{Key, KeyId, KeyState, Keyring};
use std::collections::BTreeMap;
use thiserror::Error;

/// How many values of one column each key sealed, by what the values say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnCensus {
    /// The namespace that its values are bound to.
    pub namespace: String,
    /// Its table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What its secrets are sealed for.
    pub purpose: Option<String>,
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
            namespace: column.namespace().to_owned(),
            table: column.table().to_owned(),
            column: column.column().to_owned(),
            purpose: column.purpose().map(str::to_owned),
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

/// How many encrypted files need each key, by what the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileCensus {
    /// The files of each key.
    pub keys: BTreeMap<KeyId, u64>,
    /// Files that need no key of a keyring: they have a password, or a wrapped key.
    pub other: u64,
    /// Files that are no containers.
    pub malformed: u64,
}

impl FileCensus {
    /// Bytes of a file that say which key it needs.
    pub const START: usize = 13;

    /// As `docs/formats.md` has it: the container, the kind and the id of the key.
    fn count(&mut self, start: &[u8]) {
        match start.strip_prefix(b"PCF1") {
            Some([1, rest @ ..]) => match rest.first_chunk() {
                Some(id) => *self.keys.entry(KeyId::from_bytes(*id)).or_default() += 1,
                None => self.malformed += 1,
            },
            Some([2 | 3, ..]) => self.other += 1,
            _ => self.malformed += 1,
        }
    }
}

/// How many stored values each key sealed, and how many files.
///
/// It knows of the columns that are listed in the [`Registry`](super::Registry) and of the
/// [files](Self::count_file) that it was shown, and of **nothing else**. A key may also have
/// sealed columns that nobody listed, rows in backups and exports, other databases, keys that a
/// [`LocalKek`](crate::crypto::kek::LocalKek) wrapped, and tokens in the hands of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    columns: Vec<ColumnCensus>,
    files: FileCensus,
}

/// Why a key is not safe to retire.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotRetirable {
    /// It seals.
    #[error("the key {0} is the primary one: promote another one everywhere first")]
    Primary(KeyId),
    /// There are values or files that it sealed.
    #[error(
        "{values} values or files were sealed with the key {key}: rewrap or encrypt them anew first"
    )]
    InUse {
        /// The key.
        key: KeyId,
        /// How many.
        values: u64,
    },
    /// There are values or files that do not say which key sealed them.
    #[error("{0} values or files are malformed, and cannot say that they do not need the key")]
    Malformed(u64),
}

/// Stored values need keys that the keyring cannot open with. Serving requests with it would
/// fail for these values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("what is stored needs keys that the keyring does not open with: {}", list(.0))]
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
    pub(super) fn new(columns: Vec<ColumnCensus>) -> Self {
        Self {
            columns,
            files: FileCensus::default(),
        }
    }

    /// Counts a file that the same keyring seals, by the first [`FileCensus::START`] bytes of
    /// it (fewer, where it is shorter).
    ///
    /// ```
    /// # use portcullis::crypto::field::FieldCipher;
    /// # use portcullis::crypto::keyring::Keyring;
    /// # use portcullis::crypto::rotation::{EncryptedColumn, MemoryTable, Registry, Rotation};
    /// use portcullis::crypto::rotation::FileCensus;
    /// use std::fs::File;
    /// use std::io::Read;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # let ring = Keyring::generate();
    /// # let email = FieldCipher::new(ring.clone(), "shop").column("users", "email")?;
    /// # let registry = Registry::new([EncryptedColumn::new(email)])?;
    /// # let table = MemoryTable::new();
    /// # let rotation = Rotation::new(&registry, &table);
    /// # let (folder, id) = (tempfile::tempdir()?, ring.primary().id());
    /// # let path = folder.path().join("report.pcf");
    /// # std::fs::write(&path, [&b"PCF1\x01"[..], &id.to_bytes()].concat())?;
    /// let mut census = rotation.census().await?;
    /// let mut start = Vec::new();
    /// File::open(path)?.take(FileCensus::START as u64).read_to_end(&mut start)?;
    /// census.count_file(&start);
    /// assert_eq!(census.keys().get(&id), Some(&1));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn count_file(&mut self, start: &[u8]) {
        self.files.count(start);
    }

    /// The files that were counted.
    #[must_use]
    pub const fn files(&self) -> &FileCensus {
        &self.files
    }

    /// The columns, as they were listed.
    #[must_use]
    pub fn columns(&self) -> &[ColumnCensus] {
        &self.columns
    }

    /// The values of each key, of all columns together, and the files.
    #[must_use]
    pub fn keys(&self) -> BTreeMap<KeyId, u64> {
        let mut keys = BTreeMap::new();
        let columns = self.columns.iter().map(|column| &column.keys);
        for (key, values) in columns.chain([&self.files.keys]).flatten() {
            *keys.entry(*key).or_default() += values;
        }
        keys
    }

    /// Whether none of the values and files that were counted needs this key, so that it may be
    /// disabled, and destroyed some time later.
    ///
    /// **It knows of listed columns and of counted files alone**: see [`Census`] for what else
    /// may need the key. Disable it first, and destroy it when nothing was refused for
    /// [`Reason::DisabledKey`](crate::crypto::Reason::DisabledKey) for as long as backups are
    /// kept.
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
        let malformed = self.columns.iter().map(|column| column.malformed);
        match self.files.malformed + malformed.sum::<u64>() {
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
