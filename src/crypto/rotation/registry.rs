use super::RegistryError;
use crate::crypto::field::{FieldColumn, FieldValue};
use zeroize::Zeroizing;

/// The bytes that a stored plaintext is sealed as; `None` when it is no such value.
type Read = fn(&[u8]) -> Option<Zeroizing<Vec<u8>>>;

/// A column whose values are sealed.
#[derive(Clone, Debug)]
pub struct EncryptedColumn {
    column: FieldColumn,
    purpose: Option<Box<str>>,
    plaintext: Option<Read>,
}

impl EncryptedColumn {
    /// A column in which all values are sealed. One that is not is a problem to be reported.
    #[must_use]
    pub const fn new(column: FieldColumn) -> Self {
        Self {
            column,
            purpose: None,
            plaintext: None,
        }
    }

    /// A column of secrets that a [`SecretSealer`](crate::crypto::SecretSealer) sealed for this
    /// purpose. They are bound to their owners: unless the key of the row is the owner, as
    /// text, the table says who it is by [`StoredRow::bound_to`](super::StoredRow::bound_to).
    ///
    /// A column with secrets of several purposes is listed once for each.
    #[must_use]
    pub fn secret(mut self, purpose: &str) -> Self {
        self.purpose = Some(purpose.into());
        self
    }

    /// A column in which some values are still plaintext, which a rotation reads as `T` and
    /// seals. Whoever can write to the table can have text of their own sealed by it: leave it
    /// out as soon as the table is migrated.
    #[must_use]
    pub fn sealing_plaintext_as<T: FieldValue>(mut self) -> Self {
        self.plaintext = Some(read::<T>);
        self
    }

    /// What its secrets are sealed for; `None` when it holds values.
    #[must_use]
    pub fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// The namespace that its values are bound to.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.column.namespace()
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

    /// What tells it from all others of a database. The purpose is never empty.
    pub(super) fn names(&self) -> [&str; 4] {
        let purpose = self.purpose().unwrap_or_default();
        [self.namespace(), self.table(), self.column(), purpose]
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
///
/// A column whose rows belong to several namespaces, or whose secrets have several purposes, is
/// listed once for each, and the [`Table`](super::Table) gives each its own rows.
#[derive(Clone, Debug)]
pub struct Registry {
    columns: Vec<EncryptedColumn>,
}

impl Registry {
    /// These columns.
    ///
    /// # Errors
    /// When there is none, one is listed twice, or the purpose of its secrets is empty.
    pub fn new(columns: impl IntoIterator<Item = EncryptedColumn>) -> Result<Self, RegistryError> {
        let columns: Vec<_> = columns.into_iter().collect();
        let mut rest = &columns[..];
        if rest.is_empty() {
            return Err(RegistryError::Empty);
        }
        while let [column, others @ ..] = rest {
            let name = || (column.table().to_owned(), column.column().to_owned());
            if column.purpose() == Some("") {
                let (table, column) = name();
                return Err(RegistryError::NoPurpose { table, column });
            }
            if others.iter().any(|other| other.names() == column.names()) {
                let (table, column) = name();
                return Err(RegistryError::Duplicate { table, column });
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
