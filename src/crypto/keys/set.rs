use super::{KeyError, VerifyingKey};
use crate::crypto::json::{Object, Value};

/// The longest text of a key set. The largest set an issuer of our knowledge publishes has
/// some 30 kB.
const LONGEST_TEXT: usize = 256 * 1024;
/// The most keys of a set.
const MOST_KEYS: usize = 64;

/// Keys of one issuer, one of which a token has to be signed with.
///
/// The default set has no keys, and nothing verifies with it: what there is until keys have
/// been fetched.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    ignored: Vec<IgnoredKey>,
}

/// A key of a set that was passed over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IgnoredKey {
    /// Where in the set it was, the first being 0.
    pub index: usize,
    /// Why.
    pub reason: KeyError,
}

impl KeySet {
    /// A set of keys.
    ///
    /// # Errors
    /// When there is none, when two have the same name, when there are symmetric and
    /// asymmetric ones, or too many.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, KeyError> {
        Self::of(keys.into_iter().collect(), Vec::new())
    }

    /// Reads a JWK Set (RFC 7517 section 5), or a single JWK.
    ///
    /// Keys that [are not for us](KeyError::is_not_for_us) are passed over, as RFC 7517
    /// asks, and [listed](Self::ignored). Keys that are weak or malformed are not: the set
    /// is refused, so that nobody trusts half of it.
    ///
    /// # Errors
    /// What is wrong with the set or one of its keys.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        if text.len() > LONGEST_TEXT {
            return Err(KeyError::TextTooLong(text.len()));
        }
        let object = Object::parse(text)?;
        let Some(members) = object.get("keys") else {
            return Self::new([VerifyingKey::from_jwk(text)?]);
        };
        let members = members
            .as_array()
            .ok_or(KeyError::MalformedMember("keys"))?;
        if members.len() > MOST_KEYS {
            return Err(KeyError::TooManyKeys(members.len()));
        }
        let mut keys = Vec::with_capacity(members.len());
        let mut ignored = Vec::new();
        for (index, jwk) in members.into_iter().map(Value::raw).enumerate() {
            match VerifyingKey::from_jwk(jwk) {
                Ok(key) => keys.push(key),
                Err(reason) if reason.is_not_for_us() => {
                    ignored.push(IgnoredKey { index, reason });
                }
                Err(reason) => return Err(reason),
            }
        }
        Self::of(keys, ignored)
    }

    fn of(keys: Vec<VerifyingKey>, ignored: Vec<IgnoredKey>) -> Result<Self, KeyError> {
        if keys.is_empty() {
            return Err(KeyError::NoUsableKey);
        }
        if keys.len() > MOST_KEYS {
            return Err(KeyError::TooManyKeys(keys.len()));
        }
        let symmetric = keys.iter().filter(|key| key.is_symmetric()).count();
        if symmetric != 0 && symmetric != keys.len() {
            return Err(KeyError::MixedSet);
        }
        for (index, key) in keys.iter().enumerate() {
            let Some(key_id) = key.key_id() else { continue };
            if keys
                .iter()
                .skip(index + 1)
                .any(|it| it.key_id() == Some(key_id))
            {
                return Err(KeyError::DuplicateKeyId(key_id.to_owned()));
            }
        }
        Ok(Self { keys, ignored })
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The keys that were passed over, and why.
    #[must_use]
    pub fn ignored(&self) -> &[IgnoredKey] {
        &self.ignored
    }

    /// The set to publish, as at `/.well-known/jwks.json`: public halves alone. Symmetric
    /// keys are left out.
    #[must_use]
    pub fn to_public_json(&self) -> String {
        let keys: Vec<_> = self
            .keys
            .iter()
            .filter_map(VerifyingKey::to_public_jwk)
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        Self {
            keys: vec![key],
            ignored: Vec::new(),
        }
    }
}
