//! Signing keys that rotate, against a key that leaked, and whoever has it for years.
//!
//! [`RotatingKeys`] hold one set of keys for all machines of a service:
//!
//! 1. **The next** key is published and signs nothing yet: verifiers elsewhere know it before
//!    they see a token of it.
//! 2. **The current** key signs. After its [period](RotatingKeysBuilder::period), 30 days by
//!    default, the next takes its place, if it was published for the
//!    [lead](RotatingKeysBuilder::lead), a day by default; and there is a new next.
//! 3. **Retired** keys verify until the last token they signed has expired, and go.
//!
//! [`rotate`](RotatingKeys::rotate) does the same by hand. [`withdraw`](RotatingKeys::withdraw)
//! is for the emergency: the key is gone at once, with every token it signed, and where it was
//! the current one the next signs from now on. This machine sees it at the same moment, others
//! when they [look](RotatingKeys::refresh), once a minute by default.
//!
//! The set lives in [`Records`](crate::store::Records), each key sealed by a
//! [`SecretSealer`](crate::crypto::SecretSealer), and every change of it is a compare-and-swap:
//! of machines that rotate at the same time, one makes the new key and the others take it. Or
//! it lives [in memory](RotatingKeys::in_memory) and ends with the process, and with it all
//! tokens.
//!
//! While the records cannot be read, the keys that are known stay in use, and the
//! [emitter](RotatingKeysBuilder::emitter) hears of it: a withdrawal elsewhere is not seen for
//! so long. After an [hour](RotatingKeysBuilder::max_stale), unless told otherwise, they are
//! believed no more: nothing is signed, verified or published, and whoever asks is told to come
//! back (503), until the records can be read again. Keys in the memory of one process do not
//! grow old. Whoever can write the records can bring a withdrawn key back from a copy, but make
//! no key of their own.
//!
//! ```
//! use portcullis::authn::jwt::{Issuer, Verifier};
//! use portcullis::crypto::keys::{Algorithm, RotatingKeys};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = RotatingKeys::in_memory(Algorithm::Es256).build().await?;
//! // tokio::spawn(keys.clone().keep_fresh());
//!
//! let (name, audience) = ("https://id.example.com", "https://api.example.com");
//! let issuer = Issuer::new(keys.signer(), name, audience)?;
//! let verifier = Verifier::builder(name, audience, Algorithm::Es256, keys.public()).build()?;
//!
//! let token = issuer.token("user-17").sign()?;
//! assert!(verifier.verify(&token).is_ok());
//!
//! // The key has leaked:
//! let leaked = keys.signer().current().key_id().unwrap_or_default().to_owned();
//! assert!(keys.withdraw(&leaked).await?);
//! assert!(verifier.verify(&token).is_err());
//! assert!(verifier.verify(&issuer.token("user-17").sign()?).is_ok());
//! # Ok(())
//! # }
//! ```
//!
//! ASVS 5.0: 11.2.2 (keys are replaced and algorithms changed), 13.3.4 (secrets expire and are
//! rotated).

mod age;
mod builder;
mod error;
mod keys;
mod seal;
mod series;

pub use builder::RotatingKeysBuilder;
pub use error::{ConfigError, RotationError};
pub use keys::{KeyInfo, RotatingKeys};
pub use series::Stage;
