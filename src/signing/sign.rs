use super::digest::CONTENT_DIGEST;
use super::fields::{self, Draft, List, Lists, SIGNATURE, SIGNATURE_INPUT, Signatures};
use super::{
    Component, ConfigError, Fault, Message, base, decimal, packed, registered_name, usual,
};
use crate::clock::Clock;
use crate::crypto::keys::SigningKey;
use crate::random::Random;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{Entry, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

/// Signs messages (RFC 9421). Cheap to clone.
///
/// Without [`covering`](Self::covering) it covers what [`Policy`](super::Policy) asks for: of a
/// request `@method`, `@target-uri`, `content-digest` and `content-type` where they are there;
/// of a response `@status`, the same two headers, and of its request method, target and, where
/// it was signed, signature.
///
/// ```
/// use http::Request;
/// use portcullis::crypto::keys::{KnownKey, SigningKey, StaticKeys, Algorithm};
/// use portcullis::signing::{Message, Policy, Signer, Verifier};
/// use portcullis::store::Store;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = [7; 32].as_slice().into();
/// let key = SigningKey::from_secret(Algorithm::Hs256, &secret)?.with_key_id("partner-1");
/// let signer = Signer::new(key)?;
///
/// let mut request = Request::get("https://api.example.com/orders?page=2").body(())?;
/// signer.sign_request(&mut request, b"")?;
///
/// let keys = StaticKeys::new().with("partner-1", KnownKey::shared_secret(&secret)?);
/// let verifier = Verifier::new(Policy::request(), keys, Store::memory());
/// assert!(verifier.verify(&Message::from(&request), b"").await.is_ok());
///
/// // Another target, or the same request once more:
/// assert!(verifier.verify(&Message::from(&request), b"").await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Signer(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    key: SigningKey,
    label: Box<str>,
    list: Option<Arc<List>>,
    /// The parameters that are the same each time, as they are sent; empty where one is not.
    key_id: Box<str>,
    algorithm: Box<str>,
    tag: Box<str>,
    lifetime: Option<Duration>,
    nonce: bool,
    clock: Clock,
    random: Random,
}

/// What a signature is sent as.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureFields {
    /// The value of `Signature-Input`.
    pub input: HeaderValue,
    /// The value of `Signature`.
    pub signature: HeaderValue,
}

impl Signer {
    /// Signs by this key, under the name that it has.
    ///
    /// # Errors
    /// When the key has no name, or one that cannot be sent, or its algorithm is not in the
    /// registry of RFC 9421.
    pub fn new(key: SigningKey) -> Result<Self, ConfigError> {
        registered_name(key.algorithm()).ok_or(ConfigError::NoAlgorithm)?;
        let key_id = visible(key.key_id().ok_or(ConfigError::NoKeyId)?)?;
        Ok(Self(Arc::new(Inner {
            label: "sig".into(),
            list: None,
            key_id: parameter("keyid", &key_id),
            algorithm: Box::default(),
            tag: Box::default(),
            lifetime: None,
            nonce: true,
            key,
            clock: Clock::system(),
            random: Random::secure(),
        })))
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Covers these components, in this order, in place of the usual ones.
    ///
    /// # Errors
    /// When one comes twice, or there are more than 64.
    pub fn covering(
        self,
        components: impl IntoIterator<Item = Component>,
    ) -> Result<Self, ConfigError> {
        let mut all = Draft::default();
        for component in components {
            let refuse = |why| Err(ConfigError::Component(component.to_string(), why));
            if all.has(&component.identity) {
                return refuse("it comes twice");
            }
            if all.len() == fields::MAX_COMPONENTS {
                return refuse("there are 64 already");
            }
            all.push(&component);
        }
        let list = all.close();
        Ok(self.with(|inner| inner.list = Some(list)))
    }

    /// Sets the label; `sig` without this.
    ///
    /// # Errors
    /// When it is not a key of structured fields.
    pub fn label(self, label: &str) -> Result<Self, ConfigError> {
        if sfv::KeyRef::from_str(label).is_err() {
            return Err(ConfigError::Label(label.to_owned()));
        }
        Ok(self.with(|inner| inner.label = label.into()))
    }

    /// Says for which purpose the signature is.
    ///
    /// # Errors
    /// When the tag is not visible ASCII.
    pub fn tag(self, tag: &str) -> Result<Self, ConfigError> {
        let tag = visible(tag)?;
        Ok(self.with(|inner| inner.tag = parameter("tag", &tag)))
    }

    /// Says when the signature is over, this long after it is made.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        self.with(|inner| inner.lifetime = Some(lifetime))
    }

    /// Names the algorithm (`alg`). Who verifies knows it from the key.
    pub fn naming_algorithm(self) -> Self {
        let name = registered_name(self.0.key.algorithm()).unwrap_or_default();
        self.with(|inner| inner.algorithm = parameter("alg", name))
    }

    /// Leaves the nonce out: a response needs none when it is bound to a request that has one,
    /// and tests want the same bytes twice.
    pub fn without_nonce(self) -> Self {
        self.with(|inner| inner.nonce = false)
    }

