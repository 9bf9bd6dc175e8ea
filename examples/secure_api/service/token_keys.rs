//! The keys that sign the tokens.

use super::State;
use super::config::Config;
use super::vault::Vault;
use axum::Json;
use axum::routing::{MethodRouter, any_service, get};
use portcullis::authn::jwt::{ConfigError, PublishedKeys};
use portcullis::crypto::keys::{
    Algorithm, KeyError, KeySet, LiveKeys, LiveSigningKey, RotatingKeys, SigningKey,
};
use portcullis::secret::{SecretBytes, SecretString};
use portcullis::store::Records;
use serde_json::json;
use std::error::Error;

/// What signs, and what verifies.
#[derive(Clone, Debug)]
pub(crate) struct TokenKeys {
    pub(super) algorithm: Algorithm,
    pub(super) signer: LiveSigningKey,
    pub(super) public: LiveKeys,
}

impl TokenKeys {
    /// The key that the configuration gives, so that several processes know each other's
    /// tokens; else keys that rotate, kept among the records.
    pub(crate) async fn open(
        config: &Config,
        records: &Records,
        vault: &Vault,
    ) -> Result<Self, Box<dyn Error>> {
        if let Some(text) = &config.jwt_key {
            let key = parse(text).map_err(|error| format!("JWT_KEY cannot be used: {error}"))?;
            return Ok(Self {
                algorithm: key.algorithm(),
                public: KeySet::new([key.verifying_key()])?.into(),
                signer: key.into(),
            });
        }
        let algorithm = Algorithm::EdDsa;
        let sealer = vault.signing_key.clone();
        let keys = RotatingKeys::builder(algorithm, records.clone(), sealer);
        let keys = keys.build().await?;
        tokio::spawn(keys.clone().keep_fresh());
        Ok(Self {
            algorithm,
            signer: keys.signer(),
            public: keys.public(),
        })
    }

    /// What others verify tokens by: nothing, where a secret signs.
    pub(super) fn published(&self) -> Result<MethodRouter<State>, ConfigError> {
        if self.algorithm.is_symmetric() {
            return Ok(get(async || Json(json!({"keys": []}))));
        }
        Ok(any_service(PublishedKeys::new(self.public.clone())?))
    }
}

/// A private JWK, an Ed25519 key in PEM (`openssl genpkey -algorithm ed25519`), or a secret of
/// at least 32 bytes (`openssl rand -hex 32`), which then signs by HMAC.
fn parse(secret: &SecretString) -> Result<SigningKey, KeyError> {
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
