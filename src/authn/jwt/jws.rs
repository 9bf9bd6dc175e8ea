use super::JwtErrorKind::*;
use super::{ConfigError, Header, JwtError, Profile};
use crate::crypto::keys::{
    Algorithms, KeyFeed, KeySet, KeyState, LiveKeys, VerifyingKey, WantedKeys, WhenFetched,
};
use arc_swap::{ArcSwap, Guard};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::{Arc, OnceLock};

/// A signature of 8192 bits, and what the decoder wants of room beside it.
const MAX_SIGNATURE: usize = 1024 + 3;
/// The signatures of HMAC and of curves are shorter than this, encoded.
const SHORT_SIGNATURE: usize = 128;
/// How many headers are kept. An issuer has one for each key and kind of token.
const MAX_KNOWN_HEADERS: usize = 4;
/// How many keys are tried for a token that names none: as many as a rotation without names
/// needs. Each costs an attacker nothing and us a verification.
const MAX_TRIED: usize = 4;

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
    known: Arc<ArcSwap<KnownHeaders>>,
}

/// Headers of tokens that were good, as they were encoded: nearly all tokens of a key have the
/// same, and it need not be read again. Only good tokens get their headers in here, so nobody
/// else can fill it; with the key set it is forgotten, so what is no longer used goes.
#[derive(Debug)]
struct KnownHeaders {
    of: Arc<KeySet>,
    headers: [OnceLock<(Box<str>, Arc<Header>)>; MAX_KNOWN_HEADERS],
}

impl KnownHeaders {
    fn none(of: Arc<KeySet>) -> Self {
        Self {
            of,
            headers: Default::default(),
        }
    }

    fn find(&self, encoded: &str) -> Option<Arc<Header>> {
        let filled = self.headers.iter().map_while(OnceLock::get);
        let (_, header) = filled.into_iter().find(|(known, _)| **known == *encoded)?;
        Some(Arc::clone(header))
    }

    fn keep(&self, encoded: &str, header: &Arc<Header>) {
        if let Some(free) = self.headers.iter().find(|it| it.get().is_none()) {
            // Somebody else may have been quicker; then there is one header less to know.
            let _ = free.set((encoded.into(), Arc::clone(header)));
        }
    }
}

/// A message whose signature is good.
#[derive(Clone, Debug)]
pub struct VerifiedJws {
    header: Arc<Header>,
    payload: Vec<u8>,
}

impl VerifiedJws {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
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

    pub(super) fn into_parts(self) -> (Arc<Header>, Vec<u8>) {
        (self.header, self.payload)
    }
}

impl JwsVerifier {
    /// A verifier with these keys that takes these algorithms.
    ///
    /// # Errors
    /// When no algorithm is allowed, symmetric and asymmetric ones are, or there are keys and
    /// none can do any.
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
        let current = keys.current();
        if !current.keys().is_empty() && !current.keys().iter().any(can_verify) {
            return Err(ConfigError::NoKeyForAlgorithms);
        }
        Ok(Self {
            keys,
            algorithms,
            profile: Profile::Default,
            known: Arc::new(ArcSwap::from_pointee(KnownHeaders::none(current))),
        })
    }

    /// Sets how much is refused.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        // What one profile takes, another may not: a clone must not know it.
        let nothing = KnownHeaders::none(self.keys.current());
        self.known = Arc::new(ArcSwap::from_pointee(nothing));
        self
    }

    /// Whether there are keys that may be believed.
    pub(super) fn has_keys(&self) -> bool {
        self.state() != KeyState::Missing
    }

    pub(super) const fn keys(&self) -> &LiveKeys {
        &self.keys
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// Why the token was refused.
    pub fn verify(&self, token: &str) -> Result<VerifiedJws, JwtError> {
        let segments = Segments::split(token, self.profile)?;
        // Asked before the set is read, which is not older then.
        let state = self.state();
        let set = self.keys.peek();
        let known = self.known_headers(&set);
        let (header, is_new) = match known.find(segments.header) {
            Some(header) => (header, false),
            None => (Arc::new(self.read_header(&segments)?), true),
        };
        if state == KeyState::Missing {
            return Err(KeysUnavailable.into());
        }
        segments.verify_with(&set, &header)?;
        if is_new {
            known.keep(segments.header, &header);
        }
        let payload = URL_SAFE_NO_PAD
            .decode(segments.payload)
            .map_err(|_| NotBase64)?;
        Ok(VerifiedJws { header, payload })
    }
}

