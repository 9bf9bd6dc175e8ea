//! AES-256-GCM (NIST SP 800-38D), from whichever library the caller chooses.
//!
//! All of them seal to the same bytes and open what the others sealed, so that a [`Backend`]
//! is a choice of speed and supply, and can change at any time:
//!
//! ```
//! use portcullis::crypto::aead::Backend;
//!
//! assert_eq!(Backend::default(), Backend::Ring);
//! ```
//!
//! The cipher itself is in [`hazmat`](super::hazmat), for who builds a protocol of their own.

pub(super) mod cipher;
pub(super) mod xaes;

pub(crate) use cipher::{AeadError, Aes256Gcm};
#[allow(unused_imports, reason = "what seals and opens stands on it")]
pub(crate) use xaes::{XAES_NONCE_LENGTH, Xaes256Gcm, halves};

/// Bytes of a key.
pub(crate) const KEY_LENGTH: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_LENGTH: usize = 12;
/// Bytes of a tag.
pub(crate) const TAG_LENGTH: usize = 16;

/// The library that computes AES-256-GCM. A build has those whose features are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// `ring`: fast at every size, and quick to build. Always there.
    #[default]
    Ring,
    /// AWS-LC: the fastest from 4 KiB up. Feature `aws-lc-rs`.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    /// `aes-gcm`: Rust alone, no C and no assembly to build. Feature `aes-gcm`.
    #[cfg(feature = "aes-gcm")]
    AesGcm,
}

impl Backend {
    /// The backends that this build has.
    pub const ALL: &'static [Self] = &[
        Self::Ring,
        #[cfg(feature = "aws-lc-rs")]
        Self::AwsLcRs,
        #[cfg(feature = "aes-gcm")]
        Self::AesGcm,
    ];

    /// The fastest that this build has for data of 4 KiB and more.
    #[must_use]
    pub const fn fastest() -> Self {
        #[cfg(feature = "aws-lc-rs")]
        return Self::AwsLcRs;
        #[cfg(not(feature = "aws-lc-rs"))]
        Self::Ring
    }
}
