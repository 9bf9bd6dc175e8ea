/// What a signature says of itself (RFC 9421 section 2.3). It is covered by the signature, and
/// believed once that is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    pub(super) created: Option<u64>,
    pub(super) expires: Option<u64>,
    pub(super) nonce: Option<Box<str>>,
    pub(super) algorithm: Option<Box<str>>,
    pub(super) key_id: Option<Box<str>>,
    pub(super) tag: Option<Box<str>>,
}

impl Parameters {
    /// When it was made, in seconds since the Unix epoch.
    #[must_use]
    pub const fn created(&self) -> Option<u64> {
        self.created
    }

    /// When it is over, in seconds since the Unix epoch.
    #[must_use]
    pub const fn expires(&self) -> Option<u64> {
        self.expires
    }

    /// The text that makes it one of its kind.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The algorithm, as the signer calls it (`alg`). The key decides, not this.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }

    /// The key (`keyid`).
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The purpose.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
}