impl JwsVerifier {
    fn state(&self) -> KeyState {
        self.keys.feed().map_or(KeyState::Ready, KeyFeed::state)
    }

    /// What to wait for before a token may be judged, of which the keys at hand say this.
    /// Nothing when the verdict stands.
    pub(super) fn awaited_keys<T>(&self, verdict: &Result<T, JwtError>) -> Option<WhenFetched> {
        let feed = self.keys.feed()?;
        let wanted = match verdict.as_ref().map_err(JwtError::kind) {
            Err(KeysUnavailable) => WantedKeys::Fresh,
            Err(UnknownKey) if feed.state() == KeyState::Ready => WantedKeys::Unknown,
            Ok(_) | Err(UnknownKey | NoMatchingKey | BadSignature)
                if feed.state() != KeyState::Ready =>
            {
                WantedKeys::Fresh
            }
            _ => return None,
        };
        feed.fetch(wanted)
    }

    /// The headers known with this key set.
    fn known_headers(&self, set: &Arc<KeySet>) -> Guard<Arc<KnownHeaders>> {
        let known = self.known.load();
        if Arc::ptr_eq(&known.of, set) {
            return known;
        }
        self.known
            .store(Arc::new(KnownHeaders::none(Arc::clone(set))));
        self.known.load()
    }

    fn read_header(&self, segments: &Segments<'_>) -> Result<Header, JwtError> {
        let header = segments.header(self.profile)?;
        if !self.algorithms.contains(header.algorithm()) {
            return Err(AlgorithmNotAllowed.into());
        }
        Ok(header)
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
        let segments = || {
            let bytes = token.as_bytes();
            let (signed, signature) = token.split_at_checked(memchr::memrchr(b'.', bytes)?)?;
            let (header, _) = token.split_at_checked(memchr::memchr(b'.', bytes)?)?;
            let payload = signed.get(header.len()..)?.strip_prefix('.')?;
            let is_one = memchr::memchr(b'.', payload.as_bytes()).is_none();
            is_one.then_some(Self {
                header,
                payload,
                signature: signature.strip_prefix('.')?,
                signed,
            })
        };
        let segments = segments().ok_or_else(|| not_compact(token))?;
        if segments.header.len() > limits.header {
            return Err(TooLong.into());
        }
        Ok(segments)
    }

    fn header(&self, profile: Profile) -> Result<Header, JwtError> {
        let bytes = URL_SAFE_NO_PAD.decode(self.header).map_err(|_| NotBase64)?;
        let json = str::from_utf8(&bytes).map_err(|_| MalformedHeader)?;
        Header::parse(json, profile)
    }

    fn verify_with(&self, set: &KeySet, header: &Header) -> Result<(), JwtError> {
        if self.signature.len() <= SHORT_SIGNATURE {
            self.verify_in([0; SHORT_SIGNATURE], set, header)
        } else {
            self.verify_in([0; MAX_SIGNATURE], set, header)
        }
    }

    /// Decodes the signature into a buffer that has room for it, and verifies it.
    fn verify_in<const N: usize>(
        &self,
        mut buffer: [u8; N],
        set: &KeySet,
        header: &Header,
    ) -> Result<(), JwtError> {
        if self.signature.is_empty() {
            return Err(BadSignature.into());
        }
        let length = URL_SAFE_NO_PAD
            .decode_slice(self.signature, &mut buffer)
            .map_err(|_| NotBase64)?;
        let signature = buffer.get(..length).unwrap_or_default();
        verify_with(set, header, self.signed, signature)
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
                1..=MAX_TRIED => candidates().any(verifies),
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
