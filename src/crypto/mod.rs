//! Who wrote it, and who can read it? Keys and what is done with them; no HTTP here.

#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod aead;
#[cfg(any(feature = "field-encryption", feature = "file-encryption"))]
pub mod hazmat;
#[cfg(feature = "jwt")]
pub(crate) mod json;
#[cfg(feature = "field-encryption")]
pub mod keyring;
#[cfg(feature = "jwt")]
pub mod keys;
