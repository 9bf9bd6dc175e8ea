use super::{KeyError, VerifyingKey};
use crate::crypto::json::{Object, Value};

/// The longest text of a key set. The largest set an issuer of our knowledge publishes has
/// some 30 kB.
const MAX_TEXT_LEN: usize = 256 * 1024;
/// The most keys of a set.
const MAX_KEYS: usize = 64;

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
        if text.len() > MAX_TEXT_LEN {
            return Err(KeyError::TextTooLong(text.len()));
        }
        let object = Object::parse(text)?;
        if object.get("keys").is_none() {
            return Self::new([VerifyingKey::from_jwk(text)?]);
        }
        let mut keys = Vec::new();
        let mut ignored = Vec::new();
        for (index, jwk) in members_of(&object)?.into_iter().map(Value::raw).enumerate() {
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

    /// Reads a JWK Set that somebody publishes for all the world, as at a `jwks_uri`.
    ///
    /// Here every key that cannot be used is passed over and [listed](Self::ignored), the weak
    /// and the malformed too: one bad key of theirs must not shut all their users out of here.
    /// So are symmetric and private keys, which were published to whoever signs with them, and
    /// a key that has the `kid` of one before it.
    ///
    /// # Errors
    /// When the set itself is malformed, or none of its keys can be used.
    pub fn from_published_json(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(KeyError::TextTooLong(text.len()));
        }
        let object = Object::parse(text)?;
        let mut keys: Vec<VerifyingKey> = Vec::new();
        let mut ignored = Vec::new();
        for (index, jwk) in members_of(&object)?.into_iter().map(Value::raw).enumerate() {
            let is_taken = |key: &VerifyingKey| {
                let named = |other: &VerifyingKey| other.key_id() == key.key_id();
                key.key_id().is_some() && keys.iter().any(named)
            };
            match VerifyingKey::from_public_jwk(jwk) {
                Ok(key) if is_taken(&key) => {
                    let key_id = key.key_id().unwrap_or_default().to_owned();
                    let reason = KeyError::DuplicateKeyId(key_id);
                    ignored.push(IgnoredKey { index, reason });
                }
                Ok(key) => keys.push(key),
                Err(reason) => ignored.push(IgnoredKey { index, reason }),
            }
        }
        Self::of(keys, ignored)
    }

    fn of(keys: Vec<VerifyingKey>, ignored: Vec<IgnoredKey>) -> Result<Self, KeyError> {
        if keys.is_empty() {
            return Err(KeyError::NoUsableKey);
        }
        if keys.len() > MAX_KEYS {
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

/// The keys of a set, of which there are not too many.
fn members_of<'t>(object: &'t Object<&str>) -> Result<Vec<Value<'t>>, KeyError> {
    let keys = object.get("keys").ok_or(KeyError::MissingMember("keys"))?;
    let keys = keys.as_array().ok_or(KeyError::MalformedMember("keys"))?;
    if keys.len() > MAX_KEYS {
        return Err(KeyError::TooManyKeys(keys.len()));
    }
    Ok(keys)
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        Self {
            keys: vec![key],
            ignored: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Algorithm, SigningKey};
    use super::*;
    use serde_json::{Value, json};

    fn public(key_id: &str) -> Value {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let key = key.with_key_id(key_id).verifying_key();
        key.to_public_jwk().unwrap()
    }

    fn changed(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    #[test]
    fn of_a_published_set_what_is_bad_is_passed_over() {
        let secret = json!({"kty": "oct", "k": "A".repeat(64), "kid": "secret"});
        let keys = json!({ "keys": [
            public("good"),
            secret,
            changed(public("private"), "d", json!("A")),
            changed(public("malformed"), "x", json!("AA")),
            changed(public("encrypts"), "use", json!("enc")),
            public("good"),
            public("other"),
            "no key",
        ]});
        let set = KeySet::from_published_json(&keys.to_string()).unwrap();
        let names: Vec<_> = set.keys().iter().map(VerifyingKey::key_id).collect();
        assert_eq!(names, [Some("good"), Some("other")]);
        let codes: Vec<_> = set
            .ignored()
            .iter()
            .map(|it| (it.index, it.reason.code()))
            .collect();
        assert_eq!(
            codes,
            [
                (1, "key_published_secret"),
                (2, "key_published_secret"),
                (3, "key_member_length"),
                (4, "key_not_for_this"),
                (5, "key_set_duplicate_kid"),
                (7, "json_not_an_object"),
            ]
        );
    }

    #[test]
    fn a_published_set_without_a_good_key_is_none() {
        let many = json!({"keys": vec![public("x"); MAX_KEYS + 1]}).to_string();
        let long = format!("{{\"keys\": [\"{}\"]}}", "x".repeat(MAX_TEXT_LEN));
        let lone = public("x").to_string();
        for (name, text, expected) in [
            ("empty", r#"{"keys": []}"#, "key_set_no_usable_key"),
            ("bad alone", r#"{"keys": [{}]}"#, "key_set_no_usable_key"),
            ("a key", &lone, "key_member_missing"),
            ("no list", r#"{"keys": {}}"#, "key_member_malformed"),
            (
                "twice",
                r#"{"keys": [], "keys": []}"#,
                "json_duplicate_member",
            ),
            ("many", &many, "key_set_too_many_keys"),
            ("long", &long, "key_text_too_long"),
        ] {
            let error = KeySet::from_published_json(text).unwrap_err();
            assert_eq!(error.code(), expected, "{name}");
        }
    }
}
