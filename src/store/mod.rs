//! Where shared state lives, so that a control works the same on one machine and on many.
//!
//! A [`Store`] holds what may pass: sessions, spent quotas, ids that were seen, bans. Every
//! entry expires, and every operation is atomic, on all machines that share the store. Against
//! replay and races that is the whole defense: of many that bring the same one-time code, one
//! gets it. What must not be lost goes into [`Records`].
//!
//! ```
//! use portcullis::store::{Key, Namespace, Store};
//! use std::time::Duration;
//!
//! const CODES: Namespace = Namespace::values("one-time-code");
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = Store::memory();
//! let key = Key::new(CODES, "ann@example.com");
//! store.put(key, b"491 733", Duration::from_secs(300)).await?;
//!
//! assert_eq!(store.take(key).await?.as_deref(), Some(b"491 733".as_slice()));
//! assert_eq!(store.take(key).await?, None, "used once");
//! # Ok::<(), portcullis::store::StoreError>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Keys
//!
//! A [`Key`] is a [`Namespace`], fixed in the program, and an id of any bytes. The two cannot
//! run into each other, so what a user typed may be an id. Entries that must be dealt with
//! together are put under an [`Owner`]: a user's sessions, which are listed, limited in number
//! and revoked at once; or the quotas of one client, which are charged together.
//!
//! Whoever wants such an entry must know its owner. A session cookie, for one, says the owner
//! beside the secret: only so can a Redis Cluster keep the entry and the list of its owner on
//! one machine, and change both at one moment.
//!
//! # When it fails
//!
//! An operation that fails says why by [`StoreErrorKind`]; it never makes up an answer. Who
//! asked decides what that means: what guards identity or against replay should refuse with
//! 503, what counts may fall back on something local.
//!
//! # A store of your own
//!
//! Implement [`StoreBackend`] (or [`RecordsBackend`]), whose documentation is the contract, and
//! run the conformance suite of the feature `conformance` against it.

mod backend;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod future;
pub mod gcra;
mod handle;
mod key;
mod memory;
mod outcome;
mod quota;
mod records;
#[cfg(feature = "redis")]
pub mod redis;

pub use backend::StoreBackend;
pub use error::{StoreError, StoreErrorKind};
pub use future::StoreFuture;
pub use handle::Store;
pub use key::{EntryKind, Key, Namespace, Owner};
pub use memory::{MemoryStore, MemoryStoreBuilder, Usage};
pub use outcome::{Count, OwnedEntry, OwnedPut, OwnerLimit, Swap};
pub use quota::{Charge, Decision};
pub use records::{
    Action, Change, Collection, MemoryRecords, Record, Records, RecordsBackend, Version,
};
