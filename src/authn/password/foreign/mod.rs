//! Hashes that other programs made: verified, and replaced when their users next log in.
//!
//! | verifier | formats |
//! |---|---|
//! | [`Bcrypt`] | `$2a$`, `$2b$`, `$2y$`; those of Django (`bcrypt$`, `bcrypt_sha256$`) and passlib (`$bcrypt-sha256$`) |
//! | [`Pbkdf2`] | PHC strings, Django, passlib, Werkzeug, ASP.NET Core Identity 2 and 3 |
//! | [`Scrypt`] | PHC strings (passlib), Django, Werkzeug |
//! | [`ShaCrypt`] | `$5$` and `$6$` of the C library |
//! | [`Phpass`] | `$P$` (WordPress) and `$H$` (phpBB) |
//!
//! Argon2i and Argon2d need none of these: [`Argon2id`](super::Argon2id) reads them.
//!
//! Say of each what the dearest of your stored hashes cost. Every refusal then does that much
//! work for every format, beside that of a new hash, so that time tells neither who has an
//! account nor whose hash is an old one. A migration costs that much as long as it lasts.
//! (ASVS 5.0 6.3.8)
//!
//! A stored hash is not believed: what asks for more than a ceiling is refused unhashed.
//!
//! ```
//! use portcullis::authn::password::foreign::Bcrypt;
//! use portcullis::authn::password::{Argon2id, PasswordHash, PasswordScheme};
//! use portcullis::secret::SecretString;
//!
//! let scheme = PasswordScheme::new(Argon2id::default()).also_verifying(Bcrypt::up_to_cost(4)?);
//! let stored = PasswordHash::from("$2b$04$hv82QC3rhmxu3eVWb90zQebslWUPmmCCX0RRIK0G0eTSzbDeg9ctK");
//!
//! let verification = scheme.verify(Some(&stored), &SecretString::from("correct horse battery staple"))?;
//! assert!(verification.is_accepted() && verification.needs_rehash());
//! assert!(!scheme.verify(Some(&stored), &SecretString::from("guess"))?.is_accepted());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bcrypt;
mod pbkdf2;
mod phpass;
mod scrypt;
mod sha_crypt;
mod text;

pub use bcrypt::Bcrypt;
pub use pbkdf2::{Pbkdf2, Pbkdf2Digest};
pub use phpass::Phpass;
pub use scrypt::Scrypt;
pub use sha_crypt::ShaCrypt;

use super::Cost;

/// The longest password, in bytes, that is hashed by a format whose every round takes the
/// password in: a longer one could make a hash take minutes. It is refused after the same work.
const MAX_REPEATED: usize = 512;

/// As much of a password as such a format hashes.
fn repeatable(password: &[u8]) -> &[u8] {
    password.get(..MAX_REPEATED).unwrap_or(password)
}

/// What a hash costs that takes next to no memory.
const NEXT_TO_NOTHING: Cost = Cost::new(1, 1);
