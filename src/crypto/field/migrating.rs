use super::encrypted::{Encrypted, TEXT_PREFIX};
use super::format::VERSION;
use super::plain::Plain;
use super::value::FieldValue;
use super::{FieldColumn, RowId};
use crate::clock::{Clock, Timestamp};
use crate::crypto::{Reason, Refused};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// What a column holds while its table is being encrypted: a sealed value, or still the text
/// that was there before.
///
/// What begins as a sealed value does (the byte `0x01`, or `pc1.`) is taken for one, so a
/// plaintext that happens to begin so is refused and has to be encrypted by hand. Nothing is
/// ever written from it: seal the value and store that.
pub struct Migrating<T> {
    stored: Zeroizing<Vec<u8>>,
    opened_as: PhantomData<fn() -> T>,
}

impl<T> Migrating<T> {
    /// What the column holds: bytes, or the text of a number.
    #[must_use]
    pub fn from_stored(stored: impl Into<Vec<u8>>) -> Self {
        Self {
            stored: Zeroizing::new(stored.into()),
            opened_as: PhantomData,
        }
    }

    /// Whether the value is not encrypted yet.
    #[must_use]
    pub fn is_plaintext(&self) -> bool {
        is_plaintext(&self.stored)
    }
}

/// Whether a stored value does not begin as a sealed one does.
pub(in crate::crypto) fn is_plaintext(stored: &[u8]) -> bool {
    stored.first() != Some(&VERSION) && !is_text(stored)
}

/// Whether a stored value begins as the text of a sealed one does.
pub(in crate::crypto) fn is_text(stored: &[u8]) -> bool {
    stored.starts_with(TEXT_PREFIX.as_bytes())
}

impl<T> fmt::Debug for Migrating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrating")
            .field("is_plaintext", &self.is_plaintext())
            .finish_non_exhaustive()
    }
}

/// A column whose table still holds values in plaintext, as
/// [`FieldColumn::migrating_until`] gives it.
///
/// Until it is over, whoever can write to the table can put plaintext of their own there, for
/// any row, and have it believed. So there is no way to it without an end.
///
/// ```
/// use portcullis::clock::{FakeClock, Timestamp};
/// use portcullis::crypto::field::{FieldCipher, Migrating};
/// use portcullis::crypto::keyring::Keyring;
/// use std::time::Duration;
///
/// let email = FieldCipher::new(Keyring::generate(), "shop").column("users", "email")?;
/// let time = FakeClock::at_unix_seconds(1_790_000_000);
/// let end = Timestamp::from_unix_seconds(1_790_086_400);
/// let email = email.migrating_until(end).with_clock(time.clock());
///
/// let old = Migrating::<String>::from_stored("ann@example.com");
/// assert_eq!(email.open(&old, 1)?.expose(), "ann@example.com");
/// assert_eq!(email.plaintext_reads(), 1);
///
/// time.advance(Duration::from_secs(86_400));
/// assert!(email.open(&old, 1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MigratingColumn {
    column: FieldColumn,
    end: Timestamp,
    clock: Clock,
    plaintext_reads: Arc<AtomicU64>,
}

impl MigratingColumn {
    pub(super) fn new(column: FieldColumn, end: Timestamp) -> Self {
        Self {
            column,
            end,
            clock: Clock::system(),
            plaintext_reads: Arc::default(),
        }
    }

    /// Takes the time from this clock.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The column, to seal with.
    #[must_use]
    pub const fn column(&self) -> &FieldColumn {
        &self.column
    }

    /// Opens a sealed value, or reads one in plaintext while that is accepted.
    ///
    /// # Errors
    /// As [`FieldColumn::open`]; and when it is plaintext and the time for that is over, or it
    /// is no `T`.
    pub fn open<'a, T: FieldValue>(
        &self,
        value: &Migrating<T>,
        row: impl Into<RowId<'a>>,
    ) -> Result<Plain<T>, Refused> {
        let stored = &*value.stored;
        if !value.is_plaintext() {
            let sealed = Encrypted::from_stored(stored.clone()).map_err(|_| Reason::Malformed)?;
            return self.column.open(&sealed, row);
        }
        if self.clock.now() >= self.end {
            return Err(Reason::Plaintext.into());
        }
        let read = T::from_plaintext(stored).ok_or(Reason::Unreadable)?;
        self.plaintext_reads.fetch_add(1, Ordering::Relaxed);
        Ok(Plain::new(read))
    }

    /// How many values in plaintext this column and its clones have read, in this process:
    /// once it stays at zero, the migration can end.
    #[must_use]
    pub fn plaintext_reads(&self) -> u64 {
        self.plaintext_reads.load(Ordering::Relaxed)
    }
}
