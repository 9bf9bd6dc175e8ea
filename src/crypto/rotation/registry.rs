use super::RegistryError;
use crate::crypto::field::{FieldColumn, FieldValue};
use zeroize::Zeroizing;

/// The bytes that a stored plaintext is sealed as; `None` when it is no such value.
type Read = fn(&[u8]) -> Option<Zeroizing<Vec<u8>>>;

/// A column whose values are sealed.
#[derive(Clone, Debug)]
pub struct EncryptedColumn {
    column: FieldColumn,
    plaintext: Option<Read>,
}

impl EncryptedColumn {
    /// A column in which all values are sealed. One that is not is a problem to be reported.
    #[must_use]
    pub const fn new(column: FieldColumn) -> Self {
        Self {
            column,
            plaintext: None,
        }
    }

    /// A column in which some values are still plaintext, which a rotation reads as `T` and
    /// seals. Whoever can write to the table can have text of their own sealed by it: leave it
    /// out as soon as the table is migrated.
    #[must_use]
    pub fn sealing_plaintext_as<T: FieldValue>(mut self) -> Self {
        self.plaintext = Some(read::<T>);
        self
    }

    /// The name of its table.
    #[must_use]
    pub fn table(&self) -> &str {
        self.column.table()
    }

    /// The name of the column.
    #[must_use]
    pub fn column(&self) -> &str {
        self.column.name()
    }

    /// What seals and opens its values.
    #[must_use]
    pub const fn cipher(&self) -> &FieldColumn {
        &self.column
    }

    pub(super) const fn plaintext(&self) -> Option<Read> {
        self.plaintext
    }
}

fn read<T: FieldValue>(stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut value = T::from_plaintext(stored)?;
    let bytes = value.with_bytes(|bytes| Zeroizing::new(bytes.to_vec()));
    value.wipe();
    bytes
}

/// All encrypted columns of a database. One that is not here is not rotated, and its values are
/// lost with the old key: list every column next to where its cipher is made.
#[derive(Clone, Debug)]
pub struct Registry {
    columns: Vec<EncryptedColumn>,
}

impl Registry {
    /// These columns.
    ///
    /// # Errors
    /// When there is none, or one is listed twice.
    pub fn new(columns: impl IntoIterator<Item = EncryptedColumn>) -> Result<Self, RegistryError> {
        let columns: Vec<_> = columns.into_iter().collect();
        let mut rest = &columns[..];
        if rest.is_empty() {
            return Err(RegistryError::Empty);
        }
        while let [column, others @ ..] = rest {
            let is_same = |other: &EncryptedColumn| {
                other.table() == column.table() && other.column() == column.column()
            };
            if others.iter().any(is_same) {
                return Err(RegistryError::Duplicate {
                    table: column.table().to_owned(),
                    column: column.column().to_owned(),
                });
            }
            rest = others;
        }
        Ok(Self { columns })
    }

    /// The columns, as they were listed.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &EncryptedColumn> {
        self.columns.iter()
    }
}
