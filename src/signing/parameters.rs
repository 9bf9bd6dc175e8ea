use super::fields::Input;
use std::fmt;

/// What a signature says of itself (RFC 9421 section 2.3). It is covered by the signature, and
/// believed once that is verified.
#[derive(Clone, Copy)]
pub struct Parameters<'a>(pub(super) &'a Input);

impl<'a> Parameters<'a> {
    /// When it was made, in seconds since the Unix epoch.
    #[must_use]
    pub const fn created(self) -> Option<u64> {
        self.0.created
    }

    /// When it is over, in seconds since the Unix epoch.
    #[must_use]
    pub const fn expires(self) -> Option<u64> {
        self.0.expires
    }

    /// The text that makes it one of its kind.
    #[must_use]
    pub fn nonce(self) -> Option<&'a str> {
        self.0.nonce()
    }

    /// The algorithm, as the signer calls it (`alg`). The key decides, not this.
    #[must_use]
    pub fn algorithm(self) -> Option<&'a str> {
        self.0.algorithm()
    }

    /// The key (`keyid`).
    #[must_use]
    pub fn key_id(self) -> Option<&'a str> {
        self.0.key_id()
    }

    /// The purpose.
    #[must_use]
    pub fn tag(self) -> Option<&'a str> {
        self.0.tag()
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameters")
            .field("created", &self.created())
            .field("expires", &self.expires())
            .field("nonce", &self.nonce())
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id())
            .field("tag", &self.tag())
            .finish()
    }
}
