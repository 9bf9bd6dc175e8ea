//! What is to be done with one stored value.

use super::{EncryptedColumn, StoredRow};
use crate::crypto::Reason;
use crate::crypto::field::{Encrypted, Resealer, is_plaintext};
use crate::crypto::keyring::KeyId;

/// How far a rotation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Writes.
    Rewrap,
    /// Does the same and does not write.
    DryRun,
    /// Opens everything.
    Verify,
}

/// What became of one value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is none.
    Null,
    /// It was sealed with the primary key.
    Current,
    /// It was sealed with another one: this is what is to be stored instead.
    Reseal(Vec<u8>),
    /// It was plaintext: this is what is to be stored instead.
    Seal(Vec<u8>),
    /// It stays as it is.
    Problem { key: Option<KeyId>, reason: Reason },
}

/// Works on the values of one column.
#[derive(Debug)]
pub(super) struct Work<'a> {
    column: &'a EncryptedColumn,
    resealer: Resealer,
    mode: Mode,
}

impl<'a> Work<'a> {
    pub(super) fn on(column: &'a EncryptedColumn, mode: Mode) -> Self {
        Self {
            column,
            resealer: Resealer::from(column.cipher()),
            mode,
        }
    }

    pub(super) const fn column(&self) -> &'a EncryptedColumn {
        self.column
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn on_row(&mut self, row: &StoredRow) -> Outcome {
        let Some(stored) = row.value() else {
            return Outcome::Null;
        };
        let (done, key) = if is_plaintext(stored) {
            (self.on_plaintext(row, stored), None)
        } else {
            let Ok(sealed) = Encrypted::<Vec<u8>>::from_stored(stored.to_vec()) else {
                return problem(None, Reason::Malformed);
            };
            (self.on_sealed(row, stored, &sealed), sealed.key_id())
        };
        done.unwrap_or_else(|reason| problem(key, reason))
    }

    fn on_sealed(
        &mut self,
        row: &StoredRow,
        stored: &[u8],
        sealed: &Encrypted<Vec<u8>>,
    ) -> Result<Outcome, Reason> {
        let id = row.key().row_id();
        if self.column.cipher().is_current(sealed) {
            if self.mode == Mode::Verify {
                let checked = self.resealer.check(sealed.as_bytes(), id);
                checked.map_err(|refused| refused.reason())?;
            }
            return Ok(Outcome::Current);
        }
        let resealed = self.resealer.reseal(sealed.as_bytes(), id);
        let resealed = resealed.map_err(|refused| refused.reason())?;
        // What was text stays text.
        let is_text = stored.len() != sealed.as_bytes().len();
        Ok(Outcome::Reseal(if is_text {
            Encrypted::<Vec<u8>>::from_bytes(resealed)
                .to_text()
                .into_bytes()
        } else {
            resealed
        }))
    }

    fn on_plaintext(&mut self, row: &StoredRow, stored: &[u8]) -> Result<Outcome, Reason> {
        let read = self.column.plaintext().ok_or(Reason::Plaintext)?;
        let plain = read(stored).ok_or(Reason::Unreadable)?;
        let sealed = self.resealer.seal(&plain, row.key().row_id());
        sealed
            .map(Outcome::Seal)
            .map_err(|refused| refused.reason())
    }
}

const fn problem(key: Option<KeyId>, reason: Reason) -> Outcome {
    Outcome::Problem { key, reason }
}
