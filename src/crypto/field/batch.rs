use super::encrypted::Encrypted;
use super::format::{self, append_binding};
use super::padding::Padding;
use super::value::Sealable;
use super::{FieldColumn, MAX_PLAINTEXT, RowId};
use crate::crypto::aead::{Aes256Gcm, NONCE_LENGTH};
use crate::crypto::{Reason, Refused};
use crate::random::ForkGuard;
use std::fmt;

/// Seals many values of one column, at a third of the cost each: for imports, and for
/// sealing a table again under another key.
///
/// It keeps the first half of the nonce, with the cipher made for it (an *epoch*), and counts
/// in the second half from a random start. What comes out is like everything else. It starts
/// another epoch after 2^20 values or 64 GiB, when the keyring changes, and in the child of a
/// `fork(2)`.
///
/// Nonces that count tell in which order values were sealed. Where that is a secret (ballots),
/// use [`FieldColumn::seal`].
///
/// It is not for two at once, and does not clone:
///
/// ```compile_fail,E0277
/// # use portcullis::crypto::field::BatchSealer;
/// fn copied<T: Clone>() {}
/// copied::<BatchSealer>();
/// ```
pub struct BatchSealer {
    column: FieldColumn,
    /// Boxed, for an expanded key is long to move.
    epoch: Option<Box<Epoch>>,
}

impl BatchSealer {
    pub(super) const fn new(column: FieldColumn) -> Self {
        Self {
            column,
            epoch: None,
        }
    }

    /// Seals a value for one row, as [`FieldColumn::seal`] does.
    ///
    /// # Errors
    /// As [`FieldColumn::seal`].
    pub fn seal<'a, V: Sealable + ?Sized>(
        &mut self,
        value: &V,
        row: impl Into<RowId<'a>>,
    ) -> Result<Encrypted<V::Value>, Refused> {
        let row = row.into();
        let mut sealed = Vec::new();
        let done = value.with_bytes(|plain| self.seal_into(&mut sealed, plain, row, &[]));
        done.ok_or(Reason::Unwritable)??;
        Ok(Encrypted::from_bytes(sealed))
    }

    /// Seals a value into `sealed`, which is empty.
    pub(super) fn seal_into(
        &mut self,
        sealed: &mut Vec<u8>,
        plain: &[u8],
        row: RowId<'_>,
        extra: &[u8],
    ) -> Result<(), Refused> {
        if plain.len() > MAX_PLAINTEXT {
            return Err(Reason::TooLong.into());
        }
        let column = &self.column;
        let padding = column.padding();
        let length = padding.padded(plain.len()) as u64;
        let goes_on = |epoch: &mut Box<Epoch>| epoch.goes_on(column.generation(), length);
        if !self.epoch.as_mut().is_some_and(goes_on) {
            // First of all: a fork is told once, and beginning another epoch may fail.
            self.epoch = None;
        }
        let epoch = match &mut self.epoch {
            Some(epoch) => epoch,
            none => none.insert(Box::new(Epoch::begin(column, length)?)),
        };
        epoch.seal_into(sealed, plain, row, extra, padding)
    }
}

impl fmt::Debug for BatchSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchSealer")
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

/// One first half of nonces.
struct Epoch {
    /// What all its values begin with: head, perhaps the commitment, and the first half.
    start: Vec<u8>,
    /// Head and names, and behind them what else the value before was bound to.
    associated: Vec<u8>,
    names_end: usize,
    cipher: Aes256Gcm,
    generation: u64,
    forks: ForkGuard,
    /// The next second half, of 96 bits.
    counter: u128,
    messages_left: u32,
    bytes_left: u64,
}

impl Epoch {
    /// NIST SP 800-38D allows 2^32 invocations for each key; with fewer, a guess at the
    /// subkey of one epoch is worth less.
    const MESSAGES: u32 = 1 << 20;
    const BYTES: u64 = 64 << 30;

