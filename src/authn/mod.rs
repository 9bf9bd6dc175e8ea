//! Who is calling?
//!
//! Several ways of proving it, one answer: a [`Principal`](crate::principal::Principal).
//!
//! - [`account`], with the feature of that name: logging in, and the life of accounts.
//! - [`authenticate`]: the layer that tries each way in turn, yours among them.
//! - [`api_key`], with the feature `api-key`: keys that programs authenticate by.
//! - [`introspection`], with the feature `jwt`: what others are told of our tokens, and how they
//!   give them back.
//! - [`jwt`], with the feature of that name: JSON Web Tokens, issued and verified, and the
//!   bearer scheme.
//! - [`dpop`], with the feature of that name: tokens bound to a key that the client proves to
//!   hold.
//! - [`password`], with the feature of that name: hashing, verifying and judging passwords.
//! - [`refresh_token`], with the feature `refresh-token`: what lives longer than an access token.
//! - [`session`], with the feature of that name: sessions with a cookie, and remembered
//!   browsers.
//! - [`totp`], [`recovery_codes`] and [`one_time_code`], with the features `totp`,
//!   `recovery-codes` and `one-time-code`: second factors, and links sent by mail.
//! - [`throttle`], with the feature of that name: how often a password or a code may be guessed.
//! - [`step_up`]: what asks for a recent or a strong authentication.

#[cfg(feature = "account")]
pub mod account;
#[cfg(feature = "api-key")]
pub mod api_key;
pub mod authenticate;
#[cfg(any(feature = "oauth2", feature = "refresh-token", feature = "session"))]
#[cfg_attr(
    not(any(feature = "refresh-token", feature = "session")),
    allow(dead_code, reason = "logins with providers need only a part of it")
)]
mod credential;
#[cfg(feature = "dpop")]
pub mod dpop;
#[cfg(any(feature = "jwt", feature = "refresh-token", feature = "session"))]
mod epoch;
#[cfg(all(feature = "client", feature = "jwt"))]
mod flight;
#[cfg(feature = "jwt")]
pub mod introspection;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(any(feature = "one-time-code", feature = "totp"))]
mod lock_out;
#[cfg(any(feature = "refresh-token", feature = "session"))]
mod moment;
#[cfg(feature = "oauth2")]
pub mod oauth2;
#[cfg(feature = "one-time-code")]
pub mod one_time_code;
#[cfg(any(feature = "jwt", feature = "refresh-token", feature = "session"))]
mod owner;
#[cfg(feature = "password")]
pub mod password;
#[cfg(any(feature = "recovery-codes", feature = "totp"))]
mod record;
#[cfg(feature = "recovery-codes")]
pub mod recovery_codes;
#[cfg(feature = "refresh-token")]
pub mod refresh_token;
#[cfg(any(
    feature = "one-time-code",
    feature = "recovery-codes",
    feature = "totp"
))]
mod refusal;
mod revoke;
#[cfg(feature = "session")]
pub mod session;
pub mod step_up;
#[cfg(any(
    feature = "one-time-code",
    feature = "recovery-codes",
    feature = "refresh-token",
    feature = "totp"
))]
mod text_bytes;
#[cfg(feature = "throttle")]
pub mod throttle;
#[cfg(feature = "totp")]
pub mod totp;
#[cfg(any(feature = "one-time-code", feature = "totp"))]
mod typed;

pub use authenticate::{AuthenticateLayer, Authenticator};
#[cfg(any(feature = "jwt", feature = "refresh-token", feature = "session"))]
pub use epoch::Epochs;
#[cfg(any(feature = "one-time-code", feature = "totp"))]
pub use lock_out::LockOut;
#[cfg(any(
    feature = "one-time-code",
    feature = "recovery-codes",
    feature = "totp"
))]
pub use refusal::Refusal;
pub use revoke::{Revoke, Revoking};
pub use step_up::RequireRecent;
