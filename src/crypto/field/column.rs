use super::batch::BatchSealer;
use super::encrypted::Encrypted;
use super::format::{self, Parts, Place, encoded_names};
use super::keys::{ColumnKeys, Derivation};
use super::migrating::MigratingColumn;
use super::padding::{Padding, unpadded};
use super::plain::Plain;
use super::value::{FieldValue, Sealable};
use super::{FieldCipher, MAX_PLAINTEXT, RowId};
use crate::clock::Timestamp;
use crate::crypto::aead::{Aes256Gcm, halves};
use crate::crypto::keyring::LiveKeyring;
use crate::crypto::{Reason, Refused, SecretSealer};
use crate::random::Random;
use crate::secret::{SecretBytes, wipe_vec};
use arc_swap::{ArcSwap, Guard};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Seals and opens the values of one column. Cheap to clone.
///
/// Keys are derived once and again when the keyring changes; there is no nonce to give and no
/// key to choose.
#[derive(Clone)]
pub struct FieldColumn(Arc<Column>);

struct Column {
    cipher: FieldCipher,
    table: Box<str>,
    column: Box<str>,
    names: Vec<u8>,
    keys: ArcSwap<ColumnKeys>,
}

impl FieldColumn {
    pub(super) fn new(cipher: &FieldCipher, table: &str, column: &str) -> Self {
        let names = encoded_names(&[&cipher.namespace, table, column]);
        let derivation = derivation(cipher, table, column, &names);
        let keys = ColumnKeys::derive(&cipher.keyring, &derivation);
        Self(Arc::new(Column {
            cipher: cipher.clone(),
            table: table.into(),
            column: column.into(),
            names,
            keys: ArcSwap::from_pointee(keys),
        }))
    }

    /// Seals a value for one row, with the primary key and a nonce of 192 random bits.
    ///
    /// What `NULL` is, stays `NULL`: seal what an `Option` holds, if it holds anything.
    ///
    /// # Errors
    /// When it is longer than 16 MiB, or serde cannot write it.
    pub fn seal<'a, V: Sealable + ?Sized>(
        &self,
        value: &V,
        row: impl Into<RowId<'a>>,
    ) -> Result<Encrypted<V::Value>, Refused> {
        let row = row.into();
        let mut sealed = Vec::new();
        let done = value.with_bytes(|plain| self.seal_into(&mut sealed, plain, row, &[]));
        done.ok_or(Reason::Unwritable)??;
        Ok(Encrypted::from_bytes(sealed))
    }

    /// Opens what was sealed for the same row of this column.
    ///
    /// # Errors
    /// When it was sealed elsewhere, was changed, or its key is not in use; or when it is no
    /// `T`. All of them look the same; [`Refused::reason`] is for the log.
    pub fn open<'a, T: FieldValue>(
        &self,
        sealed: &Encrypted<T>,
        row: impl Into<RowId<'a>>,
    ) -> Result<Plain<T>, Refused> {
        self.open_with(sealed.as_bytes(), row.into(), &[], |plain| {
            let value = T::from_bytes(plain).ok_or(Reason::Unreadable)?;
            Ok(Plain::new(value))
        })
    }

    /// A sealer for many values in one go: a third of the cost each.
    #[must_use]
    pub fn batch(&self) -> BatchSealer {
        BatchSealer::new(self.clone())
    }

    /// This column while its table still holds values in plaintext: they are read until that
    /// moment, and refused after it.
    pub fn migrating_until(&self, end: Timestamp) -> MigratingColumn {
        MigratingColumn::new(self.clone(), end)
    }

    /// The namespace that its values are bound to.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.0.cipher.namespace
    }

    /// The name of its table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.0.table
    }

    /// The name of the column.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.column
    }

    /// The keys that it seals and opens with.
    #[must_use]
    pub fn keyring(&self) -> &LiveKeyring {
        &self.0.cipher.keyring
    }

    /// Whether a value was sealed as values are sealed now: with the primary key, with or
    /// without the full commitment, and to a length that the padding gives. If not, it is to be
    /// sealed again before the old key is taken out of use.
    ///
    /// It goes by what the value says, and does not open it: of a value whose length fits the
    /// padding by chance it says yes, for such a length tells no more than the others.
    #[must_use]
    pub fn is_current<T>(&self, sealed: &Encrypted<T>) -> bool {
        self.is_current_bytes(sealed.as_bytes())
    }

    fn is_current_bytes(&self, sealed: &[u8]) -> bool {
        Parts::of(sealed).is_ok_and(|parts| self.is_current_with(&self.keys(), sealed, &parts))
    }

    /// Whether it was sealed as values are sealed now, by the keys that are in use.
    pub(super) fn is_current_with(
        &self,
        keys: &ColumnKeys,
        sealed: &[u8],
        parts: &Parts<'_>,
    ) -> bool {
        self.padding().gives(parts.data.len()) && sealed.starts_with(&keys.primary().prefix)
    }

    /// What a value is sealed as now: another, and none of those before it is current.
    pub(in crate::crypto) fn sealed_as(&self) -> String {
        let keys = self.keys();
        let prefix = keys.primary().prefix.iter();
        let prefix: String = prefix.map(|byte| format!("{byte:02x}")).collect();
        format!("{prefix} {:?}", self.padding())
    }

    /// The keys, derived anew when the keyring has changed.
    pub(super) fn keys(&self) -> Guard<Arc<ColumnKeys>> {
        let column = &*self.0;
        let keys = column.keys.load();
        if keys.generation == column.cipher.keyring.generation() {
            return keys;
        }
        Guard::from_inner(column.derive_anew())
    }

    pub(super) fn generation(&self) -> u64 {
        self.0.cipher.keyring.generation()
    }

    pub(super) fn random(&self) -> &Random {
        &self.0.cipher.random
    }

    pub(super) fn padding(&self) -> Padding {
        self.0.cipher.padding
    }

    /// Seals a value into `sealed`, which is empty.
    fn seal_into(
        &self,
        sealed: &mut Vec<u8>,
        plain: &[u8],
        row: RowId<'_>,
        extra: &[u8],
    ) -> Result<(), Refused> {
        if plain.len() > MAX_PLAINTEXT {
            return Err(Reason::TooLong.into());
        }
        let keys = self.keys();
        let key = keys.primary();
        let nonce = self.random().bytes();
        let (epoch, rest) = halves(&nonce);
        let cipher = key.cipher()?.cipher_of(epoch);
        let place = Place {
            column: [&key.associated, &[]],
            row,
            extra,
        };
        let mut associated = Vec::with_capacity(place.encoded_length());
        place.append_to(&mut associated);
        let (start, padding) = ([&key.prefix, &nonce[..]], self.padding());
        format::seal(sealed, &cipher, start, rest, &associated, padding, plain)
    }

    /// Opens a value and hands it over before it is wiped.
    fn open_with<R>(
        &self,
        sealed: &[u8],
        row: RowId<'_>,
        extra: &[u8],
        then: impl FnOnce(&[u8]) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let parts = Parts::of(sealed)?;
        let cipher = self.keys().opening(&parts)?.cipher_of(parts.epoch);
        let mut buffer = Zeroizing::default();
        let opened = then(self.open_parts(&cipher, &parts, row, extra, &mut buffer)?);
        wipe_vec(std::mem::take(&mut *buffer));
        opened
    }

    /// Opens a value, by the cipher of its key and epoch, into a buffer that can be used again.
    pub(super) fn open_parts<'b>(
        &self,
        cipher: &Aes256Gcm,
        parts: &Parts<'_>,
        row: RowId<'_>,
        extra: &[u8],
        buffer: &'b mut Zeroizing<Vec<u8>>,
    ) -> Result<&'b [u8], Refused> {
        let place = Place {
            column: [parts.head, &self.0.names],
            row,
            extra,
        };
        let data = format::open(cipher, parts, &place, buffer)?;
        if parts.suite.is_padded() {
            Ok(unpadded(data).ok_or(Reason::Padding)?)
        } else {
            Ok(data)
        }
    }
}

