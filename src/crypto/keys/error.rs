use crate::crypto::json::JsonError;
use thiserror::Error;

/// Why a key, or a set of keys, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not strict JSON.
    #[error("the key cannot be read: {0}")]
    Json(#[from] JsonError),
    /// The text is longer than any set of keys has reason to be.
    #[error("the key set has {0} bytes; 262144 are the most")]
    TextTooLong(usize),
    /// A member that is needed is not there.
    #[error("the key has no member {0:?}")]
    MissingMember(&'static str),
    /// A member has the wrong type or shape.
    #[error("the key's member {0:?} is of the wrong type or malformed")]
    MalformedMember(&'static str),
    /// A member is not base64url as RFC 7515 section 2 has it: no padding, no other
    /// characters, no bits set that are not used.
    #[error("the key's member {0:?} is not unpadded base64url")]
    NotBase64(&'static str),
    /// A coordinate does not have the length of its curve (RFC 7518 section 6.2).
    #[error("the key's member {0:?} does not have the length that its curve asks for")]
    WrongLength(&'static str),
    /// The key type is not offered.
    #[error("the key type {0:?} is not supported; RSA, EC, OKP and oct are")]
    UnsupportedKeyType(String),
    /// The curve is not offered.
    #[error("the curve {0:?} is not supported; P-256, P-384 and Ed25519 are")]
    UnsupportedCurve(String),
    /// The algorithm is not offered, or is not a signature algorithm.
    #[error("the algorithm {0:?} is not a supported signature algorithm")]
    UnsupportedAlgorithm(String),
    /// The key's `alg` cannot be done with a key of its type and curve.
    #[error("the key says it is for {0}, which its type, curve or size cannot do")]
    AlgorithmMismatch(&'static str),
    /// `use` or `key_ops` says that the key is for something else.
    #[error("the key's \"use\" or \"key_ops\" does not allow this operation")]
    NotForThis,
    /// An HMAC key shorter than the hash (RFC 7518 section 3.2).
    #[error("the HMAC key has {bytes} bytes, {needed} are needed; generate a random one")]
    HmacTooShort {
        /// How long it is.
        bytes: usize,
        /// How long it would have to be.
        needed: usize,
    },
    /// An HMAC key that is the text of a public key: everybody knows it.
    #[error("the HMAC key is the text of a PEM or JSON key, not a secret")]
    HmacKeyIsKeyText,
    /// An RSA modulus of fewer than 2048 bits (NIST SP 800-131A) or more than 8192.
    #[error("the RSA modulus has {0} bits; 2048 to 8192 are allowed")]
    RsaSize(usize),
    /// An RSA modulus or exponent that no honest generator makes.
    #[error("the RSA modulus is even, or the exponent is even, below 65537 or above 2^33")]
    RsaParameters,
    /// The RSA modulus has the fingerprint of CVE-2017-15361 (ROCA): it can be factored.
    #[error("the RSA modulus has the ROCA fingerprint (CVE-2017-15361) and can be factored")]
    Roca,
    /// The point is not on the curve, or is of small order.
    #[error("the public point is not on its curve, or is of small order")]
    InvalidPoint,
    /// The private key is malformed, or does not belong to its public half.
    #[error("the private key is malformed or does not match its public half")]
    InvalidPrivateKey,
    /// Two keys of a set have the same `kid` (RFC 7517 section 4.5).
    #[error("two keys of the set have the kid {0:?}")]
    DuplicateKeyId(String),
    /// A set with both symmetric and asymmetric keys.
    #[error("the set mixes symmetric and asymmetric keys; keep them in two sets")]
    MixedSet,
    /// A secret or private key in a published set: whoever read it can sign with it.
    #[error("a published set holds a symmetric or private key, which everybody knows by now")]
    PublishedSecret,
    /// A set with no key that can verify.
    #[error("the set has no key that can verify a signature")]
    NoUsableKey,
    /// A set with more keys than any issuer has reason to publish.
    #[error("the set has {0} keys; 64 are the most")]
    TooManyKeys(usize),
    /// A key for a place that asks for one algorithm, and it is for several.
    #[error("the key can do several algorithms; bind it to one")]
    SeveralAlgorithms,
    /// Keys for this algorithm have to come from elsewhere.
    #[error("keys for {0} cannot be generated here; make one with another tool and read it")]
    CannotGenerate(&'static str),
    /// The random generator of the system failed.
    #[error("the system's random generator failed")]
    NoRandomness,
}

impl KeyError {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::TextTooLong(_) => "key_text_too_long",
            Self::MissingMember(_) => "key_member_missing",
            Self::MalformedMember(_) => "key_member_malformed",
            Self::NotBase64(_) => "key_member_not_base64url",
            Self::WrongLength(_) => "key_member_length",
            Self::UnsupportedKeyType(_) => "key_type_unsupported",
            Self::UnsupportedCurve(_) => "key_curve_unsupported",
            Self::UnsupportedAlgorithm(_) => "key_algorithm_unsupported",
            Self::AlgorithmMismatch(_) => "key_algorithm_mismatch",
            Self::NotForThis => "key_not_for_this",
            Self::HmacTooShort { .. } => "key_hmac_too_short",
            Self::HmacKeyIsKeyText => "key_hmac_is_key_text",
            Self::RsaSize(_) => "key_rsa_size",
            Self::RsaParameters => "key_rsa_parameters",
            Self::Roca => "key_rsa_roca",
            Self::InvalidPoint => "key_invalid_point",
            Self::InvalidPrivateKey => "key_invalid_private_key",
            Self::DuplicateKeyId(_) => "key_set_duplicate_kid",
            Self::MixedSet => "key_set_mixed",
            Self::PublishedSecret => "key_published_secret",
            Self::NoUsableKey => "key_set_no_usable_key",
            Self::TooManyKeys(_) => "key_set_too_many_keys",
            Self::SeveralAlgorithms => "key_several_algorithms",
            Self::CannotGenerate(_) => "key_cannot_generate",
            Self::NoRandomness => "no_randomness",
        }
    }

    /// Whether the key may be sound, but is not for us: of a type or algorithm that is not
    /// offered, or for another use. RFC 7517 section 5 has a reader of sets pass over these.
    #[must_use]
    pub const fn is_not_for_us(&self) -> bool {
        matches!(
            self,
            Self::UnsupportedKeyType(_)
                | Self::UnsupportedCurve(_)
                | Self::UnsupportedAlgorithm(_)
                | Self::NotForThis
        )
    }
}
