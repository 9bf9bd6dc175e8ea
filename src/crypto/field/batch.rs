use super::encrypted::Encrypted;
use super::format::{self, Place};
use super::keys::ColumnKey;
use super::value::Sealable;
use super::{FieldColumn, MAX_PLAINTEXT, RowId};
use crate::crypto::aead::{Aes256Gcm, NONCE_LENGTH, XAES_NONCE_LENGTH};
use crate::crypto::{Reason, Refused};
use crate::random::ForkGuard;
use std::fmt;
use std::sync::Arc;

/// Seals many values of one column, at two fifths of the cost each: for imports, and for
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
        let sealed = value.with_bytes(|plain| self.seal_bytes(plain, row, &[]));
        let sealed = sealed.ok_or(Reason::Unwritable)??;
        Ok(Encrypted::from_bytes(sealed))
    }

    pub(super) fn seal_bytes(
        &mut self,
        plain: &[u8],
        row: RowId<'_>,
        extra: &[u8],
    ) -> Result<Vec<u8>, Refused> {
        if plain.len() > MAX_PLAINTEXT {
            return Err(Reason::TooLong.into());
        }
        let column = &self.column;
        let length = column.padding().padded(plain.len()) as u64;
        let mut current = self.epoch.take();
        let nonce = current
            .as_mut()
            .and_then(|epoch| epoch.next(column.generation(), length));
        let (epoch, nonce) = match (current, nonce) {
            (Some(epoch), Some(nonce)) => (epoch, nonce),
            _ => {
                let mut epoch = Box::new(Epoch::begin(column)?);
                let nonce = epoch.take(length).ok_or(Reason::TooLong)?;
                (epoch, nonce)
            }
        };
        let Epoch { key, cipher, .. } = &**self.epoch.insert(epoch);
        let place = Place {
            column: [&key.associated, &[]],
            row,
            extra,
        };
        format::seal(cipher, &key.prefix, &nonce, &place, column.padding(), plain)
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
    id: [u8; NONCE_LENGTH],
    key: Arc<ColumnKey>,
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

    fn begin(column: &FieldColumn) -> Result<Self, Refused> {
        // Before the randomness: a fork between the two is noticed.
        let forks = ForkGuard::new();
        let random = column.random();
        let [id, start] = [random.bytes(), random.bytes::<NONCE_LENGTH>()];
        let keys = column.keys();
        let key = Arc::clone(keys.primary());
        let cipher = key.cipher()?.cipher_of(&id);
        let start = start
            .iter()
            .fold(0, |start, byte| start << 8 | u128::from(*byte));
        Ok(Self {
            id,
            key,
            cipher,
            generation: keys.generation,
            forks,
            counter: start,
            messages_left: if random.keeps_nothing() {
                1
            } else {
                Self::MESSAGES
            },
            bytes_left: Self::BYTES,
        })
    }

    /// The nonce for the next message; `None` when the epoch is over.
    #[inline]
    fn next(&mut self, generation: u64, length: u64) -> Option<[u8; XAES_NONCE_LENGTH]> {
        let is_over = self.forks.forked() || self.generation != generation;
        if is_over { None } else { self.take(length) }
    }

    #[inline]
    fn take(&mut self, length: u64) -> Option<[u8; XAES_NONCE_LENGTH]> {
        self.messages_left = self.messages_left.checked_sub(1)?;
        self.bytes_left = self.bytes_left.checked_sub(length)?;
        let mut nonce = [0; XAES_NONCE_LENGTH];
        *nonce.first_chunk_mut()? = self.id;
        *nonce.last_chunk_mut::<NONCE_LENGTH>()? = *self.counter.to_be_bytes().last_chunk()?;
        self.counter = self.counter.wrapping_add(1);
        Some(nonce)
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
        Epoch::begin(&column(Random::secure())).unwrap()
    }

    #[test]
    fn an_epoch_ends_with_its_bytes() {
        let mut epoch = epoch();
        assert!(epoch.take(Epoch::BYTES - 1).is_some());
        assert!(epoch.take(1).is_some());
        assert!(epoch.take(0).is_some());
        assert!(epoch.take(1).is_none());
    }

    #[test]
    fn an_epoch_ends_with_its_messages() {
        let mut epoch = epoch();
        epoch.messages_left = 2;
        assert!(epoch.take(0).is_some() && epoch.take(0).is_some());
        assert!(epoch.take(0).is_none());
    }

    #[test]
    fn the_counter_goes_round() {
        let mut epoch = epoch();
        epoch.counter = (1 << 96) - 1;
        let mut count = || epoch.take(0).unwrap().last_chunk::<12>().copied();
        assert_eq!(count(), Some([0xFF; 12]));
        assert_eq!(count(), Some([0; 12]));
    }

    #[test]
    fn nothing_is_kept_where_memory_may_be_copied() {
        let mut sealer = column(Random::system()).batch();
        let mut epoch = || {
            sealer.seal("a", 1).unwrap();
            sealer.epoch.as_ref().unwrap().id
        };
        assert_ne!(epoch(), epoch());
    }
}
