use super::canonical::{CanonicalRequest, NONCE, SIGNATURE, TIMESTAMP, X_API_KEY};
use crate::clock::Clock;
use crate::crypto::keys::{Algorithm, SigningKey};
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::signing::{ConfigError, Fault, RequestSigner, hex};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, request};

/// Signs requests of a client. In a [`SignLayer`](crate::signing::SignLayer) it signs all that
/// a tower client sends.
#[derive(Clone, Debug)]
#[must_use]
pub struct ApiSigner {
    key: SigningKey,
    key_id: Box<str>,
    shown_key_id: HeaderValue,
    clock: Clock,
    random: Random,
}

impl ApiSigner {
    /// Signs with this secret, under the id that the server knows it by.
    ///
    /// # Errors
    /// When the id cannot be sent, or the secret is shorter than 32 bytes.
    pub fn new(key_id: &str, secret: &SecretBytes) -> Result<Self, ConfigError> {
        let shown_key_id = HeaderValue::from_str(key_id).ok();
        let shown_key_id = shown_key_id.filter(|_| super::verify::is_key_id(key_id));
        Ok(Self {
            key: SigningKey::from_secret(Algorithm::Hs256, secret)?,
            key_id: key_id.into(),
            shown_key_id: shown_key_id.ok_or_else(|| ConfigError::NotVisible(key_id.to_owned()))?,
            clock: Clock::system(),
            random: Random::secure(),
        })
    }

    /// Takes the time from this clock.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes nonces from here.
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Signs a request with this body: sets the four headers.
    ///
    /// # Errors
    /// When the random generator fails.
    pub fn sign(&self, request: &mut request::Parts, body: &[u8]) -> Result<(), Fault> {
        let timestamp = self.clock.now().unix_seconds().to_string();
        let nonce = URL_SAFE_NO_PAD.encode(self.random.bytes::<16>());
        let form = CanonicalRequest {
            key_id: &self.key_id,
            timestamp: &timestamp,
            nonce: &nonce,
            method: request.method.as_str(),
            path: request.uri.path(),
            query: request.uri.query(),
            body,
        };
        let signature = self.key.sign(&form.to_bytes());
        let signature = signature.map_err(|error| Fault::Internal(error.to_string().into()))?;
        let value =
            |text: &str| HeaderValue::from_str(text).map_err(|_| Fault::Malformed("a header"));
        let (timestamp, nonce) = (value(&timestamp)?, value(&nonce)?);
        let signature = value(&hex::text(&signature))?;
        let headers = &mut request.headers;
        headers.insert(X_API_KEY, self.shown_key_id.clone());
        headers.insert(TIMESTAMP, timestamp);
        headers.insert(NONCE, nonce);
        headers.insert(SIGNATURE, signature);
        Ok(())
    }
}

impl RequestSigner for ApiSigner {
    fn sign_parts(&self, request: &mut request::Parts, body: &[u8]) -> Result<(), Fault> {
        self.sign(request, body)
    }
}
