use super::jwk::{Jwk, Operation};
use super::{Algorithm, Algorithms, KeyError, point, rsa, thumbprint};
use crate::secret::SecretBytes;
use ring::{hmac, signature::UnparsedPublicKey};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// The signature is not one of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature does not verify")]
#[non_exhaustive]
pub struct BadSignature;

/// A key that verifies: checked, bound to its algorithms, and ready.
#[derive(Clone)]
pub struct VerifyingKey {
    key_id: Option<Arc<str>>,
    algorithms: Algorithms,
    material: Material,
}

#[derive(Clone)]
enum Material {
    /// Prepared for each algorithm that the key's length allows.
    Hmac(Vec<(Algorithm, hmac::Key)>),
    Rsa(rsa::PublicKey),
    /// An uncompressed point.
    Ecdsa(Algorithm, Box<[u8]>),
    Ed25519([u8; 32]),
}

impl VerifyingKey {
    /// Reads one JWK. Of a private key, only the public half is kept.
    ///
    /// # Errors
    /// What is wrong with it, or that it [is not for us](KeyError::is_not_for_us).
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(text)?;
        let key_type = jwk.key_type()?;
        jwk.must_allow(Operation::Verify)?;
        // Before the material is looked at: a key for an algorithm that is not offered is to
        // be passed over, however weak it is.
        let named = jwk.algorithm()?;
        let key = match &*key_type {
            "oct" => Self::hmac(&jwk.bytes("k")?, named)?,
            "RSA" => Self::rsa(rsa::public_key(&jwk.bytes("n")?, &jwk.bytes("e")?)?),
            "EC" => {
                let algorithm = ecdsa_algorithm(&jwk)?;
                jwk.bind(algorithm.into())?;
                let point = point::ecdsa(algorithm, &jwk.bytes("x")?, &jwk.bytes("y")?)?;
                Self::ecdsa(algorithm, point)
            }
            "OKP" => {
                must_be_ed25519(&jwk)?;
                Self::ed25519(point::ed25519(&jwk.bytes("x")?)?)
            }
            other => return Err(KeyError::UnsupportedKeyType(other.to_owned())),
        };
        Ok(Self {
            algorithms: jwk.bind(key.algorithms)?,
            key_id: jwk.key_id()?,
            ..key
        })
    }

    /// Reads a JWK that was given to others to read, where a private one has no business.
    ///
    /// # Errors
    /// As [`from_jwk`](Self::from_jwk), and when the key is symmetric or private.
    pub fn from_public_jwk(text: &str) -> Result<Self, KeyError> {
        if Jwk::parse(text)?.has_secret() {
            return Err(KeyError::PublishedSecret);
        }
        let key = Self::from_jwk(text)?;
        if key.is_symmetric() {
            return Err(KeyError::PublishedSecret);
        }
        Ok(key)
    }

    /// Reads a public key in DER as X.509 writes it (SubjectPublicKeyInfo, RFC 5280
    /// section 4.1), which is what stands in PEM under `PUBLIC KEY`. An RSA key is for all
    /// algorithms of RSA until it is [bound](Self::only_for) to fewer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        super::spki::read(der)
    }

    /// A symmetric key for one algorithm.
    ///
    /// # Errors
    /// When the algorithm is not an HMAC, the secret is shorter than its hash, or is the
    /// text of a public key.
    pub fn from_secret(algorithm: Algorithm, secret: &SecretBytes) -> Result<Self, KeyError> {
        Self::hmac(secret.expose(), Some(algorithm))
    }

    /// For one algorithm, or for all that the length of the secret allows.
    fn hmac(secret: &[u8], only: Option<Algorithm>) -> Result<Self, KeyError> {
        if is_key_text(secret) {
            return Err(KeyError::HmacKeyIsKeyText);
        }
        let candidates = only.map_or(Algorithms::SYMMETRIC, Algorithms::from);
        let mut prepared = Vec::with_capacity(3);
        let mut shortest_needed = usize::MAX;
        for algorithm in candidates.iter() {
            let digest = algorithm
                .hmac()
                .ok_or(KeyError::AlgorithmMismatch(algorithm.as_str()))?;
            let needed = digest.digest_algorithm().output_len();
            shortest_needed = shortest_needed.min(needed);
            if secret.len() >= needed {
                prepared.push((algorithm, hmac::Key::new(digest, secret)));
            }
        }
        if prepared.is_empty() {
            return Err(KeyError::HmacTooShort {
                bytes: secret.len(),
                needed: shortest_needed,
            });
        }
        Ok(Self {
            key_id: None,
            algorithms: prepared.iter().map(|(algorithm, _)| *algorithm).collect(),
            material: Material::Hmac(prepared),
        })
    }

    pub(super) const fn rsa(key: rsa::PublicKey) -> Self {
        Self {
            key_id: None,
            algorithms: Algorithms::RSA,
            material: Material::Rsa(key),
        }
    }

    pub(super) fn ecdsa(algorithm: Algorithm, point: Box<[u8]>) -> Self {
        Self {
            key_id: None,
            algorithms: algorithm.into(),
            material: Material::Ecdsa(algorithm, point),
        }
    }

    pub(super) fn ed25519(point: [u8; 32]) -> Self {
        Self {
            key_id: None,
            algorithms: Algorithm::EdDsa.into(),
            material: Material::Ed25519(point),
        }
    }

    /// Names the key, as `kid` in headers does.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Binds the key to fewer algorithms.
    ///
    /// # Errors
    /// When it can do none of them.
    pub fn only_for(mut self, algorithms: impl Into<Algorithms>) -> Result<Self, KeyError> {
        self.algorithms = self.algorithms.intersection(algorithms.into());
        if self.algorithms.is_empty() {
            return Err(KeyError::NotForThis);
        }
        Ok(self)
    }

    /// The key's name.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What the key may be used for.
    #[must_use]
    pub const fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// Whether who holds this key can sign as well.
    #[must_use]
    pub const fn is_symmetric(&self) -> bool {
        matches!(self.material, Material::Hmac(_))
    }

    /// Verifies a signature: in constant time, where that matters.
    ///
    /// # Errors
    /// When the signature is not good, or the key is not bound to the algorithm.
    #[inline]
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        if !self.algorithms.contains(algorithm) {
            return Err(BadSignature);
        }
        let result = match &self.material {
            Material::Hmac(prepared) => {
                let key = prepared.iter().find(|(it, _)| *it == algorithm);
                let (_, key) = key.ok_or(BadSignature)?;
                hmac::verify(key, message, signature)
            }
            Material::Rsa(key) => {
                let padding = algorithm.rsa_verification().ok_or(BadSignature)?;
                key.verify(padding, message, signature)
            }
            Material::Ecdsa(_, point) => verify_on_curve(algorithm, point, message, signature)?,
            Material::Ed25519(point) => verify_on_curve(algorithm, point, message, signature)?,
        };
        result.map_err(|_| BadSignature)
    }

    /// The thumbprint of RFC 7638 with SHA-256, as base64url; `None` for a symmetric key,
    /// of which it would be a hash of the secret.
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        self.public_members().map(|jwk| thumbprint::of(&jwk))
    }

    /// The key as a public JWK with `use`, its name, and its algorithm if it has one only;
    /// `None` for a symmetric key, which has no public half.
    #[must_use]
    pub fn to_public_jwk(&self) -> Option<serde_json::Value> {
        let mut jwk = self.public_members()?;
        let members = jwk.as_object_mut()?;
        members.insert("use".to_owned(), "sig".into());
        if let Some(key_id) = self.key_id() {
            members.insert("kid".to_owned(), key_id.into());
        }
        let mut algorithms = self.algorithms.iter();
        if let (Some(only), None) = (algorithms.next(), algorithms.next()) {
            members.insert("alg".to_owned(), only.as_str().into());
        }
        Some(jwk)
    }

    /// The members that make the key what it is (RFC 7638 section 3.2).
    fn public_members(&self) -> Option<serde_json::Value> {
        match &self.material {
            Material::Hmac(_) => None,
            Material::Rsa(key) => Some(json!({
                "kty": "RSA",
                "n": thumbprint::encode(&key.n),
                "e": thumbprint::encode(&key.e),
            })),
            Material::Ecdsa(algorithm, point) => {
                let (_, coordinates) = point.split_first()?;
                let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
                let curve = match algorithm {
                    Algorithm::Es384 => "P-384",
                    _ => "P-256",
                };
                Some(json!({
                    "kty": "EC",
                    "crv": curve,
                    "x": thumbprint::encode(x),
                    "y": thumbprint::encode(y),
                }))
            }
            Material::Ed25519(point) => Some(json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "x": thumbprint::encode(point),
            })),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("key_id", &self.key_id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

fn verify_on_curve(
    algorithm: Algorithm,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<Result<(), ring::error::Unspecified>, BadSignature> {
    let curve = algorithm.curve_verification().ok_or(BadSignature)?;
    Ok(UnparsedPublicKey::new(curve, point).verify(message, signature))
}

/// The one algorithm of the key's curve.
pub(super) fn ecdsa_algorithm(jwk: &Jwk<'_>) -> Result<Algorithm, KeyError> {
    match &*jwk.required_text("crv")? {
        "P-256" => Ok(Algorithm::Es256),
        "P-384" => Ok(Algorithm::Es384),
        other => Err(KeyError::UnsupportedCurve(other.to_owned())),
    }
}

pub(super) fn must_be_ed25519(jwk: &Jwk<'_>) -> Result<(), KeyError> {
    match &*jwk.required_text("crv")? {
        "Ed25519" => Ok(()),
        other => Err(KeyError::UnsupportedCurve(other.to_owned())),
    }
}

/// Whether a "secret" is the text of a key in PEM or JSON: the trap of CVE-2023-48223 and
/// CVE-2026-48526, where a public key becomes the secret that everybody knows.
fn is_key_text(secret: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(secret) else {
        return false;
    };
    text.contains("-----BEGIN") || (text.trim_start().starts_with('{') && text.contains("\"kty\""))
}