    /// Begins one with a message of this length.
    fn begin(column: &FieldColumn, length: u64) -> Result<Self, Refused> {
        // Before the randomness: a fork between the two is noticed.
        let forks = ForkGuard::new();
        let random = column.random();
        let [id, start] = [random.bytes(), random.bytes::<NONCE_LENGTH>()];
        let keys = column.keys();
        let key = keys.primary();
        let counter = start
            .iter()
            .fold(0, |start, byte| start << 8 | u128::from(*byte));
        let mut epoch = Self {
            start: [&key.prefix, &id[..]].concat(),
            associated: key.associated.clone(),
            names_end: key.associated.len(),
            cipher: key.cipher()?.cipher_of(&id),
            generation: keys.generation,
            forks,
            counter,
            messages_left: if random.keeps_nothing() {
                1
            } else {
                Self::MESSAGES
            },
            bytes_left: Self::BYTES,
        };
        epoch.count(length).ok_or(Reason::TooLong)?;
        Ok(epoch)
    }

    /// Counts another message; whether it still belongs to this epoch.
    #[inline]
    fn goes_on(&mut self, generation: u64, length: u64) -> bool {
        let is_over = self.forks.forked() || self.generation != generation;
        !is_over && self.count(length).is_some()
    }

    #[inline]
    fn count(&mut self, length: u64) -> Option<()> {
        self.messages_left = self.messages_left.checked_sub(1)?;
        self.bytes_left = self.bytes_left.checked_sub(length)?;
        Some(())
    }

    /// Seals a message that was counted.
    #[inline]
    fn seal_into(
        &mut self,
        sealed: &mut Vec<u8>,
        plain: &[u8],
        row: RowId<'_>,
        extra: &[u8],
        padding: Padding,
    ) -> Result<(), Refused> {
        let nonce = self.nonce();
        self.associated.truncate(self.names_end);
        append_binding(&mut self.associated, row, extra);
        let start = [&self.start, &nonce[..]];
        let (cipher, associated) = (&self.cipher, &self.associated);
        format::seal(sealed, cipher, start, &nonce, associated, padding, plain)
    }

    /// The second half of the next nonce.
    fn nonce(&mut self) -> [u8; NONCE_LENGTH] {
        let [_, _, _, _, nonce @ ..] = self.counter.to_be_bytes();
        self.counter = self.counter.wrapping_add(1);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::super::FieldCipher;
    use super::*;
    use crate::crypto::keyring::Keyring;
    use crate::random::Random;

    fn column(random: Random) -> FieldColumn {
        let fields = FieldCipher::new(Keyring::generate(), "shop").with_random(random);
        fields.column("users", "email").unwrap()
    }

    fn epoch() -> Epoch {
        Epoch::begin(&column(Random::secure()), 0).unwrap()
    }

    #[test]
    fn an_epoch_ends_with_its_bytes() {
        let mut epoch = epoch();
        assert!(epoch.count(Epoch::BYTES - 1).is_some());
        assert!(epoch.count(1).is_some());
        assert!(epoch.count(0).is_some());
        assert!(epoch.count(1).is_none());
    }

    #[test]
    fn an_epoch_ends_with_its_messages() {
        let mut epoch = epoch();
        epoch.messages_left = 2;
        assert!(epoch.count(0).is_some() && epoch.count(0).is_some());
        assert!(epoch.count(0).is_none());
    }

    #[test]
    fn the_counter_goes_round() {
        let mut epoch = epoch();
        epoch.counter = (1 << 96) - 1;
        assert_eq!(epoch.nonce(), [0xFF; 12]);
        assert_eq!(epoch.nonce(), [0; 12]);
        assert_eq!(epoch.nonce(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn what_the_value_before_was_bound_to_is_gone() {
        let column = column(Random::secure());
        let mut sealer = column.batch();
        let longer = sealer.seal("a", "a long id of a row").unwrap();
        let sealed = sealer.seal("b", 1).unwrap();
        assert_eq!(column.open(&sealed, 1).unwrap().expose(), "b");
        assert_eq!(
            column.open(&longer, "a long id of a row").unwrap().expose(),
            "a"
        );
        assert!(column.open(&sealed, "a long id of a row").is_err());
    }

    #[test]
    fn nothing_is_kept_where_memory_may_be_copied() {
        let mut sealer = column(Random::system()).batch();
        let mut epoch = || {
            sealer.seal("a", 1).unwrap();
            sealer.epoch.as_ref().unwrap().start.clone()
        };
        assert_ne!(epoch(), epoch());
    }
}
