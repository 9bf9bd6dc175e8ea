//! Retires a key: seals every stored value again with the primary one, while the service runs,
//! and counts what is left of the old.
//!
//! A key that is destroyed too early takes its values with it; one column that nobody thought
//! of is enough. So all encrypted columns are listed in a [`Registry`], and a
//! [`Rotation`] walks them all:
//!
//! 1. [`rewrap`](Rotation::rewrap) reads each column by pages, opens what an old key sealed,
//!    seals it again and writes it only if it is still what was read: a service that writes at
//!    the same moment loses nothing. It keeps a checkpoint, so that it can be killed and goes
//!    on; it can be slowed down; what it cannot open it reports, and leaves as it is.
//! 2. [`dry_run`](Rotation::dry_run) does all of it but write, and
//!    [`verify`](Rotation::verify) opens every value.
//! 3. [`census`](Rotation::census) counts the values of each key. It says whether a key is
//!    [safe to retire](Census::check_retirable), and whether the keyring [has all keys that
//!    stored values need](Census::check_ready): ask the second before a service takes requests
//!    with another keyring. It counts listed columns, and the [files](Census::count_file) it is
//!    shown; of everything else it knows nothing.
//!
//! # The order of things
//!
//! Add the new key everywhere, promote it everywhere, rewrap, and take a census twice, some
//! time apart: a machine that was forgotten still writes under the old key. Only then disable
//! the key, wait until nothing is refused for it, and destroy it. Backups from before need it
//! for as long as they are kept.
//!
//! ```
//! use portcullis::crypto::field::FieldCipher;
//! use portcullis::crypto::keyring::{Key, Keyring, LiveKeyring};
//! use portcullis::crypto::rotation::{EncryptedColumn, MemoryTable, Registry, Rotation, RowKey};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let keys = LiveKeyring::new(Keyring::generate());
//! let email = FieldCipher::new(keys.clone(), "shop").column("users", "email")?;
//! let registry = Registry::new([EncryptedColumn::new(email.clone())])?;
//!
//! let table = MemoryTable::new(); // Implement `Table` for your database.
//! for id in 1..=3 {
//!     let sealed = email.seal("ann@example.com", id)?;
//!     table.put("users", "email", RowKey::Integer(id), Some(sealed.into_bytes()));
//! }
//!
//! let (old, new) = (keys.current().primary().id(), Key::generate());
//! let id = new.id();
//! keys.replace(keys.current().with_key(new)?.promote(id)?);
//!
//! let rotation = Rotation::new(&registry, &table);
//! let census = rotation.census().await?;
//! assert!(census.check_retirable(old, &keys.current()).is_err(), "3 values need it");
//!
//! let report = rotation.rewrap().await?;
//! assert_eq!(report.totals().resealed, 3);
//! rotation.census().await?.check_retirable(old, &keys.current())?;
//! keys.replace(keys.current().destroy(old)?);
//! assert!(rotation.verify().await?.is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```

mod census;
mod checkpoint;
mod error;
mod memory;
mod registry;
mod report;
mod rewrap;
mod table;
mod work;

pub use census::{Census, ColumnCensus, FileCensus, NotReady, NotRetirable};
pub use error::{RegistryError, RotationError};
pub use memory::MemoryTable;
pub use registry::{EncryptedColumn, Registry};
pub use report::{ColumnReport, Counts, Problem, Progress, Report};
pub use rewrap::Rotation;
pub use table::{Replacement, RowKey, StoredRow, Table};
