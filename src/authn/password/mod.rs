//! Passwords: hashed so that a stolen table is of little use, verified so that neither time
//! nor memory can be turned against you, chosen so that they cannot be guessed.
//!
//! 1. New hashes are Argon2id with the parameters that OWASP recommends, as PHC strings.
//!    When you raise the parameters, [`Verification::needs_rehash`] says whose to replace.
//! 2. A user who is not there costs the same work as a wrong password, and so does a stored
//!    hash that is broken. (ASVS 5.0 6.3.8)
//! 3. A stored hash that asks for more than the [`Ceiling`] is refused unhashed.
//! 4. Hashing runs on a bounded number of threads with a bounded queue; beyond it, 503.
//! 5. Hashes that another program made are verified, and replaced at the next login: see
#![cfg_attr(feature = "password-migration", doc = "   [`foreign`].")]
#![cfg_attr(
    not(feature = "password-migration"),
    doc = "   the feature `password-migration`."
)]
//! 6. New passwords are judged by the rules of NIST SP 800-63B-4: length, common passwords and
//!    context, no composition. (ASVS 5.0 section 6.2)
//!    A list of breached ones is a step of its own,
#![cfg_attr(feature = "breached-passwords", doc = "   [`breached`].")]
#![cfg_attr(
    not(feature = "breached-passwords"),
    doc = "   with the feature `breached-passwords`."
)]
//! 7. Text is brought to Unicode Normalization Form C first.
//!
//! Limit the tries for each account and each address too: hashing makes guessing slow, not
//! impossible.
//!
//! ```
//! use portcullis::authn::password::{PasswordHash, PasswordPolicy, Passwords};
//! use portcullis::guard::Rejection;
//! use portcullis::secret::SecretString;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let passwords = Passwords::new()?;
//! let policy = PasswordPolicy::only_factor().about(["Example Inc"]);
//!
//! // Registration: judge, then hash and store.
//! let weak = SecretString::from("ann-smith-12345");
//! let violations = policy.check(&weak, ["ann.smith@example.org"]).unwrap_err();
//! let rejection = Rejection::invalid(violations.at("/password"));
//! assert_eq!(rejection.status(), 422);
//! assert_eq!(rejection.errors()[0].code, "password_context_word");
//!
//! let good = SecretString::from("nine purple lanterns drift");
//! policy.check(&good, ["ann.smith@example.org"])?;
//! let stored = passwords.hash(&good).await?;
//! assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
//!
//! // Login: hand over what was found, also when that is nothing.
//! let verification = passwords.verify(Some(&stored), &good).await?;
//! assert!(verification.is_accepted());
//! if verification.needs_rehash() {
//!     let _replacement = passwords.hash(&good).await?;
//! }
//! let nobody: Option<&PasswordHash> = None;
//! assert!(!passwords.verify(nobody, &good).await?.is_accepted());
//! # Ok(())
//! # }
//! ```

mod argon2id;
#[cfg(feature = "breached-passwords")]
pub mod breached;
mod common;
mod error;
#[cfg(feature = "password-migration")]
pub mod foreign;
mod guessed;
mod hash;
mod hasher;
mod memory;
mod normalize;
mod parameters;
mod passwords;
mod pattern;
mod pepper;
mod policy;
mod pool;
mod scheme;
mod stored;
mod violation;

pub use argon2id::Argon2id;
pub use error::{ConfigError, HashError, PasswordError};
pub use hash::{Mismatch, PasswordHash, Verification};
pub use hasher::{Cost, PasswordHasher, PasswordVerifier};
pub use normalize::MAX_BYTES;
pub use parameters::{Ceiling, Parameters};
pub use passwords::{Passwords, PasswordsBuilder};
pub use pepper::Pepper;
pub use policy::PasswordPolicy;
pub use scheme::PasswordScheme;
pub use violation::{Violation, Violations};
