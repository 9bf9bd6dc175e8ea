use super::JwtErrorKind::*;
use super::{ConfigError, Header, JwtError, Profile};
use crate::crypto::keys::{Algorithms, KeySet, LiveKeys, VerifyingKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A signature of 8192 bits, and what the decoder wants of room beside it.
const LONGEST_SIGNATURE: usize = 1024 + 3;
/// How many keys are tried for a token that names none: as many as a rotation without names
/// needs. Each costs an attacker nothing and us a verification.
const MOST_TRIED: usize = 4;

/// Verifies signatures in the compact serialization (RFC 7515 section 7.1), whatever their
/// payload is.
///
/// ```
/// use portcullis::authn::jwt::{JwsVerifier, JwtErrorKind};
/// use portcullis::crypto::keys::{Algorithm, KeySet};
///
/// // RFC 7515 appendix A.1
/// let keys = KeySet::from_json(
///     r#"{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
/// )?;
/// let verifier = JwsVerifier::new(keys, Algorithm::Hs256)?;
/// let jws = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
///     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
///     dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// let payload = verifier.verify(jws)?.into_payload();
/// assert!(payload.starts_with(br#"{"iss":"joe""#));
///
/// let forged = jws.replace("dBj", "dBk");
/// assert_eq!(verifier.verify(&forged).unwrap_err().kind(), JwtErrorKind::BadSignature);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwsVerifier {
    keys: LiveKeys,
    algorithms: Algorithms,
    profile: Profile,
}

/// A message whose signature is good.
#[derive(Clone, Debug)]
pub struct VerifiedJws {
    header: Header,
    payload: Vec<u8>,
}

impl VerifiedJws {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What was signed.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    pub(super) fn into_parts(self) -> (Header, Vec<u8>) {
        (self.header, self.payload)
    }
}

impl JwsVerifier {
    /// A verifier with these keys that takes these algorithms.
    ///
    /// # Errors
    /// When no algorithm is allowed, symmetric and asymmetric ones are, or no key can do any.
    pub fn new(
        keys: impl Into<LiveKeys>,
        algorithms: impl Into<Algorithms>,
    ) -> Result<Self, ConfigError> {
        let keys = keys.into();
        let algorithms = algorithms.into();
        if algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        if algorithms.is_mixed() {
            return Err(ConfigError::MixedAlgorithms);
        }
        let can_verify = |key: &VerifyingKey| !key.algorithms().intersection(algorithms).is_empty();
        if !keys.peek().keys().iter().any(can_verify) {
            return Err(ConfigError::NoKeyForAlgorithms);
        }
        Ok(Self {
            keys,
            algorithms,
            profile: Profile::Default,
        })
    }

    /// Sets how much is refused.
    #[must_use]
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// Why the token was refused.
    pub fn verify(&self, token: &str) -> Result<VerifiedJws, JwtError> {
        let segments = Segments::split(token, self.profile)?;
        let header = segments.header(self.profile)?;
        if !self.algorithms.contains(header.algorithm()) {
            return Err(AlgorithmNotAllowed.into());
        }
        let mut buffer = [0; LONGEST_SIGNATURE];
        let signature = segments.signature(&mut buffer)?;
        verify_with(&self.keys.peek(), &header, segments.signed, signature)?;
        let payload = URL_SAFE_NO_PAD
            .decode(segments.payload)
            .map_err(|_| NotBase64)?;
        Ok(VerifiedJws { header, payload })
    }
}

/// The segments of a token; nothing is known of them but where they are.
struct Segments<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
    /// Header and payload with the dot between: what is signed.
    signed: &'t str,
}

impl<'t> Segments<'t> {
    fn split(token: &'t str, profile: Profile) -> Result<Self, JwtError> {
        let limits = profile.limits();
        if token.len() > limits.token {
            return Err(TooLong.into());
        }
        let (header, rest) = token.split_once('.').ok_or_else(|| not_compact(token))?;
        let (payload, signature) = rest.split_once('.').ok_or_else(|| not_compact(token))?;
        if signature.contains('.') {
            return Err(not_compact(token));
        }
        if header.len() > limits.header {
            return Err(TooLong.into());
        }
        let signed = token
            .get(..header.len() + 1 + payload.len())
            .ok_or(NotCompact)?;
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }

    fn header(&self, profile: Profile) -> Result<Header, JwtError> {
        let bytes = URL_SAFE_NO_PAD.decode(self.header).map_err(|_| NotBase64)?;
        let json = str::from_utf8(&bytes).map_err(|_| MalformedHeader)?;
        Header::parse(json, profile)
    }

    fn signature<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], JwtError> {
        if self.signature.is_empty() {
            return Err(BadSignature.into());
        }
        let length = URL_SAFE_NO_PAD
            .decode_slice(self.signature, buffer)
            .map_err(|_| NotBase64)?;
        Ok(buffer.get(..length).unwrap_or_default())
    }
}

/// Says by its shape what a text is that is no compact JWS.
fn not_compact(token: &str) -> JwtError {
    if token.trim_start().starts_with('{') {
        JsonSerialization.into()
    } else if token.bytes().filter(|&byte| byte == b'.').count() == 4 {
        Encrypted.into()
    } else {
        NotCompact.into()
    }
}

fn verify_with(
    set: &KeySet,
    header: &Header,
    signed: &str,
    signature: &[u8],
) -> Result<(), JwtError> {
    let algorithm = header.algorithm();
    let verifies = |key: &VerifyingKey| key.verify(algorithm, signed.as_bytes(), signature).is_ok();
    let named = header
        .key_id()
        .and_then(|id| set.keys().iter().find(|key| key.key_id() == Some(id)));
    let is_good = match named {
        Some(key) if !key.algorithms().contains(algorithm) => return Err(NoMatchingKey.into()),
        Some(key) => verifies(key),
        None => {
            // A token that names a key may be of one without a name, but of no other.
            let has_name = header.key_id().is_some();
            let is_candidate = |key: &&VerifyingKey| {
                key.algorithms().contains(algorithm) && !(has_name && key.key_id().is_some())
            };
            let candidates = || set.keys().iter().filter(is_candidate);
            match candidates().count() {
                0 if has_name => return Err(UnknownKey.into()),
                0 => return Err(NoMatchingKey.into()),
                1..=MOST_TRIED => candidates().any(verifies),
                _ => return Err(AmbiguousKey.into()),
            }
        }
    };
    if is_good {
        Ok(())
    } else {
        Err(BadSignature.into())
    }
}
