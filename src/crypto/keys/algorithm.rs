use super::KeyError;
use ring::signature::{self as ring_signature, VerificationAlgorithm};
use ring::{digest, hmac};
use std::fmt;
use std::str::FromStr;

/// Each variant with its registered name.
macro_rules! algorithms {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// A signature algorithm of JSON Object Signing (RFC 7518 section 3, RFC 8037).
        ///
        /// `none` is not among them, so no token can ask for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Algorithm {
            $($(#[$doc])+ $variant,)+
        }

        impl Algorithm {
            /// Every algorithm offered.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The registered name, as in the `alg` of a header.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The algorithm of this registered name; names are case-sensitive.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256.
    Hs256 = "HS256";
    /// HMAC with SHA-384.
    Hs384 = "HS384";
    /// HMAC with SHA-512.
    Hs512 = "HS512";
    /// ECDSA on P-256 with SHA-256.
    Es256 = "ES256";
    /// ECDSA on P-384 with SHA-384.
    Es384 = "ES384";
    /// `EdDSA` on Ed25519. Ed448 is not offered.
    EdDsa = "EdDSA";
    /// RSA, PKCS #1 v1.5 with SHA-256.
    Rs256 = "RS256";
    /// RSA, PKCS #1 v1.5 with SHA-384.
    Rs384 = "RS384";
    /// RSA, PKCS #1 v1.5 with SHA-512.
    Rs512 = "RS512";
    /// RSA, PSS with SHA-256 and a salt of 32 bytes.
    Ps256 = "PS256";
    /// RSA, PSS with SHA-384 and a salt of 48 bytes.
    Ps384 = "PS384";
    /// RSA, PSS with SHA-512 and a salt of 64 bytes.
    Ps512 = "PS512";
}

impl Algorithm {
    /// Whether who verifies could sign as well.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// Hashes as this algorithm does: `at_hash` and its like are cut from it (OpenID Connect
    /// Core section 3.1.3.6). `EdDSA` on Ed25519 uses SHA-512.
    #[must_use]
    pub fn digest(self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        let algorithm = match self {
            Self::Hs256 | Self::Es256 | Self::Rs256 | Self::Ps256 => &digest::SHA256,
            Self::Hs384 | Self::Es384 | Self::Rs384 | Self::Ps384 => &digest::SHA384,
            Self::Hs512 | Self::EdDsa | Self::Rs512 | Self::Ps512 => &digest::SHA512,
        };
        digest::digest(algorithm, message)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    pub(super) const fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::Hs256 => Some(hmac::HMAC_SHA256),
            Self::Hs384 => Some(hmac::HMAC_SHA384),
            Self::Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    /// How to verify an RSA signature. The smallest modulus is checked when the key is read.
    pub(super) const fn rsa_verification(self) -> Option<&'static ring_signature::RsaParameters> {
        match self {
            Self::Rs256 => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Some(&ring_signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Some(&ring_signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Some(&ring_signature::RSA_PSS_2048_8192_SHA512),
            _ => None,
        }
    }

    pub(super) fn rsa_signing(self) -> Option<&'static dyn ring_signature::RsaEncoding> {
        match self {
            Self::Rs256 => Some(&ring_signature::RSA_PKCS1_SHA256),
            Self::Rs384 => Some(&ring_signature::RSA_PKCS1_SHA384),
            Self::Rs512 => Some(&ring_signature::RSA_PKCS1_SHA512),
            Self::Ps256 => Some(&ring_signature::RSA_PSS_SHA256),
            Self::Ps384 => Some(&ring_signature::RSA_PSS_SHA384),
            Self::Ps512 => Some(&ring_signature::RSA_PSS_SHA512),
            _ => None,
        }
    }

    /// How to verify a signature on a curve.
    pub(super) fn curve_verification(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::Es256 => Some(&ring_signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Some(&ring_signature::ECDSA_P384_SHA384_FIXED),
            Self::EdDsa => Some(&ring_signature::ED25519),
            _ => None,
        }
    }

    pub(super) const fn ecdsa_signing(
        self,
    ) -> Option<&'static ring_signature::EcdsaSigningAlgorithm> {
        match self {
            Self::Es256 => Some(&ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Self::Es384 => Some(&ring_signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::named(name).ok_or_else(|| KeyError::UnsupportedAlgorithm(name.to_owned()))
    }
}

/// A set of algorithms: what a key can do, what a verifier allows.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Algorithms(u16);

impl Algorithms {
    /// HS256, HS384 and HS512.
    pub const SYMMETRIC: Self =
        Self(Algorithm::Hs256.bit() | Algorithm::Hs384.bit() | Algorithm::Hs512.bit());

    /// RS256, RS384, RS512, PS256, PS384 and PS512.
    pub const RSA: Self = Self(
        Algorithm::Rs256.bit()
            | Algorithm::Rs384.bit()
            | Algorithm::Rs512.bit()
            | Algorithm::Ps256.bit()
            | Algorithm::Ps384.bit()
            | Algorithm::Ps512.bit(),
    );

    /// All that have a public key: RSA, and ES256, ES384 and `EdDSA`.
    pub const ASYMMETRIC: Self = Self(
        Self::RSA.0 | Algorithm::Es256.bit() | Algorithm::Es384.bit() | Algorithm::EdDsa.bit(),
    );

    /// Whether the algorithm is in the set.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }

    /// The algorithms that are in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether both symmetric and asymmetric ones are in the set. That is how a public key
    /// comes to be used as an HMAC secret (RFC 8725 section 2.1).
    #[must_use]
    pub const fn is_mixed(self) -> bool {
        self.0 & Self::SYMMETRIC.0 != 0 && self.0 & Self::ASYMMETRIC.0 != 0
    }

    /// The algorithms of the set.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL
            .iter()
            .copied()
            .filter(move |algorithm| self.contains(*algorithm))
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |all, it| all | it.bit()))
    }
}

impl From<Algorithm> for Algorithms {
    fn from(algorithm: Algorithm) -> Self {
        Self(algorithm.bit())
    }
}

impl<const N: usize> From<[Algorithm; N]> for Algorithms {
    fn from(algorithms: [Algorithm; N]) -> Self {
        algorithms.into_iter().collect()
    }
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_case_sensitive() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.as_str()), Some(*algorithm));
        }
        for name in [
            "none", "NONE", "hs256", "ES512", "ES256K", "EDDSA", "", "HS256 ",
        ] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }

    #[test]
    fn the_named_sets_cover_all() {
        let all: Algorithms = Algorithm::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Algorithm::ALL.len());
        assert!(all.is_mixed());
        let symmetric = all.iter().filter(|it| it.is_symmetric());
        assert_eq!(symmetric.collect::<Algorithms>(), Algorithms::SYMMETRIC);
        let rest = all.iter().filter(|it| !it.is_symmetric());
        assert_eq!(rest.collect::<Algorithms>(), Algorithms::ASYMMETRIC);
        assert!(!Algorithms::ASYMMETRIC.is_mixed() && !Algorithms::SYMMETRIC.is_mixed());
    }
}
