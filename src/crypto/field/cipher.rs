use super::FieldColumn;
use super::error::FieldError;
use super::padding::Padding;
use crate::crypto::aead::Backend;
use crate::crypto::keyring::LiveKeyring;
use crate::random::Random;
use std::sync::Arc;

/// How much of the commitment to its key a value carries, and has to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commitment {
    /// Values carry the key id. Those that carry all of it open too.
    KeyId,
    /// Values carry all of it, and others are refused.
    Full,
    /// Values carry all of it from now on, and others open still.
    FullFromNowOn,
}

/// Encrypts single values of a database, each bound to its namespace, table, column and row.
///
/// It is set up once and gives a [`FieldColumn`] for each column. Cheap to clone.
#[derive(Clone, Debug)]
#[must_use]
pub struct FieldCipher {
    pub(super) keyring: LiveKeyring,
    pub(super) namespace: Arc<str>,
    pub(super) backend: Backend,
    pub(super) padding: Padding,
    pub(super) random: Random,
    pub(super) commitment: Commitment,
}

impl FieldCipher {
    /// The longest name of a namespace, table or column, in bytes.
    pub const MAX_NAME_LEN: usize = 255;

    /// Seals with the keys of this keyring, for this namespace: the name of the service, and
    /// of the tenant where tenants must not read each other's values.
    pub fn new(keyring: impl Into<LiveKeyring>, namespace: impl Into<Arc<str>>) -> Self {
        Self {
            keyring: keyring.into(),
            namespace: namespace.into(),
            backend: Backend::default(),
            padding: Padding::None,
            random: Random::secure(),
            commitment: Commitment::KeyId,
        }
    }

    /// Chooses the library that computes AES-256-GCM. All give the same bytes.
    pub const fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Hides the length of values. The default is [`Padding::None`].
    pub const fn with_padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Takes nonces from elsewhere: from [`Random::system`] on hosts whose memory is copied,
    /// as by snapshots of virtual machines. A [`BatchSealer`](super::BatchSealer) then asks it
    /// for each value, and is no faster than [`FieldColumn::seal`].
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Writes the whole commitment of the key, 32 bytes more, into each value (suite 0x81), and
    /// refuses values without it.
    ///
    /// The key id, of 8 bytes, finds the key and finds mistakes. Who brings keys of their own
    /// to your service could try 2^32 of them until two share an id, and then make a value
    /// that opens under both to different texts; 32 bytes leave no hope of that.
    ///
    /// For a table that has values without it, see
    /// [`with_full_commitment_but_accepting_values_without`](Self::with_full_commitment_but_accepting_values_without).
    pub const fn with_full_commitment(mut self) -> Self {
        self.commitment = Commitment::Full;
        self
    }

    /// Writes the whole commitment, and **accepts values without it all the same**, so it
    /// protects from nobody yet: for the time until a table has been migrated.
    ///
    /// 1. Use it everywhere.
    /// 2. [Rewrap](crate::crypto::rotation) with it: values without the commitment are not
    ///    [current](super::FieldColumn::is_current), and are sealed again.
    /// 3. Use [`with_full_commitment`](Self::with_full_commitment) everywhere.
    pub const fn with_full_commitment_but_accepting_values_without(mut self) -> Self {
        self.commitment = Commitment::FullFromNowOn;
        self
    }

    /// The cipher of one column, with keys of its own.
    ///
    /// # Errors
    /// When the name of the namespace, table or column is empty or longer than 255 bytes, or
    /// the padding is to blocks of no bytes.
    pub fn column(&self, table: &str, column: &str) -> Result<FieldColumn, FieldError> {
        let names = [
            ("namespace", &*self.namespace),
            ("table", table),
            ("column", column),
        ];
        for (what, name) in names {
            if name.is_empty() || name.len() > Self::MAX_NAME_LEN {
                return Err(FieldError::Name(what, name.len()));
            }
        }
        if self.padding == Padding::Block(0) {
            return Err(FieldError::NoBlock);
        }
        Ok(FieldColumn::new(self, table, column))
    }
}
