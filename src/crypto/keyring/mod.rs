//! The keys that data is encrypted with, and how they are replaced.
//!
//! A [`Keyring`] is an immutable snapshot: one key is [primary](KeyState::Primary) and seals,
//! others open what they sealed before. A [`LiveKeyring`] holds the snapshot that is in use
//! and can be given another one while requests are served.
//!
//! Nobody assigns a [`KeyId`]: it is the beginning of a commitment to the key itself, so two
//! keys cannot share one by mistake, and a value says which key it needs.
//!
//! # Rotation
//!
//! In two steps, for a fleet of machines is never changed in one moment:
//!
//! 1. [add](Keyring::with_key) the new key to every machine. It opens, and nothing is sealed
//!    with it yet.
//! 2. When every machine has it, [promote](Keyring::promote) it on each.
//!
//! Promoted at once, the first machine would write what the others cannot read. Old values are
//! sealed again at leisure; when none is left under the old key, [disable](Keyring::disable)
//! it, watch whether anything is refused, and only then [destroy](Keyring::destroy) it.
//!
//! ```
//! use portcullis::crypto::keyring::{Key, KeyState, Keyring, LiveKeyring};
//!
//! let keyring = Keyring::generate();
//! let live = LiveKeyring::new(keyring.clone());
//! let (old, new) = (keyring.primary().id(), Key::generate());
//! let promoted = new.id();
//!
//! live.replace(live.current().with_key(new)?);         // everywhere, first
//! assert_eq!(live.current().primary().id(), old);
//! live.replace(live.current().promote(promoted)?);     // and then this
//! assert_eq!(live.current().primary().id(), promoted);
//! assert_eq!(live.current().key(old).map(Key::state), Some(KeyState::DecryptOnly));
//!
//! // The key that seals cannot be destroyed.
//! assert!(live.current().destroy(promoted).is_err());
//! # Ok::<(), portcullis::crypto::keyring::KeyringError>(())
//! ```
//!
//! # As text
//!
//! [`Keyring::parse`] reads what [`Keyring::to_text`] writes, for an environment variable
//! ([`Keyring::from_env`]) or a file: entries apart by white space or commas, each
//!
//! ```text
//! pck1.STATE.ID.CREATED.KEY
//! pck1.primary.6d1fd3c3a4b1c2e0.1790000000.q83v...43 characters
//! ```
//!
//! with the state `primary`, `decrypt-only`, `disabled` or `destroyed`, the id as 16
//! hexadecimal digits, the time of creation in Unix seconds, and the 32 bytes of the key as
//! base64url without padding (of a destroyed key, those of its commitment, which is no
//! secret). The id has to fit the key, so a key that was cut or mistyped is found at once.

mod error;
mod id;
mod key;
mod live;
mod ring;
mod text;

pub use error::{EntryError, KeyringError};
pub use id::{InvalidKeyId, KeyId};
pub use key::{Key, KeyState};
pub use live::LiveKeyring;
pub use ring::Keyring;