    /// Takes the time from this clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        self.with(|inner| inner.clock = clock)
    }

    /// Takes nonces from here.
    pub fn with_random(self, random: Random) -> Self {
        self.with(|inner| inner.random = random)
    }

    /// Signs a message, whose digest headers are there already, and gives the two fields.
    ///
    /// # Errors
    /// When the message has not what is to be covered, or the random generator fails.
    pub fn sign(&self, message: &Message<'_>) -> Result<SignatureFields, Fault> {
        let list = match &self.0.list {
            Some(list) => list,
            None => usual::list(message)?,
        };
        let mut base = Vec::with_capacity(list.text().len() * 2 + 512);
        base::put_components(&mut base, message, list)?;
        let start = base.len();
        self.put_parameters(&mut base, list);
        let signature = self.0.key.sign(&base);
        let signature = signature.map_err(|error| Fault::Internal(error.to_string().into()))?;

        let parameters = base.get(start..).unwrap_or_default();
        let input = [self.0.label.as_bytes(), b"=", parameters].concat();
        let bad = |_| Fault::Malformed("Signature-Input");
        Ok(SignatureFields {
            input: HeaderValue::try_from(input).map_err(bad)?,
            signature: self.shown(&signature).map_err(bad)?,
        })
    }

    /// The value of `@signature-params`: what is covered, and what the signature says of itself.
    fn put_parameters(&self, to: &mut Vec<u8>, list: &List) {
        let inner = &*self.0;
        to.extend_from_slice(list.text().as_bytes());
        to.extend_from_slice(b";created=");
        let now = inner.clock.now().unix_seconds();
        decimal::put(to, now);
        to.extend_from_slice(inner.key_id.as_bytes());
        if inner.nonce {
            let mut nonce = [0; 22];
            let encoded = URL_SAFE_NO_PAD.encode_slice(inner.random.bytes::<16>(), &mut nonce);
            debug_assert_eq!(encoded, Ok(nonce.len()), "16 bytes are 22 characters");
            to.extend_from_slice(b";nonce=\"");
            to.extend_from_slice(&nonce);
            to.push(b'"');
        }
        to.extend_from_slice(inner.algorithm.as_bytes());
        if let Some(lifetime) = inner.lifetime {
            to.extend_from_slice(b";expires=");
            decimal::put(to, now.saturating_add(lifetime.as_secs()));
        }
        to.extend_from_slice(inner.tag.as_bytes());
    }

    /// The value of `Signature`.
    fn shown(&self, signature: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
        let label = self.0.label.as_bytes();
        let text = match signature.try_into() {
            Ok(mac) => [label, b"=:", &packed::text_of_32(mac), b":"].concat(),
            Err(_) => [label, b"=:", STANDARD.encode(signature).as_bytes(), b":"].concat(),
        };
        HeaderValue::try_from(text)
    }

    /// Signs a request with this body: adds `Content-Digest` where there is a body, and then
    /// the signature beside those that are there.
    ///
    /// # Errors
    /// As [`sign`](Self::sign), and when the label is taken.
    pub fn sign_request<B>(
        &self,
        request: &mut http::Request<B>,
        body: &[u8],
    ) -> Result<(), Fault> {
        put_digest(request.headers_mut(), body);
        let fields = self.sign(&Message::from(&*request))?;
        self.put(request.headers_mut(), fields)
    }

    /// Signs a response with this body, bound to its request.
    ///
    /// # Errors
    /// As [`sign_request`](Self::sign_request).
    pub fn sign_response<B>(
        &self,
        response: &mut http::Response<B>,
        body: &[u8],
        request: &Message<'_>,
    ) -> Result<(), Fault> {
        put_digest(response.headers_mut(), body);
        let message = Message::of_response(response.status(), response.headers(), Some(request));
        let fields = self.sign(&message)?;
        self.put(response.headers_mut(), fields)
    }

    pub(super) fn put(
        &self,
        headers: &mut HeaderMap,
        fields: SignatureFields,
    ) -> Result<(), Fault> {
        headers.reserve(2);
        let Entry::Vacant(place) = headers.entry(SIGNATURE_INPUT) else {
            return self.put_beside(headers, fields);
        };
        place.insert(fields.input);
        let Entry::Vacant(place) = headers.entry(SIGNATURE) else {
            headers.remove(SIGNATURE_INPUT);
            return Err(Fault::UnknownLabel);
        };
        place.insert(fields.signature);
        Ok(())
    }

    /// Beside the signatures that are there.
    fn put_beside(&self, headers: &mut HeaderMap, fields: SignatureFields) -> Result<(), Fault> {
        let there = Signatures::of(headers, &Lists::new())?;
        if there.iter().any(|it| it.label() == &*self.0.label) {
            return Err(Fault::Duplicate("a label"));
        }
        headers.append(SIGNATURE_INPUT, fields.input);
        headers.append(SIGNATURE, fields.signature);
        Ok(())
    }
}

/// A parameter that is a string, as it is sent.
fn parameter(name: &str, value: &str) -> Box<str> {
    let mut text = format!(";{name}=");
    fields::put_string(&mut text, value);
    text.into()
}

/// Sets the digest of a body, whatever digest was there before; no body, no digest.
pub(super) fn put_digest(headers: &mut HeaderMap, body: &[u8]) {
    if body.is_empty() {
        headers.remove(CONTENT_DIGEST);
    } else {
        let digest = super::digest::DigestAlgorithm::Sha256.field(body);
        headers.insert(CONTENT_DIGEST, digest);
    }
}

/// A text that a string of structured fields can hold.
pub(super) fn visible(text: &str) -> Result<Box<str>, ConfigError> {
    if !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(text.into())
    } else {
        Err(ConfigError::NotVisible(text.to_owned()))
    }
}
