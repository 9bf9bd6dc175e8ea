use super::batch::BatchSealer;
use super::{FieldColumn, RowId};
use crate::crypto::Refused;
use std::fmt;
use zeroize::Zeroizing;

/// Memory for opening one value after the other. What a value leaves in it is overwritten by
/// the next, and wiped at the end.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) associated: Vec<u8>,
    pub(super) data: Zeroizing<Vec<u8>>,
}

impl Buffers {
    /// Takes a copy of this data, to be opened in place.
    pub(super) fn hold(&mut self, data: &[u8]) {
        self.data.clear();
        if self.data.capacity() < data.len() {
            // The old one is wiped, which growing in place would not do.
            self.data = Zeroizing::new(Vec::with_capacity(data.len()));
        }
        self.data.extend_from_slice(data);
    }
}

/// Opens values of one column and seals them again with the primary key: what is done to each
/// row when a key is retired.
pub(in crate::crypto) struct Resealer {
    column: FieldColumn,
    sealer: BatchSealer,
    buffers: Buffers,
}

impl Resealer {
    /// Opens the value of this row and seals it again.
    pub(in crate::crypto) fn reseal(
        &mut self,
        sealed: &[u8],
        row: RowId<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let plain = self.column.open_into(sealed, row, &[], &mut self.buffers)?;
        self.sealer.seal_bytes(plain, row)
    }

    /// Opens the value of this row, to see whether that can be done.
    pub(in crate::crypto) fn check(
        &mut self,
        sealed: &[u8],
        row: RowId<'_>,
    ) -> Result<(), Refused> {
        let opened = self.column.open_into(sealed, row, &[], &mut self.buffers);
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
            buffers: Buffers::default(),
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
