//! Making keys, and keeping them where others may read.

use super::super::{Algorithm, KeyError, SigningKey};
use super::error::RotationError;
use super::series::Entry;
use crate::crypto::{Refused, SecretSealer};
use crate::random::Random;
use crate::secret::SecretBytes;
use base64ct::{Base64UrlUnpadded, Encoding};
use std::fmt;
use std::sync::Arc;

/// What the keys are sealed for.
const PURPOSE: &str = "signing-key";

type Generate = dyn Fn() -> Result<SigningKey, KeyError> + Send + Sync;

/// Makes keys of one algorithm, and opens those of any.
#[derive(Clone)]
pub(super) struct Workshop {
    /// The set they belong to.
    pub(super) name: Arc<str>,
    pub(super) algorithm: Algorithm,
    pub(super) generate: Option<Arc<Generate>>,
    pub(super) sealer: Arc<dyn SecretSealer>,
}

impl Workshop {
    /// A new key, which signs nothing yet.
    pub(super) fn make(&self, now: u64) -> Result<Entry, RotationError> {
        let (id, algorithm, secret) = match &self.generate {
            None if self.algorithm.is_symmetric() => {
                let secret: SecretBytes = Random::secure().bytes::<64>().as_slice().into();
                let id = Base64UrlUnpadded::encode_string(&Random::secure().bytes::<16>());
                (id, self.algorithm, secret)
            }
            None => parts(&SigningKey::generate(self.algorithm)?)?,
            Some(generate) => parts(&generate()?)?,
        };
        let place = self.place(algorithm.as_str(), &id);
        let sealed = self.sealer.seal_secret(PURPOSE, &place, secret.expose())?;
        Ok(Entry {
            id: id.into(),
            algorithm: algorithm.as_str().into(),
            sealed: Base64UrlUnpadded::encode_string(&sealed).into(),
            made: now,
            since: None,
            retired: None,
        })
    }

    pub(super) fn open(&self, entry: &Entry) -> Result<SigningKey, RotationError> {
        let algorithm = Algorithm::named(&entry.algorithm).ok_or(RotationError::Corrupt)?;
        let sealed = Base64UrlUnpadded::decode_vec(&entry.sealed);
        let sealed = sealed.map_err(|_| RotationError::Corrupt)?;
        let place = self.place(&entry.algorithm, &entry.id);
        let secret = self.sealer.open_secret(PURPOSE, &place, &sealed)?;
        let key = if algorithm.is_symmetric() {
            SigningKey::from_secret(algorithm, &secret)?
        } else {
            SigningKey::from_pkcs8(algorithm, secret.expose())?
        };
        Ok(key.with_key_id(&*entry.id))
    }

    /// Whose secret it is, for the sealer: no key can be moved to another set, name or
    /// algorithm.
    fn place(&self, algorithm: &str, id: &str) -> String {
        format!("{} {algorithm} {id}", self.name)
    }
}

fn parts(key: &SigningKey) -> Result<(String, Algorithm, SecretBytes), RotationError> {
    let secret = key.to_pkcs8().ok_or(RotationError::NotKept)?;
    let id = key.key_id().ok_or(RotationError::NotKept)?;
    Ok((id.to_owned(), key.algorithm(), secret))
}

impl fmt::Debug for Workshop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workshop")
            .field("name", &self.name)
            .field("algorithm", &self.algorithm)
            .field("sealer", &self.sealer)
            .finish_non_exhaustive()
    }
}

/// For keys that never leave the memory of this process.
#[derive(Debug)]
pub(super) struct NotSealed;

impl SecretSealer for NotSealed {
    fn seal_secret(&self, _: &str, _: &str, secret: &[u8]) -> Result<Vec<u8>, Refused> {
        Ok(secret.into())
    }

    fn open_secret(&self, _: &str, _: &str, sealed: &[u8]) -> Result<SecretBytes, Refused> {
        Ok(sealed.into())
    }
}
