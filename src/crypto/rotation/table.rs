use super::EncryptedColumn;
use crate::crypto::field::RowId;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;

/// The tables of a database that hold encrypted columns, as a rotation needs them.
///
/// Rows are read in the order of their keys, each page after the last row of the one before
/// (`WHERE id > $1 ORDER BY id LIMIT $2`), which stays right while rows come and go. A value
/// is written only where the old one still stands (`UPDATE ... SET email = $1 WHERE id = $2
/// AND email = $3`).
///
/// Where one column of a table is listed several times, for its
/// [namespaces](EncryptedColumn::namespace) or the [purposes](EncryptedColumn::purpose) of its
/// secrets, each is to be given its own rows alone.
pub trait Table: Sync {
    /// Why it failed.
    type Error: Error + Send + Sync + 'static;

    /// The first `limit` rows whose key comes after `after`, in the order of their keys. Rows
    /// without a value are among them, or are left out.
    fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StoredRow>, Self::Error>> + Send;

    /// Makes each change whose row still holds what is expected, and answers for each whether
    /// it was made. All of them may go into one transaction, or each into its own.
    fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> impl Future<Output = Result<Vec<bool>, Self::Error>> + Send;
}

/// The primary key of a row: what its values are bound to, and what rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who implements a table must know how to write every one"
)]
pub enum RowKey {
    /// An integer.
    Integer(i64),
    /// The bytes of a UUID.
    Uuid([u8; 16]),
    /// Text.
    Text(String),
}

impl RowKey {
    /// The row as a sealed value is bound to it.
    #[must_use]
    pub fn row_id(&self) -> RowId<'_> {
        match self {
            Self::Integer(id) => RowId::from(*id),
            Self::Uuid(id) => RowId::from(*id),
            Self::Text(id) => RowId::from(id),
        }
    }
}

/// One column of a row, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRow {
    key: RowKey,
    value: Option<Vec<u8>>,
    binding: Binding,
}

/// What a value is bound to.
#[derive(Clone, PartialEq, Eq)]
enum Binding {
    Key,
    Other(RowKey),
    Nothing,
}

impl StoredRow {
    /// The value in the row of this key: its bytes, or those of its text, or none for NULL.
    #[must_use]
    pub const fn new(key: RowKey, value: Option<Vec<u8>>) -> Self {
        Self {
            key,
            value,
            binding: Binding::Key,
        }
    }

    /// What the value is bound to, where that is not the key of the row: another column of the
    /// row, or the owner of a secret, as [text](RowKey::Text).
    #[must_use]
    pub fn bound_to(mut self, other: RowKey) -> Self {
        self.binding = Binding::Other(other);
        self
    }

    /// The value was sealed with [`RowId::dangerous_unbound`].
    #[must_use]
    pub fn dangerous_unbound(mut self) -> Self {
        self.binding = Binding::Nothing;
        self
    }

    pub(super) fn row_id(&self) -> RowId<'_> {
        match &self.binding {
            Binding::Key => self.key.row_id(),
            Binding::Other(other) => other.row_id(),
            Binding::Nothing => RowId::dangerous_unbound(),
        }
    }

    /// The key of the row.
    #[must_use]
    pub const fn key(&self) -> &RowKey {
        &self.key
    }

    /// The stored value.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
}

/// It may still be plaintext.
impl fmt::Debug for StoredRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRow")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A value to be written where the old one still stands.
#[derive(Clone)]
pub struct Replacement {
    key: RowKey,
    expected: Vec<u8>,
    value: Vec<u8>,
}

impl Replacement {
    pub(super) fn new(row: StoredRow, value: Vec<u8>) -> Self {
        Self {
            key: row.key,
            expected: row.value.unwrap_or_default(),
            value,
        }
    }

    /// The row.
    #[must_use]
    pub const fn key(&self) -> &RowKey {
        &self.key
    }

    /// What has to stand there, as it was read.
    #[must_use]
    pub fn expected(&self) -> &[u8] {
        &self.expected
    }

    /// What shall stand there. Text, when what was read was the text of a sealed value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// What is expected may be plaintext.
impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replacement")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
