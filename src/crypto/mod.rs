//! Who wrote it, and who can read it? Keys and what is done with them; no HTTP here.

#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod aead;
#[cfg(feature = "field-encryption")]
pub mod blind_index;
#[cfg(feature = "field-encryption")]
pub mod field;
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod hazmat;
#[cfg(feature = "jwt")]
pub(crate) mod json;
#[cfg(feature = "field-encryption")]
pub(crate) mod kdf;
#[cfg(feature = "field-encryption")]
pub mod keyring;
#[cfg(feature = "jwt")]
pub mod keys;
mod sealer;
#[cfg(feature = "field-encryption")]
mod stretch;

pub use sealer::{Reason, Refused, SecretSealer};
#[cfg(feature = "field-encryption")]
pub use stretch::{Stretch, StretchError};
