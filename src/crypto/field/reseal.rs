use super::batch::BatchSealer;
use super::{FieldColumn, RowId};
use crate::crypto::Refused;
use std::fmt;
use zeroize::Zeroizing;

/// Opens values of one column and seals them again with the primary key: what is done to each
/// row when a key is retired.
pub(in crate::crypto) struct Resealer {
    column: FieldColumn,
    sealer: BatchSealer,
    /// Memory for opening one value after the other.
    buffer: Zeroizing<Vec<u8>>,
}

impl Resealer {
    /// Opens the value of this row and seals it again.
    pub(in crate::crypto) fn reseal(
        &mut self,
        sealed: &[u8],
        row: RowId<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let plain = self.column.open_into(sealed, row, &[], &mut self.buffer)?;
        self.sealer.seal_bytes(plain, row)
    }

    /// Opens the value of this row, to see whether that can be done.
    pub(in crate::crypto) fn check(
        &mut self,
        sealed: &[u8],
        row: RowId<'_>,
    ) -> Result<(), Refused> {
        let opened = self.column.open_into(sealed, row, &[], &mut self.buffer);
        opened.map(drop)
    }

    /// Seals what was not sealed before.
    pub(in crate::crypto) fn seal(
        &mut self,
        plain: &[u8],
        row: RowId<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.sealer.seal_bytes(plain, row)
    }
}

impl From<&FieldColumn> for Resealer {
    fn from(column: &FieldColumn) -> Self {
        Self {
            column: column.clone(),
            sealer: column.batch(),
            buffer: Zeroizing::default(),
        }
    }
}

impl fmt::Debug for Resealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resealer")
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}
