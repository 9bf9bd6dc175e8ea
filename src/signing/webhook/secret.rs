use super::WebhookScheme;
use crate::crypto::keys::{Algorithm, SigningKey, VerifyingKey};
use crate::secret::SecretString;
use crate::signing::{ConfigError, hex};
use base64ct::{Base64, Encoding};
use ring::hmac;
use std::fmt;
use zeroize::Zeroizing;

/// RFC 8410 section 10.3, up to the seed.
const PKCS8_ED25519: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// RFC 8410 section 10.1, up to the point.
const SPKI_ED25519: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// No scheme signs this: each has a time, or a body that is JSON or a form.
const FINGERPRINT: &[u8] = b"portcullis: the fingerprint of a webhook secret";

/// What webhooks of one scheme are signed or verified with. Cheap to clone.
#[derive(Clone)]
pub struct WebhookSecret {
    pub(super) scheme: WebhookScheme,
    pub(super) kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    Hmac(hmac::Key),
    Public(VerifyingKey),
    Private(SigningKey, VerifyingKey),
}

impl WebhookSecret {
    /// The fewest bytes of a secret: 128 bits.
    pub const MIN_LEN: usize = 16;

    /// A secret as the other side shows it. Of Standard Webhooks that is `whsec_` and base64,
    /// or `whpk_` (to verify) or `whsk_` (to sign) with a key of Ed25519; of the others, text
    /// as it is.
    ///
    /// # Errors
    /// When it is malformed, or shorter than [`MIN_LEN`](Self::MIN_LEN).
    pub fn new(scheme: WebhookScheme, text: &SecretString) -> Result<Self, ConfigError> {
        Self::read(scheme, text, Self::MIN_LEN)
    }

    /// The same of any length but none. Who can guess it can send webhooks.
    ///
    /// # Errors
    /// When it is malformed or empty.
    pub fn insecure_of_any_length(
        scheme: WebhookScheme,
        text: &SecretString,
    ) -> Result<Self, ConfigError> {
        Self::read(scheme, text, 1)
    }

    fn read(
        scheme: WebhookScheme,
        text: &SecretString,
        shortest: usize,
    ) -> Result<Self, ConfigError> {
        let text = text.expose();
        let kind = match scheme {
            WebhookScheme::StandardWebhooks => standard(text, shortest)?,
            _ => hmac_key(text.as_bytes(), shortest)?,
        };
        Ok(Self { scheme, kind })
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> WebhookScheme {
        self.scheme
    }

    /// Tells it from others, and gives nothing of it away.
    pub(super) fn fingerprint(&self) -> String {
        match &self.kind {
            Kind::Hmac(key) => hex::text(hmac::sign(key, FINGERPRINT).as_ref()),
            Kind::Public(key) | Kind::Private(_, key) => key.thumbprint().unwrap_or_default(),
        }
    }
}

/// The text holds a secret, and so does what is made of it.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecret")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

fn hmac_key(bytes: &[u8], shortest: usize) -> Result<Kind, ConfigError> {
    if bytes.len() < shortest {
        return Err(ConfigError::SecretTooShort(bytes.len(), shortest));
    }
    Ok(Kind::Hmac(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
}

fn standard(text: &str, shortest: usize) -> Result<Kind, ConfigError> {
    let decoded = |packed: &str| {
        let decoded = Base64::decode_vec(packed).map(Zeroizing::new);
        decoded.map_err(|_| ConfigError::Secret("what follows the prefix is not base64"))
    };
    if let Some(packed) = text.strip_prefix("whpk_") {
        let spki = [SPKI_ED25519, &decoded(packed)?].concat();
        return Ok(Kind::Public(VerifyingKey::from_spki(&spki)?));
    }
    if let Some(packed) = text.strip_prefix("whsk_") {
        let bytes = decoded(packed)?;
        // Some write the public half behind the seed.
        let seed = match bytes.len() {
            32 | 64 => bytes.get(..32).unwrap_or_default(),
            _ => return Err(ConfigError::Secret("a key of Ed25519 has 32 or 64 bytes")),
        };
        let pkcs8 = Zeroizing::new([PKCS8_ED25519, seed].concat());
        let private = SigningKey::from_pkcs8(Algorithm::EdDsa, &pkcs8)?;
        let public = private.verifying_key();
        return Ok(Kind::Private(private, public));
    }
    let packed = text.strip_prefix("whsec_").unwrap_or(text);
    hmac_key(&decoded(packed)?, shortest)
}
