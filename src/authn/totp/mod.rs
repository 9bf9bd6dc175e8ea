//! One-time passwords of authenticator apps (TOTP, RFC 6238): a second factor against stolen
//! and guessed passwords.
//!
//! 1. **Enrollment**: a secret of at least 160 bits (ASVS 5.0 6.5.3) as `otpauth` URI and QR
//!    code. It counts only when a code [confirms](Totp::confirm) it, and that code is used
//!    then. An authenticator that is in use goes on working until a new one is confirmed.
//! 2. **At rest** the secret is sealed by a [`SecretSealer`](crate::crypto::SecretSealer),
//!    bound to the user.
//! 3. **Verification and consumption are one call** ([`Totp::verify`]), decided by
//!    compare-and-swap in [`Records`](crate::store::Records): of many that bring one code,
//!    on any number of machines, one gets in. The step of a code that was used, and every
//!    older one, never passes again (ASVS 5.0 6.5.1; RFC 6238 section 5.2 asks less).
//! 4. **Time** is this server's alone (ASVS 5.0 6.5.8), in steps of 30 seconds (6.5.5), one
//!    step early or late allowed. A device whose clock drifts is followed, up to
//!    [a bound](TotpBuilder::drift); one that is further off within that bound gets in by two
//!    codes in a row (RFC 6238 section 6).
//! 5. **Guessing**: wrong codes are counted in the user's record, and lock it by
//!    [`LockOut`]. New challenges, logins and addresses change nothing about
//!    that (ASVS 5.0 6.3.1, 6.6.3).
//! 6. **Nobody learns who has a second factor**: without one, the same work is done and the
//!    same is answered (ASVS 5.0 6.3.8).
//! 7. **Removal**: [`Totp::remove`] (ASVS 5.0 6.5.6). Ask for a recent authentication before
//!    it, and before enrollment: see [`step_up`](crate::authn::step_up).
//!
//! SHA-1 is the default because many apps ignore any other and show wrong codes. HMAC does
//! not need what SHA-1 has lost (RFC 6238 section 1.2, RFC 4226 appendix B.2).
//!
//! ```
//! # #[cfg(feature = "field-encryption")]
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis::authn::Refusal;
//! use portcullis::authn::totp::{Totp, TotpError};
//! use portcullis::clock::FakeClock;
//! use portcullis::crypto::{field::FieldCipher, keyring::Keyring};
//! use portcullis::store::Records;
//! use std::time::Duration;
//! # use totp_rs::{Builder, Secret};
//! # let time = FakeClock::at_unix_seconds(1_700_000_000);
//! # let clock = time.clock();
//! # let app = |secret: &str, seconds: u64| {
//! #     let secret = Secret::try_from_base32(secret).unwrap();
//! #     Builder::new().with_secret(secret).build().unwrap().generate(seconds).to_string()
//! # };
//!
//! let fields = FieldCipher::new(Keyring::generate(), "shop");
//! let sealer = fields.column("authenticators", "secret")?;
//! let totp = Totp::builder("Example Shop", Records::memory(), sealer).clock(clock).build()?;
//!
//! // Show `qr_svg` to the user, and the secret for typing it in.
//! let enrollment = totp.enroll("user-17", "ann@example.com").await?;
//! assert!(enrollment.uri().expose().starts_with("otpauth://totp/Example%20Shop:ann%40"));
//! assert!(enrollment.qr_svg().expose().starts_with("<svg "));
//!
//! // The first code of the app confirms it, and is used by that.
//! let code = app(enrollment.secret().expose(), 1_700_000_000);
//! totp.confirm("user-17", &code).await?;
//! let refused = totp.verify("user-17", &code).await.unwrap_err();
//! assert!(matches!(refused, TotpError::Refused(Refusal::Used)));
//!
//! // The next login, with the next code.
//! time.advance(Duration::from_secs(30));
//! let code = app(enrollment.secret().expose(), 1_700_000_030);
//! totp.verify("user-17", &code).await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "field-encryption"))] fn main() {}
//! ```

mod account;
mod authenticator;
mod builder;
mod control;
mod enrollment;
mod error;
mod parameters;

pub use super::LockOut;
pub use builder::TotpBuilder;
pub use control::{Status, Totp};
pub use enrollment::Enrollment;
pub use error::{ConfigError, TotpError};
pub use parameters::Algorithm;
