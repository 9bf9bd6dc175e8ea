use crate::random::Random;
use crate::secret::SecretBytes;
use serde::{Deserialize, Serialize};

/// The hash function of the codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Algorithm {
    /// What every app knows, and the only one that many do.
    #[default]
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "SHA512")]
    Sha512,
}

impl Algorithm {
    /// The name in an `otpauth` URI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// A secret as long as the output of the hash function, as RFC 4226 section 4 and
    /// RFC 6238 section 5.1 recommend.
    pub(super) fn secret(self, random: &Random) -> SecretBytes {
        let mut secret = vec![
            0;
            match self {
                Self::Sha1 => 20,
                Self::Sha256 => 32,
                Self::Sha512 => 64,
            }
        ];
        random.fill(&mut secret);
        SecretBytes::from(secret)
    }
}

impl From<Algorithm> for totp_rs::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::SHA1,
            Algorithm::Sha256 => Self::SHA256,
            Algorithm::Sha512 => Self::SHA512,
        }
    }
}

/// How the codes of one authenticator are made. They stay with it when the defaults change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parameters {
    pub(super) algorithm: Algorithm,
    pub(super) digits: u8,
    /// Seconds.
    pub(super) period: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            digits: 6,
            period: 30,
        }
    }
}
