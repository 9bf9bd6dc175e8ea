//! Bare ciphers, for who builds a protocol of their own. **Everything here can be held wrong.**
//!
//! There is no nonce management, no key rotation, no key commitment and nothing that binds a
//! ciphertext to its place. A nonce that seals twice under one key gives away texts and lets
//! others forge. What most services need stands one floor above, and takes no nonce.
//!
//! ```
//! use portcullis::crypto::aead::Backend;
//! use portcullis::crypto::hazmat::Aes256Gcm;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cipher = Aes256Gcm::new(Backend::Ring, &[7; 32]);
//! let mut data = *b"attack at dawn";
//! let tag = cipher.seal_in_place(&[0; 12], b"message 1", &mut data)?;
//!
//! let mut moved = data;
//! assert!(cipher.open_in_place(&[0; 12], b"message 2", &mut moved, &tag).is_err());
//!
//! cipher.open_in_place(&[0; 12], b"message 1", &mut data, &tag)?;
//! assert_eq!(&data, b"attack at dawn");
//! # Ok(())
//! # }
//! ```

pub use super::aead::cipher::{AeadError, Aes256Gcm};
pub use super::aead::xaes::Xaes256Gcm;
