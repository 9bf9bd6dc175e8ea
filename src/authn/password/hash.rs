use std::fmt;
use std::sync::Arc;

/// A stored password hash: Argon2 PHC strings, and what else a
/// [`PasswordVerifier`](super::PasswordVerifier) reads.
///
/// Any text can be one. Whether it is well formed shows when a password is verified against
/// it, so that a broken row in a database costs the same time as a good one. It is not shown
/// by `Debug`, for a hash can be guessed at offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

impl PasswordHash {
    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for PasswordHash {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

/// What came of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a verification that nobody looks at lets everybody in"]
pub struct Verification {
    outcome: Result<(), Mismatch>,
    needs_rehash: bool,
}

impl Verification {
    pub(super) const fn accepted(needs_rehash: bool) -> Self {
        Self {
            outcome: Ok(()),
            needs_rehash,
        }
    }

    pub(super) const fn rejected(mismatch: Mismatch) -> Self {
        Self {
            outcome: Err(mismatch),
            needs_rehash: false,
        }
    }

    /// Whether this is the user's password.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Whether to hash the password anew and store that: it is right, and its hash is weaker
    /// than new ones are. Never for a wrong password.
    #[must_use]
    pub const fn needs_rehash(&self) -> bool {
        self.needs_rehash
    }

    /// The outcome: why not, for the operator's eyes alone. A client must not be able to tell
    /// one mismatch from another.
    ///
    /// # Errors
    /// When this is not the user's password.
    pub const fn outcome(&self) -> Result<(), Mismatch> {
        self.outcome
    }
}

/// Each variant with its stable code.
macro_rules! mismatches {
    ($($(#[$doc:meta])+ $variant:ident = $code:literal;)+) => {
        /// Why a password was not accepted. For events and logs, never for the client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Mismatch {
            $($(#[$doc])+ $variant,)+
        }

        impl Mismatch {
            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

mismatches! {
    /// There is no such user, or the user has no password.
    NoHash = "no_hash";
    /// The password is another one.
    WrongPassword = "wrong_password";
    /// The password is longer than any that is verified.
    PasswordTooLong = "password_too_long";
    /// The stored hash is not written as its format wants.
    MalformedHash = "malformed_hash";
    /// The stored hash asks for more memory or time than the ceiling allows.
    HashTooCostly = "hash_too_costly";
    /// Nobody here reads the format of the stored hash.
    UnknownFormat = "unknown_format";
    /// The stored hash was made with a pepper that is not known here, or without one where
    /// one is required.
    PepperMismatch = "pepper_mismatch";
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
