use super::batch::BatchSealer;
use super::format::Parts;
use super::keys::ColumnKeys;
use super::{FieldColumn, RowId};
use crate::crypto::Refused;
use crate::crypto::aead::{Aes256Gcm, NONCE_LENGTH};
use crate::crypto::keyring::KeyId;
use std::fmt;
use zeroize::Zeroizing;

/// Opens values of one column and seals them again with the primary key: what is done to each
/// row when a key is retired.
pub(in crate::crypto) struct Resealer {
    column: FieldColumn,
    /// What secrets are sealed for; empty for the values of a column.
    purpose: Box<str>,
    sealer: BatchSealer,
    opener: Opener,
}

/// Opens one value after the other. What a value leaves in memory is overwritten by the next,
/// and wiped at the end.
#[derive(Default)]
struct Opener {
    buffer: Zeroizing<Vec<u8>>,
    /// For what the cipher of the value before was made.
    before: Option<MadeFor>,
    /// The cipher of the last two values in a row that had one in common: they were sealed in
    /// one go, and more of them will follow. That of a single value is not worth moving here.
    common: Option<(MadeFor, Aes256Gcm)>,
}

/// A generation of the keyring, a key and the first half of nonces.
type MadeFor = (u64, KeyId, [u8; NONCE_LENGTH]);

impl Opener {
    #[inline]
    fn open(
        &mut self,
        column: &FieldColumn,
        keys: &ColumnKeys,
        parts: &Parts<'_>,
        row: RowId<'_>,
        extra: &[u8],
    ) -> Result<&[u8], Refused> {
        let root = keys.opening(parts)?;
        let wanted = (keys.generation, parts.key, *parts.epoch);
        let buffer = &mut self.buffer;
        if let Some((_, cipher)) = self.common.as_ref().filter(|(it, _)| *it == wanted) {
            return column.open_parts(cipher, parts, row, extra, buffer);
        }
        let cipher = root.cipher_of(parts.epoch);
        if self.before.replace(wanted) != Some(wanted) {
            return column.open_parts(&cipher, parts, row, extra, buffer);
        }
        let (_, cipher) = self.common.insert((wanted, cipher));
        column.open_parts(cipher, parts, row, extra, buffer)
    }
}

impl Resealer {
    /// For the secrets of this purpose; where it is empty, for the values of the column.
    pub(in crate::crypto) fn new(column: &FieldColumn, purpose: &str) -> Self {
        Self {
            column: column.clone(),
            purpose: purpose.into(),
            sealer: column.batch(),
            opener: Opener::default(),
        }
    }

    /// Opens the value of this row and seals it again; `None` when it was sealed as values are
    /// sealed now. Such a one is only opened, and only to `check` that it can be.
    pub(in crate::crypto) fn reseal(
        &mut self,
        sealed: &[u8],
        row: RowId<'_>,
        check: bool,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let (column, extra) = (&self.column, self.purpose.as_bytes());
        let parts = Parts::of(sealed)?;
        let keys = column.keys();
        let is_current = column.is_current_with(&keys, sealed, &parts);
        if is_current && !check {
            return Ok(None);
        }
        let plain = self.opener.open(column, &keys, &parts, row, extra)?;
        if is_current {
            return Ok(None);
        }
        let mut sealed = Vec::new();
        self.sealer.seal_into(&mut sealed, plain, row, extra)?;
        Ok(Some(sealed))
    }

    /// Seals what was not sealed before.
    pub(in crate::crypto) fn seal(
        &mut self,
        plain: &[u8],
        row: RowId<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let mut sealed = Vec::new();
        let purpose = self.purpose.as_bytes();
        self.sealer.seal_into(&mut sealed, plain, row, purpose)?;
        Ok(sealed)
    }
}

impl fmt::Debug for Resealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resealer")
            .field("column", &self.column)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
