use super::digest::CONTENT_DIGEST;
use super::fields::{self, Covered, Input, SIGNATURE, SIGNATURE_INPUT};
use super::message::Head;
use super::{Component, ConfigError, Fault, Message, base, registered_name};
use crate::clock::Clock;
use crate::crypto::keys::SigningKey;
use crate::random::Random;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use std::fmt::Write;
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
    key_id: Box<str>,
    components: Option<Vec<Component>>,
    label: Box<str>,
    lifetime: Option<Duration>,
    nonce: bool,
    tag: Option<Box<str>>,
    names_algorithm: bool,
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
            key,
            key_id,
            components: None,
            label: "sig".into(),
            lifetime: None,
            nonce: true,
            tag: None,
            names_algorithm: false,
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
        let mut all: Vec<Component> = Vec::new();
        for component in components {
            let refuse = |why| Err(ConfigError::Component(component.to_string(), why));
            if all.contains(&component) {
                return refuse("it comes twice");
            }
            if all.len() == fields::MAX_COMPONENTS {
                return refuse("there are 64 already");
            }
            all.push(component);
        }
        Ok(self.with(|inner| inner.components = Some(all)))
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
        Ok(self.with(|inner| inner.tag = Some(tag)))
    }

    /// Says when the signature is over, this long after it is made.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        self.with(|inner| inner.lifetime = Some(lifetime))
    }

    /// Names the algorithm (`alg`). Who verifies knows it from the key.
    pub fn naming_algorithm(self) -> Self {
        self.with(|inner| inner.names_algorithm = true)
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
        let input = self.input(message)?;
        let base = base::of(message, &input)?;
        let signature = self.0.key.sign(&base);
        let signature = signature.map_err(|error| Fault::Internal(error.to_string().into()))?;

        let mut text = String::with_capacity(self.0.label.len() + input.text.len() + 1);
        text.push_str(&self.0.label);
        text.push('=');
        text.push_str(&input.text);
        let input = HeaderValue::try_from(text);
        // Of the very length, so that the value need not move.
        let length = self.0.label.len() + signature.len().div_ceil(3) * 4 + 3;
        let mut text = String::with_capacity(length);
        text.push_str(&self.0.label);
        text.push_str("=:");
        STANDARD.encode_string(&signature, &mut text);
        text.push(':');
        let bad = |_| Fault::Malformed("Signature-Input");
        Ok(SignatureFields {
            input: input.map_err(bad)?,
            signature: HeaderValue::try_from(text).map_err(bad)?,
        })
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
        if headers.contains_key(SIGNATURE) || headers.contains_key(SIGNATURE_INPUT) {
            let there = fields::signatures(headers)?;
            if there.iter().any(|it| it.input.label == self.0.label) {
                return Err(Fault::Duplicate("a label"));
            }
        }
        headers.reserve(2);
        headers.append(SIGNATURE_INPUT, fields.input);
        headers.append(SIGNATURE, fields.signature);
        Ok(())
    }

    /// What is covered, and what the signature says.
    fn input(&self, message: &Message<'_>) -> Result<Input, Fault> {
        let inner = &*self.0;
        let mut input = Input {
            text: String::with_capacity(192),
            covered: Vec::with_capacity(6),
            ..Input::default()
        };
        input.text.push('(');
        match &inner.components {
            Some(components) => components
                .iter()
                .for_each(|it| cover(&mut input, it.clone())),
            None => cover_usual(&mut input, message)?,
        }
        input.text.push(')');
        let now = inner.clock.now().unix_seconds();
        let text = &mut input.text;
        let _infallible = write!(text, ";created={now}");
        put_text(text, "keyid", &inner.key_id);
        if inner.nonce {
            let nonce = URL_SAFE_NO_PAD.encode(inner.random.bytes::<16>());
            put_text(text, "nonce", &nonce);
        }
        if inner.names_algorithm {
            let name = registered_name(inner.key.algorithm());
            put_text(text, "alg", name.unwrap_or_default());
        }
        if let Some(lifetime) = inner.lifetime {
            let expires = now.saturating_add(lifetime.as_secs());
            let _infallible = write!(text, ";expires={expires}");
        }
        if let Some(tag) = &inner.tag {
            put_text(text, "tag", tag);
        }
        Ok(input)
    }
}

fn put_text(text: &mut String, name: &str, value: &str) {
    text.push(';');
    text.push_str(name);
    text.push('=');
    fields::put_string(text, value);
}

fn cover(input: &mut Input, component: Component) {
    if !input.covered.is_empty() {
        input.text.push(' ');
    }
    let start = input.text.len();
    input.text.push_str(component.as_str());
    let span = start..input.text.len();
    let identity = component.identity;
    input.covered.push(Covered { identity, span });
}

fn cover_usual(input: &mut Input, message: &Message<'_>) -> Result<(), Fault> {
    let is_bound = match &message.head {
        Head::Request(_) => {
            cover(input, Component::method());
            cover(input, Component::target_uri());
            None
        }
        Head::Response { request, .. } => {
            cover(input, Component::status());
            *request
        }
    };
    for (name, component) in [
        (CONTENT_DIGEST, Component::CONTENT_DIGEST),
        (header::CONTENT_TYPE, Component::CONTENT_TYPE),
    ] {
        if message.headers.contains_key(name) {
            cover(input, component);
        }
    }
    if let Some(request) = is_bound {
        cover(input, Component::method().of_request()?);
        cover(input, Component::target_uri().of_request()?);
        if request.headers.contains_key(SIGNATURE) {
            cover(input, Component::header(SIGNATURE).of_request()?);
        }
    }
    Ok(())
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
