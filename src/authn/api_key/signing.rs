use super::error::ApiKeyError;
use super::kept::KEYS;
use super::key::CreatedApiKey;
use super::keys::ApiKeys;
use super::new_key::NewApiKey;
use super::record::{KeyKind, KeyRecord};
use super::text::is_id;
use crate::crypto::SecretSealer;
use crate::crypto::keys::{KeyProvider, KnownKey};
use crate::guard::Rejection;
use crate::principal::Principal;
use crate::store::{StoreError, StoreErrorKind, StoreFuture};
use std::sync::Arc;

/// What the texts are sealed for.
const PURPOSE: &str = "api-key";

/// API keys that sign requests and are never sent: their text is a shared secret, kept sealed
/// rather than hashed, for whoever verifies an HMAC needs it too.
///
/// They are made, listed, limited and revoked beside the [others](ApiKeys), and none is good as
/// a bearer key. As a [`KeyProvider`] it serves the guards of feature `signing`: the id of the
/// key is what a request names, the whole text is the secret.
///
/// A key counts as used once a request that it signed has passed, and not when somebody names it.
///
/// A signing key is not rotated: make another, and revoke the old one once nobody signs with it.
///
/// ```
/// # #[cfg(feature = "field-encryption")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use portcullis::authn::api_key::{ApiKeys, NewApiKey, SigningApiKeys};
/// use portcullis::clock::Clock;
/// use portcullis::crypto::field::FieldCipher;
/// use portcullis::crypto::keyring::Keyring;
/// use portcullis::crypto::keys::KeyProvider;
/// use portcullis::principal::{Authentication, Principal};
/// use portcullis::store::Records;
///
/// let sealer = FieldCipher::new(Keyring::generate(), "shop").column("api_keys", "text")?;
/// let keys = SigningApiKeys::new(ApiKeys::new(Records::memory(), "acme_live")?, sealer);
/// let ann = Principal::new("user-17", Authentication::new(Clock::system().now()));
/// let created = keys.create(&ann, &NewApiKey::new("orders").scopes(["orders:write"])).await?;
///
/// let found = keys.find(created.key().id()).await?.unwrap();
/// assert_eq!(found.principal().unwrap().id(), "user-17");
/// assert!(keys.find("no such key").await?.is_none());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "field-encryption"))] fn main() {}
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SigningApiKeys {
    keys: ApiKeys,
    sealer: Arc<dyn SecretSealer>,
}

impl SigningApiKeys {
    /// Beside these keys, with their texts sealed by `sealer`, such as a column of a field
    /// cipher.
    pub fn new(keys: ApiKeys, sealer: impl SecretSealer + 'static) -> Self {
        let sealer = Arc::new(sealer);
        Self { keys, sealer }
    }

    /// Makes a key for this principal, as [`ApiKeys::create`] does. Whoever signs needs the id
    /// and the text, which is shown once.
    ///
    /// # Errors
    /// As [`ApiKeys::create`], and when the text cannot be sealed.
    pub async fn create(
        &self,
        owner: &Principal,
        asked: &NewApiKey,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let seal = |id: &str, text: &str| self.sealer.seal_secret(PURPOSE, id, text.as_bytes());
        let created = self.keys.make(owner, asked, |id, text| {
            let sealed = seal(id, text).map_err(|_| ApiKeyError::NotSealed)?;
            Ok((KeyKind::Signing, Some(sealed)))
        });
        created.await
    }

    async fn found(&self, key_id: &str) -> Result<Option<KnownKey>, StoreError> {
        // A request may name anything: what cannot be an id is not looked for.
        if !is_id(key_id) {
            return Ok(None);
        }
        let keys = &self.keys;
        let Some(record) = keys.records.get(KEYS, key_id).await? else {
            return Ok(None);
        };
        let stored = KeyRecord::decode(record.value())?;
        if stored.kind != KeyKind::Signing || stored.is_expired(keys.now()) {
            return Ok(None);
        }
        let corrupt = || {
            let message = "the secret of a signing key cannot be opened";
            StoreError::new(StoreErrorKind::Corrupt, message)
        };
        let sealed = stored.sealed.as_deref().ok_or_else(corrupt)?;
        let secret = self.sealer.open_secret(PURPOSE, key_id, sealed);
        let secret = secret.map_err(|_| corrupt())?;
        let mut known = KnownKey::shared_secret(&secret).map_err(|_| corrupt())?;
        if keys.is_use_due(&stored) {
            let noted = (keys.clone(), record, stored.clone());
            known = known.noting_use(move || {
                let (keys, record, stored) = noted.clone();
                StoreFuture::waiting(async move {
                    keys.note_use(&record, &stored).await;
                    Ok(())
                })
            });
        }
        match keys.principal_of(key_id, &stored).await {
            Ok(principal) => Ok(Some(known.with_principal(principal))),
            // The owner is gone or disabled, or nobody can tell.
            Err(rejection) => outage(&rejection).map_or(Ok(None), Err),
        }
    }
}

impl KeyProvider for SigningApiKeys {
    fn find(&self, key_id: &str) -> StoreFuture<Option<KnownKey>> {
        let (keys, key_id) = (self.clone(), key_id.to_owned());
        StoreFuture::waiting(async move { keys.found(&key_id).await })
    }
}

/// Whether a rejection of the application says that it could not tell, as an error of the store.
fn outage(rejection: &Rejection) -> Option<StoreError> {
    let message = "the owner of an API key could not be looked up";
    let could_tell = rejection.status().is_client_error();
    (!could_tell).then(|| StoreError::new(StoreErrorKind::Unavailable, message))
}
