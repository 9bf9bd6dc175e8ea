//! A key for each person, so that a person can be forgotten: destroy the key, and everything
//! that was sealed with it is unreadable, wherever copies of it lie.
//!
//! The keys of subjects are made as they are needed, wrapped by a [`Kek`] and kept in
//! [`Records`], beside the data or elsewhere. A destroyed key leaves a tombstone, so that the
//! subject is [`Erased`](SubjectErrorKind::Erased) for good and no new key is made by accident.
//!
//! ```
//! use portcullis::crypto::field::FieldCipher;
//! use portcullis::crypto::kek::LocalKek;
//! use portcullis::crypto::keyring::Keyring;
//! use portcullis::crypto::subject::{SubjectErrorKind, SubjectKeys};
//! use portcullis::store::Records;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let subjects = SubjectKeys::new(Records::memory(), LocalKek::new(Keyring::generate()));
//!
//! // Ask for the keyring at each use; it is cached.
//! let ann = subjects.get_or_create("ann").await?;
//! let notes = FieldCipher::new(ann, "clinic").column("notes", "text")?;
//! let sealed = notes.seal("allergic to penicillin", 7)?;
//!
//! subjects.destroy("ann").await?;
//! let gone = subjects.get("ann").await.unwrap_err();
//! assert_eq!(gone.kind(), SubjectErrorKind::Erased);
//! # let _ = sealed;
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What decides whether somebody is forgotten
//!
//! - **Backups of the key records.** Who restores one restores the key. Keep their backups for
//!   a shorter time than those of the data, and destroy again after a restore.
//! - **Other processes** that share the records have the key until their cache is older than
//!   [`SubjectKeys::max_age`].
//! - **What is not sealed with it**: blind-index terms, search indexes, logs, exports. Delete
//!   the terms of the subject's rows together with the key.
//! - A [`Keyring`] that was handed out works until it is dropped.

mod error;
mod keys;
mod record;
mod rewrap;

pub use error::{SubjectError, SubjectErrorKind};
pub use keys::SubjectKeys;
pub use rewrap::{SubjectProblem, SubjectRewrap};

#[cfg(doc)]
use super::{kek::Kek, keyring::Keyring};
#[cfg(doc)]
use crate::store::Records;
