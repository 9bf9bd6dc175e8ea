//! Who wrote it, and who can read it? Keys and what is done with them; no HTTP here.

#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod aead;
#[cfg(feature = "field-encryption")]
pub mod blind_index;
#[cfg(feature = "field-encryption")]
pub mod field;
#[cfg(feature = "file-encryption")]
pub mod file;
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod hazmat;
#[cfg(any(feature = "jwt", feature = "signing"))]
#[cfg_attr(
    not(feature = "jwt"),
    allow(dead_code, reason = "keys need only a part of it")
)]
pub(crate) mod json;
#[cfg(any(
    feature = "field-encryption",
    feature = "file-encryption",
    feature = "one-time-code",
    feature = "refresh-token",
    feature = "throttle"
))]
#[cfg_attr(
    not(feature = "field-encryption"),
    allow(dead_code, reason = "others need only a part of it")
)]
pub(crate) mod kdf;
#[cfg(feature = "field-encryption")]
pub mod kek;
#[cfg(feature = "field-encryption")]
pub mod key_source;
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod keyring;
#[cfg(any(feature = "jwt", feature = "signing"))]
pub mod keys;
#[cfg(feature = "field-encryption")]
pub mod rotation;
mod sealer;
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
mod stretch;
#[cfg(feature = "field-encryption")]
pub mod subject;

pub use sealer::{Reason, Refused, SecretSealer};
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub use stretch::{Stretch, StretchError};
