use super::{EncryptedColumn, Replacement, RowKey, StoredRow, Table};
use crate::lock::lock;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

type Column = BTreeMap<RowKey, Option<Vec<u8>>>;

/// Tables in memory, for tests and examples. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryTable(Arc<Mutex<HashMap<(String, String), Column>>>);

impl MemoryTable {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of one row, as a service does that writes.
    pub fn put(&self, table: &str, column: &str, row: RowKey, value: Option<Vec<u8>>) {
        let name = (table.to_owned(), column.to_owned());
        self.lock().entry(name).or_default().insert(row, value);
    }

    /// The value of one row; `None` when there is no such row or no value.
    #[must_use]
    pub fn get(&self, table: &str, column: &str, row: &RowKey) -> Option<Vec<u8>> {
        let name = (table.to_owned(), column.to_owned());
        self.lock().get(&name)?.get(row)?.clone()
    }

    /// Deletes a row.
    pub fn delete(&self, table: &str, column: &str, row: &RowKey) {
        let name = (table.to_owned(), column.to_owned());
        if let Some(rows) = self.lock().get_mut(&name) {
            rows.remove(row);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Column>> {
        lock(&self.0)
    }
}

impl Table for MemoryTable {
    type Error = Infallible;

    async fn page(
        &self,
        column: &EncryptedColumn,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Infallible> {
        let name = (column.table().to_owned(), column.column().to_owned());
        let tables = self.lock();
        let Some(rows) = tables.get(&name) else {
            return Ok(Vec::new());
        };
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = rows.range((after, Bound::Unbounded)).take(limit);
        Ok(rows
            .map(|(key, value)| StoredRow::new(key.clone(), value.clone()))
            .collect())
    }

    async fn replace(
        &self,
        column: &EncryptedColumn,
        changes: &[Replacement],
    ) -> Result<Vec<bool>, Infallible> {
        let name = (column.table().to_owned(), column.column().to_owned());
        let mut tables = self.lock();
        let rows = tables.entry(name).or_default();
        let replace = |change: &Replacement| match rows.get_mut(change.key()) {
            Some(value) if value.as_deref() == Some(change.expected()) => {
                *value = Some(change.value().to_vec());
                true
            }
            _ => false,
        };
        Ok(changes.iter().map(replace).collect())
    }
}

impl fmt::Debug for MemoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTable").finish_non_exhaustive()
    }
}
