//! The key that signs the tokens.

use portcullis::crypto::keys::{Algorithm, KeyError, SigningKey};
use portcullis::secret::{SecretBytes, SecretString};

/// The key that the configuration gives, so that several processes know each other's tokens;
/// else a new one, with which all tokens end when the process does.
///
/// It may be a private JWK, an Ed25519 key in PEM (`openssl genpkey -algorithm ed25519`), or
/// a secret of at least 32 bytes (`openssl rand -hex 32`), which then signs by HMAC.
pub(crate) fn signing_key(configured: Option<&SecretString>) -> Result<SigningKey, KeyError> {
    let Some(secret) = configured else {
        return SigningKey::generate(Algorithm::EdDsa);
    };
    let text = secret.expose().trim();
    if text.starts_with('{') {
        SigningKey::from_jwk(text)
    } else if text.starts_with("-----BEGIN") {
        SigningKey::from_pkcs8_pem(Algorithm::EdDsa, text)
    } else {
        let bytes = SecretBytes::from(text.as_bytes());
        SigningKey::from_secret(Algorithm::Hs256, &bytes)
    }
}
