//! Encrypts single values of a database, so that who reads a backup, a replica or a query log
//! reads nothing, and who can write to a table cannot move a value to where it does not belong.
//!
//! A value is sealed for one namespace (service or tenant), table, column and row, and opens
//! there alone:
//!
//! ```
//! use portcullis::crypto::field::FieldCipher;
//! use portcullis::crypto::keyring::Keyring;
//!
//! let fields = FieldCipher::new(Keyring::generate(), "shop");
//! let email = fields.column("users", "email")?;
//!
//! let sealed = email.seal("ann@example.com", 42)?;
//! assert_eq!(email.open(&sealed, 42)?.expose(), "ann@example.com");
//!
//! // In another row it is refused, and the error says no more than that.
//! let refused = email.open(&sealed, 43).unwrap_err();
//! assert_eq!(refused.to_string(), "the value was refused");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How
//!
//! 1. The cipher is XAES-256-GCM (C2SP): AES-256-GCM with a nonce of 192 bits, drawn at random
//!    for each value. There is no limit of 2^32 values to a key, and no nonce in this API.
//! 2. Each column has a key of its own, derived from the [keyring](super::keyring)'s.
//! 3. The associated data are version, suite, key id, namespace, table, column and row, each
//!    with its length before it, so no two places read the same.
//! 4. The key id is a commitment to the key: a value says which key it needs, and old ones
//!    open while their key is in the ring.
//! 5. Every refusal looks the same; its [reason](super::Refused::reason) is for the log.
//!
//! The bytes are specified in `docs/formats.md`. A sealed value is 50 bytes longer than the
//! value, 82 with the [full commitment](FieldCipher::with_full_commitment).
//!
//! # What it does not do
//!
//! * It does not hide how long a value is, unless [`Padding`] is set, nor whether it is `NULL`.
//! * It does not notice an old value of the same row put back.
//! * Equal values give different ciphertexts: there is no search by them, but by a blind index.
//! * It does not help against who has the keyring: keep it out of the database and its backups.
//! * On machines whose memory is copied, as by snapshots of virtual machines, use
//!   [`FieldCipher::with_random`] with [`Random::system`](crate::random::Random::system): two
//!   copies of a generator draw the same nonces. A `fork(2)` is noticed by itself.

mod batch;
mod cipher;
mod column;
mod encrypted;
mod error;
mod format;
mod keys;
mod migrating;
mod padding;
mod plain;
mod reseal;
mod row;
#[cfg(feature = "sqlx")]
mod sql;
mod value;

pub use batch::BatchSealer;
pub use cipher::FieldCipher;
pub use column::FieldColumn;
pub use encrypted::Encrypted;
pub(in crate::crypto) use encrypted::key_id;
pub use error::{FieldError, InvalidText};
pub use migrating::{Migrating, MigratingColumn};
pub(in crate::crypto) use migrating::{is_plaintext, is_text};
pub use padding::Padding;
pub use plain::Plain;
pub(in crate::crypto) use reseal::Resealer;
pub use row::RowId;
pub use value::{FieldValue, Json, Sealable};

/// The longest value, in bytes: longer ones are files.
pub const MAX_PLAINTEXT: usize = 16 << 20;
