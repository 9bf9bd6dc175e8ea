//! What is to be done with one stored value.

use super::{EncryptedColumn, StoredRow};
use crate::crypto::Reason;
use crate::crypto::field::{Encrypted, Resealer, is_plaintext, is_text, key_id};
use crate::crypto::keyring::KeyId;
use std::borrow::Cow;

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
    /// It was sealed as values are sealed now.
    Current,
    /// It was sealed otherwise: this is what is to be stored instead.
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
            resealer: Resealer::new(column.cipher(), column.purpose().unwrap_or_default()),
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
        if is_plaintext(stored) {
            let done = self.on_plaintext(row, stored);
            return done.unwrap_or_else(|reason| problem(None, reason));
        }
        let Some(sealed) = bytes_of(stored) else {
            return problem(None, Reason::Malformed);
        };
        let done = self.on_sealed(row, &sealed);
        match done.unwrap_or_else(|reason| problem(key_id(&sealed), reason)) {
            // What was text stays text.
            Outcome::Reseal(resealed) if matches!(sealed, Cow::Owned(_)) => {
                let text = Encrypted::<Vec<u8>>::from_bytes(resealed).to_text();
                Outcome::Reseal(text.into_bytes())
            }
            outcome => outcome,
        }
    }

    fn on_sealed(&mut self, row: &StoredRow, sealed: &[u8]) -> Result<Outcome, Reason> {
        let check = self.mode == Mode::Verify;
        let resealed = self.resealer.reseal(sealed, row.row_id(), check);
        let resealed = resealed.map_err(|refused| refused.reason())?;
        Ok(resealed.map_or(Outcome::Current, Outcome::Reseal))
    }

    fn on_plaintext(&mut self, row: &StoredRow, stored: &[u8]) -> Result<Outcome, Reason> {
        let read = self.column.plaintext().ok_or(Reason::Plaintext)?;
        let plain = read(stored).ok_or(Reason::Unreadable)?;
        let sealed = self.resealer.seal(&plain, row.row_id());
        sealed
            .map(Outcome::Seal)
            .map_err(|refused| refused.reason())
    }
}

/// The bytes of a sealed value: as they are stored, or those that the stored text is of.
fn bytes_of(stored: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !is_text(stored) {
        return Some(Cow::Borrowed(stored));
    }
    let sealed = Encrypted::<Vec<u8>>::from_stored(stored.to_vec()).ok();
    sealed.map(|sealed| Cow::Owned(sealed.into_bytes()))
}

const fn problem(key: Option<KeyId>, reason: Reason) -> Outcome {
    Outcome::Problem { key, reason }
}