impl Column {
    #[cold]
    fn derive_anew(&self) -> Arc<ColumnKeys> {
        let derivation = derivation(&self.cipher, &self.table, &self.column, &self.names);
        let keys = Arc::new(ColumnKeys::derive(&self.cipher.keyring, &derivation));
        self.keys.store(Arc::clone(&keys));
        keys
    }
}

/// The owner is the row, and the purpose stands beside it in the associated data.
impl SecretSealer for FieldColumn {
    fn seal_secret(&self, purpose: &str, owner: &str, secret: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut sealed = Vec::new();
        self.seal_into(&mut sealed, secret, owner.into(), extra_of(purpose)?)?;
        Ok(sealed)
    }

    fn open_secret(
        &self,
        purpose: &str,
        owner: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, Refused> {
        self.open_with(sealed, owner.into(), extra_of(purpose)?, |plain| {
            Ok(SecretBytes::from(plain))
        })
    }
}

/// Without a purpose a secret would be a value of the column like any other.
fn extra_of(purpose: &str) -> Result<&[u8], Refused> {
    if purpose.is_empty() {
        return Err(Reason::NoPurpose.into());
    }
    Ok(purpose.as_bytes())
}

impl fmt::Debug for FieldColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldColumn")
            .field("namespace", &self.0.cipher.namespace)
            .field("table", &self.0.table)
            .field("column", &self.0.column)
            .finish_non_exhaustive()
    }
}

fn derivation<'a>(
    cipher: &FieldCipher,
    table: &'a str,
    column: &'a str,
    names: &'a [u8],
) -> Derivation<'a> {
    Derivation {
        names,
        table,
        column,
        padding: cipher.padding,
        commitment: cipher.commitment,
        backend: cipher.backend,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cipher::Commitment;
    use super::*;
    use crate::crypto::keyring::{Key, Keyring};

    /// Who can try 2^64 keys finds one with the id of another.
    #[test]
    fn a_key_with_the_id_of_another_opens_nothing() {
        let right = Key::generate();
        let wrong = Key::generate().with_forged_id(right.id());
        for (commitment, reason) in [
            (Commitment::KeyId, Reason::NotAuthentic),
            (Commitment::Full, Reason::WrongKey),
        ] {
            let email = |key: &Key| {
                let mut fields = FieldCipher::new(Keyring::new(key.clone()), "shop");
                fields.commitment = commitment;
                fields.column("users", "email").unwrap()
            };
            let sealed = email(&right).seal("ann@example.com", 1).unwrap();
            assert!(email(&right).open(&sealed, 1).is_ok());
            let refused = email(&wrong).open(&sealed, 1).unwrap_err();
            assert_eq!(refused.reason(), reason);
        }
    }
}
