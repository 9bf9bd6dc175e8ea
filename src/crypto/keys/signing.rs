use super::jwk::{Jwk, Operation};
use super::verifying::{ecdsa_algorithm, must_be_ed25519};
use super::{Algorithm, KeyError, VerifyingKey, point, rsa};
use crate::random::Random;
use crate::secret::SecretBytes;
use base64ct::{Base64, Encoding};
use ring::rand::SystemRandom;
use ring::rsa::KeyPairComponents;
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents};
use ring::{hmac, pkcs8};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key that signs, for one algorithm. Cheap to clone.
///
/// The private half stays inside `ring`, which does not wipe it on drop; what this crate
/// holds of it is wiped.
#[derive(Clone)]
pub struct SigningKey {
    key_id: Option<Arc<str>>,
    pair: Arc<Pair>,
}

struct Pair {
    algorithm: Algorithm,
    material: Material,
    public: VerifyingKey,
    pkcs8: Option<SecretBytes>,
}

enum Material {
    Hmac(hmac::Key),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// A new random key, named by its thumbprint. For ES256, ES384, `EdDSA` and HMAC; an HMAC
    /// key has no name until it is given one.
    ///
    /// # Errors
    /// For RSA, whose keys have to be made elsewhere.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let document = if let Some(ecdsa) = algorithm.ecdsa_signing() {
            EcdsaKeyPair::generate_pkcs8(ecdsa, &random)
        } else if algorithm == Algorithm::EdDsa {
            Ed25519KeyPair::generate_pkcs8(&random)
        } else if algorithm.is_symmetric() {
            let secret: Zeroizing<[u8; 64]> = Zeroizing::new(Random::secure().bytes());
            return Self::from_secret(algorithm, &secret.as_slice().into());
        } else {
            return Err(KeyError::CannotGenerate(algorithm.as_str()));
        };
        let document: pkcs8::Document = document.map_err(|_| KeyError::NoRandomness)?;
        Self::from_pkcs8(algorithm, document.as_ref())
    }

    /// A symmetric key. Prefer an asymmetric one wherever somebody else verifies: who can
    /// verify with this can sign.
    ///
    /// # Errors
    /// As [`VerifyingKey::from_secret`].
    pub fn from_secret(algorithm: Algorithm, secret: &SecretBytes) -> Result<Self, KeyError> {
        let public = VerifyingKey::from_secret(algorithm, secret)?;
        let digest = algorithm
            .hmac()
            .ok_or(KeyError::AlgorithmMismatch(algorithm.as_str()))?;
        let material = Material::Hmac(hmac::Key::new(digest, secret.expose()));
        Ok(Self {
            key_id: None,
            pair: Arc::new(Pair {
                algorithm,
                material,
                public,
                pkcs8: None,
            }),
        })
    }

    /// Reads a private key in PKCS #8 (RFC 5958), DER. For EC the public half has to be in
    /// it, as `openssl genpkey` and [`to_pkcs8`](Self::to_pkcs8) write it.
    ///
    /// # Errors
    /// When the key is malformed, weak, or not for this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let invalid = |_| KeyError::InvalidPrivateKey;
        let (material, public) = if let Some(ecdsa) = algorithm.ecdsa_signing() {
            let pair = EcdsaKeyPair::from_pkcs8(ecdsa, der, &SystemRandom::new());
            let pair = pair.map_err(invalid)?;
            let point = pair.public_key().as_ref().into();
            (Material::Ecdsa(pair), VerifyingKey::ecdsa(algorithm, point))
        } else if algorithm == Algorithm::EdDsa {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(invalid)?;
            let public = VerifyingKey::ed25519(point::ed25519(pair.public_key().as_ref())?);
            (Material::Ed25519(pair), public)
        } else if algorithm.rsa_signing().is_some() {
            rsa_pair(RsaKeyPair::from_pkcs8(der).map_err(invalid)?)?
        } else {
            return Err(KeyError::AlgorithmMismatch(algorithm.as_str()));
        };
        Self::of_pair(algorithm, material, public, Some(der.into()))
    }

    /// Reads a private key in PEM, under the label `PRIVATE KEY` (RFC 7468 section 10).
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8). Keys under other labels, such as
    /// `RSA PRIVATE KEY`, are refused; `openssl pkcs8 -topk8 -nocrypt` converts them.
    pub fn from_pkcs8_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let inside = pem
            .trim()
            .strip_prefix("-----BEGIN PRIVATE KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
            .ok_or(KeyError::InvalidPrivateKey)?;
        let packed: Zeroizing<String> = Zeroizing::new(
            inside
                .chars()
                .filter(|c| !c.is_ascii_whitespace())
                .collect(),
        );
        let der = Base64::decode_vec(&packed).map_err(|_| KeyError::InvalidPrivateKey)?;
        Self::from_pkcs8(algorithm, &Zeroizing::new(der))
    }

    /// Reads a private JWK. It has to name its algorithm, unless its type has only one.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(text)?;
        jwk.must_allow(Operation::Sign)?;
        let key_type = jwk.key_type()?;
        let named = || jwk.algorithm()?.ok_or(KeyError::MissingMember("alg"));
        let invalid = |_| KeyError::InvalidPrivateKey;
        let key = match &*key_type {
            "oct" => Self::from_secret(named()?, &jwk.bytes("k")?.as_slice().into())?,
            "RSA" => {
                let algorithm = named()?;
                jwk.bind(super::Algorithms::RSA)?;
                let pair = RsaKeyPair::from_components(&rsa_components(&jwk)?).map_err(invalid)?;
                let (material, public) = rsa_pair(pair)?;
                Self::of_pair(algorithm, material, public, None)?
            }
            "EC" => {
                let algorithm = ecdsa_algorithm(&jwk)?;
                jwk.bind(algorithm.into())?;
                let ecdsa = algorithm
                    .ecdsa_signing()
                    .ok_or(KeyError::AlgorithmMismatch(algorithm.as_str()))?;
                let public = point::ecdsa(algorithm, &jwk.bytes("x")?, &jwk.bytes("y")?)?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    ecdsa,
                    &jwk.bytes("d")?,
                    &public,
                    &SystemRandom::new(),
                )
                .map_err(invalid)?;
                let public = VerifyingKey::ecdsa(algorithm, public);
                Self::of_pair(algorithm, Material::Ecdsa(pair), public, None)?
            }
            "OKP" => {
                must_be_ed25519(&jwk)?;
                jwk.bind(Algorithm::EdDsa.into())?;
                let public = point::ed25519(&jwk.bytes("x")?)?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(&jwk.bytes("d")?, &public)
                    .map_err(invalid)?;
                let public = VerifyingKey::ed25519(public);
                Self::of_pair(Algorithm::EdDsa, Material::Ed25519(pair), public, None)?
            }
            other => return Err(KeyError::UnsupportedKeyType(other.to_owned())),
        };
        Ok(match jwk.key_id()? {
            Some(key_id) => key.with_key_id(key_id),
            None => key,
        })
    }

    fn of_pair(
        algorithm: Algorithm,
        material: Material,
        public: VerifyingKey,
        pkcs8: Option<SecretBytes>,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            key_id: public.thumbprint().map(Arc::from),
            pair: Arc::new(Pair {
                algorithm,
                material,
                public: public.only_for(algorithm)?,
                pkcs8,
            }),
        })
    }

    /// Names the key, as `kid` in headers does.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// The algorithm the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.pair.algorithm
    }

    /// The key's name.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The half that verifies. For HMAC that is the secret itself.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        let public = self.pair.public.clone();
        match &self.key_id {
            Some(key_id) => public.with_key_id(Arc::clone(key_id)),
            None => public,
        }
    }

    /// The private key in PKCS #8, to keep in a safe place; `None` for HMAC, and for keys
    /// that were read from a JWK.
    #[must_use]
    pub fn to_pkcs8(&self) -> Option<SecretBytes> {
        self.pair.pkcs8.clone()
    }

    /// Signs.
    ///
    /// # Errors
    /// When the system's random generator fails, which ECDSA and RSA need.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair.material {
            Material::Hmac(key) => Ok(hmac::sign(key, message).as_ref().into()),
            Material::Ed25519(pair) => Ok(pair.sign(message).as_ref().into()),
            Material::Ecdsa(pair) => {
                let signature = pair.sign(&random, message);
                Ok(signature
                    .map_err(|_| KeyError::NoRandomness)?
                    .as_ref()
                    .into())
            }
            Material::Rsa(pair) => {
                let algorithm = self.pair.algorithm;
                let padding = algorithm
                    .rsa_signing()
                    .ok_or(KeyError::AlgorithmMismatch(algorithm.as_str()))?;
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .map_err(|_| KeyError::NoRandomness)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.pair.algorithm)
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

fn rsa_pair(pair: RsaKeyPair) -> Result<(Material, VerifyingKey), KeyError> {
    let parts: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
    let public = VerifyingKey::rsa(rsa::public_key(&parts.n, &parts.e)?);
    Ok((Material::Rsa(Box::new(pair)), public))
}

type Number = Zeroizing<Vec<u8>>;

fn rsa_components(jwk: &Jwk<'_>) -> Result<KeyPairComponents<Number, Number>, KeyError> {
    Ok(KeyPairComponents {
        public_key: RsaPublicKeyComponents {
            n: jwk.bytes("n")?,
            e: jwk.bytes("e")?,
        },
        d: jwk.bytes("d")?,
        p: jwk.bytes("p")?,
        q: jwk.bytes("q")?,
        dP: jwk.bytes("dp")?,
        dQ: jwk.bytes("dq")?,
        qInv: jwk.bytes("qi")?,
    })
}
