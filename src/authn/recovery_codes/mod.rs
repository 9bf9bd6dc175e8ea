//! Recovery codes: the way in for who has lost the second factor, instead of a call to the
//! help desk that anybody could make.
//!
//! 1. Each has 120 random bits (ASVS 5.0 6.5.2 to 6.5.4 ask 112 of codes that are hashed
//!    like this). Nobody guesses one, so wrong ones lock nothing, and strangers cannot lock
//!    anybody out.
//! 2. They are shown once, and kept as SHA-256 hashes that are bound to the user. A slow
//!    hash would protect what people choose; of 2^120 codes nobody tries a part worth naming,
//!    however fast the hash.
//! 3. Each is good once, by compare-and-swap in [`Records`](crate::store::Records): of many
//!    that bring one code, on any number of machines, one gets in (ASVS 5.0 6.5.1).
//! 4. [Generating](RecoveryCodes::generate) anew voids all that were there before (6.5.6).
//! 5. Without codes the same work is done and the same is answered (6.3.8).
//!
//! They are read forgivingly: in any case, with spaces and dashes or without, `O` for `0`,
//! `I` and `L` for `1`.
//!
//! ```
//! use portcullis::authn::recovery_codes::{RecoveryCodeError, RecoveryCodes};
//! use portcullis::store::Records;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), RecoveryCodeError> {
//! let recovery = RecoveryCodes::new(Records::memory());
//! let codes = recovery.generate("user-17").await?;
//! assert_eq!(codes.len(), 10);
//!
//! // Shown like 7Q2M-08VX-..., typed like this:
//! let typed = codes[0].expose().to_lowercase().replace('-', " ");
//! assert_eq!(recovery.redeem("user-17", &typed).await?, 9, "so many are left");
//! assert!(recovery.redeem("user-17", &typed).await.is_err(), "used once");
//! # Ok(())
//! # }
//! ```

mod code;
mod control;
mod error;

pub use control::RecoveryCodes;
pub use error::RecoveryCodeError;
